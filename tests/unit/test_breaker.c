/*
 * Circuit breakers by counts and the test's clock.
 */
#include "base/clock.h"
#include "base/event.h"
#include "base/val.h"
#include "routes/breaker.h"
#include "tests/unit/test.h"

static struct breakers *all;
static struct breaker *b;
static struct breaker_rule rule;
static int64_t now;

static int
up(void **state)
{
	(void)state;
	event_init("test", EVENT_ERROR);
	all = breakers_new();
	b = breaker_of(all, 'f', "pay");
	rule = breaker_preset(true);
	now = 1000 * CLOCK_S;
	return 0;
}

static int
down(void **state)
{
	(void)state;
	all = breakers_free(all);
	return 0;
}

/* Whether it was let in. */
static bool
call(enum breaker_end end)
{
	uint32_t retry;

	if (breaker_ask(b, &rule, now, &retry) < 0)
		return false;
	breaker_tell(b, &rule, now, end);
	return true;
}

static void
half_of_twenty_calls_open_it(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(call(BREAKER_FINE));
	for (int i = 0; i < 9; i++)
		assert_true(call(BREAKER_ERROR));
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
	assert_true(call(BREAKER_ERROR));
	assert_int_equal(breaker_state(b), BREAKER_OPEN);
	assert_false(call(BREAKER_FINE));
}

static void
few_errors_among_many_calls_do_not(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(call(i % 3 ? BREAKER_FINE : BREAKER_ERROR));
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
}

static void
errors_of_long_ago_do_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(call(BREAKER_ERROR));
		now += CLOCK_S; /* ten within the window at the most */
	}
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
}

static void
open_it(void)
{
	for (int i = 0; i < 20; i++)
		(void)call(BREAKER_ERROR);
	assert_int_equal(breaker_state(b), BREAKER_OPEN);
}

static void
it_says_when_it_is_tried_again_and_tries_one(void **state)
{
	uint32_t retry = 0;

	(void)state;
	open_it();
	now += 2 * CLOCK_S;
	assert_int_equal(breaker_ask(b, &rule, now, &retry), ERR_CIRCUIT_OPEN);
	assert_int_equal(retry, 3000);
	now += 3 * CLOCK_S;
	assert_int_equal(breaker_ask(b, &rule, now, &retry), 0);
	assert_int_equal(breaker_state(b), BREAKER_HALF_OPEN);
	/* while that one runs, nobody else */
	assert_int_equal(breaker_ask(b, &rule, now, &retry), ERR_CIRCUIT_OPEN);
	breaker_tell(b, &rule, now, BREAKER_FINE);
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
	assert_true(call(BREAKER_FINE));
}

static void
a_try_that_fails_opens_it_again(void **state)
{
	(void)state;
	open_it();
	now += 5 * CLOCK_S;
	assert_true(call(BREAKER_ERROR));
	assert_int_equal(breaker_state(b), BREAKER_OPEN);
	now += 4 * CLOCK_S;
	assert_false(call(BREAKER_FINE));
	now += CLOCK_S;
	assert_true(call(BREAKER_FINE));
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
}

static void
a_try_whose_client_left_lets_the_next_one_try(void **state)
{
	(void)state;
	open_it();
	now += 5 * CLOCK_S;
	assert_true(call(BREAKER_UNKNOWN));
	assert_int_equal(breaker_state(b), BREAKER_HALF_OPEN);
	assert_true(call(BREAKER_FINE));
	assert_int_equal(breaker_state(b), BREAKER_CLOSED);
}

static void
calls_that_began_before_it_opened_change_nothing(void **state)
{
	(void)state;
	open_it();
	breaker_tell(b, &rule, now, BREAKER_FINE);
	breaker_tell(b, &rule, now, BREAKER_ERROR);
	assert_int_equal(breaker_state(b), BREAKER_OPEN);
}

static void
what_the_author_answers_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(breaker_end_of(0, 200, false), BREAKER_FINE);
	assert_int_equal(breaker_end_of(0, 500, false), BREAKER_FINE);
	assert_int_equal(
		breaker_end_of(ERR_FN_FAILED, 500, false), BREAKER_FINE);
	assert_int_equal(
		breaker_end_of(ERR_FN_TIMEOUT, 504, false), BREAKER_ERROR);
	assert_int_equal(breaker_end_of(0, 503, true), BREAKER_ERROR);
	assert_int_equal(breaker_end_of(0, 404, true), BREAKER_FINE);
	assert_int_equal(
		breaker_end_of(ERR_PROXY_DOWN, 502, true), BREAKER_ERROR);
	assert_int_equal(
		breaker_end_of(ERR_LIMITED, 429, true), BREAKER_UNKNOWN);
	assert_int_equal(breaker_end_of(0, 0, true), BREAKER_UNKNOWN);
}

static void
names_are_kept_apart_and_not_without_end(void **state)
{
	char name[16];
	int made = 1;

	(void)state;
	assert_ptr_equal(breaker_of(all, 'f', "pay"), b);
	assert_ptr_not_equal(breaker_of(all, 'u', "pay"), b);
	assert_null(breaker_find(all, 'f', "other"));
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		made += breaker_of(all, 'f', name) != NULL;
	}
	assert_true(made < 1000);
	assert_int_equal(breakers_count(all), made + 1);
}

static void
a_rule_is_read_or_refused_with_words(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"true", "must be false"},
		{"{\"error\": 5}", "error: not known"},
		{"{\"errors\": 101}", "errors"},
		{"{\"open\": \"5\"}", "open: a time"},
		{"{\"within\": \"2d\"}", "within: a time"},
	};
	struct breaker_rule r;
	struct fault why = {0};
	_json_ json_t *v = NULL;

	(void)state;
	assert_int_equal(val_parse(&v,
				 SLICE("{\"calls\": 5, \"open\": "
				       "\"30s\"}"),
				 NULL),
		0);
	assert_int_equal(
		breaker_rule_parse(&r, v, breaker_preset(false), &why), 0);
	assert_int_equal(r.errors, 50);
	assert_int_equal(r.calls, 5);
	assert_true(r.open_ns == 30 * CLOCK_S);
	for (size_t i = 0; i < array_size(bad); i++) {
		json_t *spec = NULL;

		assert_int_equal(
			val_parse(&spec, slice_str(bad[i].text), NULL), 0);
		assert_int_equal(breaker_rule_parse(
					 &r, spec, breaker_preset(true), &why),
			ERR_CONFIG);
		assert_non_null(strstr(why.text, bad[i].says));
		json_decref(spec);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
		WITH(half_of_twenty_calls_open_it),
		WITH(few_errors_among_many_calls_do_not),
		WITH(errors_of_long_ago_do_not_count),
		WITH(it_says_when_it_is_tried_again_and_tries_one),
		WITH(a_try_that_fails_opens_it_again),
		WITH(a_try_whose_client_left_lets_the_next_one_try),
		WITH(calls_that_began_before_it_opened_change_nothing),
		WITH(what_the_author_answers_is_no_error),
		WITH(names_are_kept_apart_and_not_without_end),
		WITH(a_rule_is_read_or_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
