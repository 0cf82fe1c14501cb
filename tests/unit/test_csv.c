/*
 * CSV: the rules of RFC 4180, section 2, by their numbers; documents out of
 * records, and cells that are read back as what they were.
 */
#include "base/mem.h"
#include "base/val.h"
#include "formats/csv.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct csv_record record;
static char room[8192];

/* Cells joined by "|", quoted ones in <>, or the error's sentence. */
static const char *
cells(const char *text, bool at_end)
{
	struct fault why = {0};
	_buf_ struct buf b = {0};
	int r = csv_read(&record, slice_str(text), at_end, &why);

	if (r <= 0) {
		(void)snprintf(
			room, sizeof(room), "%s", r < 0 ? why.text : "more");
		return room;
	}
	buf_init(&b, sizeof(room) - 1);
	for (size_t i = 0; i < record.count; i++) {
		const struct csv_cell *c = &record.cell[i];

		buf_str(&b, i ? "|" : "");
		buf_str(&b, c->quoted ? "<" : "");
		csv_unquote(&b, c);
		buf_str(&b, c->quoted ? ">" : "");
	}
	(void)snprintf(room, sizeof(room), "%s", b.len ? b.ptr : "");
	return room;
}

static void
records_are_read_as_rfc_4180_says(void **state)
{
	static const char *const rows[][2] = {
		{"aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "aaa|bbb|ccc"}, /* 1 */
		{"zzz,yyy,xxx", "zzz|yyy|xxx"},                    /* 2 */
		{"\"aaa\",\"bbb\",ccc\r\n", "<aaa>|<bbb>|ccc"},    /* 5 */
		{"\"aaa\",\"b \r\nbb\",\"ccc\"\r\n", "<aaa>|<b \r\nbb>|<ccc>"},
		{"\"aaa\",\"b\"\"bb\",\"c,c\"\n", "<aaa>|<b\"bb>|<c,c>"},
		{",,\n", "||"},
		{"\"\",\"\"\"\"\n", "<>|<\">"},
		{"a\rb,c\r\n", "a\rb|c"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(cells(rows[i][0], true), rows[i][1]);
}

static void
a_record_that_is_cut_off_wants_more_and_at_the_end_has_none(void **state)
{
	static const char *const cut[] = {
		"a,b", "a,\"b", "a,\"b\"", "a\r", "\"a\"\"", "a,"};

	(void)state;
	for (size_t i = 0; i < array_size(cut); i++)
		assert_string_equal(cells(cut[i], false), "more");
	assert_string_equal(cells("a,b", true), "a|b");
	assert_string_equal(cells("a,", true), "a|");
	assert_non_null(strstr(cells("a,\"b", true), "column 2: a quote"));
}

static void
misplaced_quotes_cost_their_line_only(void **state)
{
	(void)state;
	assert_non_null(strstr(cells("a,b\"c\nnext", true), "column 2"));
	assert_int_equal(record.len, 6);
	assert_non_null(strstr(cells("\"a\"b,c\nnext", true), "column 1"));
	assert_int_equal(record.len, 7);
}

/* The document of one line under a head, or the error's sentence. */
static const char *
doc(const char *head, const char *types, const char *line)
{
	struct csv_record *names = mem_new(struct csv_record);
	struct csv_table *t = NULL;
	struct fault why = {0};
	_buf_ struct buf b = {0};
	int r;

	buf_init(&b, sizeof(room) - 1);
	assert_int_equal(csv_read(names, slice_str(head), true, NULL), 1);
	r = csv_table_new(&t, names, types, &why);
	if (r == 0)
		r = csv_read(&record, slice_str(line), true, &why);
	if (r > 0)
		r = csv_put_doc(&b, t, &record, &why);
	(void)snprintf(room, sizeof(room), "%s", r < 0 ? why.text : b.ptr);
	t = csv_table_free(t);
	(void)mem_free(names);
	return room;
}

static void
types_are_guessed(void **state)
{
	static const char *const rows[][2] = {
		{"5", "{\"v\":5}"},
		{"-0", "{\"v\":-0}"},
		{"007", "{\"v\":\"007\"}"},
		{"+8613800000000", "{\"v\":\"+8613800000000\"}"},
		{"9223372036854775807", "{\"v\":9223372036854775807}"},
		{"9223372036854775808", "{\"v\":\"9223372036854775808\"}"},
		{"1.50", "{\"v\":{\"$numberDouble\":\"1.50\"}}"},
		{"1e3", "{\"v\":{\"$numberDouble\":\"1e3\"}}"},
		{"1e", "{\"v\":\"1e\"}"},
		{"1.", "{\"v\":\"1.\"}"},
		{"-", "{\"v\":\"-\"}"},
		{"NaN", "{\"v\":{\"$numberDouble\":\"NaN\"}}"},
		{"true", "{\"v\":true}"},
		{"FALSE", "{\"v\":false}"},
		{"null", "{\"v\":null}"},
		{"2018-08-31T17:30:00.882Z",
			"{\"v\":{\"$date\":{\"$numberLong\":\"1535736600882\"}"
			"}}"},
		{"2018-08-31", "{\"v\":\"2018-08-31\"}"},
		{"ObjectId(57e193d7a9cc81b4027498b5)",
			"{\"v\":{\"$oid\":\"57e193d7a9cc81b4027498b5\"}}"},
		{"57e193d7a9cc81b4027498b5",
			"{\"v\":\"57e193d7a9cc81b4027498b5\"}"},
		{"\"5\"", "{\"v\":\"5\"}"},
		{"\"\"", "{\"v\":\"\"}"},
		{"", "{}"},
		{"\"[1,\n{\"\"a\"\":2}]\"", "{\"v\":[1, {\"a\":2}]}"},
		{"\"[1\"", "{\"v\":\"[1\"}"},
		{"王", "{\"v\":\"王\"}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(doc("v\n", NULL, rows[i][0]), rows[i][1]);
}

static void
types_that_are_given_are_kept_or_the_column_is_named(void **state)
{
	static const char *const rows[][3] = {
		{"v:string", "5", "{\"v\":\"5\"}"},
		{"v:double", "5", "{\"v\":{\"$numberDouble\":\"5\"}}"},
		{"v:int", "\"5\"", "{\"v\":5}"},
		{"v:bool", "1", "{\"v\":true}"},
		{"v:date", "2018-08-31",
			"{\"v\":{\"$date\":{\"$numberLong\":\"1535673600000\"}"
			"}}"},
		{"v:date", "1535673600000",
			"{\"v\":{\"$date\":{\"$numberLong\":\"1535673600000\"}"
			"}}"},
		{"v:oid", "57e193d7a9cc81b4027498b5",
			"{\"v\":{\"$oid\":\"57e193d7a9cc81b4027498b5\"}}"},
		{"v:decimal", "1.10", "{\"v\":{\"$numberDecimal\":\"1.10\"}}"},
		{"v:json", "\"{\"\"a\"\":1}\"", "{\"v\":{\"a\":1}}"},
		{"v:int", "x", "column v: \"x\" is no whole number of 64 bits"},
		{"v:date", "x",
			"column v: \"x\" is no date (2018-08-31T17:30:00.882Z, "
			"2018-08-31, or milliseconds since 1970)"},
		{"w:int", "x", "--types: no column is named \"w\""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(
			doc("v\n", rows[i][0], rows[i][1]), rows[i][2]);
	assert_non_null(strstr(doc("v\n", "v", "1"), "NAME:TYPE"));
}

static void
dotted_names_nest(void **state)
{
	(void)state;
	assert_string_equal(
		doc("_id,a.b,a.c.d,t.0,t.1,t.2\n", NULL, "x,1,2,p,q,r"),
		"{\"_id\":\"x\",\"a\":{\"b\":1,\"c\":{\"d\":2}},\"t\":[\"p\","
		"\"q\",\"r\"]}");
	assert_string_equal(doc("a.b,a.c.d,t.0,t.1,t.2\n", NULL, ",,,,r"),
		"{\"t\":[null,null,\"r\"]}");
	assert_string_equal(doc("a.b,a.c.d,e\n", NULL, ",2,3"),
		"{\"a\":{\"c\":{\"d\":2}},"
		"\"e\":3}");
	assert_string_equal(
		doc("m.0,m.x\n", NULL, "1,2"), "{\"m\":{\"0\":1,\"x\":2}}");
	assert_string_equal(doc("a\n", NULL, "1,2"),
		"has 2 values, but the first line names 1 columns");
}

static void
heads_that_mean_nothing_are_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(doc("a,\n", NULL, ""), "column 2 has no name"));
	assert_non_null(strstr(doc("a,a\n", NULL, ""), "comes twice"));
	assert_non_null(strstr(doc("a,a.b\n", NULL, ""), "once as a value"));
	assert_non_null(strstr(doc("a.b,a\n", NULL, ""), "once as a value"));
	assert_non_null(strstr(doc(".a\n", NULL, ""), "has a dot"));
	assert_non_null(strstr(doc("a..b\n", NULL, ""), "two together"));
}

/* Value → cell → document, which must hold the same. */
static void
values_come_back_from_their_cells(void **state)
{
	static const char *const values[] = {"\"a\"", "\"\"", "\"5\"",
		"\"true\"", "\"null\"", "\"a,b\"", "\"a\\\"b\"", "\"a\\nb\"",
		"\" a\"", "\"[1]\"", "\"\\\"x\\\"\"", "\"{}\"",
		"\"2018-08-31T17:30:00Z\"", "\"007\"", "\"王\"", "null", "true",
		"{\"$numberInt\":\"-5\"}", "{\"$numberLong\":\"5000000000\"}",
		"{\"$numberDouble\":\"5.0\"}", "{\"$numberDouble\":\"1e+300\"}",
		"{\"$numberDouble\":\"-Infinity\"}",
		"{\"$date\":{\"$numberLong\":\"1535736600882\"}}",
		"{\"$date\":{\"$numberLong\":\"-5\"}}",
		"{\"$oid\":\"57e193d7a9cc81b4027498b5\"}",
		"{\"$numberDecimal\":\"1.5\"}",
		"{\"$binary\":{\"base64\":\"//8=\",\"subType\":\"00\"}}",
		"{\"a\":[{\"b\":\"x\"}]}", "[]", "{}"};

	(void)state;
	for (size_t i = 0; i < array_size(values); i++) {
		_json_ json_t *v = json_loads(values[i], JSON_DECODE_ANY, NULL);
		_json_ json_t *got = NULL;
		json_t *back;
		_buf_ struct buf cell = {0};

		assert_non_null(v);
		buf_init(&cell, 1024);
		csv_put_cell(&cell, v);
		got = json_loads(doc("v\n", NULL, cell.ptr), 0, NULL);
		assert_non_null(got);
		back = json_object_get(got, "v");
		/* plain integers are those of canonical form */
		if (json_is_integer(back))
			assert_int_equal(json_integer_value(back),
				strtoll(strchr(values[i], ':') + 2, NULL, 10));
		else if (!json_equal(back, v))
			fail_msg("%s became %s by way of %s", values[i], room,
				cell.ptr);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_as_rfc_4180_says),
		cmocka_unit_test(
			a_record_that_is_cut_off_wants_more_and_at_the_end_has_none),
		cmocka_unit_test(misplaced_quotes_cost_their_line_only),
		cmocka_unit_test(types_are_guessed),
		cmocka_unit_test(
			types_that_are_given_are_kept_or_the_column_is_named),
		cmocka_unit_test(dotted_names_nest),
		cmocka_unit_test(heads_that_mean_nothing_are_refused),
		cmocka_unit_test(values_come_back_from_their_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
