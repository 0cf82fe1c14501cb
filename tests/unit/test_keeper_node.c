/*
 * The real mpcloud-host with a node function: the runner, its preload, and the
 * standby processes.
 */
#include "base/channel.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sock.h"
#include "tests/unit/host_driver.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host h;
static struct worker_end w, v;
static char cloud_dir[] = "/tmp/mpcloud-test-XXXXXX";
static int cloud = -1;

static json_t *
node_with(const char *key, json_t *value)
{
	json_t *setup = host_setup_json(
		"node", TOP_SOURCE "/tests/unit/fn_node", "index.main");
	json_t *function = json_object_get(setup, "function");

	json_object_set_new(function, "memory", json_integer(128 << 20));
	json_object_set_new(setup, "cloud_dir", json_string(cloud_dir));
	json_object_set_new(setup, "standby", json_integer(1));
	if (key)
		json_object_set_new(function, key, value);
	return setup;
}

static void
start_with(json_t *setup)
{
	if (host_start(&h, setup) < 0)
		fail_msg("%s", h.failed);
	host_channel(&h, 0);
	host_spawn(&h, 1, &w);
}

static int
start(void **state)
{
	(void)state;
	start_with(node_with(NULL, NULL));
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

/* The answer to one invocation. */
static const char *
ask(const char *event, uint8_t *type)
{
	static uint32_t id;

	worker_invoke(&w, ++id, event);
	return worker_answer(&w, id, type);
}

static void
answers(const char *event, const char *answer)
{
	uint8_t type;

	assert_string_equal(ask(event, &type), answer);
	assert_int_equal(type, PROTO_RESULT);
}

static void
fails_with(const char *event, const char *part)
{
	uint8_t type;
	const char *text = ask(event, &type);

	assert_int_equal(type, PROTO_ERROR);
	assert_non_null(strstr(text, "\"code\":\"FUNCTIONS_EXECUTE_FAIL\""));
	if (!strstr(text, part))
		fail_msg("%s does not say %s", text, part);
}

static void
the_return_value_is_the_answer(void **state)
{
	(void)state;
	answers("{\"do\":\"async\",\"value\":{\"a\":[1,\"\\u8336\"]}}",
		"{\"a\":[1,\"茶\"]}");
	answers("{\"do\":\"nothing\"}", "null");
	answers("{\"do\":\"callback\"}", "\"by callback\"");
}

static void
user_info_is_the_callers_whatever_the_client_sent(void **state)
{
	(void)state;
	answers("{\"do\":\"echo\",\"userInfo\":{\"openId\":\"forged\"}}",
		"{\"do\":\"echo\",\"userInfo\":{\"appId\":"
		"\"wx0123456789abcdef\",\"openId\":\"oUser\"}}");
	worker_invoke_as(&w, 900, "{\"source\":\"wx_http\"}",
		"{\"do\":\"echo\",\"userInfo\":{\"openId\":\"forged\"}}");
	assert_string_equal(worker_answer(&w, 900, NULL), "{\"do\":\"echo\"}");
}

static void
what_is_thrown_is_an_error_with_its_type(void **state)
{
	(void)state;
	fails_with("{\"do\":\"throw\"}",
		"\"message\":\"{\\\"errorMessage\\\":\\\"out of tea\\\","
		"\\\"errorType\\\":\\\"TypeError\\\"}\",\"stack\":\"TypeError: "
		"out of tea\\n    at ");
	fails_with("{\"do\":\"reject\"}", "RangeError");
	fails_with("{\"do\":\"circular\"}", "circular structure");
	fails_with("{\"do\":\"unknown\"}", "TypeError");
	answers("{\"do\":\"nothing\"}", "null"); /* it goes on */
	answers("{\"do\":\"bigint\"}", "\"1\"");
}

static void
a_stack_names_the_authors_files_and_nobody_elses(void **state)
{
	const char *text = ask("{\"do\":\"caused\"}", NULL);

	(void)state;
	assert_non_null(
		strstr(text, "Error: outer\\n    at Object.caused (index.js:"));
	assert_non_null(strstr(text,
		"\\ncaused by TypeError: inner\\n    at Object.caused "
		"(index.js:"));
	assert_null(strstr(text, "runner.mjs"));
	assert_null(strstr(text, "node:"));
}

static void
an_answer_can_wait_for_the_event_loop_to_be_empty(void **state)
{
	(void)state;
	worker_logs[0] = '\0';
	answers("{\"do\":\"quiet\",\"wait\":true}", "\"done\"");
	assert_non_null(strstr(worker_logs, "the last work"));
	worker_logs[0] = '\0';
	answers("{\"do\":\"quiet\",\"wait\":false}", "\"done\"");
	assert_null(strstr(worker_logs, "the last work"));
	answers("{\"do\":\"nothing\"}", "null");
}

static void
sdks_are_told_what_triggered_the_call(void **state)
{
	(void)state;
	worker_invoke_as(&w, 902, "{\"trigger\":\"timer\",\"routeKey\":\"r1\"}",
		"{\"do\":\"trigger\"}");
	assert_string_equal(worker_answer(&w, 902, NULL), "[\"timer\",\"r1\"]");
	answers("{\"do\":\"trigger\"}", "[null,null]");
}

static void
console_lines_carry_the_invocation(void **state)
{
	(void)state;
	answers("{\"do\":\"nothing\"}", "null");
	worker_invoke(&w, 77, "{\"do\":\"log\"}");
	assert_string_equal(worker_answer(&w, 77, NULL), "null");
	assert_string_equal(worker_logs, "77 1 hello tea { a: 1 }\n77 3 bad\n");
	host_send(&h, HOST_KILL, 1);
	(void)host_gone(&h, 1, (int[1]){0});
	assert_non_null(strstr(h.lines, "1 1 raw\n"));
}

static void
the_context_is_what_scf_gives(void **state)
{
	const char *text = ask("{\"do\":\"context\"}", NULL);
	json_t *v_, *environment;

	(void)state;
	assert_int_equal(val_parse(&v_, slice_str(text), NULL), 0);
	environment = json_object_get(v_, "environment");
#define IS(o, name, value) \
	assert_string_equal( \
		json_string_value(json_object_get(o, name)) ?: "", value)
	IS(v_, "request_id", "req-1");
	IS(v_, "function_name", "sample");
	IS(v_, "function_version", "$LATEST");
	IS(v_, "namespace", "env-test");
	IS(environment, "WX_OPENID", "oUser");
	IS(environment, "TCB_ENV", "env-test");
	IS(environment, "MY_VARIABLE", "mine");
	assert_true(json_is_true(json_object_get(v_, "left")));
	assert_int_equal(
		json_integer_value(json_object_get(v_, "time_limit_in_ms")),
		3000);
	json_decref(v_);
}

static void
the_environment_is_the_invocations(void **state)
{
	const char *text = ask("{\"do\":\"env\"}", NULL);
	json_t *v_;

	(void)state;
	assert_int_equal(val_parse(&v_, slice_str(text), NULL), 0);
	IS(v_, "openid", "oUser");
	IS(v_, "token", "tok-1");
	IS(v_, "mine", "mine");
	IS(v_, "cloud", "{\"URL\":\"http://mpcloud.internal/admin\"}");
	IS(v_, "keys",
		"WX_OPENID,WX_APPID,WX_UNIONID,WX_CLIENTIP,WX_CLIENTIPV6");
	assert_true(json_is_true(json_object_get(v_, "inIt")));
	json_decref(v_);
	/* nothing inherited */
	assert_null(strstr(text, "SECRET_OF_THE_HOST"));
	/* nothing left from the caller before */
	worker_invoke_as(&w, 901, "{}", "{\"do\":\"env\"}");
	text = worker_answer(&w, 901, NULL);
	assert_null(strstr(text, "oUser"));
	assert_null(strstr(text, "tok-1"));
}

static void
an_uncaught_error_answers_what_runs_and_ends_the_worker(void **state)
{
	int reason, status;

	(void)state;
	fails_with("{\"do\":\"late\"}", "nobody caught me");
	status = host_gone(&h, 1, &reason);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(reason, GONE_ITSELF);
	/* Once: whoever gets the answer logs its stack. */
	assert_null(strstr(h.lines, "nobody caught me"));
}

static void
exit_inside_a_function_ends_the_worker(void **state)
{
	int status;

	(void)state;
	worker_invoke(&w, 1, "{\"do\":\"exit\"}");
	status = host_gone(&h, 1, (int[1]){0});
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 9);
	assert_int_equal(worker_next(&w, &(struct frame){0}), 0);
}

