#pragma once

/*
 * Conditions with and without indexes, on the private server of doc_call.h:
 * shared by the test programs of plan.h.
 */

#include "documents/plan.h"
#include "documents/query.h"
#include "documents/sql.h"
#include "tests/unit/index_call.h"

#include <string.h>

/* What the planner is told of the collection, as the catalog would. */
static struct arena known;
static struct coll_info info;
static json_t *held; /* what trees borrow from */

static _unused_ json_t *
parse_held(const char *text)
{
	json_t *v = parse(text);

	(void)json_array_append_new(held, v);
	return v;
}

static _unused_ const char *
fresh_known(struct call *c)
{
	const char *coll;

	loop_turn(&loop, false); /* it did not look at the time */
	coll = fresh(c);
	info = (struct coll_info){.version = 1};
	assert_int_equal(
		coll_parse(&info.coll, "test", slice_str(coll), &known, NULL),
		0);
	return coll;
}

/* An index built and known. */
static _unused_ void
index_on(const char *text)
{
	_json_ json_t *v = parse(text);
	json_t *definition = NULL;
	struct index_info *one;
	struct slice name;

	assert_string_equal(add_index(info.coll.name.ptr, text), "");
	assert_int_equal(index_define(&definition, &name, v, &known, NULL), 0);
	(void)json_array_append_new(held, definition);
	assert_int_equal(
		index_load(&one, &info.coll, name, definition, &known, NULL),
		0);
	one->next = info.indexes;
	info.indexes = one;
}

static _unused_ void
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

static _unused_ void
put_literals(struct buf *to, const struct sql *s)
{
	for (int i = 0; i < s->count; i++) {
		buf_str(to, i ? ", " : "");
		put_literal(to, s->param[i]);
	}
}

static _unused_ void
put_where(struct sql *s, const char *query, bool indexed)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = indexed ? &info : NULL};
	json_t *v = parse_held(query);
	struct query *q;

	assert_int_equal(query_parse(&q, v, s->arena, 0, NULL), 0);
	if (!indexed || !sql_plan(s, q, &from))
		sql_query(s, q, &from);
	assert_false(s->full);
}

static _unused_ void
put_table(struct sql *s)
{
	sql_add(s, " FROM ");
	buf_slice(&s->text, info.coll.quoted);
}

/* EXPLAIN of a prepared statement after ten executions. */
static _unused_ const char *
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

/* 100,000 documents: every twentieth has an array in `tags`; `n` is unique. */
static _unused_ void
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

/* Values that are equal, near, of other types, in arrays, on the way. */
static _unused_ const char *const values[] = {"1", "1.0", "2", "-3", "2.5",
	"\"1\"", "\"\"", "\"a\"", "\"ab\"", "\"b\"", "true", "false", "null",
	"{\"$date\": 1}", "{\"$date\": 2}",
	"{\"$oid\": \"65a000000000000000000001\"}",
	"{\"$numberDouble\": \"Infinity\"}", "{\"$numberDouble\": \"NaN\"}",
	"{\"$numberDouble\": \"-Infinity\"}", "{\"$numberDecimal\": \"1\"}",
	"{\"k\": 1}", "{}", "{\"k\": [1, 2]}", "[]", "[1]", "[1, \"a\"]",
	"[[1]]", "[null]", "[{\"k\": 1}]", "[{\"k\": 2}, {\"k\": null}]",
	"[{\"j\": 1}]", "[true, {\"$date\": 2}]"};

static _unused_ void
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

static _unused_ int
start_plan(void **state)
{
	arena_init(&known, 1 << 20);
	held = json_array();
	return start_all(state);
}

static _unused_ int
stop_plan(void **state)
{
	arena_done(&known);
	json_decref(held);
	return stop_all(state);
}
