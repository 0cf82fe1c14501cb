/*
 * Conditions said with indexes: the plan uses them, prepared as well, and what
 * is found is what is found without.
 */
#include "tests/unit/plan_call.h"

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
	static const char *const ops[] = {"$eq", "$gt", "$gte", "$lt", "$lte"};
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
	assert_string_equal(found("{\"a\": {\"$gt\": \"xxx\"}}"), "1 2 3 4");
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

static int
start_waiting(void **state)
{
	buf_init(&waiting, 1 << 20);
	return start_plan(state);
}

static int
stop_waiting(void **state)
{
	buf_done(&waiting);
	return stop_plan(state);
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
	};

	return cmocka_run_group_tests(tests, start_waiting, stop_waiting);
}
