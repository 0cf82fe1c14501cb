/*
 * Values from the clients' dialects into the stored form.
 */
#include "db/value.h"
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
		{"{\"$oid\":\"0123456789abcdef01234567\"}",
			"\"0123456789abcdef01234567\""},
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
		{"{\"$numberLong\":\"9223372036854775808\"}", "$numberLong"},
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_has_one_stored_form),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(depth_has_a_ceiling),
		cmocka_unit_test(kinds_are_read_off_the_stored_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
