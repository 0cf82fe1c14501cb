/*
 * What WeChat Pay answers: believed only when it signed it, and told as what
 * it means.
 */
#include "tests/unit/order_driver.h"

static void
an_answer_that_does_not_verify_is_never_believed(void **state)
{
	static const struct {
		enum spoil spoil;
		int err;
		unsigned requests;
	} rows[] = {
		{SPOIL_BODY, ERR_PAY_FORGED, 1},
		{SPOIL_NO_SIGN, ERR_PAY_FORGED, 1},
		{SPOIL_NO_NONCE, ERR_PAY_FORGED, 1},
		{SPOIL_SERIAL, ERR_PAY_FORGED, 1},
		{SPOIL_OTHER_KEY, ERR_PAY_FORGED, 1},
		{SPOIL_OLD, ERR_PAY_FORGED, 1},
		{SPOIL_PROBES, ERR_UPSTREAM_BUSY, 3},
		{SPOIL_NOT_JSON, ERR_UPSTREAM, 1},
		{SPOIL_NO_PREPAY, ERR_UPSTREAM, 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->spoil = rows[i].spoil;
		assert_int_equal(place(f, &a, APPLES), rows[i].err);
		assert_int_equal(f->fake.requests, rows[i].requests);
		assert_int_equal(a.order.answer.len, 0);
		assert_string_equal(testpg_query(pg, "SELECT state || coalesce("
						     "prepay_id, '')"
						     " FROM mpcloud.orders"),
			"CREATED");
		/* nothing is lost: the same number, once it is real */
		f->spoil = SPOIL_NOTHING;
		assert_int_equal(place(f, &a, APPLES), 0);
		teardown(f);
	}
}

static void
a_signature_probe_is_answered_by_asking_again(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->spoil = SPOIL_PROBE;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(f->fake.requests, 2);
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	payment_check(f, &a, "wx00000002");
	teardown(f);
}

static void
refusals_are_told_as_what_they_mean(void **state)
{
	static const struct {
		int status;
		const char *body;
		int err;
		const char *words;
		unsigned more; /* requests: what became of the order? */
	} rows[] = {
		{400, "{\"code\":\"PARAM_ERROR\",\"message\":\"bad total\"}",
			ERR_PAY_REFUSED, "PARAM_ERROR: bad total", 0},
		{400, "{\"code\":\"INVALID_REQUEST\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "INVALID_REQUEST: m", 0},
		{403, "{\"code\":\"OUT_TRADE_NO_USED\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "OUT_TRADE_NO_USED", 1},
		{403, "{\"code\":\"RULELIMIT\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "RULE_LIMIT", 0},
		{400, "{\"code\":\"APPID_MCHID_NOT_MATCH\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "APPID_MCHID_NOT_MATCH", 0},
		{400, "{\"code\":\"MCH_NOT_EXISTS\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "[pay]", 0},
		{401, "{\"code\":\"SIGN_ERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "SIGN_ERROR", 0},
		{401, "", ERR_UPSTREAM_CONFIG, "[pay]", 0},
		{403, "{\"code\":\"NO_AUTH\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "NO_AUTH", 0},
		{429, "{\"code\":\"FREQUENCY_LIMITED\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again", 0},
		{500, "{\"code\":\"SYSTEM_ERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again", 0},
		{500, "{\"code\":\"SYSTEMERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again", 0},
		{502, "<html>bad gateway</html>", ERR_UPSTREAM_BUSY,
			"may safely be tried again", 0},
		{418, "{}", ERR_PAY_REFUSED, "refused", 0},
		{302, "", ERR_UPSTREAM, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->status = rows[i].status;
		f->refusal = rows[i].body;
		assert_int_equal(place(f, &a, APPLES), rows[i].err);
		assert_int_equal(f->fake.requests, 1 + rows[i].more);
		if (!strstr(a.order.job.why.text, rows[i].words))
			fail_msg("%s: %s", rows[i].words, a.order.job.why.text);
		assert_string_equal(
			testpg_query(pg, "SELECT state FROM mpcloud.orders"),
			"CREATED");
		teardown(f);
	}
}

static void
a_connection_that_ends_in_the_middle_loses_nothing(void **state)
{
	static const enum fake_mode modes[] = {FAKE_CUT, FAKE_CLOSE};

	(void)state;
	for (size_t i = 0; i < array_size(modes); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->fake.mode = modes[i];
		assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM);
		assert_non_null(strstr(a.order.job.why.text, "safely"));
		f->fake.mode = FAKE_ANSWER;
		assert_int_equal(place(f, &a, APPLES), 0);
		assert_string_equal(testpg_query(pg, "SELECT count(*)"
						     " FROM mpcloud.orders"),
			"1");
		assert_string_equal(
			f->bodies[f->fake.requests - 1].ptr, f->bodies[0].ptr);
		teardown(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_answer_that_does_not_verify_is_never_believed),
		cmocka_unit_test(a_signature_probe_is_answered_by_asking_again),
		cmocka_unit_test(refusals_are_told_as_what_they_mean),
		cmocka_unit_test(
			a_connection_that_ends_in_the_middle_loses_nothing),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
