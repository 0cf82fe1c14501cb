/*
 * Pages in an index's order: read from the index, prepared as well, and the
 * same as those that are sorted.
 */
#include "tests/unit/plan_call.h"

/* The ids of a page in order, by an index or, with `index` false, as lists are
 * ordered without. */
static const char *
page(const char *query, const char *path, bool descends, int64_t top)
{
	static char ret[65536];
	_buf_ struct buf text;
	const struct sql_from from = {.doc = "doc", .id = "_id", .info = &info};
	json_t *v = parse_held(query);
	struct sql_order by = {.descends = descends};
	struct arena arena;
	struct query *q;
	struct sql s;
	const char *answer;

	buf_init(&text, 1 << 20);
	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	assert_int_equal(
		path_parse(&by.path, slice_str(path), &arena, NULL), 0);
	assert_int_equal(query_parse(&q, v, &arena, 0, NULL), 0);
	sql_add(&s, "SELECT string_agg(_id, ' ') FROM (SELECT _id FROM ");
	assert_true(sql_plan_ordered(&s, q, &by, 1, top, &from));
	sql_add(&s, descends ? " ORDER BY o1 DESC, _id LIMIT "
			     : " ORDER BY o1, _id LIMIT ");
	sql_param_i64(&s, top);
	sql_add(&s, ") l");
	buf_str(&text, "PREPARE x AS ");
	buf_slice(&text, buf_all(&s.text));
	buf_str(&text, "; EXECUTE x(");
	put_literals(&text, &s);
	buf_char(&text, ')');
	answer = testpg_query(server, buf_all(&text).ptr);
	(void)snprintf(ret, sizeof(ret), "%s", answer ? answer : "");
	sql_done(&s);
	arena_done(&arena);
	return ret;
}

static const char *
page_plain(const char *query, const char *path, bool descends, int64_t top)
{
	static char ret[65536];
	_buf_ struct buf text;
	struct arena arena;
	struct sql s;
	const char *answer;

	buf_init(&text, 1 << 20);
	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	sql_add(&s, "SELECT string_agg(_id, ' ') FROM (SELECT _id");
	put_table(&s);
	sql_add(&s, " WHERE ");
	put_where(&s, query, false);
	buf_printf(&s.text,
		" ORDER BY mpcloud.key_at(doc, string_to_array('%s', '.'), "
		"%s)%s, _id LIMIT %lld) l",
		path, descends ? "TRUE" : "FALSE", descends ? " DESC" : "",
		(long long)top);
	buf_str(&text, "PREPARE x AS ");
	buf_slice(&text, buf_all(&s.text));
	buf_str(&text, "; EXECUTE x");
	if (s.count) {
		buf_char(&text, '(');
		put_literals(&text, &s);
		buf_char(&text, ')');
	}
	answer = testpg_query(server, buf_all(&text).ptr);
	(void)snprintf(ret, sizeof(ret), "%s", answer ? answer : "");
	sql_done(&s);
	arena_done(&arena);
	return ret;
}

static void
a_page_in_an_indexs_order_is_the_page_without(void **state)
{
	static const char *const queries[] = {"{}", "{\"a\": {\"$gt\": 0}}",
		"{\"a\": 1}", "{\"b\": 1}", "{\"b\": {\"$gte\": \"a\"}}",
		"{\"a\": {\"$in\": [1, 2, \"a\"]}}",
		"{\"$or\": [{\"a\": 1}, {\"b\": 2}]}"};
	static const int64_t tops[] = {1, 20, 1000};
	struct call c;
	const char *coll = fresh_known(&c);

	(void)state;
	fill_values(&c, coll);
	index_on("{\"key\":{\"a\":1}}");
	index_on("{\"key\":{\"b\":-1,\"a\":1}}");
	for (size_t i = 0; i < array_size(queries); i++)
		for (size_t t = 0; t < array_size(tops); t++)
			for (int down = 0; down < 2; down++) {
				const char *by =
					strcmp(queries[i], "{\"b\": 1}") == 0 ||
							t == 1
						? "a"
						: "b";

				assert_string_equal(
					page(queries[i], by, down, tops[t]),
					page_plain(
						queries[i], by, down, tops[t]));
			}
	end(&c);
}

static const char *
plan_of_page(const char *query, const char *path, bool descends)
{
	const struct sql_from from = {.doc = "doc", .id = "_id", .info = &info};
	json_t *v = parse_held(query);
	struct sql_order by = {.descends = descends};
	struct arena arena;
	struct query *q;
	struct sql s;
	const char *plan;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	assert_int_equal(
		path_parse(&by.path, slice_str(path), &arena, NULL), 0);
	assert_int_equal(query_parse(&q, v, &arena, 0, NULL), 0);
	sql_add(&s, "SELECT _id, doc FROM ");
	assert_true(sql_plan_ordered(&s, q, &by, 1, 20, &from));
	sql_add(&s, descends ? " ORDER BY o1 DESC, _id LIMIT "
			     : " ORDER BY o1, _id LIMIT ");
	sql_param_i64(&s, 20);
	plan = explain(&s);
	sql_done(&s);
	arena_done(&arena);
	return plan;
}

static void
a_page_is_read_from_the_index_in_its_order(void **state)
{
	static const struct {
		const char *query, *path;
		bool descends;
		const char *index;
	} rows[] = {
		{"{}", "price", false, ".price\""},
		{"{}", "price", true, ".price\""},
		{"{\"price\": {\"$gt\": 500}}", "price", false, ".price\""},
		{"{\"status\": \"s3\"}", "at", true, ".two\""},
		{"{\"status\": \"s3\"}", "at", false, ".two\""},
		{"{\"status\": \"s3\", \"at\": {\"$gt\": {\"$date\": "
		 "1700000050000}}}",
			"at", false, ".two\""},
	};
	struct call c;
	const char *coll = fresh_known(&c);

	(void)state;
	fill(coll, 100000);
	index_on("{\"name\":\"price\",\"key\":{\"price\":1}}");
	index_on("{\"name\":\"two\",\"key\":{\"status\":1,\"at\":-1}}");
	for (size_t i = 0; i < array_size(rows); i++) {
		const char *plan = plan_of_page(
			rows[i].query, rows[i].path, rows[i].descends);

		if (!strstr(plan, rows[i].index) || strstr(plan, "Seq Scan"))
			fail_msg("%s by %s: %s", rows[i].query, rows[i].path,
				plan);
	}
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_in_an_indexs_order_is_the_page_without),
		cmocka_unit_test(a_page_is_read_from_the_index_in_its_order),
	};

	return cmocka_run_group_tests(tests, start_plan, stop_plan);
}
