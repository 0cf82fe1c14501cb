/*
 * Extended JSON.  The forms are those of MongoDB's specification of version 2
 * ("extended-json.md", its table and example) and of its manual's page on
 * version 1 (strict mode).
 */
#include "documents/ejson.h"
#include "documents/value.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static char room[8192];

/* Stored text → Extended JSON. */
static const char *
put(const char *stored, enum ejson_form form)
{
	_buf_ struct buf b = {0};

	buf_init(&b, sizeof(room) - 1);
	ejson_put(&b, slice_str(stored), form);
	assert_int_equal(buf_check(&b), 0);
	(void)snprintf(room, sizeof(room), "%s", b.ptr);
	return room;
}

/* Any spelling → the stored form, or the error's sentence. */
static const char *
stored(const char *text)
{
	_json_ json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
	struct fault why = {0};
	_buf_ struct buf b = {0};
	int r;

	assert_non_null(v);
	buf_init(&b, sizeof(room) - 1);
	r = ejson_renew(&v, &why);
	if (r == 0)
		r = value_put(&b, v, 1000, &why);
	(void)snprintf(
		room, sizeof(room), "%s", r < 0 ? fault_text(&why, r) : b.ptr);
	return room;
}

struct row {
	const char *stored, *canonical, *relaxed;
};

static void
the_specifications_table_is_kept(void **state)
{
	static const struct row rows[] = {
		{"1", "{\"$numberInt\":\"1\"}", "1"},
		{"-2147483648", "{\"$numberInt\":\"-2147483648\"}",
			"-2147483648"},
		{"2147483648", "{\"$numberLong\":\"2147483648\"}",
			"2147483648"},
		{"-9223372036854775808",
			"{\"$numberLong\":\"-9223372036854775808\"}",
			"-9223372036854775808"},
		{"42.42", "{\"$numberDouble\":\"42.42\"}", "42.42"},
		{"1.0", "{\"$numberDouble\":\"1.0\"}", "1.0"},
		{"0.1", "{\"$numberDouble\":\"0.1\"}", "0.1"},
		{"{\"$numberDouble\": \"NaN\"}", "{\"$numberDouble\":\"NaN\"}",
			"{\"$numberDouble\":\"NaN\"}"},
		{"{\"$numberDouble\": \"-Infinity\"}",
			"{\"$numberDouble\":\"-Infinity\"}",
			"{\"$numberDouble\":\"-Infinity\"}"},
		{"{\"$numberDecimal\": \"1234.5\"}",
			"{\"$numberDecimal\":\"1234.5\"}",
			"{\"$numberDecimal\":\"1234.5\"}"},
		{"\"a\\\"\\n\"", "\"a\\\"\\n\"", "\"a\\\"\\n\""},
		{"true", "true", "true"},
		{"null", "null", "null"},
		{"{\"$oid\": \"57e193d7a9cc81b4027498b5\"}",
			"{\"$oid\":\"57e193d7a9cc81b4027498b5\"}",
			"{\"$oid\":\"57e193d7a9cc81b4027498b5\"}"},
		{"{\"$date\": 1356351330501}",
			"{\"$date\":{\"$numberLong\":\"1356351330501\"}}",
			"{\"$date\":\"2012-12-24T12:15:30.501Z\"}"},
		{"{\"$date\": 1356351330000}",
			"{\"$date\":{\"$numberLong\":\"1356351330000\"}}",
			"{\"$date\":\"2012-12-24T12:15:30Z\"}"},
		{"{\"$date\": -284643869501}",
			"{\"$date\":{\"$numberLong\":\"-284643869501\"}}",
			"{\"$date\":{\"$numberLong\":\"-284643869501\"}}"},
		{"{\"$date\": 253402300800000}",
			"{\"$date\":{\"$numberLong\":\"253402300800000\"}}",
			"{\"$date\":{\"$numberLong\":\"253402300800000\"}}"},
		{"{\"$binary\": {\"base64\": \"//8=\", \"subType\": \"00\"}}",
			"{\"$binary\":{\"base64\":\"//8=\",\"subType\":"
			"\"00\"}}",
			"{\"$binary\":{\"base64\":\"//8=\",\"subType\":"
			"\"00\"}}"},
		{"{\"$timestamp\": {\"i\": 15, \"t\": 1565545664}}",
			"{\"$timestamp\":{\"i\":15,\"t\":1565545664}}",
			"{\"$timestamp\":{\"i\":15,\"t\":1565545664}}"},
		{"{\"$regularExpression\": {\"options\": \"i\", \"pattern\": "
		 "\"a b\"}}",
			"{\"$regularExpression\":{\"options\":\"i\","
			"\"pattern\":\"a b\"}}",
			"{\"$regularExpression\":{\"options\":\"i\","
			"\"pattern\":\"a b\"}}"},
		{"{\"$minKey\": 1}", "{\"$minKey\":1}", "{\"$minKey\":1}"},
		{"[]", "[]", "[]"},
		{"{}", "{}", "{}"},
		{"{\"a\": [1, {\"b\": {\"$date\": 0}}], \"c\": \"d, e\"}",
			"{\"a\":[{\"$numberInt\":\"1\"},{\"b\":{\"$date\":{"
			"\"$numberLong\":\"0\"}}}],\"c\":\"d, e\"}",
			"{\"a\":[1,{\"b\":{\"$date\":\"1970-01-01T00:00:00Z\"}"
			"}],\"c\":\"d, e\"}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_string_equal(put(rows[i].stored, EJSON_CANONICAL),
			rows[i].canonical);
		assert_string_equal(
			put(rows[i].stored, EJSON_RELAXED), rows[i].relaxed);
	}
}

