/*
 * Values from the clients' dialects into the stored form.
 */
#include "documents/value.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* The stored form of JSON text, or the error's sentence. */
static const char *
stored(const char *text)
{
	static char room[4096];
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct fault why = {0};
	struct buf b;
	int r;

	assert_non_null(v);
	buf_init(&b, 1 << 20);
	r = value_put(&b, v, 1000, &why);
	(void)snprintf(
		room, sizeof(room), "%s", r < 0 ? fault_text(&why, r) : b.ptr);
	if (r < 0)
		assert_true(r == ERR_DB_PARAM || r == ERR_TOO_BIG);
	buf_done(&b);
	json_decref(v);
	return room;
}

static void
every_dialect_has_one_stored_form(void **state)
{
	static const char *const cases[][2] = {
		{"3", "3"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"3.0", "3.0"},
		{"0.1", "0.1"},
		{"1e300", "1e+300"},
		{"true", "true"},
		{"null", "null"},
		{"\"a\\\"\\\\\\u0001\"", "\"a\\\"\\\\\\u0001\""},
		{"{\"$numberInt\":\"-7\"}", "-7"},
		{"{\"$numberLong\":\"5000000000\"}", "5000000000"},
		{"{\"$numberDouble\":\"1.5\"}", "1.5"},
		{"{\"$numberDouble\":\"2\"}", "2.0"},
		{"{\"$numberDouble\":\"Infinity\"}",
			"{\"$numberDouble\":\"Infinity\"}"},
		{"{\"$numberDouble\":\"-Infinity\"}",
			"{\"$numberDouble\":\"-Infinity\"}"},
		{"{\"$date\":{\"$numberLong\":\"1577836800000\"}}",
			"{\"$date\":1577836800000}"},
		{"{\"$date\":1577836800000}", "{\"$date\":1577836800000}"},
		{"{\"$date\":\"2020-01-01T00:00:00Z\"}",
			"{\"$date\":1577836800000}"},
		{"{\"$date\":{\"offset\":60000}}", "{\"$date\":61000}"},
		{"{\"$tcb_server_date\":{\"offset\":{\"$numberInt\":\"0\"}}}",
			"{\"$date\":1000}"},
		{"{\"$oid\":\"0123456789ABCDEF01234567\"}",
			"{\"$oid\":\"0123456789abcdef01234567\"}"},
		{"{\"$numberLong\":\"9223372036854776000\"}",
			"9223372036854775808.0"},
		{"{\"$numberDouble\":\"NaN\"}", "{\"$numberDouble\":\"NaN\"}"},
		{"{\"$date\":\"9999-12-31T23:59:59.999Z\"}",
			"{\"$date\":253402300799999}"},
		{"{\"$date\":\"0001-01-01T00:00:00Z\"}",
			"{\"$date\":-62135596800000}"},
		{"{\"$date\":\"2020-02-29T08:00:00.5+08:00\"}",
			"{\"$date\":1582934400500}"},
		{"{\"$date\":{\"$numberLong\":\"-1\"}}", "{\"$date\":-1}"},
		{"{\"$numberDecimal\":\"1.50\"}",
			"{\"$numberDecimal\":\"1.50\"}"},
		{"{\"$minKey\":1}", "{\"$minKey\":1}"},
		{"{\"$uuid\":\"c8edabc3-f738-4ca3-b68d-ab92a91478a3\"}",
			"{\"$binary\":{\"base64\":\"yO2rw/c4TKO2jauSqRR4ow==\","
			"\"subType\":\"04\"}}"},
		{"{\"$binary\":{\"base64\":\"AQI=\",\"subType\":\"0\"}}",
			"{\"$binary\":{\"base64\":\"AQI=\","
			"\"subType\":\"00\"}}"},
		{"{\"$timestamp\":1577836800}", "{\"$timestamp\":1577836800}"},
		{"{\"a\":{\"$undefined\":true},\"b.c\":1}", "{\"b.c\":1}"},
		{"[{\"$undefined\":true}]", "[null]"},
		{"{\"$regex\":\"^a\",\"$options\":\"i\"}",
			"{\"$regularExpression\":{\"pattern\":\"^a\","
			"\"options\":\"i\"}}"},
		{"{\"$timestamp\":{\"t\":5,\"i\":1}}",
			"{\"$timestamp\":{\"t\":5,\"i\":1}}"},
		{"{\"a\":[1,{\"b\":{\"$numberInt\":\"2\"}}],\"\":null}",
			"{\"a\":[1,{\"b\":2}],\"\":null}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_string_equal(stored(cases[i][0]), cases[i][1]);
}

static void
what_is_no_value_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{\"$numberInt\":\"2147483648\"}", "$numberInt"},
		{"{\"$numberInt\":5}", "$numberInt"},
		{"{\"$numberInt\":\"\"}", "$numberInt"},
		{"{\"$numberLong\":\"1.5\"}", "$numberLong"},
		{"{\"$date\":\"2021-02-29T00:00:00Z\"}", "$date"},
		{"{\"$date\":\"2020-01-01T24:00:00Z\"}", "$date"},
		{"{\"$binary\":{\"base64\":\"A\",\"subType\":\"00\"}}",
			"$binary"},
		{"{\"$code\":\"f()\"}", "$code"},
		{"{\"$symbol\":\"x\"}", "$symbol"},
		{"{\"a\":{\"b\":[0,{\"$oid\":\"x\"}]}}", "a.b.1: $oid"},
		{"{\"a\":{\"b\":\"x\\u0000\"}}", "a.b: a text holds a NUL"},
		{"{\"a\":{\"$set\":1}}", "a.$set"},
		{"{\"$numberDouble\":\"1.5x\"}", "$numberDouble"},
		{"{\"$numberDouble\":\"0x10\"}", "$numberDouble"},
		{"{\"$date\":\"yesterday\"}", "$date"},
		{"{\"$date\":{}}", "$date"},
		{"{\"$oid\":\"xyz\"}", "$oid"},
		{"{\"$binary\":\"AA==\"}", "$binary"},
		{"{\"$foo\":1}", "$foo"},
		{"{\"a\":1,\"$set\":1}", "$set"},
		{"{\"$date\":1,\"x\":2}", "$date"},
		{"\"a\\u0000b\"", "NUL"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_non_null(strstr(stored(cases[i][0]), cases[i][1]));
}

static void
depth_has_a_ceiling(void **state)
{
	char text[600] = "";

	(void)state;
	for (int i = 0; i < VALUE_DEPTH_TOP; i++)
		(void)strcat(text, "[");
	for (int i = 0; i < VALUE_DEPTH_TOP; i++)
		(void)strcat(text, "]");
	assert_string_equal(stored(text), text);
	memmove(text + 1, text, strlen(text) + 1);
	(void)strcat(text, "]");
	assert_non_null(strstr(stored(text), "deeper"));
}

static void
kinds_are_read_off_the_stored_form(void **state)
{
	(void)state;
	assert_int_equal(value_kind(SLICE("null")), VALUE_NULL);
	assert_int_equal(value_kind(SLICE("-1")), VALUE_NUMBER);
	assert_int_equal(value_kind(SLICE("false")), VALUE_BOOL);
	assert_int_equal(value_kind(SLICE("\"\"")), VALUE_STRING);
	assert_int_equal(value_kind(SLICE("{\"$date\":1}")), VALUE_DATE);
	assert_int_equal(value_kind(SLICE("{}")), VALUE_OTHER);
	assert_int_equal(value_kind(SLICE("[]")), VALUE_OTHER);
	assert_int_equal(value_kind(SLICE("{\"$oid\":\"x\"}")), VALUE_OID);
	assert_int_equal(
		value_kind(SLICE("{\"$numberDouble\":\"NaN\"}")), VALUE_OTHER);
}

/* The key of an _id, U+0001 shown as #, or the error's sentence. */
static const char *
key(const char *text)
{
	static char room[4096];
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
	struct fault why = {0};
	struct arena arena;
	struct slice k;
	int r;

	assert_non_null(v);
	arena_init(&arena, 1 << 20);
	r = value_key(&k, v, &arena, 1000, &why);
	(void)snprintf(room, sizeof(room), "%.*s",
		r < 0 ? (int)strlen(why.text) : (int)k.len,
		r < 0 ? why.text : k.ptr);
	if (room[0] == 1)
		room[0] = '#';
	arena_done(&arena);
	json_decref(v);
	return room;
}

static void
equal_ids_have_one_key(void **state)
{
	(void)state;
	assert_string_equal(key("\"a b\""), "a b");
	assert_string_equal(key("{\"$oid\":\"507F191E810C19729DE860EA\"}"),
		"507f191e810c19729de860ea");
	assert_string_equal(key("1"), "#1");
	assert_string_equal(key("1.0"), "#1");
	assert_string_equal(key("{\"$numberLong\":\"1\"}"), "#1");
	assert_string_equal(key("1.5"), "#1.5");
	assert_string_equal(key("null"), "#null");
	assert_string_equal(key("{\"b\":1,\"a\":{\"$date\":5.0}}"),
		"#{\"a\":{\"$date\":5},\"b\":1}");
	assert_string_equal(key("{\"a\":{\"$date\":5},\"b\":1.0}"),
		"#{\"a\":{\"$date\":5},\"b\":1}");
}

static void
what_cannot_be_an_id_is_refused(void **state)
{
	char text[1100];

	(void)state;
	assert_non_null(strstr(key("\"\""), "1 to 1024 bytes"));
	assert_non_null(strstr(key("\"\\u0001a\""), "U+0001"));
	assert_non_null(strstr(key("[1]"), "list"));
	assert_non_null(strstr(key("{\"$regularExpression\":{\"pattern\":\"a\","
				   "\"options\":\"\"}}"),
		"regular expression"));
	(void)memset(text, 'x', sizeof(text));
	text[0] = text[1030] = '"';
	text[1031] = '\0';
	assert_non_null(strstr(key(text), "1024"));
}

/* A text is the key itself and not kept twice. */
static void
a_typed_id_stays_in_the_document(void **state)
{
	static const char *const cases[][2] = {
		{"{\"_id\":\"a\",\"b\":1}", "{\"b\":1,\"_openid\":\"o\"}"},
		{"{\"_id\":7.0}", "{\"_id\":7.0,\"_openid\":\"o\"}"},
		{"{\"_id\":{\"$oid\":\"507f191e810c19729de860ea\"}}",
			"{\"_id\":{\"$oid\":\"507f191e810c19729de860ea\"},"
			"\"_openid\":\"o\"}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		json_t *v = json_loads(cases[i][0], 0, NULL);
		struct buf b;

		buf_init(&b, 1024);
		assert_int_equal(value_put_doc(&b, v, "o", 0, NULL), 0);
		assert_string_equal(b.ptr, cases[i][1]);
		buf_done(&b);
		json_decref(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_has_one_stored_form),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(depth_has_a_ceiling),
		cmocka_unit_test(kinds_are_read_off_the_stored_form),
		cmocka_unit_test(equal_ids_have_one_key),
		cmocka_unit_test(what_cannot_be_an_id_is_refused),
		cmocka_unit_test(a_typed_id_stays_in_the_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
