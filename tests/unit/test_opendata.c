/*
 * Open data: WeChat's published examples, data encrypted by node:crypto
 * (data/opendata.mjs), and everything that must not open.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "tests/unit/data/opendata.h"
#include "tests/unit/data/opendata_published.h"
#include "tests/unit/test.h"
#include "wechat/cloudid.h"
#include "wechat/opendata.h"

#define APPID "wx0123456789abcdef"
#define TIME  1700000000

static struct session_keys
keys_of(const char *newest, const char *older)
{
	struct session_keys keys = {0};

	assert_int_equal(
		session_key_parse(&keys.key[keys.count++], slice_str(newest)),
		0);
	if (older)
		assert_int_equal(session_key_parse(&keys.key[keys.count++],
					 slice_str(older)),
			0);
	return keys;
}

static struct opendata_ask
ask_of(const char *encrypted)
{
	return (struct opendata_ask){
		.appid = SLICE(APPID),
		.openid = SLICE("oTest1"),
		.encrypted = slice_str(encrypted),
		.iv = SLICE(OD_IV),
		.now_s = TIME + 10,
		.age_s = 3600,
	};
}

static int
open_with(const struct session_keys *keys, const struct opendata_ask *ask)
{
	_json_ json_t *data = NULL;
	struct fault why = {0};
	int r = opendata_open(keys, ask, &data, &why);

	assert_true(r < 0 || !ask->encrypted.ptr == !data);
	assert_true(r == 0 || !data);
	assert_true(r == 0 || strlen(fault_text(&why, r)) > 20);
	assert_null(strstr(fault_text(&why, r), OD_KEY));
	return r;
}

static int
open_one(const char *encrypted)
{
	const struct session_keys keys = keys_of(OD_KEY, NULL);
	const struct opendata_ask ask = ask_of(encrypted);

	return open_with(&keys, &ask);
}

/* With the vector's own appid (the phone's is masked: "wxc****…"). */
static void
published(const char *key, const char *iv, const char *encrypted,
	const char *appid, const char *want)
{
	const struct session_keys keys = keys_of(key, NULL);
	_json_ json_t *data = NULL, *plain = NULL;
	struct opendata_ask ask = ask_of(encrypted);

	ask.appid = slice_str(appid);
	ask.openid = SLICE("oGZUI0egBJY1zhBYw2KhdUfwVJJE");
	ask.iv = slice_str(iv);
	ask.age_s = 0;
	assert_int_equal(opendata_open(&keys, &ask, &data, NULL), 0);
	assert_int_equal(val_parse(&plain, slice_str(want), NULL), 0);
	assert_true(json_equal(data, plain));
}

static void
wechat_s_published_examples_open(void **state)
{
	(void)state;
	published(OFFICIAL_KEY, OFFICIAL_IV, OFFICIAL_DATA,
		"wx4f4bc4dec97d474b", OFFICIAL_PLAIN);
	published(PHONE_KEY, PHONE_IV, PHONE_DATA, "wxc****17e87e0e0a7",
		PHONE_PLAIN);
}

static void
the_published_text_of_nothing_decrypts_and_is_no_open_data(void **state)
{
	struct session_keys keys = keys_of(OFFICIAL_KEY, NULL);
	struct opendata_ask ask = ask_of(EMPTY_DATA);
	_buf_ struct buf plain, sealed, iv;

	(void)state;
	buf_init(&plain, 64);
	buf_init(&sealed, 64);
	buf_init(&iv, 64);
	assert_int_equal(text_unbase64(&sealed, SLICE(EMPTY_DATA)), 0);
	assert_int_equal(text_unbase64(&iv, SLICE(OFFICIAL_IV)), 0);
	assert_int_equal(crypto_cbc_open(slice_of(keys.key[0].bytes, 16),
				 buf_all(&iv), buf_all(&sealed), &plain),
		0);
	assert_int_equal(plain.len, 0);
	ask.iv = SLICE(OFFICIAL_IV);
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_KEY);
}

static void
the_published_signatures_agree(void **state)
{
	const struct session_keys keys = keys_of(SIGNATURE_KEY, NULL);
	const struct session_keys login = keys_of(LOGIN_KEY, NULL);
	struct opendata_ask ask = {
		.raw = SLICE(SIGNATURE_RAW),
		.signature = SLICE(SIGNATURE_SUM),
	};
	char hex[65];

	(void)state;
	assert_int_equal(open_with(&keys, &ask), 0);
	ask.raw.len--;
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_SIGNATURE);
	opendata_sign(&login.key[0], SLICE(LOGIN_BODY), hex);
	assert_string_equal(hex, LOGIN_SUM);
	opendata_sign(&login.key[0], SLICE(""), hex);
	assert_string_equal(hex, LOGIN_SUM_EMPTY);
}

