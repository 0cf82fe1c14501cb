/*
 * Forms: those that form-data (npm, what the SDKs use) and undici write, RFC
 * 7578's rules, and what breaks them.
 */
#include "base/buf.h"
#include "http/multipart.h"
#include "tests/unit/test.h"

#define TYPE "multipart/form-data; boundary=B"

static void
is(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.ptr, text, s.len);
}

static int
parse(struct multipart *m, const char *type, const char *body)
{
	return multipart_parse(m, slice_str(type), slice_str(body), NULL);
}

/* As wx-server-sdk 4.0.2 sent it (shortened). */
static void
the_sdks_forms_are_read(void **state)
{
	static const char type[] =
		"multipart/form-data; "
		"boundary=--------------------------77b73998782eab4d39d4bfb7";
	static const char body[] =
		"----------------------------77b73998782eab4d39d4bfb7\r\n"
		"Content-Disposition: form-data; name=\"action\"\r\n\r\n"
		"wx.openApi\r\n"
		"----------------------------77b73998782eab4d39d4bfb7\r\n"
		"Content-Disposition: form-data; name=\"requestData\"\r\n"
		"Content-Type: application/octet-stream\r\n\r\n"
		"\x08\0\x12\r\n--\r\n"
		"----------------------------77b73998782eab4d39d4bfb7\r\n"
		"Content-Disposition: form-data; "
		"name=\"crossAuthorizationToken\"\r\n\r\n"
		"\r\n"
		"----------------------------77b73998782eab4d39d4bfb7--\r\n";
	struct multipart m;

	(void)state;
	assert_true(multipart_is(slice_str(type)));
	assert_int_equal(multipart_parse(&m, slice_str(type),
				 slice_of(body, sizeof(body) - 1), NULL),
		0);
	assert_int_equal(m.count, 3);
	is(m.part[0].name, "action");
	is(m.part[0].body, "wx.openApi");
	assert_null(m.part[0].type.ptr);
	assert_int_equal(m.part[1].body.len, 7);
	assert_memory_equal(m.part[1].body.ptr, "\x08\0\x12\r\n--", 7);
	is(m.part[1].type, "application/octet-stream");
	is(multipart_find(&m, "crossAuthorizationToken")->body, "");
	assert_null(multipart_find(&m, "Action"));
}

static void
what_stands_before_and_after_the_parts_is_nothing(void **state)
{
	struct multipart m;

	(void)state;
	assert_int_equal(parse(&m, TYPE,
				 "a preamble --B\r\n"
				 "--B \t\r\ncontent-disposition: FORM-DATA; "
				 "filename=\"x.png\"; name=file\r\n"
				 "X-Other: 1\r\n\r\n1\r\n--B--\r\nan epilogue"),
		0);
	assert_int_equal(m.count, 1);
	is(m.part[0].name, "file");
	is(m.part[0].filename, "x.png");
	is(m.part[0].body, "1");
	assert_int_equal(parse(&m, TYPE, "--B--"), 0);
	assert_int_equal(m.count, 0);
}

static void
a_boundary_within_a_line_divides_nothing(void **state)
{
	struct multipart m;

	(void)state;
	assert_int_equal(
		parse(&m, TYPE,
			"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
			"\r\n x--B\r\n--Bx\r\n\n--B\r\n--B--"),
		0);
	assert_int_equal(m.count, 1);
	is(m.part[0].body, " x--B\r\n--Bx\r\n\n--B");
}

static void
quotes_end_where_they_end(void **state)
{
	struct multipart m;

	(void)state;
	assert_int_equal(parse(&m, "multipart/form-data;boundary=\"a b;c\"",
				 "--a b;c\r\nContent-Disposition: form-data; "
				 "name=\"x;\\\"y\"; filename=\"\"\r\n\r\n\r\n"
				 "--a b;c--"),
		0);
	is(m.part[0].name, "x;\\\"y");
	assert_non_null(m.part[0].filename.ptr);
	assert_int_equal(m.part[0].filename.len, 0);
}

static void
broken_forms_are_refused_in_words(void **state)
{
	static const char head[] =
		"Content-Disposition: form-data; name=\"a\"\r\n";
	static const char *const bodies[] = {
		"",
		"--B",
		"--B\r\n",
		"--B\r\n--B--",
		"--C\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		"--C--",
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		"--B",
		"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n1\r\n"
		"--B--",
		"--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n"
		"--B--",
		"--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1"
		"\r\n--B--",
		"--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--",
		"--B\r\nno header\r\n\r\n1\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--B--",
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n"
		"--B--",
	};
	static const char *const types[] = {"multipart/form-data",
		"multipart/form-data; boundary=",
		"multipart/form-data; charset=x",
		"multipart/form-data; boundary=\"B",
		"multipart/form-data; boundary="
		"12345678901234567890123456789012345678901234567890123456789012"
		"345678901"};
	struct multipart m;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(bodies); i++) {
		why = (struct fault){0};
		assert_int_equal(multipart_parse(&m, SLICE(TYPE),
					 slice_str(bodies[i]), &why),
			ERR_PARAM);
		assert_true(strlen(why.text) > 10);
	}
	for (size_t i = 0; i < array_size(types); i++)
		assert_int_equal(parse(&m, types[i], head), ERR_PARAM);
	assert_false(multipart_is(SLICE("application/json")));
	assert_false(multipart_is(SLICE("multipart/mixed; boundary=B")));
	assert_false(multipart_is(slice_of(NULL, 0)));
}

static void
form_begin(struct buf *b, int parts)
{
	buf_clear(b);
	for (int i = 0; i < parts; i++)
		buf_printf(b,
			"--B\r\nContent-Disposition: form-data; name=\"%d\"\r\n"
			"\r\n1\r\n",
			i);
	buf_str(b, "--B--");
}

static void
parts_and_their_heads_have_ceilings(void **state)
{
	struct multipart m;
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 64 * 1024);
	form_begin(&b, MULTIPART_PARTS);
	assert_int_equal(
		multipart_parse(&m, SLICE(TYPE), buf_all(&b), NULL), 0);
	assert_int_equal(m.count, MULTIPART_PARTS);
	form_begin(&b, MULTIPART_PARTS + 1);
	assert_int_equal(multipart_parse(&m, SLICE(TYPE), buf_all(&b), NULL),
		ERR_TOO_BIG);

	buf_clear(&b);
	buf_printf(&b,
		"--B\r\nContent-Disposition: form-data; name=\"a\"\r\nX: %*d"
		"\r\n\r\n1\r\n--B--",
		MULTIPART_HEAD, 1);
	assert_int_equal(multipart_parse(&m, SLICE(TYPE), buf_all(&b), NULL),
		ERR_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sdks_forms_are_read),
		cmocka_unit_test(
			what_stands_before_and_after_the_parts_is_nothing),
		cmocka_unit_test(a_boundary_within_a_line_divides_nothing),
		cmocka_unit_test(quotes_end_where_they_end),
		cmocka_unit_test(broken_forms_are_refused_in_words),
		cmocka_unit_test(parts_and_their_heads_have_ceilings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
