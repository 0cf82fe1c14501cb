/*
 * INSERT, UPDATE, DELETE.  A change of one document that is not named by its
 * _id picks it in a subselect that locks it, so that of two callers each
 * changes a whole document, never half of one.
 *
 * In a transaction the documents are locked first, without waiting: one that
 * another transaction holds, or changed since this one's snapshot, is a
 * conflict at once.
 */
#include "documents/doc_change.h"

#include "documents/sql_from.h"

enum { INSERT_TOP = 64 << 20 };

static const char *
stamp_of(const struct doc_build *b)
{
	return b->req->scope.admin ? NULL : b->req->scope.openid;
}

static int
put_doc(struct doc_build *b, struct buf *to, const json_t *doc)
{
	int r = doc_check_member(b, doc);

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
	sql_add(b->sql, "(SELECT ");
	sql_param(b->sql, slice_str(b->ids[0]), "text");
	sql_add(b->sql, " AS k, ");
	sql_param_buf(b->sql, &text, "jsonb");
	sql_add(b->sql, " AS d) n");
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
	if (buf_check(&text) < 0)
		return fault_set(b->why, ERR_TOO_BIG,
			"the documents of one insert may have %d MiB in all",
			INSERT_TOP >> 20);
	sql_add(b->sql, "(SELECT e ->> 0 AS k, e -> 1 AS d FROM "
			"jsonb_array_elements(");
	sql_param_buf(b->sql, &text, "jsonb");
	sql_add(b->sql, ") e) n");
	return 0;
}

void
doc_sql_may_make(struct doc_build *b, const struct query *allowed)
{
	const struct sql_from from = {.doc = "n.d", .id = "n.k"};

	doc_sql_fresh(b, b->info);
	if (allowed->op == QUERY_ALL)
		return;
	sql_add(b->sql, " AND mpcloud.change_allowed(");
	sql_query(b->sql, allowed, &from);
	sql_add(b->sql, ")");
}

int
doc_sql_insert(struct doc_build *b)
{
	const json_t *docs = b->req->data;
	size_t count = json_array_size(docs);
	int r;

	if (count == 0 || (int64_t)count > b->docs->limits.insert_top)
		return fault_set(b->why, ERR_DB_PARAM,
			"1 to %lld documents can be inserted at once "
			"(database.insert_top)",
			(long long)b->docs->limits.insert_top);
	sql_add(b->sql, "INSERT INTO ");
	buf_slice(&b->sql->text, b->coll.quoted);
	sql_add(b->sql, " (_id, doc) SELECT n.k, n.d FROM ");
	r = count == 1 ? add_one(b, json_array_get(docs, 0))
		       : add_many(b, docs);
	if (r == 0 && !b->req->scope.admin) {
		sql_add(b->sql, " WHERE ");
		doc_sql_may_make(b, b->allowed);
	}
	return r;
}

/* " ORDER BY _id LIMIT 1": the first of those that fit. */
static void
add_pick(struct doc_build *b, bool multi)
{
	struct slice id;

	if (!multi && !query_id(b->where, &id))
		sql_add(b->sql, " ORDER BY _id LIMIT 1");
}

void
doc_sql_lock(struct doc_build *b, bool multi)
{
	struct sql *s = b->sql;

	sql_add(s, "WITH held AS MATERIALIZED (SELECT _id AS k FROM ");
	buf_slice(&s->text, b->coll.quoted);
	doc_sql_where(b);
	add_pick(b, multi);
	sql_add(s, " FOR UPDATE NOWAIT)");
}

void
doc_sql_which(struct doc_build *b, bool multi)
{
	struct sql *s = b->sql;
	struct slice id;

	if (b->req->tx) {
		sql_add(s, " WHERE _id IN (SELECT k FROM held)");
		return;
	}
	if (multi || query_id(b->where, &id)) {
		doc_sql_where(b);
		return;
	}
	sql_add(s, " WHERE _id = (SELECT _id FROM ");
	buf_slice(&s->text, b->coll.quoted);
	doc_sql_where(b);
	add_pick(b, multi);
	sql_add(s, " FOR UPDATE)");
}

int
doc_sql_remove(struct doc_build *b)
{
	if (b->req->tx) {
		doc_sql_lock(b, b->req->multi);
		sql_add(b->sql, " ");
	}
	sql_add(b->sql, "DELETE FROM ");
	buf_slice(&b->sql->text, b->coll.quoted);
	doc_sql_which(b, b->req->multi);
	return 0;
}
