/*
 * Forgeries in the manner of Project Wycheproof, made by node:crypto
 * (data/forged.mjs): sealed texts that must not open, signatures that must not
 * verify, keys that must not be taken.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/val.h"
#include "tests/unit/test.h"

static json_t *
load(void)
{
	_free_ char *path = path_data("tests/unit/data/forged.json");
	_free_ char *text = NULL;
	struct fault why = {0};
	json_t *v = NULL;
	size_t len;

	if (file_read(path, 4 << 20, &text, &len, &why) < 0 ||
		val_parse(&v, slice_of(text, len), &why) < 0)
		fail_msg("%s", why.text);
	return v;
}

static struct slice
text_of(const json_t *v, const char *key)
{
	const json_t *s = json_object_get(v, key);

	assert_true(json_is_string(s));
	return slice_of(json_string_value(s), json_string_length(s));
}

static void
from_hex(struct buf *to, const json_t *v, const char *key)
{
	buf_init(to, 65536);
	assert_int_equal(text_unhex(to, text_of(v, key)), 0);
}

static bool
gcm_opens(const json_t *v)
{
	struct buf key _buf_, nonce _buf_, aad _buf_, sealed _buf_;
	struct buf plain _buf_, want _buf_ = {0};
	int r;

	from_hex(&key, v, "key");
	from_hex(&nonce, v, "nonce");
	from_hex(&aad, v, "aad");
	from_hex(&sealed, v, "sealed");
	buf_init(&plain, 65536);
	r = crypto_gcm_open(buf_all(&key), buf_all(&nonce), buf_all(&aad),
		buf_all(&sealed), &plain);
	if (r < 0) {
		assert_int_equal(plain.len, 0);
		return false;
	}
	if (json_object_get(v, "plain")) {
		from_hex(&want, v, "plain");
		assert_true(slice_eq(buf_all(&plain), buf_all(&want)));
	}
	return true;
}

static void
no_forged_text_opens(void **state)
{
	_json_ json_t *file = load();
	const json_t *list = json_object_get(file, "gcm");
	json_t *v;
	size_t i, good = 0, bad = 0;

	(void)state;
	json_array_foreach (list, i, v) {
		bool is_good = json_object_get(v, "plain") != NULL;

		if (gcm_opens(v) != is_good)
			fail_msg("%s", text_of(v, "name").ptr);
		good += is_good;
		bad += !is_good;
	}
	assert_int_equal(good, 2);
	assert_true(bad > 40);
}

static void
no_forged_signature_verifies(void **state)
{
	_json_ json_t *file = load();
	const json_t *list = json_object_get(file, "rsa");
	json_t *v;
	size_t i, good = 0, bad = 0;

	(void)state;
	json_array_foreach (list, i, v) {
		bool is_good = json_is_true(json_object_get(v, "good"));
		_cleanup_(rsa_freep) struct rsa *key = NULL;
		struct buf message _buf_;

		from_hex(&message, v, "message");
		assert_int_equal(
			rsa_load_public(&key, text_of(v, "public"), NULL), 0);
		if ((rsa_verify(key, buf_all(&message),
			     text_of(v, "signature")) == 0) != is_good)
			fail_msg("%s", text_of(v, "name").ptr);
		good += is_good;
		bad += !is_good;
	}
	assert_int_equal(good, 2);
	assert_true(bad > 30);
}

static void
keys_of_another_kind_are_refused(void **state)
{
	_json_ json_t *file = load();
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach (json_object_get(file, "keys"), i, v) {
		struct rsa *key = NULL;
		struct fault why = {0};

		if (rsa_load_public(&key, text_of(v, "pem"), &why) !=
			ERR_FORMAT)
			fail_msg("%s", text_of(v, "name").ptr);
		assert_true(why.text[0]);
		assert_null(key);
	}
	assert_int_equal(i, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_forged_text_opens),
		cmocka_unit_test(no_forged_signature_verifies),
		cmocka_unit_test(keys_of_another_kind_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
