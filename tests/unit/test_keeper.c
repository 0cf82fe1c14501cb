/*
 * The real mpcloud-host with a native function, driven over its control socket
 * and a gateway's channel.
 */
#include "base/channel.h"
#include "base/mem.h"
#include "base/sock.h"
#include "tests/unit/host_driver.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host h;
static struct worker_end w, v;

static json_t *
native(void)
{
	return host_setup_json(
		"native", TOP_BUILD "/tests/unit", "native_sample.so");
}

static json_t *
native_with(const char *key, json_t *value)
{
	json_t *setup = native();

	json_object_set_new(json_object_get(setup, "function"), key, value);
	return setup;
}

static int
start(void **state)
{
	(void)state;
	if (host_start(&h, native()) < 0)
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

static void
a_worker_answers_what_the_function_returns(void **state)
{
	uint8_t type;

	(void)state;
	host_spawn(&h, 7, &w);
	worker_invoke(&w, 41, "{\"do\":\"echo\",\"n\":[1,2]}");
	assert_string_equal(
		worker_answer(&w, 41, &type), "{\"do\":\"echo\",\"n\":[1,2]}");
	assert_int_equal(type, PROTO_RESULT);
	worker_invoke(&w, 42, "{\"do\":\"nothing\"}");
	assert_string_equal(worker_answer(&w, 42, &type), "null");
	assert_int_equal(type, PROTO_RESULT);
}

static void
invocations_sent_together_are_answered_in_order(void **state)
{
	(void)state;
	host_spawn(&h, 1, &w);
	for (uint32_t i = 1; i <= 100; i++)
		worker_invoke(&w, i, "{\"do\":\"echo\"}");
	for (uint32_t i = 1; i <= 100; i++)
		assert_string_equal(
			worker_answer(&w, i, NULL), "{\"do\":\"echo\"}");
}

static void
a_failure_carries_the_authors_words(void **state)
{
	uint8_t type;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"fail\"}");
	assert_non_null(strstr(worker_answer(&w, 1, &type),
		"\"code\":\"FUNCTIONS_EXECUTE_FAIL\",\"message\":\"out of "
		"tea\""));
	assert_int_equal(type, PROTO_ERROR);
	worker_invoke(&w, 2, "{\"do\":\"unknown\"}");
	assert_non_null(
		strstr(worker_answer(&w, 2, &type), "mpc_main returned -5"));
	assert_int_equal(type, PROTO_ERROR);
	worker_invoke(&w, 3, "{\"do\":\"bad\"}");
	assert_non_null(strstr(worker_answer(&w, 3, &type), "not valid JSON"));
	assert_int_equal(type, PROTO_ERROR);
}

static void
the_context_and_the_environment_are_the_callers(void **state)
{
	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"who\"}");
	assert_string_equal(worker_answer(&w, 1, NULL),
		"{\"openid\":\"oUser\",\"env\":\"env-test\","
		"\"appid\":\"wx0123456789abcdef\",\"ip\":\"203.0.113.7\","
		"\"id\":\"req-1\",\"var\":\"mine\","
		"\"path\":\"/usr/local/bin:/usr/bin:/bin\",\"secret\":0,"
		"\"left\":1}");
}

/* Answers the worker's next call, which must be `body`. */
static void
expect_call(const char *body, const char *reply)
{
	struct frame f;
	struct getter g;

	assert_int_equal(worker_next(&w, &f), 1);
	assert_int_equal(f.type, PROTO_CALL);
	g = getter_of(f.body);
	assert_int_equal(get_u32(&g), 5); /* the invocation */
	assert_string_equal(get_rest(&g).ptr, body);
	worker_send(&w, PROTO_REPLY, f.id, reply);
}

