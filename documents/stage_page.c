/*
 * Conditions, orders and pages: $match, $sort, $skip, $limit, $sample.  What
 * follows a $sort and says a page is part of the same SELECT, so that
 * PostgreSQL keeps no more rows than the page has.
 */
#include "documents/stage_source.h"

const json_t *
stage_peek(const struct pipe *p, const char *name)
{
	const json_t *one = json_array_get(p->stages, p->at);

	return json_object_size(one) == 1 ? json_object_get(one, name) : NULL;
}

int
stage_take(struct pipe *p)
{
	p->at++;
	return stage_count(p);
}

int
stage_read_match(struct pipe *p, const json_t *v, struct query **ret)
{
	int r;

	if (!json_is_object(v))
		return stage_wrong(p,
			"the match filter must be an expression in an object");
	r = query_parse_vars(ret, v, p->names, p->arena, p->b->now_ms, p->why);
	if (r == 0 && query_near(*ret))
		return stage_wrong(p, "$geoNear, $near, and $nearSphere are "
				      "not allowed in $match: begin the "
				      "pipeline with $geoNear");
	return r;
}

/* {"$meta": "textScore"}: a path without steps. */
static bool
is_score(const json_t *v)
{
	const json_t *meta = json_object_get(v, "$meta");

	return json_is_string(meta) &&
	       strcmp(json_string_value(meta), "textScore") == 0;
}

static int
read_way(struct pipe *p, const json_t *v, bool *descends)
{
	int64_t way;

	if (value_int(v, -1, 1, &way, NULL) < 0 || way == 0)
		return stage_wrong(p, "$sort key ordering must be 1 (for "
				      "ascending) or -1 (for descending)");
	*descends = way < 0;
	return 0;
}

int
stage_read_order(struct pipe *p, const json_t *v, struct sql_order *order,
	unsigned *count)
{
	const char *name;
	json_t *way;
	int r = 0;

	if (!json_is_object(v))
		return stage_wrong(
			p, "the $sort key specification must be an object");
	if (json_object_size(v) == 0 || json_object_size(v) > SQL_ORDER_TOP)
		return stage_wrong(p, "$sort stage must have 1 to %d sort keys",
			SQL_ORDER_TOP);
	*count = 0;
	json_object_foreach ((json_t *)(uintptr_t)v, name, way) {
		struct sql_order *o = &order[*count];

		if (is_score(way)) {
			*o = (struct sql_order){.descends = true};
			(*count)++;
			continue;
		}
		r = read_way(p, way, &o->descends);
		if (r == 0)
			r = path_parse(
				&o->path, slice_str(name), p->arena, p->why);
		if (r < 0)
			return r;
		/* as if nobody had one */
		if (!p->hides_openid || !path_starts(&o->path, "_openid"))
			(*count)++;
	}
	return 0;
}

static int
read_number(struct pipe *p, const json_t *v, const char *name, int64_t least,
	int64_t *ret)
{
	if (value_int(v, least, INT64_MAX / 4, ret, NULL) == 0)
		return 0;
	return stage_wrong(p,
		"invalid argument to %s stage: a %s whole number "
		"is needed",
		name, least ? "positive" : "non-negative");
}

/* The $skip and $limit that follow, as one page. */
int
stage_read_page(struct pipe *p, struct stage_source *to)
{
	const json_t *v;
	int64_t n;
	int r = 0;

	while (r == 0) {
		if ((v = stage_peek(p, "$skip"))) {
			r = read_number(p, v, "$skip", 0, &n);
			to->skip = min(to->skip + n, INT64_MAX / 4);
			if (r == 0 && to->has_limit)
				to->limit = max(to->limit - n, (int64_t)0);
		} else if ((v = stage_peek(p, "$limit"))) {
			r = read_number(p, v, "$limit", 1, &n);
			to->limit = to->has_limit ? min(to->limit, n) : n;
			to->has_limit = true;
		} else {
			break;
		}
		if (r == 0)
			r = stage_take(p);
	}
	return r;
}

