/*
 * The merchants' settings: each is checked, and named with what is wrong with
 * it; several merchants, and the keys an answer may be signed with.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "pay/certs.h"
#include "pay/merchant.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static json_t *vectors;

static const char *
key(const char *name)
{
	const char *s = json_string_value(
		json_object_get(json_object_get(vectors, "keys"), name));

	assert_non_null(s);
	return s;
}

static struct merchant_conf
conf_of(void)
{
	return (struct merchant_conf){
		.appids = key("appid"),
		.mchid = key("mchid"),
		.serial = key("merchant_serial"),
		.notify_url = "https://example.com/v1/pay/notify",
		.api_base = "https://api.mch.weixin.qq.com",
		.api_backup = "https://api2.mch.weixin.qq.com",
		.private_key_pem = key("merchant_private_key"),
		.public_key_pem = key("wechatpay_pubkey"),
		.public_key_id = key("wechatpay_pubkey_id"),
		.apiv3_key = key("api_v3_key"),
	};
}

static struct merchant *
merchant_of(const struct merchant_conf *conf)
{
	struct fault why = {0};
	struct merchant *m = NULL;

	if (merchant_new(&m, conf, &why) < 0)
		fail_msg("%s", why.text);
	return m;
}

#define AT(member) offsetof(struct merchant_conf, member)

static void
a_bad_setting_is_named_with_what_is_wrong(void **state)
{
	static const char broken[] = "-----BEGIN PRIVATE KEY-----\nQUJD\n";
	const struct {
		size_t at;
		const char *value, *words;
	} rows[] = {
		{AT(serial), "", "serial is not set"},
		{AT(serial), "a\"b", "serial must be"},
		{AT(appids), "", "appid is not set"},
		{AT(appids), " , ", "appid is empty"},
		{AT(mchid), "19\"00", "mchid must be"},
		{AT(notify_url), "", "notify_url is not set"},
		{AT(notify_url), "ftp://x.com/", "https"},
		{AT(notify_url), "http://example.com/v1/pay/notify", "https"},
		{AT(notify_url), "https://example.com/?a=1", "query"},
		{AT(notify_url), "https://localhost/n", "cannot reach"},
		{AT(notify_url), "https://192.168.1.8:8443/n", "cannot reach"},
		{AT(notify_url), "https://10.0.0.1/n", "cannot reach"},
		{AT(notify_url), "https://172.31.9.9/n", "cannot reach"},
		{AT(notify_url), "https://100.64.0.1/n", "cannot reach"},
		{AT(notify_url), "https://[::1]/n", "cannot reach"},
		{AT(notify_url), "https://[fd00::1]/n", "cannot reach"},
		{AT(notify_url), "https://[::ffff:127.0.0.1]/n",
			"cannot reach"},
		{AT(notify_url), "https://backend/n", "cannot reach"},
		{AT(notify_url), "https://x.local/n", "cannot reach"},
		{AT(notify_url), "https://u@example.com/n", "no host"},
		{AT(notify_url), "https:///n", "no host"},
		{AT(notify_url),
			"https://example.com/v1/pay/notify-v2/1900000109",
			"/v1/pay/notify/1900000109"},
		{AT(private_key_pem), NULL, "private_key_file is not set"},
		{AT(private_key_pem), broken, "private_key_file: not a"},
		{AT(private_key_pem), key("platform_certificate"),
			"private_key_file holds a certificate"},
		{AT(public_key_pem), "", "public_key_file is not set"},
		{AT(public_key_pem), "x", "public_key_file: not a"},
		{AT(public_key_pem), key("merchant_private_key"),
			"public_key_file holds a private key"},
		{AT(public_key_pem), key("platform_certificate"),
			"public_key_file holds a certificate"},
		{AT(public_key_id), "", "public_key_id is not set"},
		{AT(public_key_id), "0123ABCD", "holds no certificate"},
		{AT(public_key_id), "PUB_KEY_ID_\r\nX: y", "public_key_id"},
		{AT(apiv3_key), "short", "32 characters, and the file has 5"},
		{AT(apiv3_key), "", "apiv3_key_file is not set"},
		{AT(api_base), "", "api_base is not set"},
		{AT(v2_key), "short", "v2_key_file"},
		{AT(api), "v2", "v2_key_file is not set"},
		{AT(certificate_pem), key("platform_certificate"),
			"do not belong together"},
		{AT(certificate_pem), key("wechatpay_pubkey"),
			"v2_certificate_file: not a certificate"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct merchant_conf conf = conf_of();
		struct merchant *m = NULL;
		struct fault why = {0};

		*(const char **)(void *)((char *)&conf + rows[i].at) =
			rows[i].value;
		assert_int_equal(merchant_new(&m, &conf, &why), ERR_CONFIG);
		if (!strstr(why.text, rows[i].words))
			fail_msg("\"%s\" has no \"%s\"", why.text,
				rows[i].words);
		assert_true(slice_starts(slice_str(why.text), "[pay] "));
		assert_null(strstr(why.text, "QUJD"));
	}
}

static void
a_sandbox_may_be_anywhere(void **state)
{
	struct merchant_conf conf = conf_of();

	(void)state;
	conf.api_base = "http://127.0.0.1:8080";
	conf.notify_url = "http://127.0.0.1:9000/v1/pay/notify";
	merchant_unref(merchant_of(&conf));
	conf.notify_url = "https://localhost/v1/pay/notify";
	merchant_unref(merchant_of(&conf));
}

static void
a_real_address_stays_public(void **state)
{
	static const char *const urls[] = {
		"https://example.com/v1/pay/notify",
		"https://8.8.8.8/n",
		"https://172.32.0.1/n",
		"https://[2400:3200::1]:8443/n",
		"https://xn--fiq228c.com/n",
	};
	struct merchant_conf conf = conf_of();

	(void)state;
	for (size_t i = 0; i < array_size(urls); i++) {
		conf.notify_url = urls[i];
		merchant_unref(merchant_of(&conf));
	}
}

static void
the_own_key_in_the_place_of_wechat_s_is_found(void **state)
{
	/* apiclient_cert.pem's key, as SPKI */
	_cleanup_(rsa_freep) struct rsa *own = NULL;
	struct merchant_conf conf = conf_of();
	struct merchant *m = NULL;
	struct fault why = {0};

	(void)state;
	conf.private_key_pem = key("wechatpay_pubkey_private");
	assert_int_equal(merchant_new(&m, &conf, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "merchant's own key"));
}

