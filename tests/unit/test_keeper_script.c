/*
 * The real mpcloud-host with a script function: the template in its cage, real
 * workers, the runtime's real JavaScript.
 */
#include "base/mem.h"
#include "functions/proto.h"
#include "tests/unit/host_driver.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host h;
static struct worker_end w, v;

static json_t *
script(const char *handler)
{
	json_t *setup = host_setup_json(
		"script", TOP_SOURCE "/tests/unit/fn_script", handler);

	json_object_set_new(setup, "runner",
		json_string(TOP_SOURCE "/functions/script/main.js"));
	json_object_set_new(
		setup, "script", json_string(TOP_BUILD "/mpcloud-script"));
	json_object_set_new(json_object_get(setup, "function"), "memory",
		json_integer(128 << 20));
	return setup;
}

static int
start(void **state)
{
	(void)state;
	if (host_start(&h, script("index.main")) < 0)
		fail_msg("%s", h.failed);
	host_channel(&h, 0);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	worker_close(&w);
	worker_close(&v);
	host_stop(&h);
	return 0;
}

static int
nothing(void **state)
{
	(void)state;
	return 0;
}

static void
a_worker_answers_what_the_function_returns(void **state)
{
	uint8_t type;

	(void)state;
	host_spawn(&h, 7, &w);
	worker_invoke(&w, 41, "{\"do\":\"echo\",\"n\":[1,2],\"t\":\"茶\"}");
	assert_string_equal(worker_answer(&w, 41, &type),
		"{\"do\":\"echo\",\"n\":[1,2],\"t\":\"茶\",\"userInfo\":"
		"{\"appId\":\"wx0123456789abcdef\",\"openId\":\"oUser\"}}");
	assert_int_equal(type, PROTO_RESULT);
	worker_invoke(&w, 42, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&w, 42, &type), "null");
}

static void
an_exception_names_the_authors_line(void **state)
{
	const char *answer;
	uint8_t type;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"throw\"}");
	answer = worker_answer(&w, 1, &type);
	assert_int_equal(type, PROTO_ERROR);
	assert_non_null(strstr(answer, "\"code\":\"FUNCTIONS_EXECUTE_FAIL\""));
	assert_non_null(strstr(answer,
		"{\\\"errorMessage\\\":\\\"out of tea\\\",\\\"errorType\\\":"
		"\\\"TypeError\\\"}"));
	if (!strstr(answer, "TypeError: out of tea\\n    at brew ("))
		fail_msg("%s", answer);
	assert_non_null(strstr(answer, "index.js:7:"));
}

static void
the_wall_stands_around_it(void **state)
{
	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"look\"}");
	assert_string_equal(worker_answer(&w, 1, NULL),
		"{\"passwd\":\"ENOENT\",\"code\":\"refused\",\"tmp\":\"kept\","
		"\"host\":\"undefined\",\"secret\":null,\"mine\":\"mine\"}");
}

static void
an_endless_loop_is_killed_when_it_is_asked_for(void **state)
{
	int reason, status;

	(void)state;
	host_spawn(&h, 5, &w);
	worker_invoke(&w, 1, "{\"do\":\"loop\"}");
	host_send(&h, HOST_KILL, 5);
	status = host_gone(&h, 5, &reason);
	assert_int_equal(reason, GONE_KILLED);
	assert_true(WIFSIGNALED(status));
	host_spawn(&h, 6, &v);
	worker_invoke(&v, 1, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "null");
}

static void
a_memory_hog_is_killed_and_the_others_live(void **state)
{
	int reason;

	(void)state;
	host_spawn(&h, 5, &w);
	host_spawn(&h, 6, &v);
	worker_invoke(&w, 1, "{\"do\":\"hog\"}");
	(void)host_gone(&h, 5, &reason);
	assert_int_equal(reason, GONE_MEMORY);
	worker_invoke(&v, 1, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "null");
}

