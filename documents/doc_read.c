/*
 * SELECT.  The server sends _id and the document's text; the answer is spliced
 * from the two without parsing.
 *
 * Without an order of its own a list comes in the order of _id, which for ids
 * made by us is the order of insertion: pages that follow one another neither
 * overlap nor leave gaps.
 */
#include "documents/doc_sql.h"
#include "documents/plan.h"
#include "documents/project.h"
#include "documents/query_sql.h"
#include "documents/sql_from.h"

/* What is asked for, before it becomes SQL. */
struct page {
	struct sql_order order[SQL_ORDER_TOP];
	unsigned count;
	struct project *project;  /* or NULL */
	const struct query *near; /* its distance is the order, or NULL */
	int64_t skip, limit;
	struct slice id;
	bool is_one; /* `id` is asked for */
};

void
doc_sql_fresh(struct doc_build *b, const struct coll_info *info)
{
	struct sql *s = b->sql;

	sql_add(s, "(SELECT mpcloud.fresh(");
	sql_param(s, slice_str(info->coll.env), "text");
	sql_add(s, ", ");
	sql_param(s, info->coll.name, "text");
	sql_add(s, ", ");
	sql_param_i64(s, info->version);
	sql_add(s, "))");
}

/* A new AND of both; what stands in it is copied, for a node is on one list. */
static struct query *
join(struct doc_build *b, const struct query *a, const struct query *c)
{
	struct query *all = arena_new(b->arena, struct query);
	struct query *first = arena_new(b->arena, struct query);
	struct query *second = arena_new(b->arena, struct query);

	*first = *a;
	*second = *c;
	first->next = second;
	second->next = NULL;
	all->op = QUERY_AND;
	all->parts = first;
	return all;
}

/* Parts of the condition's AND that can raise an error, or those that cannot.
 */
static struct query *
sift(struct doc_build *b, const struct query *q, bool raising)
{
	struct query *all = arena_new(b->arena, struct query);
	struct query **end = &all->parts;

	all->op = QUERY_AND;
	if (q->op != QUERY_AND) {
		if (query_can_raise(q) == raising) {
			*end = arena_new(b->arena, struct query);
			**end = *q;
			(*end)->next = NULL;
		}
		return all;
	}
	for (const struct query *at = q->parts; at; at = at->next) {
		if (query_can_raise(at) != raising)
			continue;
		*end = arena_new(b->arena, struct query);
		**end = *at;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return all;
}

/* The statement is of today: asked once and before any row, so that one made of
 * what was true a moment ago is refused even by an empty collection. */
static void
add_fresh(struct doc_build *b)
{
	sql_add(b->sql, " WHERE ");
	if (b->req->scope.admin)
		return;
	doc_sql_fresh(b, b->info);
	sql_add(b->sql, " AND ");
}

/* CASE looks at its condition first, which AND need not: so an expression's
 * error cannot tell of documents that the caller may not see, and the whole
 * condition is asked again of a row that somebody else just changed. */
static void
add_guarded(struct doc_build *b, const struct sql_from *from)
{
	struct query *calm = join(b, b->allowed, sift(b, b->where, false));
	struct sql_from plain = *from;
	struct sql *s = b->sql;

	plain.info = NULL;
	sql_query(s, calm, from);
	sql_add(s, " AND CASE WHEN ");
	sql_query(s, calm, &plain);
	sql_add(s, " THEN ");
	sql_query(s, sift(b, b->where, true), &plain);
	sql_add(s, " ELSE FALSE END");
}

static bool
must_guard(const struct doc_build *b)
{
	return !b->req->scope.admin && query_can_raise(b->where);
}

void
doc_sql_where(struct doc_build *b)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = b->loose ? NULL : b->info};

	add_fresh(b);
	if (must_guard(b))
		add_guarded(b, &from);
	else if (b->req->scope.admin)
		sql_query(b->sql, b->where, &from);
	else
		sql_query(b->sql, join(b, b->allowed, b->where), &from);
}

