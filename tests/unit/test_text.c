/*
 * Bytes as text: the examples of RFC 4648, RFC 3986 and RFC 3339.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "tests/unit/test.h"

#include <errno.h>

typedef void put_fn(struct buf *to, struct slice in);
typedef int get_fn(struct buf *to, struct slice in);

static void
expect_put(put_fn *fn, struct slice in, const char *out)
{
	_buf_ struct buf b;

	buf_init(&b, 1000);
	fn(&b, in);
	assert_int_equal(buf_check(&b), 0);
	assert_true(slice_is(buf_all(&b), out));
}

static void
expect_get(get_fn *fn, const char *in, struct slice out)
{
	_buf_ struct buf b;

	buf_init(&b, 1000);
	assert_int_equal(fn(&b, slice_str(in)), 0);
	assert_true(slice_eq(buf_all(&b), out));
}

static void
refuse_get(get_fn *fn, const char *in)
{
	_buf_ struct buf b;

	buf_init(&b, 1000);
	buf_str(&b, "before");
	assert_int_equal(fn(&b, slice_str(in)), -EINVAL);
	assert_true(slice_is(buf_all(&b), "before"));
}

/* RFC 4648, section 10 */
static const char *const base64[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"}};

static void
base64_agrees_with_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(base64); i++) {
		expect_put(text_base64, slice_str(base64[i][0]), base64[i][1]);
		expect_get(
			text_unbase64, base64[i][1], slice_str(base64[i][0]));
	}
	expect_put(text_hex, SLICE("foobar"), "666f6f626172");
	expect_get(text_unhex, "666F6f626172", SLICE("foobar"));
}

static void
base64url_has_other_letters_and_no_padding(void **state)
{
	(void)state;
	expect_put(text_base64url, SLICE("\xfb\xff\xfe"), "-__-");
	expect_put(text_base64, SLICE("\xfb\xff\xfe"), "+//+");
	expect_put(text_base64url, SLICE("f"), "Zg");
	expect_get(text_unbase64url, "Zg", SLICE("f"));
	expect_get(text_unbase64url, "-__-", SLICE("\xfb\xff\xfe"));
	refuse_get(text_unbase64url, "Zg==");
	refuse_get(text_unbase64url, "+//+");
}

static void
strict_base64_has_one_spelling_for_each_value(void **state)
{
	static const char *const bad[] = {"Z", "Zg",
		"Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n",
		"Zm 9", "Zm9-", "Zg==Zg==", "Z=g="};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		refuse_get(text_unbase64, bad[i]);
	refuse_get(text_unbase64url, "Zh");
	refuse_get(text_unhex, "6");
	refuse_get(text_unhex, "6g");
}

static void
lenient_base64_takes_what_clients_send(void **state)
{
	(void)state;
	expect_get(text_unbase64_lenient, "Zm9v\r\nYg==", SLICE("foob"));
	expect_get(text_unbase64_lenient, "Zm9vYg", SLICE("foob"));
	expect_get(text_unbase64_lenient, " //+", SLICE("\xfb\xff\xfe"));
	expect_get(text_unbase64_lenient, "-__-", SLICE("\xfb\xff\xfe"));
	refuse_get(text_unbase64_lenient, "Zm9v!");
}

static int
unurl_plus(struct buf *to, struct slice in)
{
	return text_unurl(to, in, true);
}

static int
unurl(struct buf *to, struct slice in)
{
	return text_unurl(to, in, false);
}

static void
urls_escape_all_but_the_unreserved(void **state)
{
	(void)state;
	/* RFC 3986, 2.3: ALPHA DIGIT - . _ ~ */
	expect_put(text_url, SLICE("aZ09-._~"), "aZ09-._~");
	expect_put(text_url, SLICE("a b/c?d=\xe6\xb5\x8b%\0"),
		"a%20b%2Fc%3Fd%3D%E6%B5%8B%25%00");
	expect_get(unurl, "a%20b%2fc+d", SLICE("a b/c+d"));
	expect_get(unurl_plus, "a%20b+d", SLICE("a b d"));
	refuse_get(unurl, "a%2");
	refuse_get(unurl, "a%");
	refuse_get(unurl, "%zz");
}

/* The examples of RFC 3339, section 5.8, and the seconds that date(1) gives. */
static void
times_agree_with_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		int64_t s, ms;
	} rows[] = {
		{"1985-04-12T23:20:50.52Z", 482196050, 520},
		{"1996-12-19T16:39:57-08:00", 851042397, 0},
		{"1990-12-31T23:59:60Z", 662688000, 0},
		{"1990-12-31T15:59:60-08:00", 662688000, 0},
		{"1937-01-01T12:00:27.87+00:20", -1041337173, 870},
		{"2018-06-08T10:34:56+08:00", 1528425296, 0},
		{"2000-02-29t00:00:00z", 951782400, 0},
		{"1969-12-31T23:59:59.999Z", -1, 999},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		int64_t ns = 1;

		assert_int_equal(text_untime(slice_str(rows[i].text), &ns), 0);
		assert_int_equal(
			ns, rows[i].s * CLOCK_S + rows[i].ms * CLOCK_MS);
	}
}

