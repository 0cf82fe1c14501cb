/*
 * The self test names the cause: each misconfiguration that we know of is
 * played by a merchant API and a callback address on loopback.
 */
#include "pay/selftest.h"
#include "tests/unit/gate_driver.h"

#include <stdio.h>
#include <stdlib.h>

#define NOT_EXIST "{\"code\":\"ORDER_NOT_EXIST\",\"message\":\"订单不存在\"}"
#define NO_PAYER  "{\"code\":\"PARAM_ERROR\",\"message\":\"无效的openid\"}"
#define SAY(...) \
	(const struct gate_say[]){__VA_ARGS__}, \
		array_size(((const struct gate_say[]){__VA_ARGS__}))

static char callback_url[128];
static struct selftest *test;
static int done;

static void
with_callback(struct merchant_conf *conf)
{
	(void)snprintf(callback_url, sizeof(callback_url), "%s/v1/pay/notify",
		conf->api_backup);
	conf->notify_url = callback_url;
	conf->api_backup = "";
}

static void
on_done(struct job *job)
{
	(void)job;
	done++;
}

static const struct selftest_line *
line_of(const char *name)
{
	for (size_t i = 0; i < test->count; i++)
		if (strcmp(test->line[i].name, name) == 0)
			return &test->line[i];
	fail_msg("no line %s", name);
	return NULL;
}

static void
check(const char *name, enum selftest_verdict verdict, const char *words)
{
	const struct selftest_line *line = line_of(name);

	if (line->verdict != verdict || !strstr(line->words, words))
		fail_msg("%s: %s: %s", name, selftest_word(line->verdict),
			line->words);
}

/* Runs it to its end; selftest_done is the caller's. */
static void
run(struct gate_fixture *f, const struct gate_say *say, size_t count)
{
	(void)gate_ready(f, say, count);
	test = calloc(1, sizeof(*test));
	done = 0;
	job_init(&test->job, on_done);
	selftest_start(test, &f->home, f->merchant);
	while (!done)
		loop_turn(&f->loop, true);
	assert_int_equal(test->job.err, 0);
}

static void
end(struct gate_fixture *f)
{
	selftest_done(test);
	free(test);
	gate_teardown(f);
}

/* The callback's answer as our own endpoint gives it. */
#define PROBED \
	"{\"code\":\"FAIL\",\"message\":\"a test of the signature check: it " \
	"did not verify\"}"

static void
a_good_merchant_is_told_so(void **state)
{
	struct gate_fixture *f = gate_setup(with_callback);

	(void)state;
	run(f, SAY({.status = 404, .body = NOT_EXIST},
		       {.status = 400, .body = NO_PAYER},
		       {.status = 401, .raw = PROBED}));
	check("keys", SELFTEST_GOOD, "public key");
	check("signature", SELFTEST_GOOD, "accepts");
	check("clock", SELFTEST_GOOD, "0 s");
	check("answers", SELFTEST_GOOD, "PUB_KEY_ID_");
	check("certificates", SELFTEST_UNKNOWN, "change-over");
	check("appid", SELFTEST_GOOD, "pays through");
	check("notify_url", SELFTEST_GOOD, "with its headers");
	assert_int_equal(selftest_verdict(test), SELFTEST_GOOD);
	assert_int_equal(f->count, 3);
	assert_string_equal(f->asked[2].target, "/v1/pay/notify");
	end(f);
}

static void
the_cause_of_each_refusal_is_named(void **state)
{
	static const struct {
		struct gate_say say;
		const char *line, *words;
		enum selftest_verdict verdict;
	} rows[] = {
		{{.status = 401,
			 .body = "{\"code\":\"SIGN_ERROR\",\"message\":"
				 "\"商户证书序列号有误\"}"},
			"signature", "does not know the serial", SELFTEST_BAD},
		{{.status = 401,
			 .body = "{\"code\":\"SIGN_ERROR\",\"message\":"
				 "\"错误的签名，验签失败\"}"},
			"signature", "private_key_file is not the key",
			SELFTEST_BAD},
		{{.status = 401,
			 .skew_s = 400,
			 .body = "{\"code\":\"SIGN_ERROR\",\"message\":"
				 "\"错误的签名，验签失败\"}"},
			"signature", "clock", SELFTEST_BAD},
		{{.status = 400, .body = "{\"code\":\"MCH_NOT_EXISTS\"}"},
			"signature", "mchid is wrong", SELFTEST_BAD},
		{{.status = 403, .body = "{\"code\":\"NO_AUTH\"}"}, "signature",
			"not opened", SELFTEST_BAD},
		{{.close = true}, "signature", "cannot be reached",
			SELFTEST_BAD},
		{{.status = 404, .body = NOT_EXIST, .skew_s = 120}, "clock",
			"120 s slow", SELFTEST_WARN},
		{{.status = 404, .body = NOT_EXIST, .skew_s = -301}, "clock",
			"301 s fast", SELFTEST_BAD},
		{{.status = 404,
			 .body = NOT_EXIST,
			 .key = "platform_private_key",
			 .serial = "5A5A00000000000000000000000000000000A5A5"},
			"answers", "open the public key", SELFTEST_BAD},
		{{.status = 404, .body = NOT_EXIST, .serial = "PUB_KEY_ID_7"},
			"answers", "PUB_KEY_ID_7", SELFTEST_BAD},
		{{.status = 404,
			 .body = NOT_EXIST,
			 .key = "platform_private_key"},
			"answers", "do not belong together", SELFTEST_BAD},
		{{.status = 404, .body = NOT_EXIST, .unsigned_ = true},
			"answers", "not signed", SELFTEST_UNKNOWN},
		{{.status = 400,
			 .body = "{\"code\":\"PARAM_ERROR\",\"message\":"
				 "\"平台证书序列号Wechatpay-Serial错误\"}"},
			"answers", "compare public_key_id", SELFTEST_BAD},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct gate_fixture *f = gate_setup(with_callback);
		const struct gate_say say[] = {rows[i].say,
			{.status = 400, .body = NO_PAYER},
			{.status = 401, .raw = PROBED}};

		run(f, say, array_size(say));
		check(rows[i].line, rows[i].verdict, rows[i].words);
		if (rows[i].verdict == SELFTEST_BAD)
			assert_int_equal(selftest_verdict(test), SELFTEST_BAD);
		end(f);
	}
}

