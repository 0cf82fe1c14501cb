/*
 * INSERT, UPDATE, DELETE.  A change of one document that is not named by its
 * _id picks it in a subselect that locks it, so that of two callers each
 * changes a whole document, never half of one.
 */
#include "db/doc_sql.h"

#include "db/update.h"

enum { DOCS_TOP = 1000, INSERT_TOP = 64 << 20 };

static const char *
stamp_of(const struct doc_build *b)
{
	return b->req->scope.admin ? NULL : b->req->scope.openid;
}

/* Of a document that a client sends. */
static int
check_member(struct doc_build *b, const json_t *doc)
{
	if (!b->req->scope.admin && json_object_get(doc, "_openid"))
		return fault_set(b->why, ERR_DB_DENIED,
			"_openid belongs to the server: it cannot be written");
	return 0;
}

static int
put_doc(struct doc_build *b, struct buf *to, const json_t *doc)
{
	int r = check_member(b, doc);

	return r < 0 ? r
		     : value_put_doc(to, doc, stamp_of(b), b->now_ms, b->why);
}

static int
add_one(struct doc_build *b, const json_t *doc)
{
	_buf_ struct buf text;
	int r;

	buf_init(&text, VALUE_SIZE_TOP + 1024);
	r = put_doc(b, &text, doc);
	sql_add(b->sql, "SELECT ");
	sql_param(b->sql, slice_str(b->ids[0]), "text");
	sql_add(b->sql, ", ");
	sql_param_buf(b->sql, &text, "jsonb");
	return r;
}

/* [["id", {…}], …] as one parameter: the statement is the same for any
 * number. */
static int
add_many(struct doc_build *b, const json_t *docs)
{
	_buf_ struct buf text;
	json_t *doc;
	size_t i;
	int r = 0;

	buf_init(&text, INSERT_TOP);
	json_array_foreach (docs, i, doc) {
		buf_str(&text, i ? ",[" : "[[");
		buf_json(&text, slice_str(b->ids[i]));
		buf_char(&text, ',');
		r = put_doc(b, &text, doc);
		if (r < 0)
			return r;
		buf_char(&text, ']');
	}
	buf_char(&text, ']');
	sql_add(b->sql, "SELECT e ->> 0, e -> 1 FROM jsonb_array_elements(");
	sql_param_buf(b->sql, &text, "jsonb");
	sql_add(b->sql, ") e");
	return 0;
}

int
doc_sql_insert(struct doc_build *b)
{
	const json_t *docs = b->req->data;
	size_t count = json_array_size(docs);
	int r;

	if (count == 0 || count > DOCS_TOP)
		return fault_set(b->why, ERR_DB_PARAM,
			"1 to %d documents can be inserted at once", DOCS_TOP);
	sql_add(b->sql, "INSERT INTO ");
	buf_slice(&b->sql->text, b->coll.quoted);
	sql_add(b->sql, " (_id, doc) ");
	r = count == 1 ? add_one(b, json_array_get(docs, 0))
		       : add_many(b, docs);
	if (r == 0 && !b->req->scope.admin) {
		sql_add(b->sql, " WHERE ");
		doc_sql_fresh(b, b->info);
	}
	return r;
}

/* The documents that the verb means: all that fit, or one. */
static void
add_where(struct doc_build *b, bool multi)
{
	struct slice id;
	struct sql *s = b->sql;

	if (multi || query_id(b->where, &id)) {
		doc_sql_where(b);
		return;
	}
	sql_add(s, " WHERE _id = (SELECT _id FROM ");
	buf_slice(&s->text, b->coll.quoted);
	doc_sql_where(b);
	sql_add(s, " ORDER BY _id LIMIT 1 FOR UPDATE)");
}

int
doc_sql_remove(struct doc_build *b)
{
	sql_add(b->sql, "DELETE FROM ");
	buf_slice(&b->sql->text, b->coll.quoted);
	add_where(b, b->req->multi);
	return 0;
}

/* {"a": 1} of a condition {a: 1, b: {$gt: 2}}: what a document made by an
 * upsert starts with. */
static int
add_start(struct doc_build *b, struct buf *to)
{
	buf_char(to, '{');
	for (const struct query *q = b->where->parts; q; q = q->next) {
		if (q->op != QUERY_EQ || q->path.count != 1 ||
			path_starts(&q->path, "_id"))
			continue;
		if (to->len > 1)
			buf_char(to, ',');
		buf_json(to, q->path.text);
		buf_char(to, ':');
		buf_slice(to, q->value);
	}
	buf_char(to, '}');
	return buf_check(to);
}

/* What a change means: the new document as an expression over the old one. */
struct change {
	struct update *update; /* merge, or */
	struct buf whole;      /* the document that replaces */
};

