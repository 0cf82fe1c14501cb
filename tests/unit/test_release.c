/*
 * Which version answers which call.
 */
#include "functions/release.h"
#include "tests/unit/test.h"

static struct fn_release r;
static struct fault why;

static int
parse(const char *text)
{
	json_t *v;
	int err;

	release_done(&r);
	memset(&r, 0, sizeof(r));
	why = (struct fault){0};
	assert_int_equal(val_parse(&v, slice_str(text), NULL), 0);
	err = release_parse(&r, v, &why);
	json_decref(v);
	return err;
}

static int
done(void **state)
{
	(void)state;
	release_done(&r);
	return 0;
}

static const struct {
	const char *text, *says;
} bad[] = {
	{"[]", "release: not an object"},
	{"{\"stable\":1}", "name"},
	{"{\"name\":\"1a\",\"stable\":1}", "name: a letter"},
	{"{\"name\":\"a\",\"stable\":-1}", "stable"},
	{"{\"name\":\"a\",\"stable\":\"1\"}", "stable"},
	{"{\"name\":\"a\",\"stable\":1000000001}", "stable"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":2}", "gray: an object"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{}}", "gray.version"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":1}}",
		"gray.version: 1 is the stable version"},
	{"{\"name\":\"a\",\"gray\":{\"version\":1}}", "a stable version"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"percent\":101}}",
		"gray.percent"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"header\":\"x-gray\"}}",
		"gray.header: a header's name and its value"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"header\":\"x gray: yes\"}}",
		"gray.header"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"header\":\"x-gray: \"}}",
		"gray.header"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"header\":\"x-gray: a\\nb: c\"}}",
		"gray.header"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"openids\":\"o1\"}}",
		"gray.openids: an array"},
	{"{\"name\":\"a\",\"stable\":1,\"gray\":{\"version\":2,"
	 "\"openids\":[\"o1\",\"\"]}}",
		"gray.openids[1]"},
	{"{\"name\":\"a\",\"stable\":1,\"aliases\":[\"prod\"]}", "aliases"},
	{"{\"name\":\"a\",\"stable\":1,\"aliases\":{\"7\":1}}",
		"aliases: \"7\" is not a name"},
	{"{\"name\":\"a\",\"stable\":1,\"aliases\":{\"$LATEST\":1}}",
		"is not a name"},
	{"{\"name\":\"a\",\"stable\":1,\"aliases\":{\"prod\":0}}",
		"aliases.prod"},
	{"{\"name\":\"a\",\"stable\":1,\"aliases\":{\"prod\":1.5}}",
		"aliases.prod"},
	{"{\"name\":\"a\",\"stable\":1,\"guard\":{\"errors\":101}}",
		"guard.errors"},
	{"{\"name\":\"a\",\"stable\":1,\"guard\":{\"calls\":0}}",
		"guard.calls"},
	{"{\"name\":\"a\",\"stable\":1,\"guard\":{\"latency_ms\":-1}}",
		"guard.latency_ms"},
};

static void
what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = parse(bad[i].text);

		if (err != ERR_PARAM || !strstr(why.text, bad[i].says))
			fail_msg("%s: %d %s", bad[i].text, err, why.text);
	}
}

#define WHOLE \
	"{\"name\":\"pay\",\"stable\":7,\"gray\":{\"version\":8," \
	"\"percent\":10,\"header\":\"x-gray: yes\"," \
	"\"openids\":[\"o1\",\"o2\"]},\"aliases\":{\"prod\":7,\"old\":3}," \
	"\"guard\":{\"errors\":5,\"latency_ms\":800,\"calls\":100}}"

static void
what_is_built_is_what_was_parsed(void **state)
{
	json_t *v, *was;

	(void)state;
	assert_int_equal(parse(WHOLE), 0);
	v = release_build(&r);
	assert_int_equal(val_parse(&was, slice_str(WHOLE), NULL), 0);
	assert_true(json_equal(v, was));
	json_decref(v);
	json_decref(was);
	assert_int_equal(parse("{\"name\":\"a\",\"stable\":2}"), 0);
	v = release_build(&r);
	assert_int_equal(val_parse(&was,
				 SLICE("{\"name\":\"a\",\"stable\":2,"
				       "\"aliases\":{}}"),
				 NULL),
		0);
	assert_true(json_equal(v, was));
	json_decref(v);
	json_decref(was);
}

static void
stable_gray_and_aliased_versions_live(void **state)
{
	(void)state;
	assert_int_equal(parse(WHOLE), 0);
	for (unsigned v = 0; v < 12; v++)
		assert_int_equal(
			release_names(&r, v), v == 3 || v == 7 || v == 8);
}

/* What the one header of a call is. */
static struct slice
header(const void *owner, const char *name)
{
	const char *const *sent = owner;

	assert_string_equal(name, "x-gray");
	return slice_str(*sent);
}

static unsigned
pick(const char *qualifier, const char *openid, const char *sends)
{
	const char *const *owner = &sends;
	struct release_call call = {.qualifier = qualifier,
		.openid = openid,
		.route_key = "",
		.header = sends ? header : NULL,
		.owner = owner};

	return release_pick(&r, &call);
}