/* jsonb writes numbers with all their digits. */
static void
doubles_come_back_as_they_went_in(void **state)
{
	static const struct row rows[] = {
		{"100000000000000000.0", "{\"$numberDouble\":\"1e+17\"}",
			"1e+17"},
		{"0.00000000000000000000000000000016",
			"{\"$numberDouble\":\"1.6e-31\"}", "1.6e-31"},
		{"0.30000000000000004",
			"{\"$numberDouble\":\"0.30000000000000004\"}",
			"0.30000000000000004"},
		{"9223372036854775808",
			"{\"$numberDouble\":\"9.22337203685478e+18\"}",
			"9.22337203685478e+18"},
	};
	char huge[400], want[64];

	(void)state;
	for (size_t i = 0; i < array_size(rows) - 1; i++)
		assert_string_equal(put(rows[i].stored, EJSON_CANONICAL),
			rows[i].canonical);
	/* 1.7976931348623157e308 */
	(void)snprintf(huge, sizeof(huge), "%.0f", 1.7976931348623157e308);
	(void)snprintf(want, sizeof(want),
		"{\"$numberDouble\":\"1.7976931348623157e+308\"}");
	assert_string_equal(put(huge, EJSON_CANONICAL), want);
	/* beyond 64 bits it is a double, not an integer */
	assert_non_null(
		strstr(put(rows[3].stored, EJSON_CANONICAL), "numberDouble"));
}

static void
version_1_is_read(void **state)
{
	static const char *const rows[][2] = {
		{"{\"$binary\":\"//8=\",\"$type\":\"00\"}",
			"{\"$binary\":{\"base64\":\"//8=\",\"subType\":\"00\"}"
			"}"},
		{"{\"$binary\":\"//8=\",\"$type\":5}",
			"{\"$binary\":{\"base64\":\"//8=\",\"subType\":\"05\"}"
			"}"},
		{"{\"$date\":\"2012-12-24T12:15:30.501Z\"}",
			"{\"$date\":1356351330501}"},
		{"{\"$date\":\"2012-12-24T20:15:30.501+0800\"}",
			"{\"$date\":1356351330501}"},
		{"{\"$date\":1356351330501}", "{\"$date\":1356351330501}"},
		{"{\"$date\":{\"$numberLong\":\"-284643869501\"}}",
			"{\"$date\":-284643869501}"},
		{"{\"$regex\":\"^a\",\"$options\":\"i\"}",
			"{\"$regularExpression\":{\"pattern\":\"^a\","
			"\"options\":\"i\"}}"},
		{"{\"$numberLong\":5}", "5"},
		{"{\"$numberLong\":\"5000000000\"}", "5000000000"},
		{"{\"$symbol\":\"s\"}", "\"s\""},
		{"{\"a\":[{\"b\":{\"$symbol\":\"s\"}}]}",
			"{\"a\":[{\"b\":\"s\"}]}"},
		{"{\"$uuid\":\"c8edabc3-f738-4ca3-b68d-ab92a91478a3\"}",
			"{\"$binary\":{\"base64\":\"yO2rw/"
			"c4TKO2jauSqRR4ow==\",\"subType\":\"04\"}}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(stored(rows[i][0]), rows[i][1]);
}

static void
types_that_documents_do_not_have_are_refused_by_field(void **state)
{
	(void)state;
	assert_string_equal(stored("{\"a\":[1,{\"b\":{\"$code\":\"x\"}}]}"),
		"a.1.b: $code: a type of MongoDB's that documents here do "
		"not have");
	assert_non_null(strstr(
		stored("{\"f\":{\"$code\":\"x\",\"$scope\":{}}}"), "f: $code"));
	assert_non_null(strstr(
		stored("{\"r\":{\"$ref\":\"c\",\"$id\":1,\"$db\":\"d\"}}"),
		"r: $ref"));
}

static void
dates_of_all_years_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		/* date -u -d … +%s */
		{"1960-12-24T12:15:30.500Z", -284643869500},
		{"0001-01-01T00:00:00Z", -62135596800000},
		{"1677-01-01T00:00:00Z", -9246096000000},
		{"2262-12-31T23:59:59Z", 9246182399000},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
		{"2000-02-29T08:00:00+08:00", 951782400000},
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(ejson_untime(slice_str(rows[i].text), &ms), 0);
		assert_int_equal(ms, rows[i].ms);
	}
	assert_true(ejson_untime(SLICE("2001-02-29T00:00:00Z"), &ms) < 0);
	assert_true(ejson_untime(SLICE("12345678901234567890"), &ms) < 0);
	assert_true(ejson_untime(SLICE("yesterday"), &ms) < 0);
}

