/*
 * Rules of files.  The one idea: they are the rules of documents
 * (documents/rule_tree.h) with another subject.  Everything they speak of is
 * known when they are asked, so binding them leaves a yes, a no or "unknown",
 * and no SQL is needed.  Only a yes grants.
 */
#include "storage/file_rule.h"

#include "base/mem.h"
#include "base/val.h"
#include "documents/rule_bind.h"

#include <string.h>

enum { RULES_BYTES = 1 << 20, ASK_BYTES = 1 << 20, TEXT_TOP = 16384 };

struct file_rules {
	enum permission permission;
	struct arena arena;
	struct rule_node *rule[4]; /* by enum access_act; NULL: false */
};

static const struct {
	const char *name;
	enum permission permission;
} permissions[] = {
	{"READONLY", PERMISSION_READONLY},
	{"PRIVATE", PERMISSION_PRIVATE},
	{"ADMINWRITE", PERMISSION_ADMINWRITE},
	{"ADMINONLY", PERMISSION_ADMINONLY},
	{"CUSTOM", PERMISSION_CUSTOM},
};

static const char *const acts[] = {
	[ACCESS_READ] = "read",
	[ACCESS_CREATE] = "create",
	[ACCESS_UPDATE] = "update",
	[ACCESS_DELETE] = "delete",
};

static int
parse_permission(
	struct file_rules *r, struct slice permission, struct fault *why)
{
	for (size_t i = 0; i < array_size(permissions); i++)
		if (slice_is(permission, permissions[i].name)) {
			r->permission = permissions[i].permission;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"permission: READONLY, PRIVATE, ADMINWRITE, ADMINONLY or "
		"CUSTOM, not %.*s",
		(int)min(permission.len, (size_t)40), permission.ptr);
}

static int
parse_rule(struct file_rules *r, enum access_act act, const char *name,
	const json_t *v, struct fault *why)
{
	int e;

	if (json_is_boolean(v)) {
		r->rule[act] = rule_node_new(&r->arena,
			json_is_true(v) ? RULE_TRUE : RULE_FALSE, 1, NULL, 0);
		return 0;
	}
	if (!json_is_string(v))
		return fault_set(why, ERR_PARAM,
			"%s: true, false or an expression in quotes", name);
	e = rule_parse_file(&r->rule[act],
		slice_str(arena_str(&r->arena,
			slice_of(json_string_value(v), json_string_length(v)))),
		&r->arena, why);
	return e < 0 ? fault_prefix(why, ERR_PARAM, "%s: ", name) : 0;
}

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < array_size(acts); i++)
		if (strcmp(name, acts[i]) == 0)
			return true;
	return strcmp(name, "write") == 0;
}

static int
parse_rules(struct file_rules *r, struct slice text, struct fault *why)
{
	_json_ json_t *v = NULL;
	const json_t *one, *write;
	const char *name = NULL;
	json_t *ignored = NULL;
	int e = text.len > TEXT_TOP
			? fault_set(why, ERR_PARAM, "rules: %d bytes at most",
				  TEXT_TOP)
			: val_parse(&v, text, why);

	if (e < 0)
		return e;
	if (!json_is_object(v))
		return fault_set(
			why, ERR_PARAM, "rules: an object with read and write");
	json_object_foreach (v, name, ignored)
		if (!is_known(name))
			return fault_set(why, ERR_PARAM,
				"rules: %.40s is not known: there are read, "
				"write, create, update and delete",
				name);
	write = json_object_get(v, "write");
	for (size_t i = 0; i < array_size(acts) && e == 0; i++) {
		bool own = (one = json_object_get(v, acts[i])) != NULL;

		if (!own && i != ACCESS_READ)
			one = write;
		if (one)
			e = parse_rule(r, (enum access_act)i,
				own ? acts[i] : "write", one, why);
	}
	return e;
}

int
file_rules_new(struct file_rules **ret, struct slice permission,
	struct slice rules, struct fault *why)
{
	_cleanup_(file_rules_freep) struct file_rules *r =
		mem_new(struct file_rules);
	int e;

	arena_init(&r->arena, RULES_BYTES);
	e = parse_permission(r, permission, why);
	if (e == 0 && r->permission == PERMISSION_CUSTOM)
		e = parse_rules(r, rules, why);
	if (e == 0)
		*ret = take(r);
	return e;
}

struct file_rules *
file_rules_none(void)
{
	struct file_rules *r = mem_new(struct file_rules);

	arena_init(&r->arena, RULES_BYTES);
	r->permission = PERMISSION_ADMINONLY;
	return r;
}

struct file_rules *
file_rules_free(struct file_rules *r)
{
	if (r)
		arena_done(&r->arena);
	return mem_free(r);
}

const char *
file_scope_owner(const struct file_scope *scope)
{
	const struct caller *c = scope->caller;

	if (scope->admin || !c)
		return "";
	if (c->openid && *c->openid)
		return c->openid;
	return c->uid ? c->uid : "";
}

static bool
ask_rule(const struct file_rules *r, enum access_act act,
	const struct file_scope *scope, struct slice path, const char *owner,
	int64_t now_ms)
{
	const struct caller *c = scope->caller;
	const struct rule_file file = {.openid = owner, .path = path};
	const struct doc_scope who = {
		.openid = file_scope_owner(scope),
		.uid = c ? c->uid : "",
		.login_type = c ? caller_login_type(c) : NULL,
	};
	const struct rule_call call = {
		.act = act, .scope = &who, .now_ms = now_ms, .file = &file};
	struct arena arena;
	const struct rule_bind bind = {.call = &call, .arena = &arena};
	bool yes;

	if (!r->rule[act])
		return false;
	arena_init(&arena, ASK_BYTES);
	yes = rule_bind(&bind, r->rule[act])->op == RULE_TRUE;
	arena_done(&arena);
	return yes;
}

static bool
may(const struct file_rules *r, enum access_act act,
	const struct file_scope *scope, struct slice path, const char *owner,
	int64_t now_ms)
{
	enum permission p = r ? r->permission : PERMISSION_PRIVATE;
	const char *self = file_scope_owner(scope);
	bool own = *self && owner && strcmp(owner, self) == 0;

	if (act == ACCESS_CREATE && *self)
		own = true;
	switch (p) {
	case PERMISSION_READONLY:
		return act == ACCESS_READ || own;
	case PERMISSION_PRIVATE:
		return own;
	case PERMISSION_ADMINWRITE:
		return act == ACCESS_READ;
	case PERMISSION_CUSTOM:
		return ask_rule(r, act, scope, path,
			act == ACCESS_CREATE ? self : owner, now_ms);
	case PERMISSION_ADMINONLY:
	default:
		return false;
	}
}

int
file_may(const struct file_rules *r, enum access_act act,
	const struct file_scope *scope, struct slice path, const char *owner,
	int64_t now_ms, struct fault *why)
{
	if (scope->admin || may(r, act, scope, path, owner, now_ms))
		return 0;
	return fault_set(why, ERR_FILE_DENIED,
		"the storage rules do not let this caller %s this file",
		acts[act]);
}

const char *
file_rules_owner(const struct file_rules *r, const struct file_scope *scope)
{
	if (!r || r->permission == PERMISSION_PRIVATE)
		return file_scope_owner(scope);
	return NULL;
}