static void
our_own_vector_agrees(void **state)
{
	_free_ char *path =
		path_data("tests/unit/data/wechat-vectors-own.json");
	_json_ json_t *file = NULL, *data = NULL, *plain = NULL;
	_free_ char *text = NULL;
	const json_t *v = NULL;
	struct session_keys keys;
	struct opendata_ask ask;
	char hex[65];
	size_t len, i;
	json_t *each;

	(void)state;
	assert_int_equal(file_read(path, 1 << 20, &text, &len, NULL), 0);
	assert_int_equal(val_parse(&file, slice_of(text, len), NULL), 0);
	json_array_foreach (json_object_get(file, "vectors"), i, each)
		if (strcmp(json_string_value(json_object_get(each, "id")),
			    "own-userdata") == 0)
			v = each;
	assert_non_null(v);
#define TEXT(name) json_string_value(json_object_get(v, name))
	keys = keys_of(TEXT("session_key"), NULL);
	ask = ask_of(TEXT("encryptedData"));
	ask.iv = slice_str(TEXT("iv"));
	ask.openid = SLICE("oTestOpenId000000000000000001");
	ask.raw = slice_str(TEXT("rawData"));
	ask.signature = slice_str(TEXT("signature"));
	ask.now_s = 1704135845;
	assert_int_equal(opendata_open(&keys, &ask, &data, NULL), 0);
	assert_int_equal(
		val_parse(&plain, slice_str(TEXT("plaintext")), NULL), 0);
	assert_true(json_equal(data, plain));
	opendata_sign(&keys.key[0], SLICE(""), hex);
	assert_string_equal(hex, TEXT("session_sig_empty"));
#undef TEXT
}

static void
what_node_encrypted_opens(void **state)
{
	(void)state;
	assert_int_equal(open_one(OD_GOOD), 0);
	assert_int_equal(open_one(OD_OPENID), 0);
	assert_int_equal(open_one(OD_PAD_16), 0);
	assert_int_equal(open_one(OD_PAD_1), 0);
	assert_int_equal(open_one(OD_ODD), 0);
}

/* As it comes out of query strings, of JSON with line breaks, of other
 * languages' url-safe coders. */
static void
base64_that_suffered_on_the_way_opens(void **state)
{
	char text[sizeof(OD_ODD) + 16] = OD_ODD;

	(void)state;
	for (char *p = text; *p; p++)
		if (*p == '+')
			*p = ' ';
	assert_int_equal(open_one(text), 0);
	for (char *p = text; *p; p++)
		if (*p == ' ')
			*p = '-';
		else if (*p == '/')
			*p = '_';
	*strchr(text, '=') = '\0';
	assert_int_equal(open_one(text), 0);
	(void)snprintf(
		text, sizeof(text), "\r\n %.20s\r\n%s\n", OD_ODD, &OD_ODD[20]);
	memmove(text, text + 3, strlen(text + 3) + 1);
	assert_int_equal(open_one(text), 0);
}

static void
an_older_key_opens_what_came_before_the_login(void **state)
{
	const struct session_keys keys = keys_of(OFFICIAL_KEY, OD_KEY);
	const struct session_keys unlucky = keys_of(OD_KEY_UNLUCKY, OD_KEY);
	const struct session_keys wrong = keys_of(OD_KEY_UNLUCKY, OFFICIAL_KEY);
	const struct opendata_ask ask = ask_of(OD_GOOD);

	(void)state;
	assert_int_equal(open_with(&keys, &ask), 0);
	/* its padding is right by chance, what comes out is not */
	assert_int_equal(open_with(&unlucky, &ask), 0);
	assert_int_equal(open_with(&wrong, &ask), ERR_OPEN_DATA_KEY);
}

