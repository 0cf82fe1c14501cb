/*
 * Change what fits, or make a document when nothing does.
 *
 * By _id alone that is one INSERT … ON CONFLICT, so that of any number of
 * callers at once each finds the document or makes it.  By another condition
 * two callers may each make one, as in MongoDB; a unique index prevents it.
 */
#include "documents/doc_change.h"

#include "documents/sql_from.h"

const json_t *
doc_upsert_id(const struct doc_request *req)
{
	static const char *const operators[] = {"$set", "$setOnInsert"};
	const json_t *id = update_start_id(req->query);

	if (!id)
		id = json_object_get(req->data, "_id");
	for (size_t i = 0; i < array_size(operators) && req->merge && !id; i++)
		id = json_object_get(
			json_object_get(req->data, operators[i]), "_id");
	return id;
}

/* What is made begins with what the condition demands, or is the replacement;
 * an _id of another type than text stands in it. */
static int
put_start(struct doc_change *c, struct doc_build *b)
{
	const json_t *id = doc_upsert_id(b->req);
	_json_ json_t *start =
		b->req->merge ? json_object()
			      : json_copy((json_t *)(uintptr_t)b->req->data);
	int r = 0;

	if (b->req->merge)
		r = update_start(start, b->req->query, b->arena, b->why);
	if (r == 0 && id &&
		json_object_set(start, "_id", (json_t *)(uintptr_t)id) < 0)
		r = fault_set(b->why, ERR_DB_PARAM, "_id is not valid");
	return r < 0 ? r
		     : value_put_doc(&c->start, start, NULL, b->now_ms, b->why);
}

/* Who may change one need not be one who may make one: then he is refused
 * where one would be made. */
static int
ask_may_make(struct doc_build *b)
{
	struct query *none = arena_new(b->arena, struct query);
	int r = access_where(&b->made, b->info, ACCESS_CREATE, &b->req->scope,
		b->req->data, b->arena, b->now_ms, b->why);

	none->op = QUERY_NONE;
	if (r == ERR_DB_DENIED)
		b->made = none;
	return r == ERR_DB_DENIED ? 0 : r;
}

int
doc_upsert_parse(struct doc_change *c, struct doc_build *b)
{
	const struct update_ask ask = {
		.data = b->req->data,
		.query = b->req->query,
		.array_filters = b->req->array_filters,
		.makes = true,
	};
	int r = 0;

	if (c->id.len && !slice_eq(c->id, slice_str(b->ids[0])))
		return fault_set(b->why, ERR_DB_PARAM,
			"Performing an update on the path '_id' would modify "
			"the immutable field '_id'");
	if (!b->made)
		r = ask_may_make(b);
	if (r == 0 && b->req->merge)
		r = update_parse(&c->made, &ask, b->arena, b->now_ms, b->why);
	return r < 0 ? r : put_start(c, b);
}

/* The document that is made, as n (k, d). */
static void
add_made(struct doc_build *b, const struct doc_change *c)
{
	struct sql *s = b->sql;
	char from[40];

	sql_add(s, "(SELECT ");
	sql_param(s, slice_str(b->ids[0]), "text");
	sql_add(s, " AS k, ");
	if (c->made) {
		char *copy = arena_str(s->arena, buf_all(&c->start));

		(void)snprintf(from, sizeof(from), "$%d::jsonb",
			sql_hold(s, slice_of(copy, c->start.len)));
		sql_update(s, c->made, from);
	} else {
		sql_param_buf(s, &c->start, "jsonb");
	}
	if (!b->req->scope.admin) {
		sql_add(s, " || jsonb_build_object('_openid', ");
		sql_param(s, slice_str(b->req->scope.openid), "text");
		sql_add(s, ")");
	}
	sql_add(s, " AS d) n");
}

static void
add_insert(struct doc_build *b, const struct doc_change *c)
{
	sql_add(b->sql, "INSERT INTO ");
	buf_slice(&b->sql->text, b->coll.quoted);
	sql_add(b->sql, " AS o (_id, doc) SELECT n.k, n.d FROM ");
	add_made(b, c);
}

/* The condition is {_id: …} and nothing else. */
static bool
is_only_id(const struct query *q)
{
	struct slice id;

	while (q->op == QUERY_AND && q->parts && !q->parts->next)
		q = q->parts;
	return q->op == QUERY_EQ && query_id(q, &id);
}

/* When it is there already: changed if he may, else nothing happens. */
static void
add_on_conflict(struct doc_build *b, const struct doc_change *c)
{
	const struct sql_from from = {.doc = "o.doc", .id = "o._id"};

	sql_add(b->sql, " ON CONFLICT (_id) DO UPDATE SET doc = ");
	doc_sql_new(b, c, "o.doc", "o._id");
	if (!b->req->scope.admin) {
		sql_add(b->sql, " WHERE ");
		sql_query(b->sql, b->allowed, &from);
	}
}

/* One row: the document, made or not; none when it is somebody else's. */
static void
add_by_id(struct doc_build *b, const struct doc_change *c)
{
	struct sql *s = b->sql;

	if (b->req->tx)
		doc_sql_lock(b, false);
	else
		sql_add(s, "WITH held AS (SELECT 1)");
	sql_add(s, ", done AS (");
	add_insert(b, c);
	if (b->req->tx)
		sql_add(s, ", (SELECT count(*) FROM held) h");
	if (!b->req->scope.admin) {
		sql_add(s, " WHERE ");
		doc_sql_may_make(b, b->made);
	}
	add_on_conflict(b, c);
	sql_add(s, " RETURNING o._id, o.doc, xmax = 0 AS made)");
}

/* Change what fits; when nothing did, make one. */
static void
add_by_condition(struct doc_build *b, const struct doc_change *c)
{
	struct sql *s = b->sql;

	if (b->req->tx)
		doc_sql_lock(b, doc_change_is_multi(b));
	else
		sql_add(s, "WITH held AS (SELECT 1)");
	sql_add(s, ", hit AS (");
	doc_sql_change(b, c);
	sql_add(s, " RETURNING _id, doc), new AS (");
	add_insert(b, c);
	sql_add(s, " WHERE NOT EXISTS (SELECT 1 FROM hit)");
	if (!b->req->scope.admin) {
		sql_add(s, " AND ");
		doc_sql_may_make(b, b->made);
	}
	/* somebody else's, or made this moment */
	if (is_only_id(b->where))
		add_on_conflict(b, c);
	sql_add(s,
		" RETURNING o._id, o.doc, xmax = 0 AS made), done AS (SELECT "
		"_id, doc, FALSE AS made FROM hit UNION ALL SELECT _id, doc, "
		"made FROM new)");
}

/* Who may always make one needs no second look when it is there. */
static bool
is_simple(const struct doc_build *b)
{
	return is_only_id(b->where) &&
	       (b->req->scope.admin || b->made->op == QUERY_ALL);
}

void
doc_sql_upsert(struct doc_build *b, const struct doc_change *c)
{
	struct sql *s = b->sql;

	if (is_simple(b))
		add_by_id(b, c);
	else
		add_by_condition(b, c);
	if (b->req->verb == DOC_UPDATE_RETURN) {
		sql_add(s, " SELECT ");
		doc_sql_row(b, "_id", "doc");
		sql_add(s, ", made FROM done");
	} else {
		sql_add(s, " SELECT bool_or(made), count(*) FROM done "
			   "HAVING count(*) > 0");
	}
}
