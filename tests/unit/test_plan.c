/*
 * Conditions said with indexes: the plan uses them, prepared as well, and what
 * is found is what is found without.
 */
#include "tests/unit/index_call.h"

#include "db/plan.h"
#include "db/query.h"
#include "db/sql.h"

#include <string.h>

/* What the planner is told of the collection, as the catalog would. */
static struct arena known;
static struct coll_info info;

static const char *
fresh_known(struct call *c)
{
	const char *coll;

	loop_turn(&loop, false); /* it did not look at the time */
	coll = fresh(c);
	info = (struct coll_info){.version = 1};
	assert_int_equal(coll_parse(&info.coll, "test", slice_str(coll), &known,
				 NULL),
		0);
	return coll;
}

/* An index built and known. */
static void
index_on(const char *text)
{
	_json_ json_t *v = parse(text);
	json_t *definition = NULL;
	struct index_info *one;
	struct slice name;

	assert_string_equal(add_index(info.coll.name.ptr, text), "");
	assert_int_equal(
		index_define(&definition, &name, v, &known, NULL), 0);
	assert_int_equal(index_load(&one, &info.coll, name, definition, &known,
				 NULL),
		0);
	one->next = info.indexes;
	info.indexes = one;
}

static void
put_literal(struct buf *to, struct slice value)
{
	buf_char(to, '\'');
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\'')
			buf_char(to, '\'');
		buf_char(to, value.ptr[i]);
	}
	buf_char(to, '\'');
}

static void
put_literals(struct buf *to, const struct sql *s)
{
	for (int i = 0; i < s->count; i++) {
		buf_str(to, i ? ", " : "");
		put_literal(to, s->param[i]);
	}
}

static void
put_where(struct sql *s, const char *query, bool indexed)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = indexed ? &info : NULL};
	json_t *v = parse(query);
	struct query *q;

	assert_int_equal(query_parse(&q, v, s->arena, 0, NULL), 0);
	if (!indexed || !sql_plan(s, q, &from))
		sql_query(s, q, &from);
	assert_false(s->full);
}

static void
put_table(struct sql *s)
{
	sql_add(s, " FROM ");
	buf_slice(&s->text, info.coll.quoted);
}

/* EXPLAIN of a prepared statement after ten executions. */
static const char *
explain(struct sql *s)
{
	static char plan[16384];
	_buf_ struct buf text;

	buf_init(&text, 1 << 20);
	buf_str(&text, "PREPARE x AS ");
	buf_slice(&text, buf_all(&s->text));
	buf_str(&text, "; DO $do$ BEGIN FOR i IN 1..10 LOOP EXECUTE "
		       "$ex$ EXECUTE x");
	if (s->count) {
		buf_char(&text, '(');
		put_literals(&text, s);
		buf_char(&text, ')');
	}
	buf_str(&text, " $ex$; END LOOP; END $do$; "
		       "EXPLAIN (FORMAT JSON) EXECUTE x");
	if (s->count) {
		buf_char(&text, '(');
		put_literals(&text, s);
		buf_char(&text, ')');
	}
	(void)snprintf(plan, sizeof(plan), "%s",
		testpg_query(server, buf_all(&text).ptr));
	return plan;
}

/* The plan of a count. */
static const char *
plan_of(const char *query)
{
	struct arena arena;
	struct sql s;
	const char *plan;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	sql_add(&s, "SELECT count(*)");
	put_table(&s);
	sql_add(&s, " WHERE ");
	put_where(&s, query, true);
	plan = explain(&s);
	sql_done(&s);
	arena_done(&arena);
	return plan;
}

static void
uses(const char *query, const char *index)
{
	const char *plan = plan_of(query);

	if (!strstr(plan, index) || strstr(plan, "Seq Scan"))
		fail_msg("%s: not by %s: %s", query, index, plan);
}

static void
uses_none(const char *query)
{
	const char *plan = plan_of(query);

	if (!strstr(plan, "Seq Scan"))
		fail_msg("%s: %s", query, plan);
}

