#pragma once

/*
 * A table of documents on a private server, asked with conditions: shared by
 * test programs that hold queries against MongoDB's manual.
 */

#include "db/schema.h"
#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct testpg *server;

static _unused_ int
start_server(void **state)
{
	struct fault why = {0};

	(void)state;
	server = testpg_new();
	if (schema_migrate(testpg_url(server), &why) < 0) {
		print_error("%s\n", why.text);
		return -1;
	}
	(void)testpg_query(server,
		"CREATE TABLE docs (_id text COLLATE \"C\" PRIMARY KEY,"
		" doc jsonb, n serial)");
	return 0;
}

static _unused_ int
stop_server(void **state)
{
	(void)state;
	server = testpg_free(server);
	return 0;
}

static _unused_ json_t *
read_json(const char *text)
{
	json_t *v = NULL;
	struct fault why = {0};

	if (val_parse(&v, slice_str(text), &why) < 0)
		print_error("%s: %s\n", text, why.text);
	assert_non_null(v);
	return v;
}

/* 'text' */
static _unused_ void
put_literal(struct buf *to, struct slice s)
{
	buf_str(to, "E'");
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\'' || s.ptr[i] == '\\')
			buf_char(to, s.ptr[i]);
		buf_char(to, s.ptr[i]);
	}
	buf_char(to, '\'');
}

/* A statement with its parameters written into it. */
static _unused_ void
put_statement(struct buf *to, const struct sql *s)
{
	const char *at = s->text.ptr;

	while (*at) {
		char *end;
		long n;

		if (*at != '$' || at[1] < '0' || at[1] > '9') {
			buf_char(to, *at++);
			continue;
		}
		n = strtol(at + 1, &end, 10);
		put_literal(to, s->param[n - 1]);
		at = end;
	}
}

/* The table holds the documents of this list and nothing else. */
static _unused_ void
hold(const char *list)
{
	_json_ json_t *all = read_json(list);
	struct arena arena;
	struct buf text;
	json_t *doc;
	size_t i;

	arena_init(&arena, 64 << 20);
	(void)testpg_query(server, "TRUNCATE docs RESTART IDENTITY");
	json_array_foreach (all, i, doc) {
		struct slice key;
		_buf_ struct buf stored;

		buf_init(&text, 1 << 20);
		buf_init(&stored, 1 << 20);
		assert_int_equal(value_key(&key, json_object_get(doc, "_id"),
					 &arena, 0, NULL),
			0);
		assert_int_equal(value_put_doc(&stored, doc, NULL, 0, NULL), 0);
		buf_str(&text, "INSERT INTO docs VALUES (");
		put_literal(&text, key);
		buf_char(&text, ',');
		put_literal(&text, buf_all(&stored));
		buf_char(&text, ')');
		(void)testpg_query(server, text.ptr);
		buf_done(&text);
	}
	arena_done(&arena);
}

/* The ids, in order of insertion, of what a condition finds, asked of the table
 * or, when `whole`, of documents that hold their _id; or the error. */
static _unused_ const char *
found_in(const char *query, bool whole)
{
	static char room[1024];
	const struct sql_from from = {
		.doc = whole ? "mpcloud.whole(_id, doc)" : "doc",
		.id = whole ? NULL : "_id"};
	_json_ json_t *v = read_json(query);
	struct fault why = {0};
	struct arena arena;
	struct query *q;
	const char *answer;
	_buf_ struct buf text;
	struct sql s;
	int r;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	buf_init(&text, 1 << 20);
	r = query_parse(&q, v, &arena, 0, &why);
	if (r == 0) {
		buf_str(&text,
			"SELECT coalesce(string_agg(translate(_id, "
			"U&'\\0001', ''), ' ' ORDER BY n), '-') FROM docs "
			"WHERE ");
		sql_query(&s, q, &from);
		assert_int_equal(sql_check(&s, NULL), 0);
		put_statement(&text, &s);
		answer = testpg_query(server, text.ptr);
	} else {
		answer = why.text;
	}
	(void)snprintf(room, sizeof(room), "%s", answer ? answer : "error");
	sql_done(&s);
	arena_done(&arena);
	return room;
}

static _unused_ void
finds(const char *query, const char *ids)
{
	const char *got = found_in(query, false);

	if (strcmp(got, ids) != 0)
		print_error("%s\n", query);
	assert_string_equal(got, ids);
	assert_string_equal(found_in(query, true), ids);
}

struct example {
	const char *query, *ids;
};

static _unused_ void
find_all(const struct example *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		finds(list[i].query, list[i].ids);
}
