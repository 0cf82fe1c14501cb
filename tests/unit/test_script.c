/*
 * The real mpcloud-script, without a cage: what `host` gives to main.js
 * (functions/script/README.md), and the promises of a worker's socket.  Known
 * answers are RFC 1321's, 4231's and FIPS 180's, and WHATWG's for text.
 */
#include "base/mem.h"
#include "base/sock.h"
#include "functions/proto.h"
#include "tests/unit/script_driver.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct script_end s;
static struct worker_end w;

static int
start(void **state)
{
	static const struct script_ask ask = {
		.env = {"GREETING=hello", "JSC_useJIT=0", NULL}};

	(void)state;
	if (script_start(&s, &ask) < 0)
		fail_msg("%s", s.failed);
	script_fork(&s, &w);
	return 0;
}

static int
start_three_at_once(void **state)
{
	static const struct script_ask ask = {.concurrency = 3};

	(void)state;
	assert_int_equal(script_start(&s, &ask), 0);
	script_fork(&s, &w);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	worker_close(&w);
	script_stop(&s);
	return 0;
}

static void
is(const char *code, const char *expected)
{
	uint8_t type;
	const char *answer = script_eval(&w, code, &type);

	if (type != PROTO_RESULT || strcmp(answer, expected) != 0)
		fail_msg("%s\n   gave %s\n    not %s", code, answer, expected);
}

static void
fails(const char *code, const char *words)
{
	uint8_t type;
	const char *answer = script_eval(&w, code, &type);

	if (type != PROTO_ERROR || !strstr(answer, words))
		fail_msg("%s\n   gave %s\n    not %s", code, answer, words);
}

static void
an_event_comes_back_as_the_function_returns_it(void **state)
{
	uint8_t type;

	(void)state;
	worker_invoke(&w, 900, "{\"n\":[1,2],\"茶\":\"🍵\"}");
	assert_string_equal(
		worker_answer(&w, 900, &type), "{\"n\":[1,2],\"茶\":\"🍵\"}");
	assert_int_equal(type, PROTO_RESULT);
	worker_invoke(&w, 901, "");
	assert_string_equal(worker_answer(&w, 901, &type), "{}");
	is("return [context.openid, context.id > 0, context.ms]",
		"[\"oUser\",true,3000]");
	is("", "{\"code\":\"\"}");
}

static void
the_setup_and_the_environment_are_the_functions(void **state)
{
	(void)state;
	is("return [host.setup.function, host.setup.version, "
	   "host.setup.memoryMb, host.setup.timeoutMs, host.setup.env]",
		"[\"sample\",1,128,3000,\"env-test\"]");
	is("return [host.env, host.codeDir.endsWith('/data/script/code'), "
	   "host.runtimeDir.endsWith('/data/script')]",
		"[{\"GREETING\":\"hello\",\"JSC_useJIT\":\"0\"},true,true]");
}

static void
digests_are_those_of_the_standards(void **state)
{
	(void)state;
	/* RFC 1321 A.5, FIPS 180 (NIST's examples for "abc") */
	is("return t.hex(host.hash('md5', null, host.utf8('abc')))",
		"\"900150983cd24fb0d6963f7d28e17f72\"");
	is("return t.hex(host.hash('sha1', null, host.utf8('abc')))",
		"\"a9993e364706816aba3e25717850c26c9cd0d89d\"");
	is("return t.hex(host.hash('sha224', null, host.utf8('abc')))",
		"\"23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7\"");
	is("return t.hex(host.hash('sha256', null, host.utf8('abc')))",
		"\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"
		"15ad\"");
	is("return t.hex(host.hash('sha384', null, host.utf8('abc')))",
		"\"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff"
		"5bed8086072ba1e7cc2358baeca134c825a7\"");
	is("return t.hex(host.hash('SHA512', null, host.utf8('abc')))",
		"\"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55"
		"d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa5"
		"4ca49f\"");
	/* RFC 4231, case 2 */
	is("return t.hex(host.hash('sha256', host.utf8('Jefe'), "
	   "host.utf8('what do ya want for nothing?')))",
		"\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec"
		"3843\"");
	fails("host.hash('md4', null, host.utf8(''))",
		"ERR_CRYPTO_INVALID_DIGEST Error: Invalid digest: md4");
}