static int
add_sort(struct doc_build *b, struct page *l, struct slice name, bool descends)
{
	struct sql_order *o = &l->order[l->count++];
	int r = path_parse(&o->path, name, b->arena, b->why);

	o->descends = descends;
	if (r < 0)
		return r;
	if (!access_shows_openid(b->info, &b->req->scope) &&
		path_starts(&o->path, "_openid"))
		return fault_set(b->why, ERR_DB_DENIED,
			"a list cannot be ordered by _openid");
	return 0;
}

/* 1, -1, "asc" or "desc" */
static int
read_way(struct doc_build *b, const json_t *v, bool *descends)
{
	const char *word = json_string_value(v);
	int64_t way = 0;

	if (word && (strcmp(word, "asc") == 0 || strcmp(word, "desc") == 0)) {
		*descends = word[0] == 'd';
		return 0;
	}
	if (value_int(v, -1, 1, &way, NULL) < 0 || way == 0)
		return fault_set(b->why, ERR_DB_PARAM,
			"an order is 1 or -1, \"asc\" or \"desc\"");
	*descends = way < 0;
	return 0;
}

/* {"a": 1, "b": -1} */
static int
read_order_object(struct doc_build *b, struct page *l, const json_t *order)
{
	const char *name;
	json_t *v;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)order, name, v) {
		bool descends = false;

		r = read_way(b, v, &descends);
		if (r == 0)
			r = add_sort(b, l, slice_str(name), descends);
		if (r < 0)
			return r;
	}
	return 0;
}

