/*
 * The merchant's settings: each is checked and named when it is wrong.
 */
#include "tests/unit/order_driver.h"

static void
payment_that_is_off_says_so(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(
		pay_configure(f->pay[0], &(struct pay_conf){.mchid = ""}, NULL),
		0);
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.order.job.why.text, "[pay] mchid"));
	teardown(f);
}

static void
a_bad_setting_is_named_and_changes_nothing(void **state)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\nQUJD\n";
	struct fixture *f = setup();
	const struct {
		size_t at;
		const char *value, *words;
	} rows[] = {
		{offsetof(struct pay_conf, serial), "", "serial"},
		{offsetof(struct pay_conf, serial), "a\"b", "serial"},
		{offsetof(struct pay_conf, appid), "", "appid"},
		{offsetof(struct pay_conf, notify_url), "", "notify_url"},
		{offsetof(struct pay_conf, notify_url), "ftp://x/", "https"},
		{offsetof(struct pay_conf, notify_url), "https://x/?a=1",
			"query"},
		{offsetof(struct pay_conf, private_key_pem), NULL,
			"private_key_file"},
		{offsetof(struct pay_conf, private_key_pem), pem,
			"private_key_file"},
		{offsetof(struct pay_conf, public_key_pem), "",
			"public_key_file"},
		{offsetof(struct pay_conf, public_key_pem), "x",
			"public_key_file"},
		{offsetof(struct pay_conf, public_key_id), "", "public_key_id"},
		{offsetof(struct pay_conf, apiv3_key), "short",
			"apiv3_key_file"},
		{offsetof(struct pay_conf, api_base), "", "api_base"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct pay_conf conf = f->conf;
		struct fault why = {0};

		*(const char **)(void *)((char *)&conf + rows[i].at) =
			rows[i].value;
		assert_int_equal(
			pay_configure(f->pay[0], &conf, &why), ERR_CONFIG);
		assert_non_null(strstr(why.text, rows[i].words));
		assert_null(strstr(why.text, "QUJD"));
	}
	{
		struct asked a;

		assert_int_equal(place(f, &a, APPLES), 0);
	}
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payment_that_is_off_says_so),
		cmocka_unit_test(a_bad_setting_is_named_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