static void
text_is_decoded_as_whatwg_says(void **state)
{
	(void)state;
	is("return t.hex(host.utf8('a\\u00e9\\u8336\\u{1f375}\\0b'))",
		"\"61c3a9e88cb6f09f8db50062\"");
	is("return t.hex(host.utf8('a\\ud800b'))", "\"61efbfbd62\"");
	is("return t.hex(host.utf8('\\udc00'))", "\"efbfbd\"");
	/* Encoding Standard: a maximal part of a sequence is one U+FFFD */
	is("const bad = (...b) => host.text(new Uint8Array(b));"
	   "return [bad(0xff, 0x41), bad(0xe4, 0xb8), bad(0xe4, 0xb8, 0x41),"
	   " bad(0xf0, 0x9f, 0x8d), bad(0xed, 0xa0, 0x80), bad(0xc0, 0x80),"
	   " bad(0xf4, 0x90, 0x80, 0x80), bad(), bad(0x61, 0, 0x62)]",
		"[\"\xef\xbf\xbd"
		"A\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd"
		"A\",\"\xef\xbf\xbd\","
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
		"\"\xef\xbf\xbd\xef\xbf\xbd\","
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"\","
		"\"a\\u0000b\"]");
	is("const all = new Uint8Array([1, 97, 98, 2]);"
	   "return host.text(all.subarray(1, 3))",
		"\"ab\"");
	fails("host.text('x')", "host.text: bytes");
	fails("host.text()", "host.text: 1 arguments");
}

static void
files_are_read_below_the_folders_only(void **state)
{
	(void)state;
	is("const c = host.codeDir;"
	   "return [host.stat(c + '/index.js'), host.stat(c + '/lib'), "
	   "host.stat(c + '/none'), host.stat('/etc/passwd'), "
	   "host.stat(c + '/..'.repeat(20) + '/etc/passwd'), "
	   "host.stat('relative'), "
	   "host.stat(c + '/\\0'), host.stat(host.runtimeDir + '/main.js')]",
		"[1,2,0,0,0,0,0,1]");
	is("return [JSON.parse(host.readText(host.codeDir + "
	   "'/lib/tea.json')).name, host.readFile(host.codeDir + "
	   "'/lib/tea.json')[0], host.readText(host.codeDir + "
	   "'/lib/bytes.txt')]",
		"[\"茶\",239,\"café \xef\xbf\xbd\xef\xbf\xbd 🍵\"]");
	is("return host.readdir(host.codeDir + '/lib').sort()",
		"[\"bytes.txt\",\"tea.json\"]");
	is("try { host.readText('/etc/passwd') } catch (e) {"
	   " return [e.code, e.errno, e.syscall, e.path, e.message] }",
		"[\"EACCES\",-13,\"open\",\"/etc/passwd\",\"EACCES: permission "
		"denied, open '/etc/passwd'\"]");
	is("try { host.readFile(host.codeDir + '/none') } catch (e) {"
	   " return [e.code, e.message.slice(0, 39)] }",
		"[\"ENOENT\",\"ENOENT: no such file or directory, open\"]");
	fails("host.readText(host.codeDir)", "EISDIR");
}

static void
only_the_temporary_folder_is_written(void **state)
{
	(void)state;
	is("const at = '/tmp/mpcloud-script-' + host.now();"
	   "host.mkdir(at);"
	   "host.writeFile(at + '/a', host.utf8('one'));"
	   "host.writeFile(at + '/a', host.utf8('2'));"
	   "const seen = [host.readText(at + '/a'), host.readdir(at)];"
	   "host.unlink(at + '/a'); host.unlink(at);"
	   "return [...seen, host.stat(at)]",
		"[\"2\",[\"a\"],0]");
	fails("host.writeFile(host.codeDir + '/new.js', host.utf8(''))",
		"EACCES");
	fails("host.writeFile('/tmp/../etc/new', host.utf8(''))", "EACCES");
	fails("host.writeFile('/tmp/none/new', host.utf8(''))", "ENOENT");
	fails("host.writeFile('/tmp/..', host.utf8(''))", "EACCES");
	fails("host.unlink(host.codeDir + '/index.js')", "EACCES");
	fails("host.mkdir('/mine')", "EACCES");
}

static void
a_link_leads_nowhere_it_may_not(void **state)
{
	(void)state;
	(void)unlink("/tmp/mpcloud-script-link");
	assert_int_equal(symlink("/etc/passwd", "/tmp/mpcloud-script-link"), 0);
	is("return host.stat('/tmp/mpcloud-script-link')", "0");
	fails("host.readText('/tmp/mpcloud-script-link')", "EACCES");
	fails("host.writeFile('/tmp/mpcloud-script-link', host.utf8(''))",
		"ELOOP");
	assert_int_equal(unlink("/tmp/mpcloud-script-link"), 0);
}

