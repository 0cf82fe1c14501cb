/*
 * JSON: what RFC 8259 allows and what it does not, looked at without building
 * and with Jansson; and the polite access to members.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/val.h"
#include "tests/unit/test.h"

#include <errno.h>

/* After the cases that JSON test suites collect: y_ must be taken. */
static const struct slice good[] = {
#define S SLICE_INIT
	S("0"),
	S("-0"),
	S("1"),
	S("-1"),
	S("123"),
	S("1.5"),
	S("-0.0"),
	S("1e5"),
	S("1E5"),
	S("1e+5"),
	S("1e-5"),
	S("0e0"),
	S("1.25e-10"),
	S("1e400"),
	S("123456789012345678901234567890"),
	S("\"\""),
	S("\"a\""),
	S("\" \""),
	S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	S("\"\\u0041\""),
	S("\"\\u00e9\""),
	S("\"\\uD83D\\uDE00\""),
	S("\"\\u0000\""),
	S("\"\\uD800\""),
	S("\"\x7f\""),
	S("\"\xc3\xa9\""),
	S("\"\xe6\xb5\x8b\xe8\xaf\x95\""),
	S("\"\xf0\x9f\x98\x80\""),
	S("\"\xf4\x8f\xbf\xbf\""),
	S("true"),
	S("false"),
	S("null"),
	S("[]"),
	S("{}"),
	S("[ ]"),
	S("{ }"),
	S(" [ 1 , 2 ] "),
	S("\t\n\r[1]\r\n\t"),
	S("[[],[[]]]"),
	S("[1,\"a\",true,null,{\"a\":[]}]"),
	S("{\"a\":1}"),
	S("{\"\":0}"),
	S("{\"a\":{\"b\":{\"c\":[1,2,3]}}}"),
	S("{\"a\":1,\"b\":2}"),
	S("{ \"a\" : 1 , \"b\" : [ ] }"),
	S("\"long enough to be looked at eight bytes at a time\""),
	S("\"1234567\\n\""),
	S("\"12345678\\n\""),
};

/* n_ must be refused. */
static const struct slice bad[] = {
	S(""),
	S(" "),
	S("tru"),
	S("True"),
	S("nul"),
	S("nulll"),
	S("truefalse"),
	S("NaN"),
	S("Infinity"),
	S("-Infinity"),
	S("+1"),
	S("-"),
	S("--1"),
	S("01"),
	S("-01"),
	S("00"),
	S("1."),
	S(".5"),
	S("1.e5"),
	S("1e"),
	S("1e+"),
	S("1ee5"),
	S("0x10"),
	S("1_000"),
	S("1 2"),
	S("\""),
	S("\"a"),
	S("'a'"),
	S("a"),
	S("\"\\\""),
	S("\"\\"),
	S("\"\\x41\""),
	S("\"\\u12\""),
	S("\"\\u12G4\""),
	S("\"\\U0041\""),
	S("\"\\a\""),
	S("\"\n\""),
	S("\"\t\""),
	S("\"\x01\""),
	S("\"\0\""),
	S("\"1234567\n\""),
	S("\"12345678\x1f\""),
	S("\"\\\0\""),
	S("\"\x80\""),
	S("\"\xc0\x80\""),
	S("\"\xc3\""),
	S("\"\xed\xa0\x80\""),
	S("\"\xf4\x90\x80\x80\""),
	S("\"\xff\""),
	S("\xef\xbb\xbf[]"),
	S("["),
	S("]"),
	S("[1"),
	S("[1,"),
	S("[1,]"),
	S("[,1]"),
	S("[1 2]"),
	S("[1,,2]"),
	S("[1}"),
	S("[1]]"),
	S("[1],"),
	S("{"),
	S("}"),
	S("{\"a\""),
	S("{\"a\":"),
	S("{\"a\":1"),
	S("{\"a\":1,"),
	S("{\"a\":1,}"),
	S("{,}"),
	S("{\"a\" 1}"),
	S("{\"a\":}"),
	S("{a:1}"),
	S("{1:1}"),
	S("{\"a\":1 \"b\":2}"),
	S("{\"a\":1]"),
	S("{\"a\"::1}"),
	S("{\"a\":1}}"),
	S("{'a':1}"),
	S("{null:1}"),
	S("// c\n1"),
	S("/* c */1"),
	S("1#"),
	S("[1]\0"),
	S("[\"a\0\"]"),
	S("\f[]"),
	S("[\v1]"),
	S("\xa0[]"),
};

static void
what_rfc_8259_allows_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		if (val_check(good[i]) != 0)
			fail_msg("refused: %.*s", SLICE_ARG(good[i]));
}

