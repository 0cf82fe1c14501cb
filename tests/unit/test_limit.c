/*
 * Declared limits: how they are read, whom they concern, and that what they let
 * in over several gateways is the rate that was declared, shared fairly.  Time
 * is the test's; what is counted are admissions.
 */
#include "auth/caller.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/val.h"
#include "gateway/limit_inside.h"
#include "gateway/request.h"
#include "routes/declared.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { GATEWAYS = 4 };

/* In place of http's and of the table of routes. */
struct exchange {
	const char *path, *peer, *header;
	struct arena arena;
};

static struct limit_rules *global;
static struct buf said;

const char *
exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *
exchange_peer(const struct exchange *x)
{
	return x->peer;
}

struct slice
exchange_header(const struct exchange *x, const char *name)
{
	return x->header && strcmp(name, "X-Shop") == 0 ? slice_str(x->header)
							: slice_of(NULL, 0);
}

struct arena *
exchange_arena(struct exchange *x)
{
	return &x->arena;
}

void
exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	(void)x;
	buf_printf(&said, "%s: %s\n", name, value);
}

struct declared_table *
declared_ref(struct declared_table *t)
{
	static char table;

	return t ? t : (struct declared_table *)&table;
}

const struct limit_rules *
declared_limits(const struct declared_table *t)
{
	(void)t;
	return global;
}

int
request_hold(struct request *r, struct job *job)
{
	(void)r;
	(void)job;
	abort();
}

int
request_json(struct request *r)
{
	return r->json ? 0 : ERR_JSON;
}

void
request_go_on(struct request *r, int err, const struct fault *why)
{
	(void)r;
	(void)err;
	(void)why;
	abort();
}

static struct gateway gateways[GATEWAYS];
static struct shm *shm;
static int fd = -1;
static const int64_t T0 = 1795132800LL * CLOCK_S;

static int
up(void **state)
{
	(void)state;
	if (shm_create(&fd) < 0 || shm_open_fd(&shm, fd) < 0)
		return -1;
	for (unsigned i = 0; i < GATEWAYS; i++) {
		gateways[i].shm = shm;
		gateways[i].index = i;
		gateways[i].cells = shm_gcra(shm);
		shm_places_start(shm, i);
	}
	clock_set(T0);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	global = limit_rules_free(global);
	buf_done(&said);
	shm = shm_close(shm);
	(void)close(fd);
	clock_set(-1);
	return 0;
}

static struct limit_rules *
rules(const char *text)
{
	struct limit_rules *ret = NULL;
	struct fault why = {0};
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(text), &why), 0);
	if (limit_rules_new(&ret, v, "limits", &why) < 0)
		fail_msg("%s", why.text);
	return ret;
}

/* One request's life, as far as limits see it. */
struct one {
	struct exchange x;
	struct request r;
};

static struct route plain = {.path = "/v1/functions/{name}"};
static struct declared_route shop = {
	.name = "shop", .target = DECLARED_FUNCTION, .function = "sell"};

static void
one_begin(struct one *o, unsigned gateway, const char *uid)
{
	*o = (struct one){0};
	o->x.path = "/v1/functions/f";
	o->x.peer = "192.0.2.1";
	arena_init(&o->x.arena, 1 << 16);
	o->r.x = &o->x;
	o->r.gateway = &gateways[gateway];
	o->r.route = &plain;
	o->r.param = SLICE("f");
	o->r.caller =
		(struct caller){.role = *uid ? CALLER_USER : CALLER_NOBODY,
			.uid = uid,
			.openid = uid};
}

static int
one_ask(struct one *o)
{
	int e = limit_head(&o->r);

	return e < 0 ? e : limit_caller(&o->r);
}

static void
one_end(struct one *o)
{
	limit_end(&o->r);
	arena_done(&o->x.arena);
}

/* Comes, is let in or not, and goes. */
static bool
passes(unsigned gateway, const char *uid, const char *peer)
{
	struct one o;
	int e;

	one_begin(&o, gateway, uid);
	if (peer)
		o.x.peer = peer;
	e = one_ask(&o);
	one_end(&o);
	assert_true(e == 0 || e == ERR_LIMITED);
	return e == 0;
}