void
stage_put_page(struct pipe *p, const struct stage_source *src)
{
	if (src->has_limit) {
		sql_add(p->s, " LIMIT ");
		sql_param_i64(p->s, src->limit);
	}
	if (src->skip) {
		sql_add(p->s, " OFFSET ");
		sql_param_i64(p->s, src->skip);
	}
}

/* " ORDER BY …" over columns doc and _id, or a whole doc. */
void
stage_put_order(struct pipe *p, const struct sql_order *order, unsigned count)
{
	struct sql *s = p->s;

	sql_add(s, " ORDER BY ");
	for (unsigned i = 0; i < count; i++) {
		const struct path *path = &order[i].path;

		sql_add(s, i ? ", " : "");
		if (path->count == 0) {
			sql_add(s, p->scored ? "score DESC" : "NULL::int");
			continue;
		}
		if (!p->whole && path->count == 1 && path_starts(path, "_id")) {
			sql_add(s, "mpcloud.key(coalesce(doc -> '_id', "
				   "to_jsonb(_id)))");
			sql_add(s, order[i].descends ? " DESC" : "");
			continue;
		}
		sql_add(s, "mpcloud.key_at(doc, ");
		sql_param_path(s, path);
		sql_add(s, order[i].descends ? ", TRUE) DESC" : ", FALSE)");
	}
	sql_add(s, count ? "" : "1");
}

/* A match that is not among the first stages. */
int
stage_put_match(struct pipe *p, const json_t *v)
{
	struct sql_from from;
	struct query *q;
	unsigned n;
	int r = stage_read_match(p, v, &q);

	if (r == 0)
		r = access_query(
			q, p->b->info, &p->b->req->scope, p->arena, p->why);
	if (r < 0)
		return r;
	stage_settle(p);
	from = stage_document(p);
	n = stage_open(p);
	sql_add(p->s, "SELECT *");
	stage_from(p);
	sql_add(p->s, " WHERE ");
	sql_query(p->s, q, &from);
	stage_close(p, n);
	return 0;
}

static int
put_all_rows(struct pipe *p, const struct stage_source *src)
{
	unsigned n;

	n = stage_open(p);
	sql_add(p->s, "SELECT *");
	stage_from(p);
	if (src->orders)
		stage_put_order(p, src->order, src->orders);
	stage_put_page(p, src);
	stage_close(p, n);
	return 0;
}

int
stage_put_sort(struct pipe *p, const json_t *v)
{
	struct stage_source src = {0};
	int r = stage_read_order(p, v, src.order, &src.orders);

	if (r == 0)
		r = stage_read_page(p, &src);
	p->sorted = true;
	return r < 0 ? r : put_all_rows(p, &src);
}

static int
put_page_stage(struct pipe *p)
{
	struct stage_source src = {0};
	int r;

	p->at--; /* this one too */
	--*p->count;
	r = stage_read_page(p, &src);
	return r < 0 ? r : put_all_rows(p, &src);
}

int
stage_put_skip(struct pipe *p, const json_t *v)
{
	(void)v;
	return put_page_stage(p);
}

int
stage_put_limit(struct pipe *p, const json_t *v)
{
	(void)v;
	return put_page_stage(p);
}

int
stage_put_sample(struct pipe *p, const json_t *v)
{
	int64_t size;
	unsigned n;

	if (json_object_size(v) != 1 || value_int(json_object_get(v, "size"), 1,
						INT64_MAX / 4, &size, NULL) < 0)
		return stage_wrong(p, "$sample takes {size: a positive whole "
				      "number}");
	n = stage_open(p);
	sql_add(p->s, "SELECT *");
	stage_from(p);
	sql_add(p->s, " ORDER BY random() LIMIT ");
	sql_param_i64(p->s, size);
	stage_close(p, n);
	p->sorted = false;
	return 0;
}
