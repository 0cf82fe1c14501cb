/*
 * Where a pipeline begins: a collection's table, with the conditions, the
 * order and the page that the first stages ask for said on the table's own
 * columns, so that its indexes are used.
 *
 * A user's statement never lets a condition that can raise an error look at a
 * document that he may not see: the permission and the conditions that cannot
 * are inside a subselect that ends with OFFSET 0, the others outside.
 */
#include "documents/stage_source.h"
#include "documents/index.h"

/* A page in the order of an index is cut off inside; a longer one is sorted. */
enum { PAGE_TOP = 100000 };

static struct query *
new_and(struct pipe *p)
{
	struct query *q = arena_new(p->arena, struct query);

	q->op = QUERY_AND;
	return q;
}

static void
append(struct query *all, struct query *part)
{
	struct query **at = &all->parts;

	while (*at)
		at = &(*at)->next;
	*at = part;
}

/* Its parts, sorted by whether they can raise an error. */
static void
sort_parts(struct pipe *p, struct query *q, struct stage_source *to)
{
	struct query *next;

	if (q->op != QUERY_AND || !query_can_raise(q)) {
		append(query_can_raise(q) ? to->raising : to->total, q);
		return;
	}
	for (struct query *at = q->parts; at; at = next) {
		next = at->next;
		at->next = NULL;
		sort_parts(p, at, to);
	}
}

static int
read_matches(
	struct pipe *p, const struct coll_info *info, struct stage_source *to)
{
	const json_t *v;
	struct query *q;
	int r = 0;

	while (r == 0 && (v = stage_peek(p, "$match"))) {
		r = stage_read_match(p, v, &q);
		if (r == 0)
			r = access_query(
				q, info, &p->b->req->scope, p->arena, p->why);
		if (r < 0)
			return r;
		sort_parts(p, q, to);
		r = stage_take(p);
	}
	return r;
}