#define RULES_ONLY \
	"{\"name\":\"pay\",\"stable\":7,\"gray\":{\"version\":8," \
	"\"header\":\"x-gray: yes\",\"openids\":[\"o1\",\"o2\"]}," \
	"\"aliases\":{\"prod\":7,\"old\":3}}"

static const struct {
	const char *qualifier, *openid, *sends;
	unsigned version;
} calls[] = {
	{"", "", NULL, 7},
	{NULL, NULL, NULL, 7},
	{"$LATEST", "", NULL, 7},
	{"", "o1", NULL, 8},
	{"$LATEST", "o2", NULL, 8},
	{"", "o3", NULL, 7},
	{"", "", "yes", 8},
	{"", "", " yes ", 8},
	{"", "", "YES", 7},
	{"", "", "no", 7},
	{"", "", "", 7},
	{"", "o3", "yes", 8},
	{"prod", "o1", "yes", 7}, /* who names one gets that */
	{"old", "", NULL, 3},
	{"7", "o1", NULL, 7},
	{"8", "", NULL, 8},
	{"3", "", NULL, 3},
	{"5", "", NULL, 0}, /* there, perhaps, but not live */
	{"0", "", NULL, 0},
	{"PROD", "", NULL, 0},
	{"nobody", "", NULL, 0},
	{"99999999999999999999", "", NULL, 0},
	{"$STABLE", "", NULL, 0},
};

static void
calls_get_the_version_that_the_rules_say(void **state)
{
	(void)state;
	assert_int_equal(parse(RULES_ONLY), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		unsigned version = pick(
			calls[i].qualifier, calls[i].openid, calls[i].sends);

		if (version != calls[i].version)
			fail_msg("call %zu got %u", i, version);
	}
}

static void
set_percent(unsigned percent)
{
	char text[160];

	(void)snprintf(text, sizeof(text),
		"{\"name\":\"f\",\"stable\":1,\"gray\":{\"version\":2,"
		"\"percent\":%u}}",
		percent);
	assert_int_equal(parse(text), 0);
}

/* Which of `count` users have the gray version. */
static unsigned
count_gray(const char *prefix, unsigned count, bool *has)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++) {
		char openid[32];

		(void)snprintf(openid, sizeof(openid), "%s%u", prefix, i);
		has[i] = pick("", openid, NULL) == 2;
		assert_int_equal(pick("", openid, NULL) == 2, has[i]);
		sum += has[i];
	}
	return sum;
}

static void
a_share_of_users_is_what_it_says_and_only_grows(void **state)
{
	static const unsigned steps[] = {0, 1, 10, 25, 50, 99, 100};
	static bool had[10000], has[10000];

	(void)state;
	memset(had, 0, sizeof(had));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned sum;

		set_percent(steps[i]);
		sum = count_gray("oUser-", 10000, has);
		/* five times the standard deviation, 100 √(p(1-p)) ≤ 50 */
		assert_in_range(
			sum + 250, steps[i] * 100, steps[i] * 100 + 500);
		if (steps[i] % 100 == 0)
			assert_int_equal(sum, steps[i] * 100);
		for (unsigned u = 0; u < 10000; u++)
			assert_true(has[u] || !had[u]);
		memcpy(had, has, sizeof(had));
	}
}

static void
two_functions_try_different_users(void **state)
{
	static bool one[1000], other[1000];
	unsigned both = 0;

	(void)state;
	set_percent(50);
	(void)count_gray("u", 1000, one);
	r.name[0] = 'g';
	(void)count_gray("u", 1000, other);
	for (unsigned u = 0; u < 1000; u++)
		both += one[u] && other[u];
	assert_in_range(both, 150, 350); /* a quarter, not all of the half */
}

static void
nested_calls_of_nobody_stick_to_their_route_key(void **state)
{
	unsigned sum = 0;

	(void)state;
	set_percent(50);
	for (unsigned i = 0; i < 1000; i++) {
		char key[16];
		struct release_call call = {
			.qualifier = "", .openid = "", .route_key = key};
		unsigned first;

		(void)snprintf(key, sizeof(key), "key-%u", i);
		first = release_pick(&r, &call);
		assert_int_equal(release_pick(&r, &call), first);
		sum += first == 2;
	}
	assert_in_range(sum, 400, 600);
}

static void
nobody_in_particular_takes_turns(void **state)
{
	unsigned sum = 0;

	(void)state;
	set_percent(10);
	for (unsigned i = 0; i < 1000; i++)
		sum += pick("", "", NULL) == 2;
	assert_in_range(sum, 95, 105);
}

static void
without_a_stable_version_nothing_answers_but_aliases(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"name\":\"a\",\"aliases\":{\"old\":3}}"), 0);
	assert_int_equal(pick("", "o", NULL), 0);
	assert_int_equal(pick("old", "o", NULL), 3);
	assert_false(release_names(&r, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_built_is_what_was_parsed),
		cmocka_unit_test(stable_gray_and_aliased_versions_live),
		cmocka_unit_test(calls_get_the_version_that_the_rules_say),
		cmocka_unit_test(
			a_share_of_users_is_what_it_says_and_only_grows),
		cmocka_unit_test(two_functions_try_different_users),
		cmocka_unit_test(
			nested_calls_of_nobody_stick_to_their_route_key),
		cmocka_unit_test(nobody_in_particular_takes_turns),
		cmocka_unit_test(
			without_a_stable_version_nothing_answers_but_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