/* 100,000 documents: every twentieth has an array in `tags`; `n` is unique. */
static void
fill(const char *coll, int count)
{
	char sql[1000];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.%s SELECT 'd' || lpad(i::text, 8, '0'), "
		"jsonb_build_object('n', i, 'price', i %% 997, 'status', 's' "
		"|| i %% 10, 'at', jsonb_build_object('$date', "
		"1700000000000 + i), 'o', jsonb_build_object('k', i %% 1009)) "
		"|| CASE WHEN i %% 20 = 0 THEN jsonb_build_object('tags', "
		"jsonb_build_array('t' || i %% 100, 't' || i %% 7)) ELSE "
		"jsonb_build_object('tags', 't' || i %% 5003) END FROM "
		"generate_series(1, %d) i; ANALYZE env_test.%s",
		coll, count, coll);
	(void)testpg_query(server, sql);
}

static void
indexes_are_used_by_prepared_statements(void **state)
{
	struct call c;
	const char *coll = fresh_known(&c);

	(void)state;
	fill(coll, 100000);
	uses_none("{\"price\": 5}");
	index_on("{\"name\":\"price\",\"key\":{\"price\":1}}");
	index_on("{\"name\":\"o.k\",\"key\":{\"o.k\":-1}}");
	index_on("{\"name\":\"tags\",\"key\":{\"tags\":1}}");
	index_on("{\"name\":\"two\",\"key\":{\"status\":1,\"at\":-1}}");
	uses("{\"price\": 5}", ".price\"");
	uses("{\"price\": {\"$in\": [5, 6, 7]}}", ".price\"");
	uses("{\"price\": {\"$in\": [5, null]}}", ".price\"");
	uses("{\"price\": null}", ".price\"");
	uses("{\"price\": {\"$gt\": 5, \"$lt\": 8}}", ".price\"");
	uses("{\"o.k\": 5}", ".o.k\"");
	uses("{\"tags\": \"t55\"}", ".tags\"");
	uses("{\"status\": \"s3\", \"at\": {\"$gte\": {\"$date\": "
	     "1700000099000}}}",
		".two\"");
	uses("{\"$or\": [{\"price\": 5}, {\"o.k\": 6}]}", ".o.k\"");
	uses("{\"$and\": [{\"$and\": [{\"price\": 5}]}, {\"x\": 1}]}",
		".price\"");
	uses("{\"_id\": \"d00000007\", \"price\": 5}", "system.");
	uses_none("{\"$or\": [{\"price\": 5}, {\"x\": 6}]}");
	uses_none("{\"price\": {\"$ne\": 5}}");
	uses_none("{\"at\": {\"$gte\": {\"$date\": 1700000099000}}}");
	end(&c);
}

/* Its text with the values in it. */
static void
put_filled(struct buf *to, const struct sql *s)
{
	const char *at = s->text.ptr, *end = at + s->text.len;

	for (; at < end; at++) {
		char *rest;
		long n = at[0] == '$' ? strtol(at + 1, &rest, 10) : 0;

		if (n < 1 || n > s->count) {
			buf_char(to, *at);
			continue;
		}
		put_literal(to, s->param[n - 1]);
		at = rest - 1;
	}
}

/* (SELECT string_agg(_id …) …) with or without indexes. */
static void
put_found(struct buf *to, const char *query, bool indexed)
{
	struct arena arena;
	struct sql s;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	sql_add(&s, "(SELECT string_agg(_id, ' ' ORDER BY _id)");
	put_table(&s);
	sql_add(&s, " WHERE ");
	put_where(&s, query, indexed);
	sql_add(&s, ")");
	put_filled(to, &s);
	sql_done(&s);
	arena_done(&arena);
}

static const char *
found(const char *query)
{
	static char ret[65536];
	_buf_ struct buf text;
	const char *answer;

	buf_init(&text, 1 << 20);
	buf_str(&text, "SET enable_seqscan = off; SELECT ");
	put_found(&text, query, true);
	answer = testpg_query(server, buf_all(&text).ptr);
	(void)snprintf(ret, sizeof(ret), "%s", answer ? answer : "");
	return ret;
}