static void
the_merchant_s_certificate_is_checked_with_serial_and_key(void **state)
{
	struct merchant_conf conf = conf_of();
	struct merchant *m = NULL;
	struct fault why = {0};

	(void)state;
	conf.private_key_pem = key("platform_private_key");
	conf.certificate_pem = key("platform_certificate");
	assert_int_equal(merchant_new(&m, &conf, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "serial is not"));
	assert_non_null(strstr(why.text, key("platform_serial")));
	conf.serial = key("platform_serial");
	merchant_unref(merchant_of(&conf));
}

static void
keys_are_found_by_the_serial_that_came(void **state)
{
	struct merchant_conf conf = conf_of();
	struct merchant *m = merchant_of(&conf);
	struct slice id = slice_str(key("wechatpay_pubkey_id"));

	(void)state;
	assert_null(m->certs); /* a public key alone: nothing is downloaded */
	assert_ptr_equal(merchant_key(m, id), m->public_key);
	assert_null(merchant_key(
		m, SLICE("pub_key_id_0110000000000000000000000000000001")));
	assert_null(merchant_key(
		m, SLICE("PUB_KEY_ID_01100000000000000000000000000000010")));
	assert_null(merchant_key(m, slice_str(key("platform_serial"))));
	assert_string_equal(merchant_wants_serial(m), id.ptr);
	merchant_unref(m);
}