static void
documents_are_asked_for_as_the_sdk_asks(void **state)
{
	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 5, "{\"do\":\"documents\"}");
	expect_call("{\"action\":\"database.queryDocument\",\"collectionName\":"
		    "\"goods\",\"queryType\":\"DOC\",\"query\":{\"_id\":"
		    "\"tea \\\"1\\\"\"},\"limit\":1}",
		"{\"requestId\":\"r\",\"data\":{\"list\":[ "
		"{\"_id\":\"x\",\"l\":[1]}]}}");
	expect_call("{\"action\":\"database.addDocument\",\"collectionName\":"
		    "\"goods\",\"data\":{\"a\":1}}",
		"{\"requestId\":\"r\",\"data\":{\"_id\":\"id0\"}}");
	expect_call("{\"action\":\"database.queryDocument\",\"collectionName\":"
		    "\"goods\",\"queryType\":\"WHERE\",\"query\":{\"a\":1},"
		    "\"limit\":5}",
		"{\"requestId\":\"r\",\"data\":{\"list\":[{\"b\":2}]}}");
	expect_call("{\"action\":\"database.countDocument\",\"collectionName\":"
		    "\"goods\",\"queryType\":\"WHERE\",\"query\":{}}",
		"{\"requestId\":\"r\",\"data\":{\"total\":12}}");
	assert_string_equal(worker_answer(&w, 5, NULL),
		"{\"got\":{\"_id\":\"x\",\"l\":[1]},\"id\":\"id0\","
		"\"list\":[{\"b\":2}],\"n\":12}");
}

static void
a_refused_call_says_why(void **state)
{
	struct frame f;
	uint8_t type;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 5, "{\"do\":\"call\",\"action\":\"x\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	worker_send(&w, PROTO_REPLY, f.id,
		"{\"requestId\":\"r\",\"code\":\"PERMISSION_DENIED\","
		"\"message\":\"no\\n\"}");
	assert_non_null(strstr(worker_answer(&w, 5, &type),
		"\"message\":\"PERMISSION_DENIED: no\\n\""));
	assert_int_equal(type, PROTO_ERROR);
}

static void
others_run_while_one_waits_when_concurrency_allows(void **state)
{
	struct frame f;
	uint32_t call;

	(void)state;
	host_stop(&h);
	assert_int_equal(
		host_start(&h, native_with("concurrency", json_integer(4))), 0);
	host_channel(&h, 0);
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"call\",\"action\":\"slow\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	assert_int_equal(f.type, PROTO_CALL);
	call = f.id;
	worker_invoke(&w, 2, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&w, 2, NULL), "{\"do\":\"echo\"}");
	worker_send(&w, PROTO_REPLY, call, "{\"data\":3}");
	assert_string_equal(worker_answer(&w, 1, NULL), "{\"data\":3}");
}

static void
alone_an_invocation_waits_for_the_one_before(void **state)
{
	struct frame f;
	uint32_t call;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"call\",\"action\":\"slow\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	call = f.id;
	worker_invoke(&w, 2, "{\"do\":\"echo\"}");
	worker_send(&w, PROTO_REPLY, call, "{\"data\":3}");
	assert_string_equal(worker_answer(&w, 1, NULL), "{\"data\":3}");
	assert_string_equal(worker_answer(&w, 2, NULL), "{\"do\":\"echo\"}");
}

static void
a_worker_is_a_fork_of_what_was_loaded_once(void **state)
{
	const char *text;
	char first[128];

	(void)state;
	host_spawn(&h, 1, &w);
	host_spawn(&h, 2, &v);
	worker_invoke(&w, 1, "{\"do\":\"forked\"}");
	text = worker_answer(&w, 1, NULL);
	(void)snprintf(
		first, sizeof(first), "%.*s", (int)strcspn(text, ","), text);
	worker_invoke(&v, 1, "{\"do\":\"forked\"}");
	text = worker_answer(&v, 1, NULL);
	assert_true(strncmp(first, text, strlen(first)) == 0);
	assert_int_not_equal(w.pid, v.pid);
	host_send(&h, HOST_KILL, 1);
	assert_int_equal(host_gone(&h, 1, (int[1]){0}), SIGKILL);
}

