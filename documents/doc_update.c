/*
 * UPDATE: a change by operators or a whole document in place of the old.
 */
#include "documents/doc_change.h"

int
doc_check_member(struct doc_build *b, const json_t *doc)
{
	if (!b->req->scope.admin && json_object_get(doc, "_openid"))
		return fault_set(b->why, ERR_DB_DENIED,
			"_openid belongs to the server: it cannot be written");
	return 0;
}

bool
doc_change_is_multi(const struct doc_build *b)
{
	return b->req->multi && b->req->merge &&
	       b->req->verb != DOC_UPDATE_RETURN;
}

static int
parse_whole(struct doc_change *c, struct doc_build *b)
{
	const json_t *id = json_object_get(b->req->data, "_id");
	int r = doc_check_member(b, b->req->data);

	if (r == 0 && id)
		r = value_key(&c->id, id, b->arena, b->now_ms, b->why);
	return r < 0 ? r
		     : value_put_doc(&c->whole, b->req->data, NULL, b->now_ms,
			       b->why);
}

static int
parse_update(struct doc_change *c, struct doc_build *b)
{
	const struct update_ask ask = {
		.data = b->req->data,
		.query = b->req->query,
		.array_filters = b->req->array_filters,
	};
	int r = update_parse(&c->update, &ask, b->arena, b->now_ms, b->why);

	if (r == 0 && !b->req->scope.admin)
		r = update_guard(c->update, b->why);
	if (r == 0 && c->update->id)
		r = value_key(
			&c->id, c->update->id, b->arena, b->now_ms, b->why);
	return r;
}

static int
change_parse(struct doc_change *c, struct doc_build *b)
{
	int r;

	buf_init(&c->whole, VALUE_SIZE_TOP + 1024);
	buf_init(&c->start, VALUE_SIZE_TOP + 1024);
	r = b->req->merge ? parse_update(c, b) : parse_whole(c, b);
	return r < 0 || !b->req->upsert ? r : doc_upsert_parse(c, b);
}

static void
change_done(struct doc_change *c)
{
	buf_done(&c->whole);
	buf_done(&c->start);
	update_done(&c->update);
	update_done(&c->made);
}

/* What a user's replacement is, stays his. */
static void
add_whole(struct doc_build *b, const struct doc_change *c, const char *doc)
{
	sql_add(b->sql, "mpcloud.change_replace(");
	sql_param_buf(b->sql, &c->whole, "jsonb");
	sql_add(b->sql, ", ");
	sql_add(b->sql, doc);
	sql_add(b->sql, b->req->scope.admin ? ", FALSE)" : ", TRUE)");
}

void
doc_sql_new(struct doc_build *b, const struct doc_change *c, const char *doc,
	const char *id)
{
	struct sql *s = b->sql;

	if (c->id.len)
		sql_add(s, "mpcloud.change_same_id(");
	if (c->update)
		sql_update(s, c->update, doc);
	else
		add_whole(b, c, doc);
	if (c->id.len) {
		sql_add(s, ", ");
		sql_add(s, id);
		sql_add(s, ", ");
		sql_param(s, c->id, "text");
		sql_add(s, ")");
	}
}

void
doc_sql_change(struct doc_build *b, const struct doc_change *c)
{
	sql_add(b->sql, "UPDATE ");
	buf_slice(&b->sql->text, b->coll.quoted);
	sql_add(b->sql, " SET doc = ");
	doc_sql_new(b, c, "doc", "_id");
	doc_sql_which(b, doc_change_is_multi(b));
}

void
doc_sql_row(struct doc_build *b, const char *id, const char *doc)
{
	bool shows = access_shows_openid(b->info, &b->req->scope);

	buf_printf(&b->sql->text,
		"CASE WHEN jsonb_exists(%s, '_id') THEN NULL ELSE %s END AS k, "
		"%s%s AS d",
		doc, id, doc, shows ? "" : " - '_openid'");
}

/* Who may not read a document is not shown it by a change either. */
static int
and_readable(struct doc_build *b)
{
	struct query *all = arena_new(b->arena, struct query), *read;
	struct query *allowed = arena_new(b->arena, struct query);
	int r = access_where(&read, b->info, ACCESS_READ, &b->req->scope, NULL,
		b->arena, b->now_ms, b->why);

	if (r < 0)
		return r;
	*allowed = *b->allowed;
	allowed->next = read;
	all->op = QUERY_AND;
	all->parts = allowed;
	b->allowed = all;
	return 0;
}

/* Conditions that only this function holds may be what a parameter is. */
static void
own_params(struct sql *s, int from)
{
	for (int i = from; i < s->count; i++) {
		struct slice *p = &s->param[i];

		if (p->ptr && !arena_holds(s->arena, p->ptr))
			p->ptr = arena_str(s->arena, *p);
	}
}

static int
build(struct doc_build *b, const struct doc_change *c)
{
	if (b->req->upsert) {
		doc_sql_upsert(b, c);
		return 0;
	}
	if (b->req->tx) {
		doc_sql_lock(b, doc_change_is_multi(b));
		sql_add(b->sql, " ");
	}
	doc_sql_change(b, c);
	if (b->req->verb == DOC_UPDATE_RETURN) {
		sql_add(b->sql, " RETURNING ");
		doc_sql_row(b, "_id", "doc");
	}
	return 0;
}

int
doc_sql_update(struct doc_build *b)
{
	_cleanup_(change_done) struct doc_change c = {0};
	int first = b->sql->count;
	int r = change_parse(&c, b);

	if (r == 0 && b->req->verb == DOC_UPDATE_RETURN && !b->req->scope.admin)
		r = and_readable(b);
	if (r == 0)
		r = build(b, &c);
	own_params(b->sql, first);
	return r;
}