static void
timers_come_in_order_of_time_then_of_asking(void **state)
{
	(void)state;
	is("t.timer(20, 'd'); t.timer(1, 'a'); t.timer(20, 'e');"
	   "const gone = t.timer(10, 'never'); t.timer(10, 'b');"
	   "t.timer(10, 'c'); host.untimer(gone); host.untimer(12345);"
	   "await t.later(21); return t.order.splice(0)",
		"[\"a\",\"b\",\"c\",\"d\",\"e\"]");
	/* Each is due between `low` and `high`; none after one due later. */
	is("for (let i = 0; i < 1000; i++) {"
	   " const ms = (i * 7919) % 50, due = { low: host.mono() + ms };"
	   " t.timer(ms, due); due.high = host.mono() + ms }"
	   "await t.later(60); const got = t.order.splice(0);"
	   "return [got.length, got.every((d, i) => !i || "
	   "got[i - 1].low <= d.high)]",
		"[1000,true]");
}

static void
a_microtask_runs_before_the_next_timer(void **state)
{
	(void)state;
	is("const seen = [];"
	   "const a = t.later(0).then(() => seen.push('a')).then(() => "
	   "seen.push('a2'));"
	   "const b = t.later(0).then(() => seen.push('b'));"
	   "await a; await b; return seen",
		"[\"a\",\"a2\",\"b\"]");
}

static void
expect_call(uint32_t id, const char *body, uint32_t *number)
{
	struct frame f;
	struct getter g;

	assert_int_equal(worker_next(&w, &f), 1);
	assert_int_equal(f.type, PROTO_CALL);
	*number = f.id;
	g = getter_of(f.body);
	assert_int_equal(get_u32(&g), id);
	assert_string_equal(get_rest(&g).ptr, body);
}

static void
replies_find_their_calls_in_any_order(void **state)
{
	uint32_t a, b, c;

	(void)state;
	worker_invoke(&w, 77,
		"{\"code\":\"const all = [1, 2, 3].map((n) => "
		"t.call(context.id, {n})); const r = await Promise.all(all);"
		"return r.map((each) => each.is)\"}");
	expect_call(77, "{\"n\":1}", &a);
	expect_call(77, "{\"n\":2}", &b);
	expect_call(77, "{\"n\":3}", &c);
	worker_send(&w, PROTO_REPLY, c, "{\"is\":\"c\"}");
	worker_send(&w, PROTO_REPLY, 4000, "{\"is\":\"nobody's\"}");
	worker_send(&w, PROTO_REPLY, a, "{\"is\":\"a\"}");
	worker_send(&w, PROTO_REPLY, b, "{\"is\":\"b\"}");
	assert_string_equal(worker_answer(&w, 77, NULL), "[\"a\",\"b\",\"c\"]");
}

static void
one_invocation_runs_at_a_time_in_order_of_arrival(void **state)
{
	uint32_t number;

	(void)state;
	worker_invoke(&w, 1,
		"{\"code\":\"t.running = 1; await t.call(1, {});"
		"t.running = 0; return 'first'\"}");
	worker_invoke(&w, 2, "{\"code\":\"return ['second', t.running]\"}");
	worker_invoke(&w, 3, "{\"code\":\"return ['third', t.running]\"}");
	expect_call(1, "{}", &number);
	worker_send(&w, PROTO_REPLY, number, "{}");
	assert_string_equal(worker_answer(&w, 1, NULL), "\"first\"");
	assert_string_equal(worker_answer(&w, 2, NULL), "[\"second\",0]");
	assert_string_equal(worker_answer(&w, 3, NULL), "[\"third\",0]");
}

static void
others_run_while_one_waits_as_many_as_may_be(void **state)
{
	static const char asks[] =
		"{\"code\":\"const {n} = await t.call(context.id, {});"
		"return [context.id, n]\"}";
	uint32_t number[4];

	(void)state;
	for (uint32_t id = 1; id <= 4; id++)
		worker_invoke(&w, id, asks);
	for (uint32_t id = 1; id <= 3; id++)
		expect_call(id, "{}", &number[id - 1]);
	worker_send(&w, PROTO_REPLY, number[1], "{\"n\":7}");
	assert_string_equal(worker_answer(&w, 2, NULL), "[2,7]");
	expect_call(4, "{}", &number[3]);
	worker_send(&w, PROTO_DRAIN, 0, "");
	worker_send(&w, PROTO_REPLY, number[3], "{\"n\":8}");
	assert_string_equal(worker_answer(&w, 4, NULL), "[4,8]");
	worker_send(&w, PROTO_REPLY, number[0], "{\"n\":9}");
	assert_string_equal(worker_answer(&w, 1, NULL), "[1,9]");
	worker_send(&w, PROTO_REPLY, number[2], "{\"n\":0}");
	assert_string_equal(worker_answer(&w, 3, NULL), "[3,0]");
	assert_int_equal(script_reap(&s, &w), 0);
}