/* Three times as much is offered as is declared, on all gateways in turn. */
static void
over_gateways_the_declared_rate_is_let_in_within_a_percent(void **state)
{
	static const struct {
		const char *rule;
		int64_t per_second_x1000, burst, seconds;
	} rows[] = {
		{"[{\"by\":\"ip\",\"rate\":\"7/second\",\"burst\":7}]", 7000, 7,
			300},
		{"[{\"by\":\"user\",\"rate\":\"100/minute\",\"burst\":5}]",
			1666, 5, 1800},
		{"[{\"by\":\"route\",\"rate\":\"1000/second\",\"burst\":4}]",
			1000000, 4, 20},
		{"[{\"by\":\"function\",\"rate\":\"10000/hour\",\"burst\":20}]",
			2777, 20, 1800},
		{"[{\"by\":\"openid\",\"rate\":\"30000/day\",\"burst\":3}]",
			347, 3, 20000},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		int64_t offered =
			rows[i].per_second_x1000 * 3 * rows[i].seconds / 1000;
		int64_t wanted =
			rows[i].per_second_x1000 * rows[i].seconds / 1000 +
			rows[i].burst;
		int64_t step = rows[i].seconds * CLOCK_S / offered, n = 0;

		global = rules(rows[i].rule);
		for (int64_t k = 0; k < offered; k++) {
			clock_set(T0 + k * step);
			n += passes((unsigned)(k % GATEWAYS), "u1", NULL);
		}
		if (n * 100 < wanted * 99 || n * 100 > wanted * 101)
			fail_msg("%s: %d of %d", rows[i].rule, (int)n,
				(int)wanted);
		global = limit_rules_free(global);
	}
}

static void
a_greedy_user_takes_nothing_of_what_others_share(void **state)
{
	int greedy = 0, modest[20] = {0};
	char uid[8];

	(void)state;
	global = rules("[{\"by\":\"route\",\"rate\":\"50/second\","
		       "\"burst\":50},"
		       "{\"by\":\"user\",\"rate\":\"2/second\",\"burst\":2}]");
	/* 20 users want 2 a second each, one wants 1,000: 100 seconds */
	for (int ms = 0; ms < 100000; ms += 10) {
		clock_set(T0 + ms * CLOCK_MS);
		for (int i = 0; i < 10; i++)
			greedy +=
				passes((unsigned)i % GATEWAYS, "greedy", NULL);
		for (int i = 0; i < 20; i++) {
			if (ms % 500 != i * 10)
				continue;
			(void)snprintf(uid, sizeof(uid), "m%d", i);
			modest[i] += passes((unsigned)i % GATEWAYS, uid, NULL);
		}
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(modest[i], 200);
	assert_in_range(greedy, 200, 202);
}

static void
an_equal_share_needs_no_limit_of_the_users_own_size(void **state)
{
	int n[2] = {0};

	(void)state;
	/* Both would like all of it; each has his half. */
	global = rules("[{\"by\":\"user\",\"rate\":\"5/second\",\"burst\":1},"
		       "{\"by\":\"route\",\"rate\":\"10/second\","
		       "\"burst\":2}]");
	for (int ms = 0; ms < 60000; ms += 5) {
		clock_set(T0 + ms * CLOCK_MS);
		n[0] += passes(0, "a", NULL);
		n[0] += passes(1, "a", NULL);
		n[1] += ms % 50 == 0 && passes(2, "b", NULL);
	}
	assert_in_range(n[0], 297, 303);
	assert_in_range(n[1], 297, 303);
}

static void
a_dear_request_takes_its_cost_and_one_too_dear_waits(void **state)
{
	struct one o;

	(void)state;
	global = rules("[{\"by\":\"ip\",\"rate\":\"60/minute\",\"burst\":10,"
		       "\"cost\":4,\"name\":\"dear\"}]");
	assert_true(passes(0, "", NULL));
	assert_true(passes(1, "", NULL));
	one_begin(&o, 2, "");
	assert_int_equal(one_ask(&o), ERR_LIMITED);
	/* 2 are left, 4 are needed */
	assert_true(o.r.admit.verdict.retry_ns == 2 * CLOCK_S);
	assert_non_null(strstr(o.r.why.text, "dear"));
	one_end(&o);
	clock_set(T0 + 2 * CLOCK_S);
	assert_true(passes(3, "", NULL));
}

static void
a_refusal_names_a_rule_only_when_somebody_named_it(void **state)
{
	struct one o;

	(void)state;
	global = rules("[{\"by\":\"ip\",\"rate\":\"60/minute\",\"burst\":1}]");
	assert_true(passes(0, "", NULL));
	one_begin(&o, 0, "");
	assert_int_equal(one_ask(&o), ERR_LIMITED);
	assert_string_equal(o.r.why.text,
		"too many requests from this address: wait as long as "
		"Retry-After says");
	one_end(&o);
}

static void
places_hold_over_gateways_and_come_back(void **state)
{
	struct one o[3], more;

	(void)state;
	global = rules("[{\"by\":\"user\",\"concurrent\":3,"
		       "\"name\":\"few\"}]");
	for (unsigned i = 0; i < 3; i++) {
		one_begin(&o[i], i, "u");
		assert_int_equal(one_ask(&o[i]), 0);
	}
	one_begin(&more, 3, "u");
	assert_int_equal(one_ask(&more), ERR_LIMITED);
	assert_non_null(strstr(more.r.why.text, "few"));
	assert_true(more.r.retry_ms > 0);
	one_end(&more);
	assert_true(passes(3, "other", NULL));
	one_end(&o[0]);
	assert_true(passes(3, "u", NULL));
	/* gateway 1 is killed: its place is free once it starts anew */
	assert_true(passes(3, "u", NULL));
	shm_places_start(shm, 1);
	one_begin(&more, 3, "u");
	assert_int_equal(one_ask(&more), 0);
	assert_true(passes(0, "u", NULL));
	one_end(&more);
	one_end(&o[1]);
	one_end(&o[2]);
}

static void
what_a_later_rule_refuses_is_given_back(void **state)
{
	struct one held;

	(void)state;
	global = rules("[{\"by\":\"user\",\"rate\":\"1/hour\",\"burst\":2},"
		       "{\"by\":\"route\",\"concurrent\":1}]");
	one_begin(&held, 0, "first");
	assert_int_equal(one_ask(&held), 0);
	for (int i = 0; i < 10; i++)
		assert_false(passes(1, "u", NULL));
	one_end(&held);
	assert_true(passes(1, "u", NULL));
	assert_true(passes(1, "u", NULL));
	assert_false(passes(1, "u", NULL));
}

/* Someone with a million addresses: the table stays as large as it is, and who
 * had used up his limit stays known. */
static void
a_million_addresses_do_not_free_who_owes(void **state)
{
	char peer[40];
	int passed = 0;

	(void)state;
	global = rules("[{\"by\":\"ip\",\"rate\":\"60/hour\",\"burst\":30}]");
	for (int i = 0; i < 30; i++)
		assert_true(passes(0, "", "198.51.100.7"));
	for (unsigned i = 0; i < 1000000; i++) {
		(void)snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16,
			i >> 8 & 255, i & 255);
		passed += passes(i % GATEWAYS, "", peer);
	}
	assert_int_equal(passed, 1000000);
	assert_false(passes(1, "", "198.51.100.7"));
}