static void
an_endless_loop_is_killed_when_asked(void **state)
{
	int reason;

	(void)state;
	worker_invoke(&w, 1, "{\"do\":\"nothing\"}");
	worker_invoke(&w, 2, "{\"do\":\"hang\"}");
	/* The first answer is there although the second never comes. */
	assert_string_equal(worker_answer(&w, 1, NULL), "null");
	host_send(&h, HOST_KILL, 1);
	assert_int_equal(host_gone(&h, 1, &reason), SIGKILL);
	assert_int_equal(reason, GONE_KILLED);
}

static void
memory_over_the_limit_is_the_reason(void **state)
{
	int reason;

	(void)state;
	worker_invoke(&w, 1, "{\"do\":\"eat\"}");
	(void)host_gone(&h, 1, &reason);
	assert_int_equal(reason, GONE_MEMORY);
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"heap\"}");
	(void)host_gone(&h, 1, &reason);
	assert_int_equal(reason, GONE_MEMORY);
}

static void
mpcloud_call_asks_the_gateway(void **state)
{
	struct frame f;
	struct getter g;
	uint8_t type;

	(void)state;
	worker_invoke(&w, 31, "{\"do\":\"call\",\"n\":4}");
	assert_int_equal(worker_next(&w, &f), 1);
	assert_int_equal(f.type, PROTO_CALL);
	g = getter_of(f.body);
	assert_int_equal(get_u32(&g), 31);
	assert_string_equal(
		get_rest(&g).ptr, "{\"n\":4,\"action\":\"test.action\"}");
	worker_send(&w, PROTO_REPLY, f.id, "{\"requestId\":\"r\",\"data\":5}");
	assert_string_equal(worker_answer(&w, 31, &type), "[5,\"oUser\"]");
	worker_invoke(&w, 32, "{\"do\":\"call\"}");
	assert_int_equal(worker_next(&w, &f), 1);
	worker_send(&w, PROTO_REPLY, f.id,
		"{\"requestId\":\"r\",\"code\":\"X\",\"message\":\"no\"}");
	assert_non_null(strstr(worker_answer(&w, 32, &type), "no"));
	assert_int_equal(type, PROTO_ERROR);
}

