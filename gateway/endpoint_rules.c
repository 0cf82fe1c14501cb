/*
 * POST /ops/rules/test {permission, rules, auth, collections, now, cases:
 * [{act, auth, doc, request: {data}}]}: what the rules say of each case, one
 * after the other.  Nothing is read from any collection, and nothing is
 * changed.
 *
 * A case's own auth, doc and request come before the file's; "auth": null is
 * somebody who is not logged in.
 */
#include "base/clock.h"
#include "base/val.h"
#include "documents/rule.h"
#include "documents/rule_try.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

#include <string.h>

enum { CASES_TOP = 10000, NAME_TOP = 1024 };

struct rules_act {
	struct request *r;
	struct rule_try one;
	struct rule_case given; /* what all cases share */
	struct arena arena;     /* of one case */
	const json_t *cases, *auth;
	size_t at;
	json_t *results;
};

static void act_next(struct rules_act *a);

static void
on_end(struct request *r)
{
	struct rules_act *a = r->act;

	arena_done(&a->arena);
	json_decref(a->results);
	a->results = NULL;
}

static int
parse_auth(const json_t *v, struct doc_scope *ret, struct fault *why)
{
	static const char *const texts[] = {"openid", "uid", "loginType"};

	*ret = (struct doc_scope){.openid = ""};
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return fault_set(why, ERR_PARAM,
			"auth: an object with openid, uid, loginType, custom; "
			"or null");
	for (size_t i = 0; i < array_size(texts); i++) {
		const json_t *text = json_object_get(v, texts[i]);

		if (text && !json_is_string(text))
			return fault_set(why, ERR_PARAM,
				"auth.%s: a text is needed", texts[i]);
	}
	ret->openid = val_text(v, "openid");
	ret->uid = val_text(v, "uid");
	ret->login_type = val_text(v, "loginType");
	ret->custom = json_object_get(v, "custom");
	/* who did not come through WeChat signs with his uid */
	if (!ret->openid[0])
		ret->openid = ret->uid;
	return 0;
}

/* The member of the case, or NULL. */
static int
parse_object(
	const json_t *v, const char *key, const json_t **ret, struct fault *why)
{
	const json_t *member = json_object_get(v, key);

	*ret = json_is_null(member) ? NULL : member;
	if (*ret && !json_is_object(*ret))
		return fault_set(
			why, ERR_PARAM, "%s: an object is needed", key);
	return 0;
}

static int
parse_case(struct rules_act *a, const json_t *v, struct rule_case *ret)
{
	struct fault *why = &a->r->why;
	const json_t *auth = json_object_get(v, "auth"), *request = NULL;
	struct slice act;
	int e = val_str(v, "act", NAME_TOP, &act, why);

	*ret = a->given;
	if (e == 0 && rule_act_parse(act, &ret->act) < 0)
		e = fault_set(
			why, ERR_PARAM, "act: read, create, update or delete");
	if (e == 0)
		e = parse_auth(auth ? auth : a->auth, &ret->scope, why);
	if (e == 0)
		e = parse_object(v, "doc", &ret->doc, why);
	if (e == 0)
		e = parse_object(v, "request", &request, why);
	if (e == 0)
		e = parse_object(request, "data", &ret->data, why);
	/* a new document is what is sent */
	if (e == 0 && ret->act == ACCESS_CREATE && !ret->doc)
		ret->doc = ret->data;
	return e < 0 ? fault_prefix(why, e, "cases[%zu].", a->at) : 0;
}

static void
on_case(struct job *job)
{
	struct rules_act *a = container_of(
		container_of(job, struct rule_try, job), struct rules_act, one);

	if (job->err < 0) {
		a->r->why = job->why;
		(void)fault_prefix(&a->r->why, job->err, "cases[%zu]: ", a->at);
		request_finish(a->r, job->err, &a->r->why);
		return;
	}
	(void)json_array_append_new(
		a->results, json_pack("{s:b}", "allowed", a->one.allowed));
	a->at++;
	act_next(a);
}

static void
act_answer(struct rules_act *a)
{
	_json_ json_t *v = json_pack("{s:O}", "results", a->results);
	_buf_ struct buf b = {0};

	buf_init(&b, 1 << 20);
	val_put(&b, v);
	(void)request_reply(a->r, 200, buf_all(&b));
	request_finish(a->r, 0, NULL);
}

static void
act_next(struct rules_act *a)
{
	struct rule_case c;

	if (a->at == json_array_size(a->cases)) {
		act_answer(a);
		return;
	}
	arena_clear(&a->arena, 64 << 20);
	(void)parse_case(a, json_array_get(a->cases, a->at), &c);
	a->one = (struct rule_try){.arena = &a->arena};
	job_init(&a->one.job, on_case);
	a->r->job = &a->one.job;
	rule_try(a->r->gateway->docs.pool, &a->one, &c);
}

static int
parse_permission(struct rules_act *a)
{
	static const struct {
		const char *name;
		enum permission permission;
	} names[] = {
		{"ADMINONLY", PERMISSION_ADMINONLY},
		{"READONLY", PERMISSION_READONLY},
		{"PRIVATE", PERMISSION_PRIVATE},
		{"ADMINWRITE", PERMISSION_ADMINWRITE},
		{"CUSTOM", PERMISSION_CUSTOM},
	};
	struct request *r = a->r;
	const json_t *said = json_object_get(r->json, "rules");
	struct rules *rules = NULL;
	struct slice name;
	int e = val_str_or(r->json, "permission", NAME_TOP,
		said ? SLICE("CUSTOM") : SLICE("ADMINONLY"), &name, &r->why);

	if (e == 0)
		e = coll_check_permission(name, &r->why);
	if (e < 0)
		return e;
	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is(name, names[i].name))
			a->given.permission = names[i].permission;
	if ((a->given.permission == PERMISSION_CUSTOM) != (said != NULL))
		return fault_set(&r->why, ERR_PARAM,
			"rules belong to the permission CUSTOM, and it to "
			"them");
	if (said)
		e = rules_parse(&rules, said, NULL, request_arena(r), &r->why);
	a->given.rules = rules;
	return e;
}

static int
act_parse(struct rules_act *a)
{
	struct request *r = a->r;
	struct rule_case c;
	int e = parse_permission(a);

	if (e == 0)
		e = val_int_or(r->json, "now", 0, INT64_MAX, clock_now_ms(),
			&a->given.now_ms, &r->why);
	if (e == 0)
		e = parse_object(
			r->json, "collections", &a->given.collections, &r->why);
	if (e < 0)
		return e;
	a->auth = json_object_get(r->json, "auth");
	a->cases = json_object_get(r->json, "cases");
	if (json_array_size(a->cases) == 0 ||
		json_array_size(a->cases) > CASES_TOP)
		return fault_set(&r->why, ERR_PARAM,
			"cases: an array of 1 to %d is needed", CASES_TOP);
	for (; e == 0 && a->at < json_array_size(a->cases); a->at++)
		e = parse_case(a, json_array_get(a->cases, a->at), &c);
	a->at = 0;
	return e;
}

int
endpoint_ops_rules_test(struct request *r)
{
	struct rules_act *a;
	int e = request_json(r);

	if (e < 0)
		return e;
	a = arena_new(request_arena(r), struct rules_act);
	a->r = r;
	a->given.env = r->gateway->conf->server_env;
	e = act_parse(a);
	if (e < 0)
		return e;
	arena_init(&a->arena, 64 << 20);
	a->results = json_array();
	r->act = a;
	r->end = on_end;
	act_next(a);
	return STEP_WAIT;
}
