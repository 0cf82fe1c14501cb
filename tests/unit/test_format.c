/*
 * Files of each format as documents, and parts of files.
 */
#include "base/mem.h"
#include "cli/import.h"
#include "formats/format.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

static char room[8192];

/* "line: document" of each, errors in (); at the end what ended it. */
static const char *
read_all(const struct format *format, struct slice bytes)
{
	_cleanup_(input_freep) struct input *in = input_of(bytes);
	_buf_ struct buf out = {0}, doc = {0};
	struct fault why = {0};
	struct reader r = {.collection = "c"};
	int e = reader_open(&r, format, in, &why);

	buf_init(&out, sizeof(room) - 1);
	buf_init(&doc, sizeof(room));
	if (e == 0)
		e = 1;
	while (e == 1 || e == ERR_PARAM) {
		buf_clear(&doc);
		e = reader_next(&r, &doc, &why);
		if (e == 1)
			buf_printf(
				&out, "%lld: %s\n", (long long)r.line, doc.ptr);
		else if (e == ERR_PARAM)
			buf_printf(&out, "%lld: (%s)\n", (long long)r.line,
				why.text);
	}
	if (e < 0)
		buf_printf(
			&out, "%lld: ended: %s\n", (long long)r.line, why.text);
	reader_close(&r);
	(void)snprintf(room, sizeof(room), "%s", out.len ? out.ptr : "");
	return room;
}

static const char *
json(const char *text)
{
	return read_all(&format_json, slice_str(text));
}

static void
json_comes_in_lines(void **state)
{
	(void)state;
	assert_string_equal(json("{\"a\":1}\n\n {\"b\":2}\r\n{\"c\":3}"),
		"1: {\"a\":1}\n3: {\"b\":2}\n4: {\"c\":3}\n");
	assert_string_equal(json("\xef\xbb\xbf{\"a\":1}\n"), "1: {\"a\":1}\n");
	assert_string_equal(json(""), "");
	assert_string_equal(json("\n \n"), "");
}

/* The gateway says what is wrong with it. */
static void
a_bad_line_costs_itself_only(void **state)
{
	(void)state;
	assert_string_equal(json("{\"a\":1}\n{\"b\":\n{\"c\":3}\n"),
		"1: {\"a\":1}\n2: {\"b\":\n3: {\"c\":3}\n");
}

/* As developers.weixin.qq.com, "数据库导入", shows a file. */
static void
json_comes_over_several_lines(void **state)
{
	(void)state;
	assert_string_equal(
		json("{\n    \"_id\": \"xxxxxx\",\n    \"age\": 45\n"
		     "}\n{\n    \"_id\": \"yyyyyy\",\n    \"age\": "
		     "21\n}\n"),
		"1: {     \"_id\": \"xxxxxx\",     \"age\": 45 }\n"
		"5: {     \"_id\": \"yyyyyy\",     \"age\": 21 }\n");
	assert_string_equal(json("{\n\"a\":\"}\\\"{\"}{\"b\":[{}]}"),
		"1: { \"a\":\"}\\\"{\"}\n2: {\"b\":[{}]}\n");
	assert_string_equal(json("{\n\"a\":1}\n{\"b\":"),
		"1: { \"a\":1}\n3: ended: the file ends in the middle of this "
		"document\n");
	assert_string_equal(json("{\n\"a\":\"x\ny\"}{\"b\":1}"),
		"1: (a text holds a line end: in JSON it is written \\n)\n"
		"3: {\"b\":1}\n");
}

static void
json_comes_as_an_array(void **state)
{
	(void)state;
	assert_string_equal(json(" [ {\"a\":1},\n{\"b\":2}\n]\n"),
		"1: {\"a\":1}\n2: {\"b\":2}\n");
	assert_string_equal(json("[]"), "");
	assert_string_equal(json("[{\"a\":1},"),
		"1: {\"a\":1}\n1: ended: the array has no end: the file is cut "
		"off\n");
	assert_string_equal(json("[1]"),
		"1: ended: a document begins with {, here is \"1]\"\n");
	assert_string_equal(json("[{\"a\":1}] x"),
		"1: {\"a\":1}\n1: ended: after the array's end nothing may "
		"follow\n");
}