static void
an_uncaught_exception_ends_the_call_and_the_worker(void **state)
{
	const char *answer;
	int reason, status;
	uint8_t type;

	(void)state;
	host_spawn(&h, 5, &w);
	worker_invoke(&w, 1, "{\"do\":\"later\"}");
	answer = worker_answer(&w, 1, &type);
	assert_int_equal(type, PROTO_ERROR);
	assert_non_null(strstr(answer, "too late"));
	status = host_gone(&h, 5, &reason);
	assert_int_equal(reason, GONE_ITSELF);
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
many_workers_come_and_go(void **state)
{
	(void)state;
	for (uint32_t id = 1; id < 40; id++) {
		int reason;

		host_spawn(&h, id, &w);
		worker_invoke(&w, id, "{\"do\":\"nothing\"}");
		assert_string_equal(worker_answer(&w, id, NULL), "null");
		worker_close(&w);
		assert_int_equal(host_gone(&h, id, &reason), 0);
		assert_int_equal(reason, GONE_ITSELF);
	}
}

/* The first process named so below the host. */
static pid_t
find_template(void)
{
	_free_ char *command =
		str_printf("pgrep -o -P $(pgrep -o -P %d)", (int)h.pid);
	FILE *out = popen(command, "re");
	int pid = 0;

	assert_non_null(out);
	assert_int_equal(fscanf(out, "%d", &pid), 1);
	(void)pclose(out);
	return (pid_t)pid;
}

static void
a_killed_template_is_started_again(void **state)
{
	int reason;

	(void)state;
	host_spawn(&h, 1, &w);
	assert_int_equal(kill(find_template(), SIGKILL), 0);
	host_spawn(&h, 2, &v);
	worker_invoke(&v, 1, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "null");
	/* Its workers are as well as before. */
	worker_invoke(&w, 1, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&w, 1, NULL), "null");
	worker_close(&w);
	assert_int_equal(host_gone(&h, 1, &reason), 0);
}

/* data/script_silent/main.js: its onIdle, in a fork, does what the file says
 * the first time, and the rest is well. */
static void
start_silent(const char *how)
{
	json_t *setup = script("index.main");

	json_object_set_new(setup, "runner",
		json_string(
			TOP_SOURCE "/tests/unit/data/script_silent/main.js"));
	json_object_set_new(json_object_get(setup, "function"), "environment",
		json_pack("{s:s}", "HOW", how));
	assert_int_equal(host_start(&h, setup), 0);
	host_channel(&h, 0);
}

static void
a_worker_that_stays_silent_is_replaced(void **state)
{
	(void)state;
	start_silent("hang once");
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{}");
	assert_string_equal(worker_answer(&w, 1, NULL), "\"second\"");
	stop(state);
}

static void
a_worker_that_ends_before_it_is_ready_is_replaced(void **state)
{
	(void)state;
	start_silent("end once");
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{}");
	assert_string_equal(worker_answer(&w, 1, NULL), "\"second\"");
	stop(state);
}

static void
workers_that_never_get_ready_are_given_up(void **state)
{
	struct frame f;

	(void)state;
	start_silent("end always");
	host_send(&h, HOST_SPAWN, 1);
	assert_int_equal(host_next(&h, &f, NULL), 1);
	assert_int_equal(f.type, HOST_NO_WORKER);
	assert_int_equal(f.id, 1);
	assert_non_null(memmem(f.body.ptr, f.body.len, "does not get ready",
		strlen("does not get ready")));
	host_stop(&h);
}

static void
what_cannot_be_loaded_is_refused_with_its_stack(void **state)
{
	(void)state;
	assert_int_equal(host_start(&h, script("broken.main")), ERR_FN_FAILED);
	assert_non_null(strstr(h.failed, "TypeError"));
	assert_non_null(strstr(h.failed, "broken.js:3:"));
	host_stop(&h);
}

static void
a_module_is_refused_with_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(host_start(&h, script("module.main")), ERR_FN_FAILED);
	if (!strstr(h.failed,
		    "module.js:3: this is an ES module (import fs from "
		    "'node:fs';): script functions are CommonJS; write "
		    "require() or use the runtime node") ||
		strchr(h.failed, '\n')) /* it is said once */
		fail_msg("%s", h.failed);
	host_stop(&h);
}

static void
a_missing_export_is_named(void **state)
{
	(void)state;
	assert_int_equal(host_start(&h, script("index.other")), ERR_FN_FAILED);
	assert_non_null(strstr(h.failed, "other"));
	host_stop(&h);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(a_worker_answers_what_the_function_returns),
		TEST(an_exception_names_the_authors_line),
		TEST(the_wall_stands_around_it),
		TEST(an_endless_loop_is_killed_when_it_is_asked_for),
		TEST(a_memory_hog_is_killed_and_the_others_live),
		TEST(an_uncaught_exception_ends_the_call_and_the_worker),
		TEST(many_workers_come_and_go),
		TEST(a_killed_template_is_started_again),
		cmocka_unit_test_setup(
			a_worker_that_stays_silent_is_replaced, nothing),
		cmocka_unit_test_setup(
			a_worker_that_ends_before_it_is_ready_is_replaced,
			nothing),
		cmocka_unit_test_setup(
			workers_that_never_get_ready_are_given_up, nothing),
		cmocka_unit_test_setup(
			what_cannot_be_loaded_is_refused_with_its_stack,
			nothing),
		cmocka_unit_test_setup(
			a_module_is_refused_with_what_to_do, nothing),
		cmocka_unit_test_setup(a_missing_export_is_named, nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