static void
an_answer_counts_once_and_only_for_what_runs(void **state)
{
	(void)state;
	is("host.result(context.id + 1, '\"not mine\"');"
	   "host.result(context.id, '\"mine\"');"
	   "host.fail(context.id, '{}'); host.result(context.id, '2')",
		"\"mine\"");
	is("return 'next'", "\"next\"");
}

static void
log_lines_carry_their_invocation_and_level(void **state)
{
	(void)state;
	worker_invoke(&w, 31,
		"{\"code\":\"host.log(context.id, 2, 'careful'); host.log(0, "
		"0, "
		"'茶'.repeat(4000)); return 1\"}");
	assert_string_equal(worker_answer(&w, 31, NULL), "1");
	assert_non_null(strstr(worker_logs, "31 2 careful\n0 0 茶茶"));
	/* whole characters, below the frame's ceiling */
	assert_int_equal(
		strlen(worker_logs), strlen("31 2 careful\n0 0 \n") + 8190);
}

static void
a_rejection_that_nobody_hears_is_told(void **state)
{
	(void)state;
	is("Promise.reject(new Error('lost')); await t.later(1);"
	   "return t.rejected.splice(0)",
		"[\"Error: lost\"]");
	is("Promise.reject(1).catch(() => {}); await t.later(1);"
	   "return t.rejected.splice(0)",
		"[]");
}

static void
stacks_name_the_file_and_the_line(void **state)
{
	(void)state;
	is("try { host.compile('\\n\\nthrow new Error(1)', '/x/y.js', "
	   "['a', 'b'])() } catch (e) {"
	   " return /@\\/x\\/y.js:3:\\d+/.test(e.stack) }",
		"true");
	is("try { host.compile('let a = ;', '/x/y.js', []) } catch (e) {"
	   " return [e.name, e.line, e.sourceURL] }",
		"[\"SyntaxError\",1,\"/x/y.js\"]");
}

static void
modules_are_told_from_programs(void **state)
{
	static const char *const modules[] = {
		"import x from 'y'",
		"\\n\\nimport { a } from 'y';",
		"import 'y'",
		"import * as x from 'y'",
		"import{a}from'y'",
		"var a; export { a }",
		"export default 3",
		"export * from 'z'",
		"const u = import.meta.url",
	};

	(void)state;
	for (size_t i = 0; i < array_size(modules); i++) {
		_free_ char *code = str_printf(
			"return host.checkSyntax(\"%s\").module", modules[i]);

		is(code, "true");
	}
	is("return host.checkSyntax('\\n\\nimport fs from \\'fs\\';')",
		"{\"message\":\"this is an ES module (import fs from 'fs';): "
		"script functions are CommonJS; write require() or use the "
		"runtime node\",\"line\":3,\"module\":true}");
	is("return [host.checkSyntax('return import(\\'x\\')'), "
	   "host.checkSyntax('const s = `\\nimport x from y`'),"
	   "host.checkSyntax('// export const a = 1')]",
		"[null,null,null]");
	is("return host.checkSyntax('const a = 1;\\nlet x = }')",
		"{\"message\":\"Unexpected token '}'\",\"line\":2,"
		"\"module\":false}");
}

static void
what_does_not_fit_is_refused_by_name(void **state)
{
	(void)state;
	is("try { host.result(context.id, '\"' + 'x'.repeat(17 << 20) + '\"') }"
	   "catch (e) { return e.message }",
		"\"the return value is larger than 16 MiB\"");
	is("try { host.call(1, context.id, 'x'.repeat(18 << 20)) }"
	   "catch (e) { return e.message }",
		"\"a call of the cloud is larger than 17 MiB\"");
	is("return host.random(16).length", "16");
	fails("host.random(1e9)", "random bytes");
	is("let n = 0; try { for (;; n++) host.timer(1e6 + n, 1e6) }"
	   "catch (e) { while (n--) host.untimer(1e6 + n); return e.message }",
		"\"too many timers\"");
}

static void
garbage_on_the_socket_ends_the_worker(void **state)
{
	struct frame f;

	(void)state;
	worker_send(&w, 99, 1, "what?");
	assert_int_equal(worker_next(&w, &f), 0);
	assert_int_equal(script_reap(&s, &w), 0);
	script_fork(&s, &w);
	worker_send(&w, PROTO_INVOKE, 1, "\1");
	assert_int_equal(worker_next(&w, &f), 0);
	(void)script_reap(&s, &w);
	script_fork(&s, &w);
	is("return 1", "1");
}