static void
what_rfc_8259_does_not_allow_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		if (val_check(bad[i]) == 0)
			fail_msg("taken: %.*s", SLICE_ARG(bad[i]));
}

static void
what_is_refused_unbuilt_is_refused_built(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		json_t *v = NULL;
		struct fault why = {0};

		assert_int_equal(val_parse(&v, bad[i], &why), ERR_JSON);
		assert_null(v);
		assert_true(why.text[0] != '\0');
	}
}

/* Every beginning of a good text is looked at with nothing readable behind. */
static void
no_byte_behind_the_text_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		for (size_t n = 0; n <= good[i].len; n++) {
			_free_ char *exact = n ? mem_dup(good[i].ptr, n) : NULL;

			assert_true(scan_text(slice_of(exact, n)) <= 0);
		}
}

static void
depth_has_a_ceiling(void **state)
{
	char text[2 * SCAN_DEPTH + 2];
	json_t *v = NULL;
	struct fault why;

	(void)state;
	memset(text, '[', SCAN_DEPTH + 1);
	memset(text + SCAN_DEPTH, ']', SCAN_DEPTH);
	assert_int_equal(scan_text(slice_of(text, 2 * SCAN_DEPTH)), 0);
	assert_int_equal(
		val_parse(&v, slice_of(text, 2 * SCAN_DEPTH), NULL), 0);
	json_decref(v);
	memset(text, '[', SCAN_DEPTH + 1);
	memset(text + SCAN_DEPTH + 1, ']', SCAN_DEPTH + 1);
	assert_int_equal(
		scan_text(slice_of(text, 2 * SCAN_DEPTH + 2)), ERR_TOO_BIG);
	assert_int_equal(
		val_check(slice_of(text, 2 * SCAN_DEPTH + 2)), ERR_JSON);
	assert_int_equal(
		val_parse(&v, slice_of(text, 2 * SCAN_DEPTH + 2), &why),
		ERR_JSON);
	assert_non_null(strstr(why.text, "deep"));
}

static void
a_bad_text_is_told_by_line_and_column(void **state)
{
	json_t *v = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(
		val_parse(&v, SLICE("{\n \"a\": nope\n}"), &why), ERR_JSON);
	assert_non_null(strstr(why.text, "line 2"));
	assert_int_equal(
		val_parse(&v, SLICE("{\"a\":1,\"a\":2}"), &why), ERR_JSON);
	assert_non_null(strstr(why.text, "duplicate"));
}

static void
check_put(const char *in, const char *out)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf b;

	buf_init(&b, 1000);
	assert_int_equal(val_parse(&v, slice_str(in), NULL), 0);
	val_put(&b, v);
	assert_string_equal(b.ptr, out);
}

static void
values_are_written_compactly_and_reals_shortly(void **state)
{
	(void)state;
	check_put(" { \"a\" : [ 1 , true , null , false , { } , [ ] ] } ",
		"{\"a\":[1,true,null,false,{},[]]}");
	check_put("\"a\\/b\\u6d4b\\n\"", "\"a/b\xe6\xb5\x8b\\n\"");
	check_put("[0.1,1.0,-0.0,1e21,1e-7,3.141592653589793]",
		"[0.1,1.0,-0.0,1e+21,1e-07,3.141592653589793]");
	check_put("[0.30000000000000004,9007199254740993]",
		"[0.30000000000000004,9007199254740993]");
	check_put("{\"z\":1,\"a\":2,\"m\":3}", "{\"z\":1,\"a\":2,\"m\":3}");
}

