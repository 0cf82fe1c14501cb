/*
 * Permissions as conditions.  The simple ones are a table: what each act needs
 * under each permission.
 */
#include "db/access.h"

#include "base/buf.h"

enum need { NOBODY, OWNER, ANYBODY };

static const enum need needs[][2] = {
	/* read, write */
	[PERMISSION_ADMINONLY] = {NOBODY, NOBODY},
	[PERMISSION_READONLY] = {ANYBODY, OWNER},
	[PERMISSION_PRIVATE] = {OWNER, OWNER},
	[PERMISSION_ADMINWRITE] = {ANYBODY, NOBODY},
	[PERMISSION_CUSTOM] = {NOBODY, NOBODY},
};

static const char *
name_of(enum permission p)
{
	static const char *const names[] = {
		[PERMISSION_ADMINONLY] = "ADMINONLY",
		[PERMISSION_READONLY] = "READONLY",
		[PERMISSION_PRIVATE] = "PRIVATE",
		[PERMISSION_ADMINWRITE] = "ADMINWRITE",
		[PERMISSION_CUSTOM] = "CUSTOM",
	};

	return names[p];
}

static int
deny(const struct coll_info *info, enum access_act act, struct fault *why)
{
	return fault_set(why, ERR_DB_DENIED,
		"the permission of collection %.*s is %s: this caller may not "
		"%s it",
		SLICE_ARG(info->coll.name), name_of(info->permission),
		act == ACCESS_READ ? "read" : "write");
}

/* _openid = 'the caller' */
static int
own(struct query *q, const char *openid, struct arena *arena, struct fault *why)
{
	_buf_ struct buf text;
	int r = path_parse(&q->path, slice_str("_openid"), arena, why);

	if (r < 0)
		return r;
	buf_init(&text, 1024);
	buf_json(&text, slice_str(openid));
	q->op = QUERY_EQ;
	q->kind = VALUE_STRING;
	q->text = slice_str(arena_str(arena, slice_str(openid)));
	q->value = slice_of(arena_str(arena, buf_all(&text)), text.len);
	return 0;
}

int
access_where(struct query **ret, const struct coll_info *info,
	enum access_act act, const struct doc_scope *scope, const json_t *data,
	struct arena *arena, int64_t now_ms, struct fault *why)
{
	enum need need = needs[info->permission][act != ACCESS_READ];
	struct query *q = arena_new(arena, struct query);

	(void)data;
	(void)now_ms;
	*ret = q;
	q->op = QUERY_ALL;
	if (scope->admin || need == ANYBODY)
		return 0;
	if (need == NOBODY || !scope->openid || !scope->openid[0])
		return deny(info, act, why);
	if (act == ACCESS_CREATE)
		return 0; /* stamped with his own */
	return own(q, scope->openid, arena, why);
}

bool
access_shows_openid(
	const struct coll_info *info, const struct doc_scope *scope)
{
	return scope->admin || info->shows_openid;
}
