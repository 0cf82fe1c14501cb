/*
 * The order of values, against "Comparison/Sort Order" of MongoDB's manual
 * (mongodb.com/docs/v4.4/reference/bson-type-comparison-order).
 */
#include "tests/unit/match_driver.h"

/* Each is less than the next. */
static const char *const ascending[] = {
	"{\"$minKey\": 1}",
	"null",
	"{\"$numberDouble\": \"NaN\"}",
	"{\"$numberDouble\": \"-Infinity\"}",
	"-9223372036854775808",
	"-1.5",
	"0",
	"0.5",
	"{\"$numberDecimal\": \"0.75\"}",
	"1",
	"9007199254740993",
	"1e300",
	"{\"$numberDouble\": \"Infinity\"}",
	"\"\"",
	"\"A\"",
	"\"a\"",
	"\"aa\"",
	"\"b\"",
	"\"é\"",
	"\"中\"",
	"\"😀\"",
	"{}",
	"{\"a\": 1}",
	"{\"a\": 2}",
	"{\"a\": \"x\"}",
	"[]",
	"[1]",
	"[1, 2]",
	"[1, 10]",
	"[2]",
	"[\"a\"]",
	"{\"$binary\": {\"base64\": \"AA==\", \"subType\": \"00\"}}",
	"{\"$binary\": {\"base64\": \"+w==\", \"subType\": \"00\"}}",
	"{\"$binary\": {\"base64\": \"AAA=\", \"subType\": \"00\"}}",
	"{\"$oid\": \"507f191e810c19729de860ea\"}",
	"{\"$oid\": \"507f191e810c19729de860eb\"}",
	"false",
	"true",
	"{\"$date\": -1}",
	"{\"$date\": 1577836800000}",
	"{\"$timestamp\": {\"t\": 5, \"i\": 2}}",
	"{\"$timestamp\": {\"t\": 6, \"i\": 1}}",
	"{\"$regularExpression\": {\"options\": \"\", \"pattern\": \"a\"}}",
	"{\"$maxKey\": 1}",
};

static bool
is_true(const char *fmt, const char *a, const char *b)
{
	_buf_ struct buf text, x, y;
	const char *answer;

	buf_init(&text, 1 << 20);
	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	put_literal(&x, slice_str(a));
	put_literal(&y, slice_str(b));
	for (const char *at = fmt; *at; at++)
		if (*at == '?')
			buf_slice(&text, buf_all(at[1] == '1' ? &x : &y));
		else if (at == fmt || at[-1] != '?')
			buf_char(&text, *at);
	answer = testpg_query(server, text.ptr);
	assert_non_null(answer);
	return answer[0] == 't';
}

static void
values_of_all_types_are_in_mongodbs_order(void **state)
{
	_buf_ struct buf text;
	const char *wrong;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_str(&text, "WITH v(v, n) AS (VALUES ");
	for (size_t i = 0; i < array_size(ascending); i++) {
		buf_str(&text, i ? ", (" : "(");
		put_literal(&text, slice_str(ascending[i]));
		buf_printf(&text, "::jsonb, %zu)", i);
	}
	buf_str(&text, ") SELECT coalesce(string_agg(a.v::text || ' and ' || "
		       "b.v::text, "
		       "'; '), '') FROM v a, v b WHERE (mpcloud.key(a.v) < "
		       "mpcloud.key(b.v)) <> (a.n < b.n)");
	wrong = testpg_query(server, text.ptr);
	assert_string_equal(wrong, "");
}

static void
what_is_equal_has_one_key(void **state)
{
	(void)state;
	assert_true(is_true("SELECT mpcloud.key(?1::jsonb) = "
			    "mpcloud.key(?2::jsonb)",
		"1", "1.0"));
	assert_true(is_true("SELECT mpcloud.key(?1::jsonb) = "
			    "mpcloud.key(?2::jsonb)",
		"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}"));
	assert_true(is_true("SELECT mpcloud.key(NULL) = "
			    "mpcloud.key(?1::jsonb)",
		"null", ""));
}

/* b-tree entries have 2704 bytes at most; what is cut stays apart. */
static void
keys_are_short_and_long_texts_keep_their_order(void **state)
{
	static const char *const wholes[] = {
		"to_jsonb(repeat('x', 100000))",
		"to_jsonb(repeat('中', 100000))",
		"to_jsonb(repeat('😀', 100000))",
		"('[' || repeat('1,', 5000) || '1]')::jsonb",
		"(repeat('[', 100) || repeat(']', 100))::jsonb",
		"(SELECT jsonb_object_agg('k' || i, i) FROM "
		"generate_series(1, 1000) i)",
		"(SELECT jsonb_agg(md5(i::text)) FROM "
		"generate_series(1, 1000) i)",
		"jsonb_build_object('$binary', jsonb_build_object('base64', "
		"repeat('AAAA', 10000), 'subType', '00'))",
	};
	char text[600];

	(void)state;
	for (size_t i = 0; i < array_size(wholes); i++) {
		(void)snprintf(text, sizeof(text),
			"SELECT octet_length(mpcloud.key(%s)::text) < 2600",
			wholes[i]);
		assert_string_equal(testpg_query(server, text), "t");
	}
	assert_string_equal(
		testpg_query(server,
			"SELECT bool_and(mpcloud.key(to_jsonb(a)) < "
			"mpcloud.key(to_jsonb(b))) FROM (VALUES "
			"(repeat('x', 500), repeat('x', 501)),"
			"(repeat('x', 501), repeat('x', 499) || 'y'),"
			"(repeat('中', 300), repeat('中', 165) || '国')) "
			"v(a, b)"),
		"t");
	assert_string_equal(
		testpg_query(server,
			"SELECT mpcloud.key(to_jsonb(repeat('x', 600) || 'a')) "
			"<> mpcloud.key(to_jsonb(repeat('x', 600) || 'b'))"),
		"t");
}