static void
neighbours_in_one_64_share_a_limit(void **state)
{
	(void)state;
	global = rules("[{\"by\":\"ip\",\"rate\":\"1/hour\"}]");
	assert_true(passes(0, "", "2001:db8:1:2::1"));
	assert_false(passes(1, "", "2001:db8:1:2:ffff::9"));
	assert_true(passes(1, "", "2001:db8:1:3::1"));
	assert_true(passes(1, "", "::ffff:192.0.2.9"));
	assert_false(passes(1, "", "192.0.2.9"));
}

static void
who_leaves_the_header_out_is_limited_as_well(void **state)
{
	char longer[512];
	struct one o;

	(void)state;
	global = rules("[{\"by\":\"header:X-Shop\",\"rate\":\"1/hour\"}]");
	assert_true(passes(0, "", NULL));
	assert_false(passes(0, "", NULL));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		one_begin(&o, 0, "");
		o.x.header = longer;
		assert_int_equal(one_ask(&o), i ? ERR_LIMITED : 0);
		one_end(&o);
	}
	/* long ones that differ at their end are different */
	longer[sizeof(longer) - 2] = 'y';
	one_begin(&o, 0, "");
	o.x.header = longer;
	assert_int_equal(one_ask(&o), 0);
	one_end(&o);
}

static bool
concerns(const char *rule, const char *path, bool declared)
{
	struct one o;
	int e;

	global = rules(rule);
	one_begin(&o, 0, "");
	o.x.path = path;
	o.r.declared = declared ? &shop : NULL;
	assert_int_equal(one_ask(&o), 0);
	one_end(&o);
	one_begin(&o, 0, "");
	o.x.path = path;
	o.r.declared = declared ? &shop : NULL;
	e = one_ask(&o);
	one_end(&o);
	global = limit_rules_free(global);
	return e == ERR_LIMITED;
}

#define RULE(name, more) \
	"[{\"by\":\"ip\",\"rate\":\"1/hour\",\"name\":\"" name "\"," more "}]"

static void
a_rule_holds_for_its_paths(void **state)
{
	(void)state;
	assert_true(concerns(RULE("a", "\"class\":\"login\""), "/v1/login", 0));
	assert_true(concerns(RULE("b", "\"class\":\"login\""),
		"/auth/v1/signin/anonymously", 0));
	assert_false(
		concerns(RULE("c", "\"class\":\"login\""), "/v1/session", 0));
	assert_true(concerns(RULE("d", "\"path\":\"/v1/\""), "/v1/x", 0));
	assert_false(concerns(RULE("e", "\"path\":\"/v1/\""), "/web", 0));
	assert_true(
		concerns(RULE("f", "\"class\":\"declared\""), "/any", true));
	assert_false(concerns(
		RULE("g", "\"class\":\"declared\""), "/v1/login", false));
}

