/*
 * A function version and a host's setup as JSON.
 */
#include "functions/host_setup.h"
#include "tests/unit/test.h"

static struct fn_settings s;
static struct fault why;

static int
parse(const char *text)
{
	json_t *v;
	int r;

	fn_settings_done(&s);
	memset(&s, 0, sizeof(s));
	why = (struct fault){0};
	assert_int_equal(val_parse(&v, slice_str(text), NULL), 0);
	r = fn_settings_parse(&s, v, &why);
	json_decref(v);
	return r;
}

static int
done(void **state)
{
	(void)state;
	fn_settings_done(&s);
	return 0;
}

#define LEAST "\"name\":\"a\",\"runtime\":\"node\",\"code_dir\":\"/c\""

static void
what_is_absent_gets_its_preset(void **state)
{
	(void)state;
	assert_int_equal(parse("{" LEAST "}"), 0);
	assert_string_equal(s.handler, "index.main");
	assert_int_equal(s.timeout_ms, 3000);
	assert_int_equal(s.memory, 256 << 20);
	assert_int_equal(s.concurrency, 1);
	assert_int_equal(s.version, 1);
	assert_false(s.network);
	assert_int_equal(json_object_size(s.environment), 0);
	assert_int_equal(parse("{\"name\":\"a\",\"runtime\":\"native\","
			       "\"code_dir\":\"/c\"}"),
		0);
	assert_string_equal(s.handler, "index.so");
}

static void
what_is_built_parses_to_the_same(void **state)
{
	json_t *v;
	struct fn_settings again = {0};

	(void)state;
	assert_int_equal(
		parse("{" LEAST ",\"version\":7,\"timeout_ms\":900000,"
		      "\"memory\":67108864,\"workers\":3,\"concurrency\":9,"
		      "\"queue\":0,\"idle_ms\":5,\"network\":true,"
		      "\"environment\":{\"A\":\"b\"}}"),
		0);
	v = fn_settings_build(&s);
	assert_int_equal(fn_settings_parse(&again, v, &why), 0);
	json_decref(v);
	assert_string_equal(again.name, "a");
	assert_int_equal(again.version, 7);
	assert_int_equal(again.timeout_ms, 900000);
	assert_int_equal(again.memory, 67108864);
	assert_int_equal(again.workers, 3);
	assert_int_equal(again.concurrency, 9);
	assert_int_equal(again.queue, 0);
	assert_int_equal(again.idle_ms, 5);
	assert_true(again.network);
	assert_string_equal(again.code_dir, "/c");
	assert_true(json_equal(again.environment, s.environment));
	fn_settings_done(&again);
	fn_settings_done(&again); /* twice is no harm */
}

static void
refused(const char *text, const char *words)
{
	if (parse(text) >= 0)
		fail_msg("taken: %s", text);
	if (!strstr(why.text, words))
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void
what_is_out_of_range_is_refused_by_name(void **state)
{
	(void)state;
	refused("[]", "function");
	refused("{}", "runtime");
	refused("{\"name\":\"a\",\"runtime\":\"php\",\"code_dir\":\"/c\"}",
		"php");
	refused("{\"name\":\"1a\",\"runtime\":\"node\",\"code_dir\":\"/c\"}",
		"name");
	refused("{\"name\":\"a\",\"runtime\":\"node\",\"code_dir\":\"c\"}",
		"code_dir");
	refused("{" LEAST ",\"handler\":\"../x.main\"}", "handler");
	refused("{" LEAST ",\"handler\":\"/x.main\"}", "handler");
	refused("{" LEAST ",\"handler\":\"x y.main\"}", "handler");
	refused("{" LEAST ",\"timeout_ms\":0}", "timeout_ms");
	refused("{" LEAST ",\"timeout_ms\":900001}", "timeout_ms");
	refused("{" LEAST ",\"memory\":1}", "memory");
	refused("{" LEAST ",\"concurrency\":0}", "concurrency");
	refused("{" LEAST ",\"network\":1}", "network");
	refused("{" LEAST ",\"environment\":[]}", "environment");
	refused("{" LEAST ",\"environment\":{\"A B\":\"\"}}", "A B");
	refused("{" LEAST ",\"environment\":{\"A\":1}}", "environment.A");
}

static void
names_are_a_letter_and_59_more(void **state)
{
	char name[62];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(fn_name_is_valid(slice_of(name, 1)));
	assert_true(fn_name_is_valid(slice_of(name, 60)));
	assert_false(fn_name_is_valid(slice_of(name, 61)));
	assert_false(fn_name_is_valid(SLICE("")));
	assert_false(fn_name_is_valid(SLICE("-a")));
	assert_false(fn_name_is_valid(SLICE("a/b")));
	assert_true(fn_name_is_valid(SLICE("a-b_C9")));
}

static void
a_hosts_setup_survives_a_round_trip(void **state)
{
	struct host_setup a = {0}, b = {0};
	struct buf text = {0};
	json_t *v;

	(void)state;
	assert_int_equal(
		host_setup_parse(&a,
			SLICE("{\"function\":{" LEAST "},\"env\":\"e\","
			      "\"appid\":\"wx1\",\"uid\":61000,\"gid\":61001,"
			      "\"cloud_dir\":\"/r/cloud\",\"node\":\"/n\","
			      "\"runner\":\"/f/runner.mjs\",\"strict\":true,"
			      "\"standby\":3}"),
			&why),
		0);
	buf_init(&text, 65536);
	v = host_setup_build(&a);
	val_put(&text, v);
	json_decref(v);
	assert_int_equal(host_setup_parse(&b, buf_all(&text), &why), 0);
	assert_string_equal(b.function.name, "a");
	assert_string_equal(b.env, "e");
	assert_string_equal(b.appid, "wx1");
	assert_string_equal(b.cloud_dir, "/r/cloud");
	assert_string_equal(b.node, "/n");
	assert_string_equal(b.runner, "/f/runner.mjs");
	assert_int_equal(b.uid, 61000);
	assert_int_equal(b.gid, 61001);
	assert_true(b.strict);
	assert_int_equal(b.standby, 3);
	buf_done(&text);
	host_setup_done(&a);
	host_setup_done(&b);
	host_setup_done(&b);
}

static void
a_setup_without_what_it_needs_is_refused(void **state)
{
	struct host_setup a = {0};

	(void)state;
	assert_true(host_setup_parse(&a, SLICE("{"), &why) < 0);
	assert_true(host_setup_parse(&a, SLICE("{}"), &why) < 0);
	assert_true(host_setup_parse(
			    &a, SLICE("{\"function\":{" LEAST "}}"), &why) < 0);
	assert_non_null(strstr(why.text, "node"));
	assert_true(host_setup_parse(&a,
			    SLICE("{\"function\":{" LEAST "},"
				  "\"node\":\"node\",\"runner\":\"/r\"}"),
			    &why) < 0);
	assert_non_null(strstr(why.text, "absolute"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_gets_its_preset),
		cmocka_unit_test(what_is_built_parses_to_the_same),
		cmocka_unit_test(what_is_out_of_range_is_refused_by_name),
		cmocka_unit_test(names_are_a_letter_and_59_more),
		cmocka_unit_test(a_hosts_setup_survives_a_round_trip),
		cmocka_unit_test(a_setup_without_what_it_needs_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