static void
a_mini_program_of_another_merchant_is_named(void **state)
{
	struct gate_fixture *f = gate_setup(with_callback);

	(void)state;
	run(f, SAY({.status = 404, .body = NOT_EXIST},
		       {.status = 400,
			       .body = "{\"code\":\"APPID_MCHID_NOT_MATCH\"}"},
		       {.status = 401, .raw = PROBED}));
	check("appid", SELFTEST_BAD, "wx0123456789abcdef does not belong");
	end(f);
}

static void
where_callbacks_get_lost_is_named(void **state)
{
	static const struct {
		struct gate_say say;
		const char *words;
	} rows[] = {
		{{.status = 401,
			 .raw = "{\"code\":\"FAIL\",\"message\":\"the header "
				"Wechatpay-Timestamp is missing: a proxy\"}"},
			"without its Wechatpay-* headers"},
		{{.status = 404, .raw = "<html>404</html>"}, "404"},
		{{.status = 302, .raw = ""}, "redirect"},
		{{.status = 403, .raw = "forbidden"}, "firewall"},
		{{.status = 200, .raw = "ok"}, "something else"},
		{{.status = 502, .raw = "bad gateway"}, "down"},
		{{.close = true}, "cannot be reached from here"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct gate_fixture *f = gate_setup(with_callback);
		const struct gate_say say[] = {
			{.status = 404, .body = NOT_EXIST},
			{.status = 400, .body = NO_PAYER}, rows[i].say};

		run(f, say, array_size(say));
		check("notify_url", SELFTEST_BAD, rows[i].words);
		end(f);
	}
}

static void
with_certificates(struct merchant_conf *conf)
{
	with_callback(conf);
	conf->public_key_pem = conf->public_key_id = NULL;
}

static void
with_another_apiv3_key(struct merchant_conf *conf)
{
	with_certificates(conf);
	conf->apiv3_key = "00000000000000000000000000000000";
}

static void
the_apiv3_key_is_tried_on_the_certificates(void **state)
{
	static void (*const ways[])(struct merchant_conf *) = {
		with_certificates, with_another_apiv3_key};
	static const enum selftest_verdict verdicts[] = {
		SELFTEST_GOOD, SELFTEST_BAD};
	static const char *const words[] = {
		"opens 1 platform certificate;", "apiv3_key_file is not"};
	char *answer = json_dumps(
		json_object_get(
			vector(vectors_own, "own-certificates"), "response"),
		JSON_COMPACT);

	(void)state;
	for (size_t i = 0; i < array_size(ways); i++) {
		struct gate_fixture *f = gate_setup(ways[i]);
		const struct gate_say say[] = {
			{.status = 404, .body = NOT_EXIST},
			{.body = answer,
				.key = "platform_private_key",
				.serial = vector_key(
					vectors_own, "platform_serial")},
			{.status = 400, .body = NO_PAYER},
			{.status = 401, .raw = PROBED}};

		run(f, say, array_size(say));
		check("certificates", verdicts[i], words[i]);
		end(f);
	}
	free(answer);
}

static void
a_test_that_is_dropped_ends(void **state)
{
	struct gate_fixture *f = gate_setup(with_callback);

	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		(void)gate_ready(f, SAY({.status = 404, .body = NOT_EXIST},
					    {.status = 400, .body = NO_PAYER},
					    {.status = 401, .raw = PROBED}));
		test = calloc(1, sizeof(*test));
		done = 0;
		job_init(&test->job, on_done);
		selftest_start(test, &f->home, f->merchant);
		for (int i = 0; i < turns && !done; i++)
			loop_turn(&f->loop, true);
		selftest_done(test);
		free(test);
		for (int i = 0; i < 3; i++)
			loop_turn(&f->loop, false);
	}
	gate_teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_merchant_is_told_so),
		cmocka_unit_test(the_cause_of_each_refusal_is_named),
		cmocka_unit_test(a_mini_program_of_another_merchant_is_named),
		cmocka_unit_test(where_callbacks_get_lost_is_named),
		cmocka_unit_test(the_apiv3_key_is_tried_on_the_certificates),
		cmocka_unit_test(a_test_that_is_dropped_ends),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