static const char *
blamed(const char *text)
{
	static struct fault why;

	why = (struct fault){0};
	(void)ejson_blame(slice_str(text), ERR_JSON, &why);
	return why.text;
}

static void
escapes_that_mean_no_character_are_named_by_field(void **state)
{
	(void)state;
	assert_non_null(strstr(blamed("{\"a\":{\"b\":[\"x\",\"\\u0000\"]}}"),
		"field a.b: a text holds a NUL"));
	assert_non_null(strstr(blamed("{\"ok\":\"\\ud83d\\ude00\",\"s\":"
				      "\"\\ude00\"}"),
		"field s: a text holds half a surrogate"));
	assert_non_null(strstr(
		blamed("{\"s\":\"\\ud800x\"}"), "field s: a text holds half"));
	assert_string_equal(blamed("{\"s\":\"\\ud83d\\ude00\"}"), "");
	assert_string_equal(blamed("{\"s\":"), "");
}

static const char *
widened(const char *text)
{
	_buf_ struct buf b = {0};

	buf_init(&b, sizeof(room) - 1);
	if (!ejson_widen(&b, slice_str(text)))
		return "";
	(void)snprintf(room, sizeof(room), "%s", b.ptr);
	return room;
}

static void
whole_numbers_beyond_64_bits_are_doubles(void **state)
{
	(void)state;
	assert_string_equal(widened("{\"a\":12345678901234567890,\"b\":"
				    "[9223372036854775807,-9223372036854775809]"
				    ",\"c\":\"12345678901234567890\\\"\"}"),
		"{\"a\":12345678901234567890e0,\"b\":[9223372036854775807,"
		"-9223372036854775809e0],\"c\":\"12345678901234567890\\\"\"}");
	assert_string_equal(
		widened("{\"a\":1,\"b\":12345678901234567890.5}"), "");
}

static void
a_document_begins_with_its_id(void **state)
{
	_buf_ struct buf b = {0};
	static const char typed[] =
		"{\"_id\": {\"$date\": 0}, \"a\": {\"_id\": "
		"1}}";

	(void)state;
	buf_init(&b, sizeof(room));
	ejson_put_doc(&b, SLICE("k\"1"), slice_of(NULL, 0),
		SLICE("{\"a\": 1, \"bb\": {}}"), EJSON_RELAXED);
	assert_string_equal(b.ptr, "{\"_id\":\"k\\\"1\",\"a\":1,\"bb\":{}}");
	buf_clear(&b);
	ejson_put_doc(
		&b, SLICE("k"), slice_of(NULL, 0), SLICE("{}"), EJSON_RELAXED);
	assert_string_equal(b.ptr, "{\"_id\":\"k\"}");
	buf_clear(&b);
	ejson_put_doc(&b, SLICE("\001…"), SLICE("{\"$date\": 0}"),
		slice_str(typed), EJSON_CANONICAL);
	assert_string_equal(b.ptr,
		"{\"_id\":{\"$date\":{\"$numberLong\":\"0\"}},\"a\":{\"_id\":"
		"{\"$numberInt\":\"1\"}}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specifications_table_is_kept),
		cmocka_unit_test(doubles_come_back_as_they_went_in),
		cmocka_unit_test(version_1_is_read),
		cmocka_unit_test(
			types_that_documents_do_not_have_are_refused_by_field),
		cmocka_unit_test(dates_of_all_years_are_read),
		cmocka_unit_test(
			escapes_that_mean_no_character_are_named_by_field),
		cmocka_unit_test(whole_numbers_beyond_64_bits_are_doubles),
		cmocka_unit_test(a_document_begins_with_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