static void
csv_comes_with_a_head(void **state)
{
	(void)state;
	assert_string_equal(
		read_all(&format_csv,
			SLICE("\xef\xbb\xbf_id,a\r\nx,\"1\n2\"\r\n\r\ny,1,2\r\n"
			      "z,5")),
		"2: {\"_id\":\"x\",\"a\":\"1\\n2\"}\n"
		"5: (has 3 values, but the first line names 2 columns)\n"
		"6: {\"_id\":\"z\",\"a\":5}\n");
	assert_string_equal(read_all(&format_csv, SLICE("")),
		"0: ended: is empty: the first line of CSV names the "
		"columns\n");
}

/* bsonspec.org/faq.html: {"hello": "world"} and {"BSON": ["awesome", 5.05,
 * 1986]}. */
#define HELLO "\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"
#define AWESOME \
	"\x31\x00\x00\x00\x04" \
	"BSON\x00\x26\x00\x00\x00\x02" \
	"0\x00\x08\x00\x00\x00" \
	"awesome\x00\x01" \
	"1\x00\x33\x33\x33\x33\x33\x33\x14\x40\x10" \
	"2\x00\xc2\x07\x00\x00\x00\x00"

static void
bson_comes_as_mongodump_writes_it(void **state)
{
	(void)state;
	assert_string_equal(read_all(&format_bson, SLICE(HELLO AWESOME)),
		"0: { \"hello\" : \"world\" }\n"
		"0: { \"BSON\" : [ \"awesome\", { \"$numberDouble\" : "
		"\"5.0499999999999998224\" }, { \"$numberInt\" : \"1986\" } ] "
		"}\n");
	assert_string_equal(read_all(&format_bson, SLICE("")), "");
}

static void
damaged_bson_is_told(void **state)
{
	static const char torn[] = HELLO "\x16\x00\x00\x00\x02hel";
	static const char nonsense[] = HELLO "\x02\x00\x00\x00";
	static const char latin1[] = "\x16\x00\x00\x00\x02hello\x00\x06\x00\x00"
				     "\x00w\xf6rld\x00\x00" HELLO;

	(void)state;
	assert_non_null(
		strstr(read_all(&format_bson, slice_of(torn, sizeof(torn) - 1)),
			"ended: the file ends in the middle"));
	assert_non_null(strstr(
		read_all(
			&format_bson, slice_of(nonsense, sizeof(nonsense) - 1)),
		"ended: no BSON document begins here (its length would be 2)"));
	(void)read_all(&format_bson, slice_of(latin1, sizeof(latin1) - 1));
	assert_non_null(strstr(room, "0: (damaged BSON"));
	assert_non_null(strstr(room, "\"world\""));
}

static const char *
sniffed(const char *path, struct slice bytes)
{
	_cleanup_(input_freep) struct input *in = input_of(bytes);
	const struct format *format;

	assert_int_equal(format_find(&format, path, in, NULL), 0);
	return format->name;
}

static void
a_format_is_known_by_name_or_by_content(void **state)
{
	(void)state;
	assert_string_equal(sniffed("a.JSON", SLICE("")), "json");
	assert_string_equal(sniffed("a.csv.gz", SLICE("{")), "csv");
	assert_string_equal(sniffed("dump/goods.bson", SLICE("")), "bson");
	assert_string_equal(
		sniffed("-", SLICE("\xef\xbb\xbf {\"a\":1}")), "json");
	assert_string_equal(sniffed("-", SLICE("[{}]")), "json");
	assert_string_equal(sniffed("-", SLICE("_id,a\n")), "csv");
	assert_string_equal(sniffed("-", SLICE(HELLO)), "bson");
	assert_ptr_equal(format_named(SLICE("csv")), &format_csv);
	assert_null(format_named(SLICE("xls")));
}