static void
another_key_is_told_from_bad_bytes(void **state)
{
	const struct session_keys wrong = keys_of(SIGNATURE_KEY, NULL);
	const struct session_keys none = {0};
	struct opendata_ask ask = ask_of(OFFICIAL_DATA);

	(void)state;
	ask.iv = SLICE(OFFICIAL_IV);
	ask.appid = SLICE("wx4f4bc4dec97d474b");
	assert_int_equal(open_with(&wrong, &ask), ERR_OPEN_DATA_KEY);
	assert_int_equal(open_with(&none, &ask), ERR_OPEN_DATA_NO_KEY);
	assert_int_equal(open_one(OD_CUT), ERR_OPEN_DATA_FORMAT);
	assert_int_equal(open_one("not base64!"), ERR_OPEN_DATA_FORMAT);
	assert_int_equal(open_one(""), ERR_OPEN_DATA_FORMAT);
	ask.iv = SLICE("AAAA");
	assert_int_equal(open_with(&wrong, &ask), ERR_OPEN_DATA_FORMAT);
	ask.iv = slice_of(NULL, 0);
	assert_int_equal(open_with(&wrong, &ask), ERR_OPEN_DATA_FORMAT);
	ask.encrypted = slice_of(NULL, 0);
	assert_int_equal(open_with(&wrong, &ask), ERR_OPEN_DATA_FORMAT);
}

static void
nothing_forged_opens(void **state)
{
	static const char *const bad[] = {OD_PAD_ZERO, OD_PAD_17,
		OD_PAD_UNEQUAL, OD_PAD_FIRST, OD_PAD_NONE, OD_NO_MARK,
		OD_MARK_TWICE, OD_APP_NUMBER, OD_ARRAY, OD_TRAILER, OD_NOT_UTF8,
		OD_EMPTY, OD_KEY_AS_TEXT, OD_FLIPPED, OD_BLOCK_CUT};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(open_one(bad[i]), ERR_OPEN_DATA_KEY);
}

static void
whose_data_it_is_and_how_old_is_checked(void **state)
{
	const struct session_keys keys = keys_of(OD_KEY, NULL);
	struct opendata_ask ask = ask_of(OD_GOOD);

	(void)state;
	assert_int_equal(open_one(OD_OTHER_APP), ERR_OPEN_DATA_APPID);
	assert_int_equal(open_one(OD_APP_PREFIX), ERR_OPEN_DATA_APPID);
	/* val_parse has no NUL in strings at all */
	assert_true(open_one(OD_APP_NUL) < 0);
	assert_int_equal(open_one(OD_OPENID_NUMBER), ERR_OPEN_DATA_APPID);
	assert_int_equal(open_one(OD_TIME_TEXT), ERR_OPEN_DATA_OLD);
	assert_int_equal(open_one(OD_TIME_FUTURE), ERR_OPEN_DATA_OLD);
	ask.now_s = TIME + 3600;
	assert_int_equal(open_with(&keys, &ask), 0);
	ask.now_s++;
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_OLD);
	ask.age_s = 0;
	assert_int_equal(open_with(&keys, &ask), 0);
	ask = ask_of(OD_OPENID);
	ask.openid = SLICE("oTest2");
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_APPID);
}

static void
a_signature_is_over_the_raw_text_and_the_key_s_text(void **state)
{
	const struct session_keys keys = keys_of(OFFICIAL_KEY, OD_KEY);
	struct opendata_ask ask = ask_of(OD_GOOD);
	char hex[65];

	(void)state;
	ask.raw = SLICE(OD_RAW);
	ask.signature = SLICE(OD_SIGNATURE);
	assert_int_equal(open_with(&keys, &ask), 0);
	ask.signature = SLICE(OD_SIGNATURE_DECODED);
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_SIGNATURE);
	ask.signature = SLICE(OD_SIGNATURE_REFORMED);
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_SIGNATURE);
	ask.signature = SLICE("");
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_SIGNATURE);
	ask.signature = SLICE(OD_SIGNATURE);
	ask.raw = slice_of(NULL, 0);
	assert_int_equal(open_with(&keys, &ask), ERR_OPEN_DATA_FORMAT);
	opendata_sign(&keys.key[1], SLICE(""), hex);
	assert_string_equal(hex, OD_HMAC_EMPTY);
	assert_string_not_equal(hex, OD_HMAC_EMPTY_DECODED);
}

static void
only_the_base64_of_sixteen_bytes_is_a_session_key(void **state)
{
	static const char *const bad[] = {"", "AAAA", OD_KEY "AAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAA", "tiihtNczf5v6AKRyjwEUhQ",
		"tiihtNczf5v6AKRyjwEUhR==", "tiihtNczf5v6AKRyjwEUh!=="};
	struct session_key key;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(
			session_key_parse(&key, slice_str(bad[i])), ERR_FORMAT);
}