static void
a_drained_worker_finishes_what_it_has(void **state)
{
	struct frame f;

	(void)state;
	worker_invoke(&w, 1, "{\"code\":\"await t.later(5); return 'a'\"}");
	worker_invoke(&w, 2, "{\"code\":\"t.timer(1e6, 0); return 'b'\"}");
	worker_send(&w, PROTO_DRAIN, 0, "");
	assert_string_equal(worker_answer(&w, 1, NULL), "\"a\"");
	assert_string_equal(worker_answer(&w, 2, NULL), "\"b\"");
	assert_int_equal(worker_next(&w, &f), 0);
	assert_int_equal(script_reap(&s, &w), 0);
}

static void
a_function_ends_its_process_when_it_asks_to(void **state)
{
	struct frame f;
	int status;

	(void)state;
	worker_invoke(&w, 1, "{\"code\":\"host.exit(3)\"}");
	assert_int_equal(worker_next(&w, &f), 0);
	status = script_reap(&s, &w);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}

/* Before the answer: else the gateway would count the next call as begun. */
static void
a_worker_says_that_it_leaves_before_its_last_answer(void **state)
{
	static const uint8_t expected[] = {
		PROTO_READY, PROTO_LEAVING, PROTO_ERROR};
	struct slice left;
	struct frame f;
	ssize_t n;

	(void)state;
	worker_invoke(&w, 1,
		"{\"code\":\"host.leaving(); host.fail(1, '{}');"
		"host.exit(1)\"}");
	while ((n = read(w.fd, w.room + w.len, sizeof(w.room) - w.len)) > 0)
		w.len += (size_t)n;
	left = slice_of(w.room, w.len);
	for (size_t i = 0; i < array_size(expected); i++) {
		assert_int_equal(frame_cut(&left, sizeof(w.room), &f), 1);
		assert_int_equal(f.type, expected[i]);
	}
	assert_int_equal(left.len, 0);
}

static void
workers_share_what_was_loaded_and_nothing_else(void **state)
{
	struct worker_end v = {0};
	_free_ char *at = NULL;

	(void)state;
	at = str_dup(script_eval(&w, "return t.loaded().started", NULL));
	is("t.mine = 1; return t.mine", "1");
	script_fork(&s, &v);
	assert_string_equal(
		script_eval(&v, "return t.loaded().started", NULL), at);
	assert_string_equal(
		script_eval(&v, "return t.mine === undefined", NULL), "true");
	worker_close(&v);
}

static void
what_is_sent_while_warming_is_for_nobody_and_answered(void **state)
{
	(void)state;
	is("return t.warmed", "[0,1,2,3,4]");
	assert_null(strstr(s.printed, "warmed"));
}

static void
a_deep_recursion_is_an_exception(void **state)
{
	(void)state;
	is("const deep = () => 1 + deep();"
	   "try { deep() } catch (e) { return e.name }",
		"\"RangeError\"");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(an_event_comes_back_as_the_function_returns_it),
		TEST(the_setup_and_the_environment_are_the_functions),
		TEST(digests_are_those_of_the_standards),
		TEST(text_is_decoded_as_whatwg_says),
		TEST(files_are_read_below_the_folders_only),
		TEST(only_the_temporary_folder_is_written),
		TEST(a_link_leads_nowhere_it_may_not),
		TEST(timers_come_in_order_of_time_then_of_asking),
		TEST(a_microtask_runs_before_the_next_timer),
		TEST(replies_find_their_calls_in_any_order),
		TEST(one_invocation_runs_at_a_time_in_order_of_arrival),
		TEST(an_answer_counts_once_and_only_for_what_runs),
		cmocka_unit_test_setup_teardown(
			others_run_while_one_waits_as_many_as_may_be,
			start_three_at_once, stop),
		TEST(log_lines_carry_their_invocation_and_level),
		TEST(a_rejection_that_nobody_hears_is_told),
		TEST(stacks_name_the_file_and_the_line),
		TEST(modules_are_told_from_programs),
		TEST(what_does_not_fit_is_refused_by_name),
		TEST(garbage_on_the_socket_ends_the_worker),
		TEST(a_drained_worker_finishes_what_it_has),
		TEST(a_function_ends_its_process_when_it_asks_to),
		TEST(a_worker_says_that_it_leaves_before_its_last_answer),
		TEST(workers_share_what_was_loaded_and_nothing_else),
		TEST(what_is_sent_while_warming_is_for_nobody_and_answered),
		TEST(a_deep_recursion_is_an_exception),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