/* More than a window, packed. */
static void
gzip_is_unpacked_and_counted(void **state)
{
	enum { LINES = 200000 };
	char path[] = "/tmp/test_format.XXXXXX";
	int fd = mkstemp(path);
	gzFile gz = gzdopen(fd, "wb1");
	struct input *in = NULL;
	struct slice s;
	uint32_t whole;

	(void)state;
	for (int i = 0; i < LINES; i++)
		assert_true(gzprintf(gz, "line %07d\n", i) > 0);
	assert_int_equal(gzclose(gz), Z_OK);
	assert_int_equal(input_open(&in, path, NULL), 0);
	assert_int_equal(input_skip(in, 13 * 1000, NULL), 0);
	assert_int_equal(input_line(in), 1001);
	assert_int_equal(input_peek(in, 13, &s, NULL), 0);
	assert_memory_equal(s.ptr, "line 0001000\n", 13);
	assert_int_equal(input_skip(in, 13 * (int64_t)LINES, NULL), 0);
	assert_int_equal(input_offset(in), 13 * (int64_t)LINES);
	assert_int_equal(input_place(in), input_size(in));
	whole = input_sum(in);
	assert_int_equal(input_skip(in, 13 * (int64_t)LINES + 1, NULL), -61);
	in = input_free(in);
	/* the sum is that of the bytes, however they were taken */
	assert_int_equal(input_open(&in, path, NULL), 0);
	for (int i = 0; i < LINES; i++) {
		assert_int_equal(input_peek(in, 13, &s, NULL), 0);
		input_take(in, 6);
		input_take(in, 7);
	}
	assert_int_equal(input_sum(in), whole);
	in = input_free(in);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(input_open(&in, path, NULL), 0);
	assert_int_equal(input_skip(in, 13 * (int64_t)LINES, NULL), -5);
	in = input_free(in);
	(void)unlink(path);
}

/* CRC-32 of "123456789" is 0xcbf43926 (the check value of its catalogue). */
static void
pieces_of_a_part_have_the_sums_of_their_bytes(void **state)
{
	static const char bytes[] = "123456789abcdefghi";
	struct import_part *p = import_part_new(), *q;
	uint32_t sum = 0;

	(void)state;
	p->last = 18;
	for (size_t i = 0; i < 6; i++) {
		struct import_line line = {.from = p->body.len,
			.number = (int64_t)i + 1,
			.end = (int64_t)(3 * i + 3)};

		sum = (uint32_t)crc32_z(sum, (const Bytef *)bytes + 3 * i, 3);
		line.sum = sum;
		buf_add(&p->body, bytes + 3 * i, 3);
		buf_char(&p->body, '\n');
		import_part_add(p, &line);
	}
	p->sum = sum;
	q = import_part_split(p, 3);
	assert_int_equal(p->sum, 0xcbf43926);
	assert_int_equal(q->sum, crc32_z(0, (const Bytef *)bytes + 9, 9));
	assert_int_equal(p->last, 9);
	assert_int_equal(q->first, 9);
	assert_int_equal(q->last, 18);
	assert_int_equal(q->number, 4);
	assert_string_equal(q->body.ptr, "abc\ndef\nghi\n");
	assert_int_equal(
		q->lines[1].sum, crc32_z(0, (const Bytef *)bytes + 9, 6));
	import_part_del(q, 1);
	assert_int_equal(q->count, 2);
	assert_memory_equal(import_part_line(q, 1).ptr, "ghi", 3);
	(void)import_part_free(p);
	(void)import_part_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_comes_in_lines),
		cmocka_unit_test(a_bad_line_costs_itself_only),
		cmocka_unit_test(json_comes_over_several_lines),
		cmocka_unit_test(json_comes_as_an_array),
		cmocka_unit_test(csv_comes_with_a_head),
		cmocka_unit_test(bson_comes_as_mongodump_writes_it),
		cmocka_unit_test(damaged_bson_is_told),
		cmocka_unit_test(a_format_is_known_by_name_or_by_content),
		cmocka_unit_test(gzip_is_unpacked_and_counted),
		cmocka_unit_test(pieces_of_a_part_have_the_sums_of_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