static void
a_crash_is_reported_and_the_line_before_it_kept(void **state)
{
	struct frame f;
	int reason;

	(void)state;
	host_spawn(&h, 3, &w);
	worker_invoke(&w, 1, "{\"do\":\"crash\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	assert_int_equal(f.type, PROTO_LOG);
	assert_string_equal(f.body.ptr + 1, "before the crash");
	assert_int_equal(worker_next(&w, &f), 0);
	assert_int_equal(host_gone(&h, 3, &reason) & 0x7f, SIGSEGV);
	assert_int_equal(reason, GONE_ITSELF);
	host_spawn(&h, 4, &v);
	worker_invoke(&v, 1, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "{\"do\":\"echo\"}");
}

static void
exit_is_reported_after_all_that_was_printed(void **state)
{
	int reason, status;

	(void)state;
	host_spawn(&h, 3, &w);
	worker_invoke(&w, 1, "{\"do\":\"exit\"}");
	status = host_gone(&h, 3, &reason);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(reason, GONE_ITSELF);
	assert_non_null(strstr(h.lines, "3 1 one line\n"));
	assert_non_null(strstr(h.lines, "3 1 no newline at the end\n"));
	assert_non_null(strstr(h.lines, "3 2 to stderr\n"));
}

static void
a_worker_is_killed_when_asked(void **state)
{
	struct frame f;
	int reason;

	(void)state;
	host_spawn(&h, 9, &w);
	worker_invoke(&w, 1, "{\"do\":\"hang\"}");
	host_send(&h, HOST_KILL, 9);
	assert_int_equal(host_gone(&h, 9, &reason), SIGKILL);
	assert_int_equal(reason, GONE_KILLED);
	assert_int_equal(worker_next(&w, &f), 0);
}

static void
a_worker_over_its_memory_is_killed(void **state)
{
	int reason;

	(void)state;
	host_spawn(&h, 9, &w);
	worker_invoke(&w, 1, "{\"do\":\"eat\"}"); /* 48 of 32 MiB */
	assert_int_equal(host_gone(&h, 9, &reason), SIGKILL);
	assert_int_equal(reason, GONE_MEMORY);
}

static void
what_a_worker_started_counts_as_its_memory(void **state)
{
	int reason;

	(void)state;
	host_spawn(&h, 9, &w);
	worker_invoke(&w, 1, "{\"do\":\"brood\"}"); /* 48 of 32 MiB */
	assert_int_equal(host_gone(&h, 9, &reason), SIGKILL);
	assert_int_equal(reason, GONE_MEMORY);
}

static void
what_a_worker_started_ends_with_it(void **state)
{
	int reason;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"children\"}");
	assert_string_equal(worker_answer(&w, 1, NULL), "\"started\"");
	host_send(&h, HOST_KILL, 1);
	(void)host_gone(&h, 1, &reason);
	/* It held the worker's socket too: the end is seen when it is gone. */
	assert_int_equal(worker_next(&w, &(struct frame){0}), 0);
}

static void
workers_of_a_closed_channel_are_killed(void **state)
{
	struct frame f;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"hang\"}");
	fd_closep(&h.channel);
	assert_int_equal(worker_next(&w, &f), 0);
	host_channel(&h, 0);
	host_spawn(&h, 1, &v);
	worker_invoke(&v, 1, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "{\"do\":\"echo\"}");
}

static void
a_second_channel_of_a_gateway_replaces_the_first(void **state)
{
	struct frame f;
	int old;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"hang\"}");
	old = h.channel;
	host_channel(&h, 0);
	assert_int_equal(worker_next(&w, &f), 0);
	(void)close(old);
	host_spawn(&h, 1, &v);
	worker_invoke(&v, 1, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "{\"do\":\"echo\"}");
}

static void
a_template_that_dies_is_started_again(void **state)
{
	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"parent\"}"); /* kills the template */
	assert_string_equal(worker_answer(&w, 1, NULL), "null");
	host_spawn(&h, 2, &v);
	worker_invoke(&v, 1, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&v, 1, NULL), "{\"do\":\"echo\"}");
	/* its worker goes on, and its end is still seen */
	worker_invoke(&w, 2, "{\"do\":\"exit\"}");
	assert_int_equal(WEXITSTATUS(host_gone(&h, 1, (int[1]){0})), 7);
}