static void
a_cloud_id_is_for_its_user_and_for_five_minutes(void **state)
{
	_cleanup_(seal_freep) struct seal *seal = NULL, *other = NULL;
	const struct slice app = SLICE(APPID), who = SLICE("oTest1");
	_json_ json_t *data = json_pack("{s:s}", "phoneNumber", "1380");
	_json_ json_t *got = NULL, *not = NULL;
	_buf_ struct buf id;

	(void)state;
	buf_init(&id, CLOUDID_TOP);
	assert_int_equal(seal_new(&seal,
				 SLICE("000102030405060708090a0b0c0d0e0f"
				       "101112131415161718191a1b1c1d1e1f"),
				 NULL),
		0);
	assert_int_equal(seal_new(&other,
				 SLICE("100102030405060708090a0b0c0d0e0f"
				       "101112131415161718191a1b1c1d1e1f"),
				 NULL),
		0);
	assert_int_equal(cloudid_make(seal, app, who, data, TIME, &id), 0);
	assert_null(memmem(id.ptr, id.len, "1380", 4));
	assert_int_equal(
		cloudid_open(seal, app, who, buf_all(&id), TIME + 299, &got),
		0);
	assert_true(json_equal(got, data));
	assert_int_equal(
		cloudid_open(seal, app, who, buf_all(&id), TIME + 300, &not ),
		ERR_CLOUDID_OLD);
	assert_int_equal(cloudid_open(seal, app, SLICE("oTest2"), buf_all(&id),
				 TIME, &not ),
		ERR_CLOUDID_USER);
	assert_int_equal(
		cloudid_open(seal, app, SLICE(""), buf_all(&id), TIME, &not ),
		ERR_CLOUDID_USER);
	assert_int_equal(cloudid_open(seal, SLICE("wxother"), who, buf_all(&id),
				 TIME, &not ),
		ERR_CLOUDID_BAD);
	assert_int_equal(
		cloudid_open(other, app, who, buf_all(&id), TIME, &not ),
		ERR_CLOUDID_BAD);
	assert_int_equal(cloudid_open(seal, app, who,
				 SLICE("47_Xa1pOcRlBPxQZ5pTLz"), TIME, &not ),
		ERR_CLOUDID_BAD);
	id.ptr[id.len / 2] ^= 1;
	assert_int_equal(
		cloudid_open(seal, app, who, buf_all(&id), TIME, &not ),
		ERR_CLOUDID_BAD);
	assert_null(not );
}

/* A function may send any bytes for an id, and a sentence of WeChat's may have
 * been cut within a character: in an item's place stands an item. */
static void
what_is_no_text_is_still_told_in_its_place(void **state)
{
	struct fault why = {0};
	_json_ json_t *id = NULL, *text = NULL;

	(void)state;
	id = cloudid_item(SLICE("47_\xff\xfe"), NULL, ERR_CLOUDID_BAD, NULL);
	assert_int_equal(
		json_integer_value(json_object_get(id, "errCode")), -601005);
	(void)fault_set(&why, ERR_CLOUDID_BAD, "%s", "40003 openid\xe6\x97");
	text = cloudid_item(SLICE("47_x"), NULL, ERR_CLOUDID_BAD, &why);
	assert_string_equal(
		json_string_value(json_object_get(text, "cloudID")), "47_x");
	assert_string_equal(json_string_value(json_object_get(text, "errMsg")),
		err_text(ERR_CLOUDID_BAD));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wechat_s_published_examples_open),
		cmocka_unit_test(
			the_published_text_of_nothing_decrypts_and_is_no_open_data),
		cmocka_unit_test(the_published_signatures_agree),
		cmocka_unit_test(our_own_vector_agrees),
		cmocka_unit_test(what_node_encrypted_opens),
		cmocka_unit_test(base64_that_suffered_on_the_way_opens),
		cmocka_unit_test(an_older_key_opens_what_came_before_the_login),
		cmocka_unit_test(another_key_is_told_from_bad_bytes),
		cmocka_unit_test(nothing_forged_opens),
		cmocka_unit_test(whose_data_it_is_and_how_old_is_checked),
		cmocka_unit_test(
			a_signature_is_over_the_raw_text_and_the_key_s_text),
		cmocka_unit_test(
			only_the_base64_of_sixteen_bytes_is_a_session_key),
		cmocka_unit_test(
			a_cloud_id_is_for_its_user_and_for_five_minutes),
		cmocka_unit_test(what_is_no_text_is_still_told_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