static void
members_are_read_by_type_and_named_in_errors(void **state)
{
	_json_ json_t *v = NULL;
	struct fault why;
	struct slice s;
	json_t *obj;
	int64_t n = 0;
	bool b;

	(void)state;
	assert_int_equal(
		val_parse(&v,
			SLICE("{\"s\":\"text\",\"n\":5,\"b\":true,\"o\":{},"
			      "\"z\":null,\"r\":1.5}"),
			NULL),
		0);
	assert_int_equal(val_str(v, "s", 4, &s, NULL), 0);
	assert_true(slice_is(s, "text"));
	assert_int_equal(val_str(v, "s", 3, &s, &why), ERR_PARAM);
	assert_string_equal(why.text, "s: must be at most 3 bytes");
	assert_int_equal(val_str(v, "n", 9, &s, &why), ERR_PARAM);
	assert_string_equal(why.text, "n: must be a string");
	assert_int_equal(val_str(v, "gone", 9, &s, &why), ERR_PARAM);
	assert_string_equal(why.text, "gone: is missing");
	assert_int_equal(val_str(v, "z", 9, &s, &why), ERR_PARAM);
	assert_int_equal(val_str_or(v, "z", 9, SLICE("p"), &s, NULL), 0);
	assert_true(slice_is(s, "p"));
	assert_int_equal(val_int(v, "n", 5, 5, &n, NULL), 0);
	assert_int_equal(n, 5);
	assert_int_equal(val_int(v, "n", 6, 9, &n, &why), ERR_PARAM);
	assert_string_equal(why.text, "n: must be from 6 to 9");
	assert_int_equal(val_int(v, "r", 0, 9, &n, &why), ERR_PARAM);
	assert_int_equal(val_int_or(v, "gone", 6, 9, 1, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(val_bool_or(v, "b", false, &b, NULL), 0);
	assert_true(b);
	assert_int_equal(val_bool_or(v, "s", false, &b, &why), ERR_PARAM);
	assert_int_equal(val_obj(v, "o", &obj, NULL), 0);
	assert_int_equal(val_obj(v, "s", &obj, &why), ERR_PARAM);
	assert_string_equal(why.text, "s: must be an object");
}

static void
check_find(const char *text, const char *key, const char *want)
{
	struct slice got;

	assert_int_equal(val_find_raw(slice_str(text), key, &got), 0);
	assert_true(slice_is(got, want));
}

static void
a_member_is_found_as_it_was_written(void **state)
{
	struct slice got;

	(void)state;
	check_find("{\"a\":1,\"b\":[1, {\"a\":2}] ,\"c\":\"x\"}", "b",
		"[1, {\"a\":2}]");
	check_find(" { \"a\" : \"q\\\"\" } ", "a", "\"q\\\"\"");
	check_find("{\"a\":1,\"a\":2}", "a", "2");
	check_find("{\"\\u0061\\/\\n\":true}", "a/\n", "true");
	check_find("{\"\\ud83d\\ude00\":true}", "\xf0\x9f\x98\x80", "true");
	check_find("{\"\\u6d4b\":-1e5}", "\xe6\xb5\x8b", "-1e5");
	assert_int_equal(val_find_raw(SLICE("{}"), "a", &got), -ENOENT);
	assert_int_equal(
		val_find_raw(SLICE("{\"b\":{\"a\":1}}"), "a", &got), -ENOENT);
	assert_int_equal(
		val_find_raw(SLICE("{\"aa\":1,\"\":2}"), "a", &got), -ENOENT);
	assert_int_equal(val_find_raw(SLICE("[1]"), "a", &got), ERR_JSON);
	assert_int_equal(val_find_raw(SLICE("{\"a\":1"), "a", &got), ERR_JSON);
	assert_int_equal(
		val_find_raw(SLICE("{\"a\":1,}"), "a", &got), ERR_JSON);
	assert_int_equal(
		val_find_raw(SLICE("{\"a\":1}x"), "a", &got), ERR_JSON);
}

/* `unit` so often, in a list. */
static char *
list_of(const char *unit, size_t count, const char *end)
{
	char *text = mem_alloc(count * (strlen(unit) + 1) + strlen(end) + 2);
	char *at = text;

	for (size_t i = 0; i < count; i++) {
		*at++ = i ? ',' : '[';
		at = stpcpy(at, unit);
	}
	(void)stpcpy(at, end);
	return text;
}

static int
parse_some(const char *unit, size_t count, const char *end, size_t *left)
{
	_free_ char *text = list_of(unit, count, end);
	_json_ json_t *v = NULL;

	return val_parse_some(&v, slice_str(text), left, NULL);
}

static void
values_are_counted_before_they_are_built(void **state)
{
	size_t left = 1000;

	(void)state;
	assert_int_equal(parse_some("{}", 998, "]", &left), 0);
	assert_int_equal(left, 1);
	assert_int_equal(parse_some("1", 1, "]", &left), ERR_TOO_BIG);
	assert_int_equal(left, 1);
	left = 5;
	assert_int_equal(parse_some("{\"a\":1}", 2, "]", &left), 0);
	assert_int_equal(left, 0);
	left = 1000;
	assert_int_equal(parse_some("[]", 5000, "]", &left), ERR_TOO_BIG);
	assert_int_equal(parse_some("[]", 5000, "", &left), ERR_TOO_BIG);
	assert_int_equal(parse_some("[]", 50, "", &left), ERR_JSON);
	assert_int_equal(left, 1000);
}

/* What our reader leaves to Jansson it must leave whole, and what it reads must
 * be what Jansson reads. */
static void
values_are_read_as_jansson_reads_them(void **state)
{
	static const char *const texts[] = {"{}", "[]", " { } ", "[ ]", "\"\"",
		"null", "[true,false,null]",
		"{\"a\":{\"b\":[1,{\"c\":\"d\"}]},\"e\":[]}",
		"[0,-0,-1,1234567890,-1234567890,123456789012345678]",
		"[-123456789012345678,1234567890123456789]",
		"[9223372036854775807,-9223372036854775808]",
		"[1.0,1.5e3,-0.0,1e2]", "[1e999]",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\\",\"a\\\"\"]",
		"[\"\\u0041\\u4f60\\ud83d\\ude00\"]", "[\"\\ud83d\"]",
		"[\"\\u0000\"]", "{\"\\u0041\":1}", "{\"a\\n\":1}",
		"{\"a\":1,\"a\":2}", "{\"\":{\"\":1}}",
		"{\"k\":[1,\"\\u0000\"]}", "{\"k\":{\"a\":1,\"a\":1}}",
		"\n[\t1 ,\r2 ]\n", "{ \"a\" : 1 , \"b\" : [ ] }",
		"[\"\xe4\xbd\xa0\xe5\xa5\xbd\"]",
		"{\"\xe4\xbd\xa0\":\"abcdefghijklmnopqrstuvwxyz\"}"};

	(void)state;
	for (size_t i = 0; i < array_size(texts); i++) {
		size_t len = strlen(texts[i]);
		_free_ char *text = mem_dup(texts[i], len); /* no NUL */
		_json_ json_t *ours = NULL;
		_json_ json_t *theirs = json_loadb(texts[i], len,
			JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
		int r;

		r = val_parse(&ours, slice_of(text, len), NULL);
		assert_int_equal(r == 0, theirs != NULL);
		if (theirs)
			assert_true(json_equal(ours, theirs));
	}
}

/* JSON.parse of the same gives these doubles. */
static void
whole_numbers_beyond_64_bits_are_doubles(void **state)
{
	static const struct {
		const char *text;
		double want;
	} cases[] = {
		{"9223372036854775808", 9223372036854775808.0},
		{"-9223372036854775809", -9223372036854775808.0},
		{"100000000000000000000", 1e20},
		{"123456789012345678901234567890",
			123456789012345678901234567890.0},
		{"{\"a\\n\":[18446744073709551616]}", 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_json_ json_t *v = NULL;

		assert_int_equal(
			val_parse(&v, slice_str(cases[i].text), NULL), 0);
		if (cases[i].want != 0) {
			assert_true(json_is_real(v));
			assert_true(json_real_value(v) == cases[i].want);
		}
	}
}

static void
what_no_text_can_hold_is_told_by_its_member(void **state)
{
	static const char *const cases[][3] = {
		{"{\"a\":1,\"b\":{\"name\":\"x\\u0000\"}}", "\"name\"", "NUL"},
		{"{\"a\":\"x\",\"b\":[\"\\ud83d\"]}", "\"b\"", "surrogate"},
		{"{\"a\":1e999}", "\"a\"", "too large"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct fault why = {0};
		json_t *v;

		assert_int_equal(
			val_parse(&v, slice_str(cases[i][0]), &why), ERR_JSON);
		assert_non_null(strstr(why.text, cases[i][1]));
		assert_non_null(strstr(why.text, cases[i][2]));
	}
}

static void
a_value_that_was_never_made_is_written_as_null(void **state)
{
	_buf_ struct buf text;

	(void)state;
	buf_init(&text, 16);
	val_put(&text, NULL);
	assert_true(slice_is(buf_all(&text), "null"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_rfc_8259_allows_is_taken),
		cmocka_unit_test(what_rfc_8259_does_not_allow_is_refused),
		cmocka_unit_test(what_is_refused_unbuilt_is_refused_built),
		cmocka_unit_test(no_byte_behind_the_text_is_read),
		cmocka_unit_test(depth_has_a_ceiling),
		cmocka_unit_test(a_bad_text_is_told_by_line_and_column),
		cmocka_unit_test(
			values_are_written_compactly_and_reals_shortly),
		cmocka_unit_test(members_are_read_by_type_and_named_in_errors),
		cmocka_unit_test(a_member_is_found_as_it_was_written),
		cmocka_unit_test(values_are_counted_before_they_are_built),
		cmocka_unit_test(values_are_read_as_jansson_reads_them),
		cmocka_unit_test(whole_numbers_beyond_64_bits_are_doubles),
		cmocka_unit_test(what_no_text_can_hold_is_told_by_its_member),
		cmocka_unit_test(
			a_value_that_was_never_made_is_written_as_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
