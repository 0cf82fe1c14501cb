/*
 * SELECT.  The server sends _id and the document's text; the answer is spliced
 * from the two without parsing.
 *
 * Without an order of its own a list comes in the order of _id, which for ids
 * made by us is the order of insertion: pages that follow one another neither
 * overlap nor leave gaps.
 */
#include "db/doc_sql.h"
#include "db/sql_from.h"

enum { LIMIT_PRESET = 100, LIMIT_TOP = 1000, ORDER_TOP = 32 };

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

/* What is asked once and before any row, so that a statement made of what was
 * true a moment ago is refused even by an empty collection. */
void
doc_sql_where(struct doc_build *b)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = b->info};
	struct sql *s = b->sql;

	sql_add(s, " WHERE ");
	if (!b->req->scope.admin) {
		doc_sql_fresh(b, b->info);
		sql_add(s, " AND ");
		sql_query(s, b->allowed, &from);
		sql_add(s, " AND ");
	}
	sql_query(s, b->where, &from);
}

static int
add_projection(struct doc_build *b)
{
	const char *doc = access_shows_openid(b->info, &b->req->scope)
				  ? "doc"
				  : "(doc - '_openid')";
	struct project p = {0};
	struct sql *s = b->sql;
	int r = 0;

	if (b->req->projection && !json_is_null(b->req->projection))
		r = project_parse(&p, b->req->projection, b->arena, b->why);
	if (r < 0)
		return r;
	b->without_id = p.without_id;
	if (p.omit.len)
		sql_add(s, "mpcloud.doc_omit(");
	if (p.has_pick)
		sql_add(s, "mpcloud.doc_pick(");
	sql_add(s, doc);
	if (p.has_pick) {
		sql_add(s, ", ");
		sql_param(s, p.pick, "jsonb");
		sql_add(s, ")");
	}
	if (p.omit.len) {
		sql_add(s, ", ");
		sql_param(s, p.omit, "jsonb");
		sql_add(s, ")");
	}
	return 0;
}

static int
add_sort(struct doc_build *b, struct slice name, bool descends)
{
	struct sql *s = b->sql;
	struct path path;
	int r = path_parse(&path, name, b->arena, b->why);

	if (r < 0)
		return r;
	if (!access_shows_openid(b->info, &b->req->scope) &&
		path_starts(&path, "_openid"))
		return fault_set(b->why, ERR_DB_DENIED,
			"a list cannot be ordered by _openid");
	if (path.count == 1 && path_starts(&path, "_id")) {
		sql_add(s, descends ? "_id DESC, " : "_id, ");
		return 0;
	}
	sql_add(s, "mpcloud.sort_at(doc, ");
	sql_param_path(s, &path);
	sql_add(s, descends ? ", TRUE) DESC, " : ", FALSE), ");
	return 0;
}

/* {"a": 1, "b": -1} */
static int
add_order_object(struct doc_build *b, const json_t *order)
{
	const char *name;
	json_t *v;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)order, name, v) {
		int64_t way;

		r = value_int(v, -1, 1, &way, b->why);
		if (r < 0 || way == 0)
			return fault_set(
				b->why, ERR_DB_PARAM, "an order is 1 or -1");
		r = add_sort(b, slice_str(name), way < 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* [{"field": "a", "direction": "desc"}] */
static int
add_order_list(struct doc_build *b, const json_t *order)
{
	json_t *item;
	size_t i;

	json_array_foreach (order, i, item) {
		const json_t *field = json_object_get(item, "field");
		const char *way =
			json_string_value(json_object_get(item, "direction"));
		int r;

		if (!json_is_string(field) ||
			(way && strcmp(way, "asc") && strcmp(way, "desc")))
			return fault_set(b->why, ERR_DB_PARAM,
				"an order is a field and a direction, asc or "
				"desc");
		r = add_sort(b,
			slice_of(json_string_value(field),
				json_string_length(field)),
			way && strcmp(way, "desc") == 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
add_order(struct doc_build *b)
{
	const json_t *order = b->req->order;
	int r = 0;

	sql_add(b->sql, " ORDER BY ");
	if (json_object_size(order) + json_array_size(order) > ORDER_TOP)
		return fault_set(b->why, ERR_DB_PARAM,
			"an order may have %d fields", ORDER_TOP);
	if (json_is_object(order))
		r = add_order_object(b, order);
	else if (json_is_array(order))
		r = add_order_list(b, order);
	else if (order && !json_is_null(order))
		r = fault_set(b->why, ERR_DB_PARAM,
			"an order is an object or a list");
	sql_add(b->sql, "_id");
	return r;
}

static void
add_page(struct doc_build *b)
{
	int64_t limit = b->req->limit;

	sql_add(b->sql, " LIMIT ");
	sql_param_i64(b->sql,
		limit < 0 ? LIMIT_PRESET : min(limit, (int64_t)LIMIT_TOP));
	if (b->req->skip > 0) {
		sql_add(b->sql, " OFFSET ");
		sql_param_i64(b->sql, b->req->skip);
	}
}

static void
add_table(struct doc_build *b)
{
	sql_add(b->sql, " FROM ");
	buf_slice(&b->sql->text, b->coll.quoted);
}

int
doc_sql_find(struct doc_build *b)
{
	struct slice id;
	int r;

	sql_add(b->sql,
		"SELECT CASE WHEN doc ? '_id' THEN NULL ELSE _id END, ");
	r = add_projection(b);
	if (r < 0)
		return r;
	add_table(b);
	doc_sql_where(b);
	if (!query_id(b->where, &id))
		r = add_order(b);
	add_page(b);
	return r;
}

int
doc_sql_count(struct doc_build *b)
{
	sql_add(b->sql, "SELECT count(*)");
	add_table(b);
	doc_sql_where(b);
	return 0;
}
