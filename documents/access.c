/*
 * Permissions as conditions.  The simple ones are a table: what each act needs
 * under each permission.  CUSTOM asks the rules.
 */
#include "documents/access.h"

#include "base/buf.h"
#include "documents/rule.h"

#include <string.h>

enum need { NOBODY, OWNER, ANYBODY, RULES };

static const enum need needs[][2] = {
	/* read, write */
	[PERMISSION_ADMINONLY] = {NOBODY, NOBODY},
	[PERMISSION_READONLY] = {ANYBODY, OWNER},
	[PERMISSION_PRIVATE] = {OWNER, OWNER},
	[PERMISSION_ADMINWRITE] = {ANYBODY, NOBODY},
	[PERMISSION_CUSTOM] = {RULES, RULES},
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
	static const char *const acts[] = {
		[ACCESS_READ] = "read",
		[ACCESS_CREATE] = "create",
		[ACCESS_UPDATE] = "update",
		[ACCESS_DELETE] = "delete",
	};

	if (info->permission == PERMISSION_CUSTOM)
		return fault_set(why, ERR_DB_DENIED,
			"the rule \"%s\" of collection %.*s does not allow "
			"this to this caller",
			acts[act], SLICE_ARG(info->coll.name));
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
	_buf_ struct buf text = {0};
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

static int
ask_rules(struct query **ret, const struct coll_info *info, enum access_act act,
	const struct doc_scope *scope, const json_t *data, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	const struct rule_call call = {
		.act = act,
		.scope = scope,
		.data = data,
		.info = info,
		.now_ms = now_ms,
	};
	int r;

	if (!info->rules)
		return deny(info, act, why);
	r = rules_bind(ret, info->rules, &call, arena, why);
	if (r == 0 && (*ret)->op == QUERY_NONE)
		return deny(info, act, why);
	return r;
}

int
access_where(struct query **ret, const struct coll_info *info,
	enum access_act act, const struct doc_scope *scope, const json_t *data,
	struct arena *arena, int64_t now_ms, struct fault *why)
{
	enum need need = needs[info->permission][act != ACCESS_READ];
	struct query *q = arena_new(arena, struct query);

	*ret = q;
	q->op = QUERY_ALL;
	if (scope->admin)
		return 0;
	if (info->version == 0)
		return fault_set(why, ERR_DB_NO_COLLECTION,
			"[ResourceNotFound] Db or Table not exist: %.*s.",
			SLICE_ARG(info->coll.name));
	if (need == ANYBODY)
		return 0;
	if (need == RULES)
		return ask_rules(
			ret, info, act, scope, data, arena, now_ms, why);
	if (need == NOBODY || !scope->openid || !scope->openid[0])
		return deny(info, act, why);
	if (act == ACCESS_CREATE)
		return 0; /* stamped with his own */
	return own(q, scope->openid, arena, why);
}

static const char SELF[] = "\"{openid}\"";

static void
set_value(struct query *q, const struct buf *value, struct arena *arena)
{
	q->value = slice_of(arena_str(arena, buf_all(value)), value->len);
}

static void
fill_equal(struct query *q, const char *openid, struct arena *arena)
{
	_buf_ struct buf text = {0};

	if (q->kind != VALUE_STRING || !slice_is(q->text, "{openid}"))
		return;
	buf_init(&text, 1 << 20);
	q->text = slice_str(arena_str(arena, slice_str(openid)));
	buf_json(&text, q->text);
	set_value(q, &text, arena);
}

/* In a list of JSON a text's first quote follows [ or a comma, never one that
 * is part of a text: there quotes are escaped. */
static void
fill_list(struct query *q, const char *openid, struct arena *arena)
{
	_buf_ struct buf text = {0};
	struct slice rest = q->value;
	size_t len = strlen(SELF);
	const char *at;

	if (q->kind != VALUE_STRING || !memmem(rest.ptr, rest.len, SELF, len))
		return;
	buf_init(&text, VALUE_SIZE_TOP);
	while ((at = memmem(rest.ptr, rest.len, SELF, len))) {
		size_t before = (size_t)(at - rest.ptr);

		buf_add(&text, rest.ptr, before);
		if (at > q->value.ptr && at[-1] != '\\')
			buf_json(&text, slice_str(openid));
		else
			buf_add(&text, SELF, len);
		rest = slice_of(at + len, rest.len - before - len);
	}
	buf_slice(&text, rest);
	set_value(q, &text, arena);
}

/* Every '{openid}' that a value of the condition is. */
static void
fill_self(struct query *q, const char *openid, struct arena *arena)
{
	if (q->op == QUERY_IN)
		fill_list(q, openid, arena);
	else if (q->op >= QUERY_EQ && q->op <= QUERY_LTE)
		fill_equal(q, openid, arena);
	for (struct query *at = q->parts; at; at = at->next)
		fill_self(at, openid, arena);
}

int
access_query(struct query *q, const struct coll_info *info,
	const struct doc_scope *scope, struct arena *arena, struct fault *why)
{
	const char *openid = scope->openid ? scope->openid : "";

	if (scope->admin)
		return 0;
	if (openid[0])
		fill_self(q, openid, arena);
	if (access_shows_openid(info, scope))
		return 0;
	return query_guard(q, openid, arena, why);
}

bool
access_shows_openid(const struct coll_info *info, const struct doc_scope *scope)
{
	return scope->admin || info->shows_openid;
}
