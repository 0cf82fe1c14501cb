/*
 * May this one come in, as the project or the operator declared it.
 *
 * All rules of a step are asked before any counts for good: what one let in and
 * the next refused is given back, so that being refused costs nothing, and what
 * is shared (a route's, a function's rate) comes last, so that somebody whose
 * own limit is used up takes nothing of what others share.  That is the whole
 * of fairness here.
 *
 * Without rules nothing is done and nothing is kept.
 */
#include "gateway/limit_inside.h"

#include "auth/caller.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/place.h"
#include "base/val.h"
#include "base/valkey.h"
#include "gateway/request.h"
#include "routes/declared.h"

#include <string.h>

/* Nobody knows when a place comes free. */
enum { PLACE_RETRY_MS = 1000 };

static bool
paths_fit(const char *const *paths, const char *path)
{
	for (; *paths; paths++)
		if (strncmp(path, *paths, strlen(*paths)) == 0)
			return true;
	return false;
}

/* As routes are matched: //api/x is no way around a rule for /api/. */
static const char *
path_of(struct request *r)
{
	const char *path = exchange_path(r->x);

	return r->declared
		       ? declared_merge(request_arena(r), slice_str(path)).ptr
		       : path;
}

/* `*path` is made for the first rule that has one, and is for all of them. */
static bool
rule_fits(const struct limit_rule *rule, struct request *r, const char **path)
{
	if (!*path && (rule->path || rule->class))
		*path = path_of(r);
	if (rule->path && strncmp(*path, rule->path, strlen(rule->path)) != 0)
		return false;
	if (rule->class && !paths_fit(rule->class, *path))
		return false;
	return !rule->declared || r->declared;
}

static struct slice
text_or_none(const char *s)
{
	return s && *s ? slice_str(s) : slice_of(NULL, 0);
}

/* js-sdk says in the body what it calls; it is parsed once, for the call too,
 * and what is wrong with it is said there. */
static struct slice
called_by_body(struct request *r)
{
	if (r->route->know != KNOW_BODY || !r->whole || request_json(r) < 0 ||
		strcmp(val_text(r->json, "action"),
			"functions.invokeFunction") != 0)
		return slice_of(NULL, 0);
	return text_or_none(val_text(r->json, "function_name"));
}

static struct slice
function_of(struct request *r)
{
	if (r->declared)
		return slice_str(r->declared->function);
	if (r->function)
		return slice_str(r->function);
	if (strncmp(r->route->path, "/v1/functions/", 14) == 0)
		return r->param;
	return called_by_body(r);
}

static struct slice
ip_of(struct request *r)
{
	char *room = arena_get(request_arena(r), ADMIT_KEY);

	return slice_of(room, admit_ip_key(exchange_peer(r->x), room));
}

/* A secret or a long one becomes its sum. */
static struct slice
header_of(struct request *r, const char *name)
{
	struct slice v = exchange_header(r->x, name);
	uint8_t *sum;

	if (!v.ptr)
		return slice_of("", 0);
	if (v.len <= 32)
		return v;
	sum = arena_get(request_arena(r), SHA256_LEN);
	crypto_sha256(v, sum);
	return slice_of(sum, SHA256_LEN);
}

/* Whose cell: {NULL, 0} when the rule does not concern this one. */
static struct slice
value_of(const struct limit_rule *rule, struct request *r)
{
	const struct caller *c = &r->caller;

	switch (rule->by) {
	case LIMIT_IP:
		return ip_of(r);
	case LIMIT_HEADER:
		return header_of(r, rule->header);
	case LIMIT_USER:
		return c->role == CALLER_USER ? text_or_none(c->uid)
					      : slice_of(NULL, 0);
	case LIMIT_OPENID:
		return text_or_none(c->openid);
	case LIMIT_APIKEY:
		return c->role == CALLER_PROGRAM ? text_or_none(c->key)
						 : slice_of(NULL, 0);
	case LIMIT_ROUTE:
		return slice_str(
			r->declared ? r->declared->name : r->route->path);
	case LIMIT_FUNCTION:
		return function_of(r);
	case LIMIT_BYS_:
	default:
		return slice_of(NULL, 0);
	}
}

static void
gather(struct limit_asks *asks, const struct limit_rules *rules,
	struct request *r, enum limit_by low, enum limit_by high)
{
	const char *path = NULL;

	for (size_t i = 0; rules && i < rules->count; i++) {
		const struct limit_rule *rule = &rules->rule[i];
		struct slice value;

		if (rule->by < low || rule->by > high ||
			!rule_fits(rule, r, &path))
			continue;
		value = value_of(rule, r);
		if (!value.ptr || asks->count == array_size(asks->one))
			continue;
		value.len = min(value.len, (size_t)LIMIT_VALUE);
		asks->one[asks->count++] =
			(struct limit_ask){.rule = rule, .value = value};
	}
}

void
limit_note(
	struct request *r, const struct limit_rule *rule, struct gcra_verdict v)
{
	struct admit *a = &r->admit;

	if (!admit_note(a, v, rule->take.rule.burst))
		return;
	/* The rules may be replaced before the answer is written. */
	a->name = arena_str(request_arena(r), slice_str(rule->name));
	a->policy = arena_str(request_arena(r), slice_str(rule->policy));
}

/* Whose requests were too many.  A name that somebody chose tells whoever is
 * asked about it which rule it was; one of our making tells nobody anything. */
