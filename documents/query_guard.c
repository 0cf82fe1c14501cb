/*
 * What is asked of a tree after it was parsed.
 */
#include "documents/query.h"

#include "base/buf.h"

bool
query_id(const struct query *q, struct slice *ret)
{
	if (q->op == QUERY_EQ && q->path.count == 1 && q->text.ptr &&
		path_starts(&q->path, "_id")) {
		*ret = q->text;
		return true;
	}
	if (q->op != QUERY_AND)
		return false;
	for (const struct query *at = q->parts; at; at = at->next)
		if (query_id(at, ret))
			return true;
	return false;
}

const struct query *
query_near(const struct query *q)
{
	if (q->op == QUERY_NEAR)
		return q;
	if (q->op != QUERY_AND)
		return NULL;
	for (const struct query *at = q->parts; at; at = at->next) {
		const struct query *near = query_near(at);

		if (near)
			return near;
	}
	return NULL;
}

bool
query_can_raise(const struct query *q)
{
	if (q->op == QUERY_EXPR)
		return true;
	for (const struct query *at = q->parts; at; at = at->next)
		if (query_can_raise(at))
			return true;
	return false;
}

static int
guard_leaf(struct query *q, const char *openid, struct arena *arena,
	struct fault *why)
{
	_buf_ struct buf stored = {0};

	if (q->path.count == 0 || !path_starts(&q->path, "_openid"))
		return 0;
	if (q->op != QUERY_EQ || q->path.count != 1 ||
		q->kind != VALUE_STRING ||
		!(slice_is(q->text, "{openid}") || slice_is(q->text, openid)))
		return fault_set(why, ERR_DB_DENIED,
			"_openid may only be compared with the caller's own");
	if (!openid[0])
		q->op = QUERY_NONE;
	q->text = slice_str(openid);
	buf_init(&stored, 1024);
	buf_json(&stored, q->text);
	q->value = slice_of(arena_str(arena, buf_all(&stored)), stored.len);
	return 0;
}

/* Inside an element _openid is a name like others. */
int
query_guard(struct query *q, const char *openid, struct arena *arena,
	struct fault *why)
{
	int r = 0;

	q->hides_openid = true;
	if (q->op >= QUERY_EQ)
		return guard_leaf(q, openid, arena, why);
	for (struct query *at = q->parts; at && r == 0; at = at->next)
		r = query_guard(at, openid, arena, why);
	return r;
}