/* Values that are equal, near, of other types, in arrays, on the way. */
static const char *const values[] = {"1", "1.0", "2", "-3", "2.5", "\"1\"",
	"\"\"", "\"a\"", "\"ab\"", "\"b\"", "true", "false", "null",
	"{\"$date\": 1}", "{\"$date\": 2}",
	"{\"$oid\": \"65a000000000000000000001\"}",
	"{\"$numberDouble\": \"Infinity\"}", "{\"$numberDouble\": \"NaN\"}",
	"{\"$numberDouble\": \"-Infinity\"}", "{\"$numberDecimal\": \"1\"}",
	"{\"k\": 1}", "{}", "{\"k\": [1, 2]}", "[]", "[1]", "[1, \"a\"]",
	"[[1]]", "[null]", "[{\"k\": 1}]", "[{\"k\": 2}, {\"k\": null}]",
	"[{\"j\": 1}]", "[true, {\"$date\": 2}]"};

static void
fill_values(struct call *c, const char *coll)
{
	_buf_ struct buf b;
	int n = 0;

	buf_init(&b, 1 << 20);
	buf_str(&b, "[{\"_id\": \"none\"}");
	for (size_t i = 0; i < array_size(values); i++)
		for (size_t j = 0; j < array_size(values); j += 3)
			buf_printf(&b,
				", {\"_id\": \"d%04d\", \"a\": %s, \"b\": %s}",
				n++, values[i], values[j]);
	buf_char(&b, ']');
	ok(c, DOC_INSERT, coll, NULL, buf_all(&b).ptr);
}

/* Questions that wait to be asked in one statement: which of them find
 * something else by an index? */
static struct buf waiting;

static void
compare_now(void)
{
	const char *other;

	if (!waiting.len)
		return;
	buf_str(&waiting, ") l");
	other = testpg_query(server, buf_all(&waiting).ptr);
	if (other && *other)
		fail_msg("other documents by an index: %s", other);
	buf_clear(&waiting);
}

static void
same(const char *query)
{
	buf_str(&waiting, waiting.len ? " UNION ALL SELECT "
				      : "SET enable_seqscan = off; SELECT "
					"string_agg(q, ' ') FROM (SELECT ");
	put_literal(&waiting, slice_str(query));
	buf_str(&waiting, " AS q WHERE ");
	put_found(&waiting, query, false);
	buf_str(&waiting, " IS DISTINCT FROM ");
	put_found(&waiting, query, true);
	if (waiting.len > 100000)
		compare_now();
}

static void
an_index_changes_nothing_of_what_is_found(void **state)
{
	static const char *const paths[] = {"a", "a.k", "a.0", "b"};
	static const char *const ops[] = {
		"$eq", "$gt", "$gte", "$lt", "$lte"};
	struct call c;
	const char *coll = fresh_known(&c);
	char query[400];

	(void)state;
	fill_values(&c, coll);
	index_on("{\"key\":{\"a\":1}}");
	index_on("{\"key\":{\"a.k\":1}}");
	index_on("{\"key\":{\"a.0\":-1}}");
	index_on("{\"key\":{\"b\":1,\"a\":1}}");
	for (size_t p = 0; p < array_size(paths); p++)
		for (size_t o = 0; o < array_size(ops); o++)
			for (size_t v = 0; v < array_size(values) - 9; v++) {
				if (o && values[v][0] == '{' &&
					!strstr(values[v], "$date") &&
					!strstr(values[v], "$oid"))
					continue;
				(void)snprintf(query, sizeof(query),
					"{\"%s\": {\"%s\": %s}}", paths[p],
					ops[o], values[v]);
				same(query);
			}
	same("{\"a\": {\"$in\": [1, \"a\", null, {\"$date\": 2}]}}");
	same("{\"a\": {\"$in\": []}}");
	same("{\"b\": 1, \"a\": {\"$gt\": 0}}");
	same("{\"b\": {\"$in\": [1, \"b\"]}, \"a\": {\"$in\": [1, null]}}");
	same("{\"a\": {\"$gt\": 0, \"$lt\": 2}}");
	same("{\"a\": {\"$gt\": 0, \"$lt\": \"b\"}}");
	same("{\"$or\": [{\"a\": 1}, {\"b\": \"a\"}]}");
	same("{\"a.k\": 1, \"b\": {\"$exists\": true}}");
	compare_now();
	end(&c);
}