static void
each_of_several_invocations_has_its_own_caller(void **state)
{
	struct frame a, b;
	uint32_t first;

	(void)state;
	stop(NULL);
	start_with(node_with("concurrency", json_integer(8)));
	worker_invoke_as(&w, 1, "{\"openid\":\"oA\"}", "{\"do\":\"call\"}");
	worker_invoke_as(&w, 2, "{\"openid\":\"oB\"}", "{\"do\":\"call\"}");
	assert_int_equal(worker_next(&w, &a), 1);
	assert_int_equal(a.type, PROTO_CALL);
	first = a.id;
	assert_int_equal(worker_next(&w, &b), 1);
	assert_int_equal(b.type, PROTO_CALL);
	worker_send(&w, PROTO_REPLY, b.id, "{\"data\":2}");
	assert_string_equal(worker_answer(&w, 2, NULL), "[2,\"oB\"]");
	worker_send(&w, PROTO_REPLY, first, "{\"data\":1}");
	assert_string_equal(worker_answer(&w, 1, NULL), "[1,\"oA\"]");
}

static void
a_standby_is_there_for_the_next(void **state)
{
	(void)state;
	for (uint32_t i = 2; i < 6; i++) {
		host_spawn(&h, i, &v);
		worker_invoke(&v, 1, "{\"do\":\"nothing\"}");
		assert_string_equal(worker_answer(&v, 1, NULL), "null");
		worker_close(&v);
		(void)host_gone(&h, i, (int[1]){0});
	}
}