/* [{"field": "a", "direction": "desc"}] */
static int
read_order_list(struct doc_build *b, struct page *l, const json_t *order)
{
	json_t *item;
	size_t i;

	json_array_foreach (order, i, item) {
		const json_t *field = json_object_get(item, "field");
		const json_t *way = json_object_get(item, "direction");
		bool descends = false;
		int r = way ? read_way(b, way, &descends) : 0;

		if (r == 0 && !json_is_string(field))
			r = fault_set(b->why, ERR_DB_PARAM,
				"an order is a list of fields and directions");
		if (r == 0)
			r = add_sort(b, l,
				slice_of(json_string_value(field),
					json_string_length(field)),
				descends);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_order(struct doc_build *b, struct page *l)
{
	const json_t *order = b->req->order;

	if (json_object_size(order) + json_array_size(order) > SQL_ORDER_TOP)
		return fault_set(b->why, ERR_DB_PARAM,
			"an order may have %d fields", SQL_ORDER_TOP);
	if (json_is_object(order))
		return read_order_object(b, l, order);
	if (json_is_array(order))
		return read_order_list(b, l, order);
	if (order && !json_is_null(order))
		return fault_set(b->why, ERR_DB_PARAM,
			"an order is an object or a list");
	return 0;
}

static int
read_projection(struct doc_build *b, struct page *l)
{
	const struct project_ask ask = {.v = b->req->projection,
		.query = b->req->query,
		.arena = b->arena,
		.now_ms = b->now_ms,
		.hides_openid = !access_shows_openid(b->info, &b->req->scope)};
	int r;

	if (!ask.v || json_is_null(ask.v)) {
		_json_ json_t *all = json_object();
		struct project_ask none = ask;

		none.v = all;
		return project_parse(&l->project, &none, b->why);
	}
	r = project_parse(&l->project, &ask, b->why);
	if (r == 0)
		b->without_id = project_without_id(l->project);
	return r;
}

/* Above the operator's ceiling a limit is the ceiling, as CloudBase has it. */
static int
read_list(struct doc_build *b, struct page *l)
{
	const struct doc_limits *limits = &b->docs->limits;
	int r = read_order(b, l);

	if (r == 0)
		r = read_projection(b, l);
	l->skip = max(b->req->skip, (int64_t)0);
	l->limit = b->req->limit < 0 ? limits->limit_preset : b->req->limit;
	l->limit = min(l->limit, limits->limit_top);
	l->is_one = query_id(b->where, &l->id);
	if (l->count == 0)
		l->near = query_near(b->where);
	return r;
}

/* "key, document" as an answer's row has them. */
static void
add_columns(struct doc_build *b, const struct page *l)
{
	const struct sql_from from = {.doc = "doc", .id = "_id"};

	sql_add(b->sql, "SELECT CASE WHEN jsonb_exists(doc, '_id') THEN NULL "
			"ELSE _id END AS k, ");
	sql_project(b->sql, l->project, &from);
	sql_add(b->sql, b->with_key ? " AS d, _id AS i" : " AS d");
}

static void
add_table(struct doc_build *b)
{
	sql_add(b->sql, " FROM ");
	buf_slice(&b->sql->text, b->coll.quoted);
}

static void
add_order(struct doc_build *b, const struct page *l)
{
	const struct sql_from from = {.doc = "doc", .id = "_id"};
	struct sql *s = b->sql;

	sql_add(s, " ORDER BY ");
	if (l->near) {
		sql_query_distance(s, l->near, &from);
		sql_add(s, ", ");
	}
	for (unsigned i = 0; i < l->count; i++) {
		const struct sql_order *o = &l->order[i];

		if (o->path.count == 1 && path_starts(&o->path, "_id")) {
			sql_add(s, o->descends ? "_id DESC, " : "_id, ");
			continue;
		}
		sql_add(s, "mpcloud.key_at(doc, ");
		sql_param_path(s, &o->path);
		sql_add(s, o->descends ? ", TRUE) DESC, " : ", FALSE), ");
	}
	sql_add(s, "_id");
}

/* The same by the columns o1, o2 … of a page. */
static void
add_page_order(struct doc_build *b, const struct page *l)
{
	sql_add(b->sql, " ORDER BY ");
	for (unsigned i = 0; i < l->count; i++)
		buf_printf(&b->sql->text, "o%u%s, ", i + 1,
			l->order[i].descends ? " DESC" : "");
	sql_add(b->sql, "_id");
}

/* In the order of an index, where one has it.  False: nothing was added. */
static bool
add_indexed(struct doc_build *b, const struct page *l)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = b->info};
	struct query *all =
		b->req->scope.admin ? b->where : join(b, b->allowed, b->where);
	struct sql *s = b->sql;
	size_t len = s->text.len;

	if (l->count == 0 || l->is_one || must_guard(b))
		return false;
	sql_add(s, " FROM ");
	if (!sql_plan_ordered(
		    s, all, l->order, l->count, l->skip + l->limit, &from)) {
		s->text.len = len;
		s->text.ptr[len] = '\0';
		return false;
	}
	if (!b->req->scope.admin) {
		sql_add(s, " WHERE ");
		doc_sql_fresh(b, b->info);
	}
	add_page_order(b, l);
	return true;
}

static void
add_rows(struct doc_build *b, const struct page *l)
{
	add_columns(b, l);
	if (!add_indexed(b, l)) {
		add_table(b);
		doc_sql_where(b);
		if (!l->is_one)
			add_order(b, l);
	}
	sql_add(b->sql, " LIMIT ");
	sql_param_i64(b->sql, l->limit);
	if (l->skip > 0) {
		sql_add(b->sql, " OFFSET ");
		sql_param_i64(b->sql, l->skip);
	}
}

/* The total comes as a row of its own behind the others, because a page beyond
 * the end has none. */
static int
add_total(struct doc_build *b, const struct page *l)
{
	sql_add(b->sql, "SELECT k, d, NULL::bigint FROM (");
	add_rows(b, l);
	sql_add(b->sql, ") AS rows UNION ALL SELECT NULL, NULL, count(*)");
	add_table(b);
	doc_sql_where(b);
	return 0;
}

int
doc_sql_find(struct doc_build *b)
{
	struct page l = {0};
	int r = read_list(b, &l);

	if (r < 0)
		return r;
	if (b->req->want_total)
		return add_total(b, &l);
	add_rows(b, &l);
	return 0;
}

int
doc_sql_count(struct doc_build *b)
{
	sql_add(b->sql, "SELECT count(*)");
	add_table(b);
	doc_sql_where(b);
	return 0;
}