static void
texts_longer_than_keys_are_found(void **state)
{
	struct call c;
	const char *coll = fresh_known(&c);
	char longer[2][700], doc[3000], query[800];

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(longer[i], 'x', 600);
		(void)strcpy(longer[i] + 600, i ? "b" : "a");
	}
	(void)snprintf(doc, sizeof(doc),
		"[{\"_id\":\"1\",\"a\":\"%s\"},{\"_id\":\"2\",\"a\":\"%s\"},"
		"{\"_id\":\"3\",\"a\":[\"%s\"]},{\"_id\":\"4\",\"a\":\"y\"}]",
		longer[0], longer[1], longer[0]);
	ok(&c, DOC_INSERT, coll, NULL, doc);
	index_on("{\"key\":{\"a\":1}}");
	(void)snprintf(query, sizeof(query), "{\"a\": \"%s\"}", longer[0]);
	assert_string_equal(found(query), "1 3");
	assert_string_equal(found("{\"a\": {\"$gt\": \"xxx\"}}"),
		"1 2 3 4");
	(void)snprintf(
		query, sizeof(query), "{\"a\": {\"$gt\": \"%s\"}}", longer[0]);
	assert_string_equal(found(query), "2 4");
	end(&c);
}

static void
a_partial_index_is_used_where_its_condition_follows(void **state)
{
	struct call c;
	const char *coll = fresh_known(&c);

	(void)state;
	fill(coll, 20000);
	index_on("{\"name\":\"part\",\"key\":{\"price\":1},"
		 "\"partialFilterExpression\":{\"n\":{\"$gte\":100}}}");
	uses("{\"price\": 5, \"n\": {\"$gte\": 100}}", ".part\"");
	uses("{\"price\": 5, \"n\": {\"$gt\": 200}}", ".part\"");
	uses_none("{\"price\": 5, \"n\": {\"$gt\": 50}}");
	uses_none("{\"price\": 5}");
	same("{\"price\": 5, \"n\": {\"$gt\": 200}}");
	compare_now();
	end(&c);
}

static void
a_sparse_unique_index_is_used_for_what_it_holds(void **state)
{
	struct call c;
	const char *coll = fresh_known(&c);

	(void)state;
	fill(coll, 20000);
	index_on("{\"name\":\"uni\",\"key\":{\"n\":1},\"unique\":true,"
		 "\"sparse\":true}");
	uses("{\"n\": 5}", ".uni\"");
	uses_none("{\"n\": null}");
	same("{\"n\": 5}");
	same("{\"n\": null}");
	compare_now();
	end(&c);
}

/* The ids of a page in order, by an index or, with `index` false, as lists are
 * ordered without. */
static const char *
page(const char *query, const char *path, bool descends, int64_t top)
{
	static char ret[65536];
	_buf_ struct buf text;
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = &info};
	json_t *v = parse(query);
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
	json_decref(v);
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
				const char *by = strcmp(queries[i],
							 "{\"b\": 1}") == 0 ||
							 t == 1
							 ? "a"
							 : "b";

				assert_string_equal(
					page(queries[i], by, down, tops[t]),
					page_plain(queries[i], by, down,
						tops[t]));
			}
	end(&c);
}

static const char *
plan_of_page(const char *query, const char *path, bool descends)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = &info};
	json_t *v = parse(query);
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
	json_decref(v);
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

static int
start_plan(void **state)
{
	arena_init(&known, 1 << 20);
	buf_init(&waiting, 1 << 20);
	return start_all(state);
}

static int
stop_plan(void **state)
{
	arena_done(&known);
	buf_done(&waiting);
	return stop_all(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexes_are_used_by_prepared_statements),
		cmocka_unit_test(an_index_changes_nothing_of_what_is_found),
		cmocka_unit_test(texts_longer_than_keys_are_found),
		cmocka_unit_test(
			a_partial_index_is_used_where_its_condition_follows),
		cmocka_unit_test(
			a_sparse_unique_index_is_used_for_what_it_holds),
		cmocka_unit_test(a_page_in_an_indexs_order_is_the_page_without),
		cmocka_unit_test(a_page_is_read_from_the_index_in_its_order),
	};

	return cmocka_run_group_tests(tests, start_plan, stop_plan);
}