/* Stages that give their rows in the order in which they get them. */
static bool
is_streaming(const char *name)
{
	static const char *const names[] = {"$addFields", "$graphLookup",
		"$lookup", "$match", "$project", "$redact", "$replaceRoot",
		"$replaceWith", "$set", "$unset", "$unwind"};

	for (size_t i = 0; i < array_size(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Does an accumulator look at the order? */
static bool
group_looks(const json_t *v)
{
	static const char *const names[] = {"$first", "$last", "$push",
		"$firstN", "$lastN", "$mergeObjects"};
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		for (size_t i = 0; i < array_size(names); i++)
			if (json_object_get(item, names[i]))
				return true;
	}
	return false;
}

/* Documents come in the order of _id when somebody would see another one. */
static bool
needs_order(const struct pipe *p)
{
	for (size_t i = p->at; i < json_array_size(p->stages); i++) {
		const json_t *one = json_array_get(p->stages, i);
		void *at = json_object_iter((json_t *)(uintptr_t)one);
		const char *name = at ? json_object_iter_key(at) : "";
		const json_t *v = at ? json_object_iter_value(at) : NULL;

		if (is_streaming(name))
			continue;
		if (strcmp(name, "$group") == 0)
			return group_looks(v);
		if (strcmp(name, "$bucket") == 0 ||
			strcmp(name, "$bucketAuto") == 0)
			return group_looks(json_object_get(v, "output"));
		return strcmp(name, "$limit") == 0 ||
		       strcmp(name, "$skip") == 0 ||
		       strcmp(name, "$facet") == 0 ||
		       strcmp(name, "$unionWith") == 0;
	}
	return true;
}

/* Later stages that drop documents by what could raise an error. */
static bool
filters_later(const struct pipe *p)
{
	for (size_t i = p->at; i < json_array_size(p->stages); i++) {
		const json_t *one = json_array_get(p->stages, i);

		if (json_object_get(one, "$match") ||
			json_object_get(one, "$redact"))
			return true;
	}
	return false;
}

static void
put_table(struct pipe *p, const struct coll_info *info)
{
	buf_slice(&p->s->text, info->coll.quoted);
	sql_add(p->s, " WHERE ");
	if (p->b->req->scope.admin)
		return;
	doc_sql_fresh(p->b, info);
	sql_add(p->s, " AND ");
}

int
stage_put_table(struct pipe *p, const struct coll_info *info)
{
	const struct sql_from from = {.doc = "doc", .id = "_id", .info = info};
	struct query *allowed;
	int r = access_where(&allowed, info, ACCESS_READ, &p->b->req->scope,
		NULL, p->arena, p->b->now_ms, p->why);

	if (r < 0)
		return r;
	if (info->version == 0) {
		sql_add(p->s, "SELECT _id, doc FROM (SELECT NULL::text AS _id, "
			      "NULL::jsonb AS doc) none WHERE FALSE");
		return 0;
	}
	sql_add(p->s, "SELECT _id, doc FROM ");
	put_table(p, info);
	sql_query(p->s, allowed, &from);
	return 0;
}

static bool
is_user(const struct pipe *p)
{
	return !p->b->req->scope.admin;
}

/* An array's key is above all others: see db/index.h. */
static void
put_key_equal(struct pipe *p, const struct index_field *index,
	const struct expr *value, const struct sql_from *from)
{
	struct buf *to = &p->s->text;

	buf_printf(to, " AND (%.*s(doc) = mpcloud.key(", SLICE_ARG(index->key));
	sql_expr(p->s, value, from);
	buf_printf(to, ") OR %.*s(doc) >= '[200, null]'::jsonb)",
		SLICE_ARG(index->key));
}

/* {"$expr": {"$eq": ["$_id", "$$uid"]}}: the key is known, so that a look at
 * an index finds it; the expression is asked nevertheless. */
static void
put_demands(struct pipe *p, const struct coll_info *info, const struct expr *e,
	const struct sql_from *from)
{
	const struct index_field *index;
	const struct expr *value;
	const struct path *path;

	for (unsigned i = 0; (value = expr_demands(e, i, &path)); i++) {
		index = stage_index(info, path);
		if (path->count == 1 && path_starts(path, "_id")) {
			sql_add(p->s, " AND _id = mpcloud.id_key(");
			sql_expr(p->s, value, from);
			sql_add(p->s, ")");
		} else if (index && !path->has_index) {
			put_key_equal(p, index, value, from);
		}
	}
}

static void
put_known(struct pipe *p, const struct coll_info *info, const struct query *q,
	const struct sql_from *from)
{
	for (const struct query *at = q->parts; at; at = at->next) {
		if (at->op == QUERY_AND)
			put_known(p, info, at, from);
		else if (at->op == QUERY_EXPR)
			put_demands(p, info, at->expr, from);
	}
}

static void
put_score(struct pipe *p, const struct stage_source *src)
{
	if (!src->text)
		return;
	sql_add(p->s, p->hides_openid ? ", ts_rank(mpcloud.text_vector("
					"mpcloud.text_all(doc - '_openid')), "
				      : ", ts_rank(mpcloud.text_vector("
					"mpcloud.text_all(doc)), ");
	sql_add(p->s, "mpcloud.text_query(");
	sql_param(p->s, src->text->value, "jsonb");
	sql_add(p->s, "))::float8 AS score");
}

static void
put_plain(struct pipe *p, const struct coll_info *info,
	const struct stage_source *src, const struct sql_from *from)
{
	struct sql *s = p->s;
	bool wrapped = src->raising->parts && is_user(p);

	sql_add(s,
		wrapped ? "SELECT * FROM (SELECT _id, doc" : "SELECT _id, doc");
	put_score(p, src);
	sql_add(s, " FROM ");
	put_table(p, info);
	sql_query(s, src->total, from);
	put_known(p, info, src->raising, from);
	if (p->hit.path) {
		sql_add(s, " AND ");
		stage_put_hit(p, info, p->hit.path, p->hit.values, "");
	}
	if (!wrapped && src->raising->parts) {
		const struct sql_from plain = {
			.doc = "doc", .id = "_id", .vars = from->vars};

		sql_add(s, " AND ");
		sql_query(s, src->raising, &plain);
	}
	if (wrapped) {
		const struct sql_from outside = {
			.doc = "doc", .id = "_id", .vars = from->vars};

		sql_add(s, " OFFSET 0) x WHERE ");
		sql_query(s, src->raising, &outside);
	}
}

/* In the order of an index, when there is one. */
static bool
put_ordered(struct pipe *p, const struct stage_source *src,
	const struct coll_info *info, const struct sql_from *from)
{
	struct sql *s = p->s;
	size_t len = s->text.len;
	int count = s->count;

	if (p->hit.path || src->text || !src->has_limit || !src->orders ||
		src->raising->parts || src->limit + src->skip > PAGE_TOP)
		return false;
	for (unsigned i = 0; i < src->orders; i++)
		if (src->order[i].path.count == 0)
			return false;
	sql_add(s, "SELECT _id, doc FROM ");
	if (!sql_plan_ordered(s, src->total, src->order, src->orders,
		    src->skip + src->limit, from)) {
		s->text.len = len;
		s->text.ptr[len] = '\0';
		s->count = count;
		return false;
	}
	if (is_user(p)) {
		sql_add(s, " WHERE ");
		doc_sql_fresh(p->b, info);
	}
	sql_add(s, " ORDER BY ");
	for (unsigned i = 0; i < src->orders; i++)
		buf_printf(&s->text, "o%u%s, ", i + 1,
			src->order[i].descends ? " DESC" : "");
	sql_add(s, "_id");
	return true;
}

/* By _id alone.  Keys of values that are no texts are no texts either, and
 * stand before all others: those few are put in order, the others come from the
 * primary key as they are. */
static void
put_by_id(struct pipe *p, const struct stage_source *src,
	const struct coll_info *info, const struct sql_from *from)
{
	bool descends = src->order[0].descends;
	const char *way = descends ? " DESC" : "";
	struct sql *s = p->s;

	sql_add(s, "SELECT * FROM (");
	for (int i = 0; i < 2; i++) {
		bool texts = (i == 1) != descends;

		sql_add(s, i ? " UNION ALL (" : "(");
		put_plain(p, info, src, from);
		sql_add(s, texts ? " AND _id >= chr(2) ORDER BY _id"
				 : " AND _id < chr(2) ORDER BY "
				   "mpcloud.key(doc -> '_id')");
		sql_add(s, way);
		if (src->has_limit) {
			sql_add(s, " LIMIT ");
			sql_param_i64(s, src->limit + src->skip);
		}
		sql_add(s, ")");
	}
	sql_add(s, ") u");
}

static bool
is_by_id(const struct stage_source *src)
{
	const struct path *path = &src->order[0].path;

	return src->orders == 1 && path->count == 1 && path_starts(path, "_id");
}

static const struct query *
find_text(const struct query *q)
{
	const struct query *found = q->op == QUERY_TEXT ? q : NULL;

	for (const struct query *at = q->parts; at && !found; at = at->next)
		found = q->op == QUERY_AND ? find_text(at) : NULL;
	return found;
}

static int
read_source(
	struct pipe *p, const struct coll_info *info, struct stage_source *src)
{
	struct query *allowed;
	const json_t *v;
	int r = access_where(&allowed, info, ACCESS_READ, &p->b->req->scope,
		NULL, p->arena, p->b->now_ms, p->why);

	src->total = new_and(p);
	src->raising = new_and(p);
	if (r == 0 && is_user(p))
		append(src->total, allowed);
	if (r == 0)
		r = read_matches(p, info, src);
	if (r == 0)
		src->text = find_text(src->total);
	p->scored = src->text != NULL;
	if (r == 0 && (v = stage_peek(p, "$sort"))) {
		r = stage_read_order(p, v, src->order, &src->orders);
		p->sorted = true;
		if (r == 0)
			r = stage_take(p);
	}
	return r < 0 ? r : stage_read_page(p, src);
}

static void
put_rows(struct pipe *p, const struct stage_source *src,
	const struct coll_info *info)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = info, .vars = p->vars};

	if (is_by_id(src)) {
		put_by_id(p, src, info, &from);
	} else if (!put_ordered(p, src, info, &from)) {
		put_plain(p, info, src, &from);
		if (src->orders) {
			stage_put_order(p, src->order, src->orders);
			sql_add(p->s, ", _id");
		} else if (src->has_limit || src->skip || needs_order(p)) {
			sql_add(p->s, " ORDER BY _id");
		}
	}
	stage_put_page(p, src);
	if (is_user(p) && !src->skip && filters_later(p))
		sql_add(p->s, " OFFSET 0");
}

int
stage_put_source(struct pipe *p, const struct coll_info *info)
{
	struct stage_source src = {0};
	unsigned n;
	int r;

	p->whole = false;
	p->info = info;
	p->hides_openid = !access_shows_openid(info, &p->b->req->scope);
	p->sorted = false;
	p->scored = false;
	n = stage_open(p);
	r = read_source(p, info, &src);
	if (r < 0)
		return r;
	if (info->version == 0 && p->is_part)
		sql_add(p->s, "SELECT NULL::text AS _id, NULL::jsonb AS doc "
			      "WHERE FALSE");
	else
		put_rows(p, &src, info);
	p->hit = (struct stage_hit){0};
	stage_close(p, n);
	return 0;
}