static const char *const whose[LIMIT_BYS_] = {
	[LIMIT_IP] = "from this address",
	[LIMIT_HEADER] = "from this client",
	[LIMIT_USER] = "of this user",
	[LIMIT_OPENID] = "of this user",
	[LIMIT_APIKEY] = "with this API key",
	[LIMIT_ROUTE] = "for this route from all clients together",
	[LIMIT_FUNCTION] = "for this function from all clients together",
};

int
limit_refuse(struct request *r, const struct limit_rule *rule)
{
	bool at_once = !r->admit.limit || r->admit.verdict.allowed;

	if (at_once)
		r->retry_ms = PLACE_RETRY_MS;
	return fault_set(&r->why, ERR_LIMITED, "%s%s%stoo many requests %s%s",
		rule->named ? "limit " : "", rule->named ? rule->name : "",
		rule->named ? ": " : "", whose[rule->by],
		at_once ? " at once: wait until one has ended"
			: ": wait as long as Retry-After says");
}

static uint64_t
local_key(const struct gcra_table *cells, const struct limit_ask *ask)
{
	char room[sizeof(uint64_t) + LIMIT_VALUE];

	memcpy(room, &ask->rule->id, sizeof(uint64_t));
	memcpy(room + sizeof(uint64_t), ask->value.ptr, ask->value.len);
	return gcra_key(cells, 'L', room, sizeof(uint64_t) + ask->value.len);
}

static bool
take_place(struct request *r, const struct limit_ask *ask)
{
	struct gateway *g = r->gateway;
	struct place_table *all = shm_places(g->shm);
	uint64_t key = local_key(g->cells, ask);
	struct limit_hold *h;

	if (!place_take(&all[g->index], key, ask->rule->concurrent, all,
		    shm_places_count(g->shm)))
		return false;
	h = arena_new(request_arena(r), struct limit_hold);
	h->key = key;
	h->next = r->limits;
	r->limits = h;
	return true;
}

static bool
take_rate(struct request *r, const struct limit_ask *ask)
{
	struct gcra_table *cells = r->gateway->cells;
	const struct limit_rule *rule = ask->rule;
	int64_t now = rule->fine ? clock_now() : admit_now(&r->admit);
	struct gcra_verdict v =
		gcra_ask_cost(cells, local_key(cells, ask), rule->take, now);

	limit_note(r, rule, v);
	return v.allowed;
}

/* Of the step's rules those before `end` had let it in. */
static void
give_back(struct request *r, const struct limit_asks *asks, size_t end,
	struct limit_hold *before)
{
	struct gateway *g = r->gateway;

	for (size_t i = 0; i < end; i++)
		gcra_give_back(g->cells, local_key(g->cells, &asks->one[i]),
			asks->one[i].rule->take);
	for (struct limit_hold *h = r->limits; h != before; h = h->next)
		place_put(&shm_places(g->shm)[g->index], h->key);
	r->limits = before;
}

int
limit_local(struct request *r, const struct limit_asks *asks)
{
	struct limit_hold *before = r->limits;

	for (size_t i = 0; i < asks->count; i++) {
		const struct limit_ask *ask = &asks->one[i];
		bool has_rate = ask->rule->policy;

		if (has_rate && !take_rate(r, ask)) {
			give_back(r, asks, i, before);
			return limit_refuse(r, ask->rule);
		}
		if (ask->rule->concurrent && !take_place(r, ask)) {
			give_back(r, asks, i + has_rate, before);
			return limit_refuse(r, ask->rule);
		}
	}
	return 0;
}

static int
ask_all(struct request *r, struct limit_asks *asks)
{
	if (!asks->count)
		return 0;
	if (r->gateway->valkey)
		return limit_remote(r, asks);
	return limit_local(r, asks);
}

/* Those of the table that the request began with, which it then holds: Valkey
 * may answer after a reload. */
static const struct limit_rules *
rules_of_all(struct request *r)
{
	struct declared_table *now = r->gateway->declared;

	if (!r->declared_in && declared_limits(now))
		r->declared_in = declared_ref(now);
	return r->declared_in ? declared_limits(r->declared_in) : NULL;
}

int
limit_head(struct request *r)
{
	const struct limit_rules *all = rules_of_all(r);
	const struct limit_rules *own =
		r->declared ? r->declared->limits : NULL;
	struct limit_asks asks;

	if (!all && !own)
		return 0;
	asks.count = 0;
	gather(&asks, all, r, LIMIT_IP, LIMIT_HEADER);
	gather(&asks, own, r, LIMIT_IP, LIMIT_HEADER);
	return ask_all(r, &asks);
}

int
limit_caller(struct request *r)
{
	const struct limit_rules *all = rules_of_all(r);
	const struct limit_rules *own =
		r->declared ? r->declared->limits : NULL;
	struct limit_asks asks;

	if (!all && !own)
		return 0;
	asks.count = 0;
	gather(&asks, all, r, LIMIT_USER, LIMIT_APIKEY);
	gather(&asks, own, r, LIMIT_USER, LIMIT_APIKEY);
	gather(&asks, all, r, LIMIT_ROUTE, LIMIT_FUNCTION);
	gather(&asks, own, r, LIMIT_ROUTE, LIMIT_FUNCTION);
	return ask_all(r, &asks);
}

void
limit_end(struct request *r)
{
	struct gateway *g = r->gateway;

	for (struct limit_hold *h = r->limits; h; h = h->next) {
		if (h->lease)
			valkey_release(g->valkey, h->lease);
		else
			place_put(&shm_places(g->shm)[g->index], h->key);
	}
	r->limits = NULL;
}