static int
change_parse(struct change *c, struct doc_build *b)
{
	int r;

	buf_init(&c->whole, VALUE_SIZE_TOP + 1024);
	c->update = NULL;
	if (!b->req->merge) {
		r = check_member(b, b->req->data);
		return r < 0 ? r
			     : value_put_doc(&c->whole, b->req->data, NULL,
				       b->now_ms, b->why);
	}
	r = update_parse(&c->update, b->req->data, b->arena, b->now_ms, b->why);
	if (r == 0 && !b->req->scope.admin)
		r = update_guard(c->update, b->why);
	return r;
}

static void
change_done(struct change *c)
{
	buf_done(&c->whole);
}

/* `doc`: "doc" or "d.doc".  A user's replacement stays his. */
static void
add_change(struct doc_build *b, const struct change *c, const char *doc)
{
	struct sql *s = b->sql;

	if (c->update) {
		sql_update(s, c->update, doc);
		return;
	}
	sql_param_buf(s, &c->whole, "jsonb");
	if (!b->req->scope.admin) {
		sql_add(s, " || jsonb_build_object('_openid', ");
		sql_add(s, doc);
		sql_add(s, " -> '_openid')");
	}
}

/* The document that an upsert makes when there is none. */
static int
add_made(struct doc_build *b, const struct change *c)
{
	_buf_ struct buf start;
	struct sql *s = b->sql;
	int r = 0;

	buf_init(&start, VALUE_SIZE_TOP);
	if (c->update) {
		char from[40], *copy;

		r = add_start(b, &start);
		/* a parameter of its own, named before the expression */
		(void)snprintf(from, sizeof(from), "$%d::jsonb", s->count + 1);
		copy = arena_try(b->arena, start.len);
		if (!copy || s->count >= ASK_PARAMS)
			return ERR_DB_PARAM;
		memcpy(copy, start.ptr, start.len);
		s->param[s->count++] = slice_of(copy, start.len);
		sql_update(s, c->update, from);
	} else {
		sql_param_buf(s, &c->whole, "jsonb");
	}
	if (!b->req->scope.admin) {
		sql_add(s, " || jsonb_build_object('_openid', ");
		sql_param(s, slice_str(b->req->scope.openid), "text");
		sql_add(s, ")");
	}
	return r;
}

/* By _id alone: one INSERT … ON CONFLICT.  Answers one row: made or not. */
static int
add_upsert_by_id(struct doc_build *b, const struct change *c)
{
	struct sql *s = b->sql;
	int r;

	sql_add(s, "INSERT INTO ");
	buf_slice(&s->text, b->coll.quoted);
	sql_add(s, " AS d (_id, doc) SELECT ");
	sql_param(s, slice_str(b->ids[0]), "text");
	sql_add(s, ", ");
	r = add_made(b, c);
	if (!b->req->scope.admin) {
		sql_add(s, " WHERE ");
		doc_sql_fresh(b, b->info);
	}
	sql_add(s, " ON CONFLICT (_id) DO UPDATE SET doc = ");
	add_change(b, c, "d.doc");
	if (!b->req->scope.admin) {
		sql_add(s, " WHERE d.doc ->> '_openid' = ");
		sql_param(s, slice_str(b->req->scope.openid), "text");
	}
	sql_add(s, " RETURNING xmax = 0");
	return r;
}

static void
add_update(struct doc_build *b, const struct change *c)
{
	sql_add(b->sql, "UPDATE ");
	buf_slice(&b->sql->text, b->coll.quoted);
	sql_add(b->sql, " SET doc = ");
	add_change(b, c, "doc");
	add_where(b, b->req->multi && b->req->merge);
}

/* By any condition: change what fits; when nothing did, make one.  Answers one
 * row: made or not, how many changed. */
static int
add_upsert(struct doc_build *b, const struct change *c)
{
	struct sql *s = b->sql;
	int r;

	sql_add(s, "WITH hit AS (");
	add_update(b, c);
	sql_add(s, " RETURNING 1), made AS (INSERT INTO ");
	buf_slice(&s->text, b->coll.quoted);
	sql_add(s, " (_id, doc) SELECT ");
	sql_param(s, slice_str(b->ids[0]), "text");
	sql_add(s, ", ");
	r = add_made(b, c);
	sql_add(s, " WHERE ");
	/* Of an empty table the plan may never ask the UPDATE's gate. */
	if (!b->req->scope.admin) {
		doc_sql_fresh(b, b->info);
		sql_add(s, " AND ");
	}
	sql_add(s, "NOT EXISTS (SELECT 1 FROM hit) RETURNING 1) SELECT "
		   "EXISTS (SELECT 1 FROM made), (SELECT count(*) FROM hit)");
	return r;
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

int
doc_sql_update(struct doc_build *b)
{
	_cleanup_(change_done) struct change c = {0};
	int r = change_parse(&c, b);

	if (r < 0)
		return r;
	if (!b->req->upsert) {
		add_update(b, &c);
		return 0;
	}
	return is_only_id(b->where) ? add_upsert_by_id(b, &c)
				    : add_upsert(b, &c);
}