static void
modules_of_the_newer_kind_are_loaded(void **state)
{
	uint8_t type;

	(void)state;
	stop(NULL);
	start_with(node_with("handler", json_string("esm.main")));
	worker_invoke(&w, 1, "{\"n\":2}");
	assert_string_equal(worker_answer(&w, 1, &type), "[\"function\",3,4]");
	assert_int_equal(type, PROTO_RESULT);
}

/* But cgroups, which are the machine's to give. */
static size_t
count_missing(void)
{
	size_t n = 0, i;
	json_t *one;

	json_array_foreach (h.missing, i, one)
		n += !strstr(json_string_value(one), "cgroup");
	return n;
}

static void
the_code_is_confined(void **state)
{
	(void)state;
	assert_int_equal(count_missing(), geteuid() == 0 ? 0 : 1);
	const char *text = ask("{\"do\":\"look\"}", NULL);

	assert_non_null(strstr(text,
		"{\"shadow\":\"ENOENT\",\"etc\":\"EROFS\",\"tmp\":\"\","
		"\"code\":\"EROFS\",\"others\":0,"));
	answers("{\"do\":\"inet\"}", "\"EACCES\"");
}

/* One HTTP answer on the cloud socket. */
static void
serve_once(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
				     "Connection: close\r\n\r\nhi";
	struct pollfd p = {cloud, POLLIN, 0};
	char room[4096];
	_close_ int fd = -1;
	ssize_t n;

	assert_int_equal(poll(&p, 1, 20000), 1);
	fd = accept(cloud, NULL, NULL);
	assert_true(fd >= 0);
	(void)fd_set_blocking(fd, true);
	n = recv(fd, room, sizeof(room) - 1, 0);
	assert_true(n > 0);
	room[n] = '\0';
	assert_non_null(strstr(room, "GET /admin HTTP/1.1\r\n"));
	assert_non_null(strcasestr(room, "Host: mpcloud.internal\r\n"));
	assert_int_equal(
		send(fd, answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
}

static void
sdks_find_the_cloud_at_the_unix_socket(void **state)
{
	(void)state;
	worker_invoke_as(&w, 1, "{\"cloudSocket\":\"cloud-3.sock\"}",
		"{\"do\":\"cloud\"}");
	serve_once();
	assert_string_equal(worker_answer(&w, 1, NULL), "\"hi\"");
	worker_invoke_as(&w, 2, "{\"cloudSocket\":\"cloud-3.sock\"}",
		"{\"do\":\"fetch\",\"url\":\"http://mpcloud.internal/admin\"}");
	serve_once();
	assert_string_equal(worker_answer(&w, 2, NULL), "\"hi\"");
	worker_invoke_as(&w, 3, "{\"cloudSocket\":\"cloud-3.sock\"}",
		"{\"do\":\"fetch\",\"url\":\"https://mpcloud.internal/"
		"admin\"}");
	serve_once();
	assert_string_equal(worker_answer(&w, 3, NULL), "\"hi\"");
}

static void
drain_ends_a_worker_that_has_finished(void **state)
{
	(void)state;
	worker_invoke(&w, 1, "{\"do\":\"async\",\"value\":1}");
	worker_send(&w, PROTO_DRAIN, 0, "");
	assert_string_equal(worker_answer(&w, 1, NULL), "1");
	assert_int_equal(host_gone(&h, 1, (int[1]){0}), 0);
}

static void
code_that_cannot_be_loaded_is_said(void **state)
{
	(void)state;
	assert_int_equal(host_start(&h, node_with("handler",
						json_string("missing.main"))),
		ERR_FN_FAILED);
	assert_non_null(strstr(h.failed, "status 1"));
	if (!strstr(h.failed, "missing"))
		fail_msg("%s", h.failed);
	host_stop(&h);
	assert_int_equal(host_start(&h, node_with("handler",
						json_string("index.nothing"))),
		ERR_FN_FAILED);
	assert_non_null(
		strstr(h.failed, "no function is exported as \"nothing\""));
	host_stop(&h);
}

#define X_WORKER(name, n, who, body) {"  " #name ": " #n ","},
static const struct {
	const char *line;
} messages[] = {
#include "functions/proto.def"
};
#undef X_WORKER

static void
the_runners_message_numbers_are_proto_defs(void **state)
{
	_free_ char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(file_read(TOP_SOURCE "/functions/node/proto.mjs",
				 1 << 20, &text, &len, NULL),
		0);
	for (size_t i = 0; i < array_size(messages); i++)
		if (!strstr(text, messages[i].line))
			fail_msg("proto.mjs lacks %s", messages[i].line);
}

static void
code_that_takes_too_much_while_it_is_loaded_is_said(void **state)
{
	(void)state;
	assert_int_equal(host_start(&h, node_with("handler",
						json_string("hungry.main"))),
		ERR_FN_FAILED);
	if (!strstr(h.failed, "more than its 128 MiB of memory"))
		fail_msg("\"%s\" does not say it", h.failed);
	assert_int_not_equal(host_wait(&h), 0);
	host_stop(&h);
}

static int
open_cloud(void **state)
{
	_free_ char *path = NULL;

	(void)state;
	if (!mkdtemp(cloud_dir))
		return -1;
	(void)chmod(cloud_dir, 0755);
	path = str_printf("%s/cloud-3.sock", cloud_dir);
	return sock_listen_unix(path, 0666, (uid_t)-1, (gid_t)-1, &cloud, NULL);
}

static int
close_cloud(void **state)
{
	_free_ char *path = str_printf("%s/cloud-3.sock", cloud_dir);

	(void)state;
	(void)unlink(path);
	return rmdir(cloud_dir);
}

int
main(void)
{
#define WITH_HOST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		WITH_HOST(the_return_value_is_the_answer),
		WITH_HOST(user_info_is_the_callers_whatever_the_client_sent),
		WITH_HOST(what_is_thrown_is_an_error_with_its_type),
		WITH_HOST(a_stack_names_the_authors_files_and_nobody_elses),
		WITH_HOST(an_answer_can_wait_for_the_event_loop_to_be_empty),
		WITH_HOST(sdks_are_told_what_triggered_the_call),
		WITH_HOST(console_lines_carry_the_invocation),
		WITH_HOST(the_context_is_what_scf_gives),
		WITH_HOST(the_environment_is_the_invocations),
		WITH_HOST(
			an_uncaught_error_answers_what_runs_and_ends_the_worker),
		WITH_HOST(exit_inside_a_function_ends_the_worker),
		WITH_HOST(an_endless_loop_is_killed_when_asked),
		WITH_HOST(memory_over_the_limit_is_the_reason),
		WITH_HOST(mpcloud_call_asks_the_gateway),
		WITH_HOST(each_of_several_invocations_has_its_own_caller),
		WITH_HOST(a_standby_is_there_for_the_next),
		WITH_HOST(modules_of_the_newer_kind_are_loaded),
		WITH_HOST(the_code_is_confined),
		WITH_HOST(sdks_find_the_cloud_at_the_unix_socket),
		WITH_HOST(drain_ends_a_worker_that_has_finished),
		cmocka_unit_test(code_that_cannot_be_loaded_is_said),
		cmocka_unit_test(
			code_that_takes_too_much_while_it_is_loaded_is_said),
		cmocka_unit_test(the_runners_message_numbers_are_proto_defs),
	};

	w.fd = v.fd = -1;
	return cmocka_run_group_tests(tests, open_cloud, close_cloud);
}
