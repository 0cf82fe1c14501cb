/*
 * What the author's code says and does while mpcloud-script loads it, and what
 * he is told when it cannot be loaded.
 */
#include "functions/proto.h"
#include "tests/unit/script_driver.h"
#include "tests/unit/test.h"

static struct script_end s;
static struct worker_end w;

static void
a_module_is_refused_when_it_is_loaded(void **state)
{
	static const struct script_ask ask = {.handler = "module.main"};

	(void)state;
	assert_int_equal(script_start(&s, &ask), ERR_FN_FAILED);
	assert_non_null(strstr(s.failed,
		"SyntaxError: module.main:3: this is an ES module (import fs "
		"from 'node:fs';): script functions are CommonJS"));
	script_stop(&s);
}

static void
an_exception_while_loading_names_the_authors_line(void **state)
{
	static const struct script_ask ask = {.handler = "throws.main"};

	(void)state;
	assert_int_equal(script_start(&s, &ask), ERR_FN_FAILED);
	assert_non_null(strstr(s.failed, "TypeError: undefined is not an "
					 "object"));
	assert_non_null(strstr(s.failed, "/throws.js:4:"));
	script_stop(&s);
}

static void
timers_of_the_time_of_loading_end_before_the_first_fork(void **state)
{
	static const struct script_ask ask = {.handler = "timers.main"};
	uint8_t type;

	(void)state;
	assert_int_equal(script_start(&s, &ask), 0);
	assert_non_null(strstr(s.printed, "said while it was loaded\n"));
	assert_non_null(strstr(s.printed, "are dropped"));
	script_fork(&s, &w);
	assert_string_equal(
		script_eval(&w, "return t.order", &type), "[\"soon\"]");
	assert_int_equal(type, PROTO_RESULT);
	worker_close(&w);
	script_stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_is_refused_when_it_is_loaded),
		cmocka_unit_test(
			an_exception_while_loading_names_the_authors_line),
		cmocka_unit_test(
			timers_of_the_time_of_loading_end_before_the_first_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