static void
a_routes_own_rules_hold_beside_those_of_all(void **state)
{
	struct one o;

	(void)state;
	shop.limits = rules("[{\"by\":\"route\",\"rate\":\"2/hour\","
			    "\"name\":\"shop\"}]");
	for (int i = 0; i < 3; i++) {
		one_begin(&o, (unsigned)i, "u");
		o.r.declared = &shop;
		assert_int_equal(one_ask(&o), i < 2 ? 0 : ERR_LIMITED);
		one_end(&o);
	}
	assert_true(passes(0, "u", NULL));
	shop.limits = limit_rules_free(shop.limits);
}

/* As js-sdk calls: POST /web {"action", "function_name"}. */
static void
a_function_has_one_limit_by_whatever_door(void **state)
{
	static const struct route web = {.path = "/web", .know = KNOW_BODY};
	struct one o;

	(void)state;
	global = rules("[{\"by\":\"function\",\"rate\":\"2/hour\"}]");
	assert_true(passes(0, "u", NULL));
	for (int i = 0; i < 3; i++) {
		one_begin(&o, 0, "u");
		o.r.route = &web;
		o.r.whole = true;
		o.x.path = "/web";
		o.r.json = json_pack("{s:s,s:s}", "action",
			"functions.invokeFunction", "function_name",
			i == 2 ? "g" : "f");
		assert_int_equal(one_ask(&o), i == 1 ? ERR_LIMITED : 0);
		json_decref(o.r.json);
		one_end(&o);
	}
}

static void
an_api_key_has_its_own_limit_and_no_users(void **state)
{
	struct one o;

	(void)state;
	global = rules("[{\"by\":\"apikey\",\"rate\":\"1/hour\"},"
		       "{\"by\":\"user\",\"rate\":\"1/hour\"}]");
	for (int i = 0; i < 4; i++) {
		one_begin(&o, 0, "");
		o.r.caller.role = CALLER_PROGRAM;
		o.r.caller.key = i % 2 ? "billing" : "stock";
		assert_int_equal(one_ask(&o), i < 2 ? 0 : ERR_LIMITED);
		one_end(&o);
	}
}

static void
the_headers_say_the_nearest_rule(void **state)
{
	struct one o;

	(void)state;
	buf_init(&said, 4096);
	global = rules("[{\"by\":\"ip\",\"rate\":\"100/minute\",\"burst\":50,"
		       "\"name\":\"wide\"},{\"by\":\"user\",\"rate\":"
		       "\"10/minute\",\"burst\":3,\"name\":\"calls\"}]");
	one_begin(&o, 0, "u");
	assert_int_equal(one_ask(&o), 0);
	admit_say(&o.r.admit, &o.x);
	assert_string_equal(said.ptr,
		"RateLimit-Limit: 3\nRateLimit-Remaining: 2\n"
		"RateLimit-Reset: 6\n"
		"RateLimit-Policy: \"calls\";q=10;w=60\n"
		"RateLimit: \"calls\";r=2;t=6\n");
	one_end(&o);
}

static void
without_rules_nothing_is_done(void **state)
{
	struct one o;

	(void)state;
	one_begin(&o, 0, "u");
	assert_int_equal(one_ask(&o), 0);
	assert_null(o.r.limits);
	assert_int_equal(o.r.admit.limit, 0);
	assert_int_equal(o.x.arena.used, 0);
	one_end(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
		WITH(over_gateways_the_declared_rate_is_let_in_within_a_percent),
		WITH(a_greedy_user_takes_nothing_of_what_others_share),
		WITH(an_equal_share_needs_no_limit_of_the_users_own_size),
		WITH(a_dear_request_takes_its_cost_and_one_too_dear_waits),
		WITH(a_refusal_names_a_rule_only_when_somebody_named_it),
		WITH(places_hold_over_gateways_and_come_back),
		WITH(what_a_later_rule_refuses_is_given_back),
		WITH(a_million_addresses_do_not_free_who_owes),
		WITH(neighbours_in_one_64_share_a_limit),
		WITH(who_leaves_the_header_out_is_limited_as_well),
		WITH(a_rule_holds_for_its_paths),
		WITH(a_routes_own_rules_hold_beside_those_of_all),
		WITH(a_function_has_one_limit_by_whatever_door),
		WITH(an_api_key_has_its_own_limit_and_no_users),
		WITH(the_headers_say_the_nearest_rule),
		WITH(without_rules_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