static void
certificates_and_a_public_key_stand_together(void **state)
{
	struct merchant_conf conf = conf_of();
	struct merchant *m;
	char lower[64] = "00";

	(void)state;
	conf.certificates = "yes";
	m = merchant_of(&conf);
	assert_non_null(m->certs);
	assert_int_equal(certs_add(m->certs, slice_str(key("platform_serial")),
				 slice_str(key("platform_certificate")), NULL),
		0);
	assert_non_null(merchant_key(m, slice_str(key("platform_serial"))));
	for (const char *p = key("platform_serial"); *p; p++)
		lower[strlen(lower)] =
			(char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	assert_non_null(merchant_key(m, slice_str(lower)));
	assert_ptr_equal(
		merchant_key(m, slice_str(m->public_key_id)), m->public_key);
	/* the public key is what is asked for */
	assert_string_equal(merchant_wants_serial(m), m->public_key_id);
	merchant_unref(m);
}

static void
certificates_alone_need_no_public_key(void **state)
{
	struct merchant_conf conf = conf_of();
	struct merchant *m = NULL;
	struct fault why = {0};

	(void)state;
	conf.public_key_pem = conf.public_key_id = NULL;
	conf.certificates = "no";
	assert_int_equal(merchant_new(&m, &conf, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "certificates = no"));
	conf.certificates = "auto";
	m = merchant_of(&conf);
	assert_non_null(m->certs);
	assert_string_equal(merchant_wants_serial(m), "");
	assert_int_equal(certs_add(m->certs, slice_str(key("platform_serial")),
				 slice_str(key("platform_certificate")), NULL),
		0);
	assert_string_equal(merchant_wants_serial(m), key("platform_serial"));
	merchant_unref(m);
}

static void
a_certificate_under_another_serial_is_refused(void **state)
{
	_cleanup_(certs_unrefp) struct certs *c = certs_new("1900000109");
	struct slice pem = slice_str(key("platform_certificate"));
	struct cert_facts facts;

	(void)state;
	assert_int_equal(cert_read(&facts, pem, NULL), 0);
	assert_string_equal(facts.serial, key("platform_serial"));
	assert_int_equal(certs_add(c, SLICE("5A5A"), pem, NULL), ERR_FORMAT);
	assert_int_equal(c->count, 0);
	assert_int_equal(certs_add(c, slice_str(facts.serial), pem, NULL), 0);
	assert_int_equal(certs_add(c, slice_str(facts.serial), pem, NULL), 0);
	assert_int_equal(c->count, 1);
	assert_non_null(
		certs_find(c, slice_str(facts.serial), facts.to_ms - 1));
	assert_null(certs_find(c, slice_str(facts.serial), facts.to_ms));
}

static void
the_backup_host_stands_beside_the_real_one_only(void **state)
{
	struct merchant_conf conf = conf_of();
	struct merchant *m = merchant_of(&conf);

	(void)state;
	assert_string_equal(m->api_backup, "https://api2.mch.weixin.qq.com");
	merchant_unref(m);
	conf.api_base = "http://127.0.0.1:1";
	m = merchant_of(&conf);
	assert_string_equal(m->api_backup, "");
	merchant_unref(m);
	conf.api_backup = "http://127.0.0.1:2";
	m = merchant_of(&conf);
	assert_string_equal(m->api_backup, "http://127.0.0.1:2");
	merchant_unref(m);
}

static void
a_merchant_of_v2_needs_its_key_alone(void **state)
{
	struct merchant_conf conf = {
		.mchid = "1900000110",
		.appids = "wx1 wx2",
		.api = "v2",
		.api_base = "https://api.mch.weixin.qq.com",
		.notify_url = "https://example.com/v1/pay/notify-v2/1900000110",
		.v2_key = key("api_v2_key"),
		.v2_sign = "HMAC-SHA256",
	};
	struct merchant *m = merchant_of(&conf), *n = NULL;
	struct fault why = {0};

	(void)state;
	assert_true(merchant_has_v2(m));
	assert_false(merchant_has_v3(m));
	assert_int_equal(m->v2_sign, MERCHANT_HMAC_SHA256);
	merchant_unref(m);
	conf.notify_url = "https://example.com/v1/pay/notify";
	assert_int_equal(merchant_new(&n, &conf, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "/v1/pay/notify-v2/1900000110"));
}

static struct merchant *
named(const char *mchid, const char *apps)
{
	struct merchant_conf conf = conf_of();

	conf.mchid = mchid;
	conf.appids = apps;
	return merchant_of(&conf);
}

static void
the_first_merchant_of_a_mini_program_is_paid(void **state)
{
	_cleanup_(merchants_freep) struct merchants *all = merchants_new();

	(void)state;
	assert_null(merchants_find(all, SLICE("")));
	assert_null(merchants_for_app(all, SLICE("wx1")));
	assert_int_equal(merchants_add(all, named("1", "wx1"), NULL), 0);
	assert_int_equal(merchants_add(all, named("2", "wx2,wx1"), NULL), 0);
	assert_int_equal(
		merchants_add(all, named("1", "wx3"), NULL), ERR_CONFIG);
	assert_int_equal(all->count, 2);
	assert_string_equal(merchants_find(all, SLICE(""))->mchid, "1");
	assert_string_equal(merchants_find(all, SLICE("2"))->mchid, "2");
	assert_null(merchants_find(all, SLICE("3")));
	assert_string_equal(merchants_for_app(all, SLICE("wx1"))->mchid, "1");
	assert_string_equal(merchants_for_app(all, SLICE("wx2"))->mchid, "2");
	assert_null(merchants_for_app(all, SLICE("wx")));
	assert_null(merchants_for_app(all, SLICE("")));
}

static void
a_reload_keeps_the_certificates(void **state)
{
	_cleanup_(merchants_freep) struct merchants *old = merchants_new();
	_cleanup_(merchants_freep) struct merchants *fresh = merchants_new();
	struct merchant_conf conf = conf_of();

	(void)state;
	conf.certificates = "yes";
	assert_int_equal(merchants_add(old, merchant_of(&conf), NULL), 0);
	assert_int_equal(merchants_add(fresh, merchant_of(&conf), NULL), 0);
	merchants_inherit(fresh, old);
	assert_ptr_equal(fresh->merchant[0]->certs, old->merchant[0]->certs);
	assert_int_equal(fresh->merchant[0]->certs->refs, 2);
}

static int
setup_vectors(void **state)
{
	_free_ char *path =
		path_data("tests/unit/data/wechat-vectors-own.json");
	_free_ char *text = NULL;
	size_t len;

	(void)state;
	if (file_read(path, 1 << 20, &text, &len, NULL) < 0)
		return -1;
	return val_parse(&vectors, slice_of(text, len), NULL);
}

static int
drop_vectors(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_setting_is_named_with_what_is_wrong),
		cmocka_unit_test(a_sandbox_may_be_anywhere),
		cmocka_unit_test(a_real_address_stays_public),
		cmocka_unit_test(the_own_key_in_the_place_of_wechat_s_is_found),
		cmocka_unit_test(
			the_merchant_s_certificate_is_checked_with_serial_and_key),
		cmocka_unit_test(keys_are_found_by_the_serial_that_came),
		cmocka_unit_test(certificates_and_a_public_key_stand_together),
		cmocka_unit_test(certificates_alone_need_no_public_key),
		cmocka_unit_test(a_certificate_under_another_serial_is_refused),
		cmocka_unit_test(
			the_backup_host_stands_beside_the_real_one_only),
		cmocka_unit_test(a_merchant_of_v2_needs_its_key_alone),
		cmocka_unit_test(the_first_merchant_of_a_mini_program_is_paid),
		cmocka_unit_test(a_reload_keeps_the_certificates),
	};

	return cmocka_run_group_tests(tests, setup_vectors, drop_vectors);
}