static void
times_are_written_in_utc_with_milliseconds(void **state)
{
	static const struct {
		int64_t s, ms;
		const char *text;
	} rows[] = {
		{482196050, 520, "1985-04-12T23:20:50.520Z"},
		{1795218424, 123, "2026-11-20T23:47:04.123Z"},
		{951782400, 0, "2000-02-29T00:00:00.000Z"},
		{0, 0, "1970-01-01T00:00:00.000Z"},
		{-1, 999, "1969-12-31T23:59:59.999Z"},
		{4107542399, 0, "2100-02-28T23:59:59.000Z"},
		{-1041337173, 0, "1937-01-01T11:40:27.000Z"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_buf_ struct buf b;

		buf_init(&b, 100);
		text_time(&b, rows[i].s * CLOCK_S + rows[i].ms * CLOCK_MS);
		assert_string_equal(b.ptr, rows[i].text);
	}
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "2018-06-08",
		"2018-06-08T10:34:56", "2018-06-08 10:34:56Z",
		"2018-13-08T10:34:56Z", "2018-00-08T10:34:56Z",
		"2018-06-31T10:34:56Z", "2019-02-29T10:34:56Z",
		"2018-06-08T24:34:56Z", "2018-06-08T10:60:56Z",
		"2018-06-08T10:34:61Z", "2018-06-08T10:34:56.Z",
		"2018-06-08T10:34:56Zx", "2018-06-08T10:34:56+8:00",
		"2018-06-08T10:34:56+0800", "18-06-08T10:34:56Z"};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(text_untime(slice_str(bad[i]), &ns), -EINVAL);
	assert_int_equal(
		text_untime(SLICE("9999-06-08T10:34:56Z"), &ns), -ERANGE);
	assert_int_equal(
		text_untime(SLICE("0001-01-01T00:00:00Z"), &ns), -ERANGE);
}

static void
hex_of_a_string_may_lie_in_its_own_upper_half(void **state)
{
	char room[13];

	(void)state;
	text_hex_string(room, "foobar", 6);
	assert_string_equal(room, "666f6f626172");
	memcpy(room + 6, "\x00\x7f\x80\xffok", 6);
	text_hex_string(room, room + 6, 6);
	assert_string_equal(room, "007f80ff6f6b");
	text_hex_string(room, room, 0);
	assert_string_equal(room, "");
}

static void
a_hex_digit_has_two_cases(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		const char *all = "0123456789abcdefABCDEF";
		const char *at = i ? strchr(all, i) : NULL;
		int worth = at ? (int)(at - all) : -1;

		assert_int_equal(text_hex_digit((char)i),
			worth > 15 ? worth - 6 : worth);
	}
}

static void
random_hex_is_never_the_same(void **state)
{
	char a[65], b[65];

	(void)state;
	text_random_hex(a, 32);
	text_random_hex(b, 32);
	assert_int_equal(strlen(a), 64);
	assert_int_equal(strspn(a, "0123456789abcdef"), 64);
	assert_string_not_equal(a, b);
}

/* RFC 3629, sections 3 and 10 */
static void
utf8_is_what_rfc_3629_says(void **state)
{
	static const char *const good[] = {"", "ascii only, longer than eight",
		"A\xe2\x89\xa2\xce\x91.",
		"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4",
		"\xef\xbb\xbf\xf0\xa3\x8e\xb4", "\xf4\x8f\xbf\xbf",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xf0\x90\x80\x80"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf",
		"\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe6\xb5", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "12345678\xff", "1234567\xe6"};

	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		assert_true(text_is_utf8(slice_str(good[i])));
	for (size_t i = 0; i < array_size(bad); i++)
		assert_false(text_is_utf8(slice_str(bad[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_agrees_with_rfc_4648),
		cmocka_unit_test(base64url_has_other_letters_and_no_padding),
		cmocka_unit_test(strict_base64_has_one_spelling_for_each_value),
		cmocka_unit_test(lenient_base64_takes_what_clients_send),
		cmocka_unit_test(urls_escape_all_but_the_unreserved),
		cmocka_unit_test(times_agree_with_rfc_3339),
		cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(hex_of_a_string_may_lie_in_its_own_upper_half),
		cmocka_unit_test(a_hex_digit_has_two_cases),
		cmocka_unit_test(random_hex_is_never_the_same),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