static void
drain_lets_workers_finish(void **state)
{
	struct frame f;
	struct buf b _buf_ = {0};

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 5, "{\"do\":\"call\",\"action\":\"slow\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	buf_init(&b, 16);
	put_u32(&b, 20000);
	assert_int_equal(
		channel_send_fd(h.control, KEEP_DRAIN, 0, buf_all(&b), NULL, 0),
		0);
	worker_send(&w, PROTO_DRAIN, 0, "");
	worker_send(&w, PROTO_REPLY, f.id, "{\"data\":3}");
	assert_string_equal(worker_answer(&w, 5, NULL), "{\"data\":3}");
	assert_int_equal(worker_next(&w, &f), 0);
	assert_int_equal(host_wait(&h), 0);
	assert_int_equal(host_gone(&h, 1, (int[1]){0}), 0);
}

static void
the_host_ends_with_its_control_socket(void **state)
{
	struct frame f;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"hang\"}");
	fd_closep(&h.control);
	assert_int_equal(host_wait(&h), 0);
	assert_int_equal(worker_next(&w, &f), 0);
}

static void
workers_end_when_the_outer_process_is_killed(void **state)
{
	struct frame f;

	(void)state;
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"hang\"}");
	(void)kill(h.pid, SIGKILL);
	assert_int_equal(worker_next(&w, &f), 0);
}

static void
fails(json_t *setup, const char *text)
{
	assert_int_equal(host_start(&h, setup), ERR_FN_FAILED);
	if (!strstr(h.failed, text))
		fail_msg("\"%s\" does not say \"%s\"", h.failed, text);
	assert_int_not_equal(host_wait(&h), 0);
	host_stop(&h);
}

static void
code_that_cannot_be_loaded_is_said(void **state)
{
	(void)state;
	fails(native_with("handler", json_string("missing.so")),
		"missing.so: cannot open shared object file");
	fails(native_with("handler", json_string("test_keeper.c")), "");
	fails(native_with("name", json_string("0")), "name: a letter");
	fails(native_with("code_dir", json_string("/nonexistent")), "");
}

int
main(void)
{
#define WITH_HOST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		WITH_HOST(a_worker_answers_what_the_function_returns),
		WITH_HOST(invocations_sent_together_are_answered_in_order),
		WITH_HOST(a_failure_carries_the_authors_words),
		WITH_HOST(the_context_and_the_environment_are_the_callers),
		WITH_HOST(documents_are_asked_for_as_the_sdk_asks),
		WITH_HOST(a_refused_call_says_why),
		WITH_HOST(others_run_while_one_waits_when_concurrency_allows),
		WITH_HOST(alone_an_invocation_waits_for_the_one_before),
		WITH_HOST(a_worker_is_a_fork_of_what_was_loaded_once),
		WITH_HOST(a_crash_is_reported_and_the_line_before_it_kept),
		WITH_HOST(exit_is_reported_after_all_that_was_printed),
		WITH_HOST(a_worker_is_killed_when_asked),
		WITH_HOST(a_worker_over_its_memory_is_killed),
		WITH_HOST(what_a_worker_started_counts_as_its_memory),
		WITH_HOST(what_a_worker_started_ends_with_it),
		WITH_HOST(workers_of_a_closed_channel_are_killed),
		WITH_HOST(a_second_channel_of_a_gateway_replaces_the_first),
		WITH_HOST(a_template_that_dies_is_started_again),
		WITH_HOST(drain_lets_workers_finish),
		WITH_HOST(the_host_ends_with_its_control_socket),
		WITH_HOST(workers_end_when_the_outer_process_is_killed),
		cmocka_unit_test(code_that_cannot_be_loaded_is_said),
	};

	w.fd = v.fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