static void
an_array_sorts_by_its_least_or_greatest_element(void **state)
{
	static const struct {
		const char *doc, *path, *up, *down;
	} cases[] = {
		{"{\"a\":5}", "{a}", "[2.2, 5]", "[2.2, 5]"},
		{"{}", "{a}", "[1, null]", "[1, null]"},
		{"{\"a\":[3,1,2]}", "{a}", "[2.2, 1]", "[2.2, 3]"},
		{"{\"a\":[]}", "{a}", "[0, null]", "[0, null]"},
		{"{\"a\":[\"x\",5,null]}", "{a}", "[1, null]", "[3, \"x\"]"},
		{"{\"a\":[{\"b\":2},{\"b\":[4,1]}]}", "{a,b}", "[2.2, 1]",
			"[2.2, 4]"},
		{"{\"a\":[{\"b\":2},7]}", "{a,b}", "[1, null]", "[2.2, 2]"},
		{"{\"a\":[{\"b\":2},{}]}", "{a,b}", "[1, null]", "[2.2, 2]"},
		{"{\"a\":[{\"b\":2},{\"b\":1}]}", "{a,0,b}", "[2.2, 2]",
			"[2.2, 2]"},
		{"{\"a\":[5]}", "{a,-1}", "[1, null]", "[1, null]"},
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		(void)snprintf(text, sizeof(text),
			"SELECT mpcloud.key_at('%s', '%s', false)",
			cases[i].doc, cases[i].path);
		assert_string_equal(testpg_query(server, text), cases[i].up);
		(void)snprintf(text, sizeof(text),
			"SELECT mpcloud.key_at('%s', '%s', true)", cases[i].doc,
			cases[i].path);
		assert_string_equal(testpg_query(server, text), cases[i].down);
	}
}

static void
every_type_has_bsons_name(void **state)
{
	static const char *const cases[][2] = {
		{"null", "null"},
		{"true", "bool"},
		{"2147483647", "int"},
		{"-2147483649", "long"},
		{"9223372036854775807", "long"},
		{"9223372036854775808", "double"},
		{"1.0", "double"},
		{"{\"$numberDouble\":\"NaN\"}", "double"},
		{"{\"$numberDecimal\":\"1\"}", "decimal"},
		{"\"$date\"", "string"},
		{"[\"$date\"]", "array"},
		{"{\"date\":1}", "object"},
		{"{\"$date\":1}", "date"},
		{"{\"$oid\":\"507f191e810c19729de860ea\"}", "objectId"},
		{"{\"$binary\":{}}", "binData"},
		{"{\"$timestamp\":1}", "timestamp"},
		{"{\"$regularExpression\":{}}", "regex"},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		(void)snprintf(text, sizeof(text),
			"SELECT mpcloud.type_of('%s')", cases[i][0]);
		assert_string_equal(testpg_query(server, text), cases[i][1]);
	}
	assert_string_equal(
		testpg_query(server, "SELECT mpcloud.type_of(NULL)"),
		"missing");
}

static void
doubles_and_truth_are_mongodbs(void **state)
{
	(void)state;
	assert_string_equal(
		testpg_query(server,
			"SELECT concat_ws(' ', mpcloud.num(0.1::float8 + 0.2), "
			"mpcloud.num(5), mpcloud.num(1e22), "
			"mpcloud.num('NaN'))"),
		"0.30000000000000004 5.0 10000000000000000000000.0 "
		"{\"$numberDouble\": \"NaN\"}");
	assert_string_equal(
		testpg_query(server,
			"SELECT string_agg(mpcloud.truth(v)::text, ' ' ORDER "
			"BY "
			"n) FROM unnest(ARRAY['0','0.0','null','false',NULL,"
			"'\"\"','[]','{}','-1','\"0\"']::jsonb[]) WITH "
			"ORDINALITY x(v, n)"),
		"false false false false false true true true true true");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_all_types_are_in_mongodbs_order),
		cmocka_unit_test(what_is_equal_has_one_key),
		cmocka_unit_test(
			keys_are_short_and_long_texts_keep_their_order),
		cmocka_unit_test(
			an_array_sorts_by_its_least_or_greatest_element),
		cmocka_unit_test(every_type_has_bsons_name),
		cmocka_unit_test(doubles_and_truth_are_mongodbs),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
