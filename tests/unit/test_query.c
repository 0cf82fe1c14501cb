/*
 * Conditions and changes into SQL text and parameters, without a server.
 */
#include "db/query.h"
#include "db/sql.h"
#include "db/update.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* "SQL | parameter | parameter", or the error's sentence. */
static const char *
show(struct sql *s, int r, const struct fault *why)
{
	static char room[16384];
	size_t at;

	if (r == 0)
		r = sql_check(s, NULL);
	at = (size_t)snprintf(room, sizeof(room), "%s",
		r < 0 ? fault_text(why, r) : s->text.ptr);
	for (int i = 0; r == 0 && i < s->count; i++)
		at += (size_t)snprintf(room + at, sizeof(room) - at, " | %.*s",
			SLICE_ARG(s->param[i]));
	return room;
}

static const char *
query(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);
	struct fault why = {0};
	struct query *q = NULL;
	struct arena arena;
	struct sql s;
	const char *shown;
	int r;

	assert_non_null(v);
	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	r = query_parse(&q, v, &arena, 0, &why);
	if (r == 0)
		sql_query(&s, q);
	shown = show(&s, r, &why);
	sql_done(&s);
	arena_done(&arena);
	json_decref(v);
	return shown;
}

static const char *
update(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);
	struct fault why = {0};
	struct update *u = NULL;
	struct arena arena;
	struct sql s;
	const char *shown;
	int r;

	assert_non_null(v);
	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	r = update_parse(&u, v, &arena, 0, &why);
	if (r == 0)
		sql_update(&s, u, "doc");
	shown = show(&s, r, &why);
	sql_done(&s);
	arena_done(&arena);
	json_decref(v);
	return shown;
}

static void
the_key_is_asked_as_the_key(void **state)
{
	(void)state;
	assert_string_equal(
		query("{\"_id\":\"a'b\"}"), "(_id = $1::text) | a'b");
	assert_string_equal(query("{}"), "TRUE");
}

static void
no_value_and_no_name_reaches_the_text(void **state)
{
	static const char *const cases[] = {
		"{\"EVIL\":\"EVIL\"}",
		"{\"a.EVIL\":{\"$gt\":\"EVIL\",\"$ne\":null}}",
		("{\"a.0.EVIL\":{\"$in\":[\"EVIL\",null,{\"EVIL\":1},"
		 "{\"$date\":4}]}}"),
		"{\"_id\":{\"$in\":[\"EVIL\"]},\"EVIL\":{\"$exists\":false}}",
		"{\"$or\":[{\"EVIL\":{\"EVIL\":[\"EVIL\"]}}]}",
	};
	static const char *const changes[] = {
		"{\"$set\":{\"EVIL\":\"EVIL\",\"a.EVIL\":\"EVIL\"}}",
		"{\"$unset\":{\"EVIL\":\"\",\"b.EVIL\":\"\"}}",
		("{\"$push\":{\"EVIL\":{\"$each\":[\"EVIL\"],"
		 "\"$sort\":{\"EVIL\":1}}}}"),
		"{\"$rename\":{\"EVIL\":\"x.EVIL\"}}",
		"{\"$pull\":{\"EVIL\":{\"EVIL\":1}}}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *shown = query(cases[i]);
		const char *params = strstr(shown, " | ");

		assert_non_null(params);
		assert_true(strstr(shown, "EVIL") > params);
	}
	for (size_t i = 0; i < array_size(changes); i++) {
		const char *shown = update(changes[i]);
		const char *params = strstr(shown, " | ");

		assert_non_null(params);
		assert_true(strstr(shown, "EVIL") > params);
	}
}

static void
names_are_quoted_inside_paths(void **state)
{
	(void)state;
	assert_string_equal(query("{\"a\\\"b.c\\\\\":1}"),
		"(jsonb_path_match(doc, $1::jsonpath, $2::jsonb, true)) | "
		"$.\"a\\\"b\".\"c\\\\\" == $v | {\"v\":1}");
	assert_string_equal(update("{\"$inc\":{\"a\\\"}.b\\\\,\":1}}"),
		"mpcloud.doc_inc(((doc)), $1::text[], $2::jsonb) | "
		"{\"a\\\"}\",\"b\\\\,\"} | 1");
}

static void
short_sets_are_gathered(void **state)
{
	(void)state;
	assert_string_equal(
		update("{\"$set\":{\"a\":1,\"b\":2},\"$unset\":{\"c\":1},"
		       "\"$inc\":{\"d\":1}}"),
		"mpcloud.doc_inc(((doc || $1::jsonb) - $2::text[]), "
		"$3::text[], $4::jsonb) | {\"a\":1,\"b\":2} | {\"c\"} | "
		"{\"d\"} | 1");
	assert_string_equal(update("{\"a\":1}"),
		"((doc || $1::jsonb)) | {\"a\":1}"); /* no operator: $set */
}

static void
ceilings_are_kept(void **state)
{
	static char text[40000];
	size_t at;

	(void)state;
	at = (size_t)sprintf(text, "{\"$or\":[{\"a\":1}");
	for (int i = 0; i < 300; i++)
		at += (size_t)sprintf(text + at, ",{\"a\":1}");
	(void)sprintf(text + at, "]}");
	assert_non_null(strstr(query(text), "256 conditions"));
	at = 0;
	for (int i = 0; i < 30; i++)
		at += (size_t)sprintf(text + at, "{\"$and\":[");
	at += (size_t)sprintf(text + at, "{}");
	for (int i = 0; i < 30; i++)
		at += (size_t)sprintf(text + at, "]}");
	assert_non_null(strstr(query(text), "nested"));
	at = (size_t)sprintf(text, "{\"$set\":{\"a\":1");
	for (int i = 0; i < 200; i++)
		at += (size_t)sprintf(text + at, ",\"b%d.c\":1", i);
	(void)sprintf(text + at, "}}");
	assert_non_null(strstr(update(text), "128 changes"));
	assert_non_null(strstr(query("{\"a..b\":1}"), "empty step"));
	assert_non_null(strstr(query("{\"\":1}"), "1 to 1024"));
}

static void
an_identifier_cannot_be_left(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	sql_ident(&b, SLICE("a\"; DROP"));
	assert_string_equal(b.ptr, "\"a\"\"; DROP\"");
	buf_clear(&b);
	sql_ident(&b, SLICE("\"\"\\"));
	assert_string_equal(b.ptr, "\"\"\"\"\"\\\"");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_asked_as_the_key),
		cmocka_unit_test(no_value_and_no_name_reaches_the_text),
		cmocka_unit_test(names_are_quoted_inside_paths),
		cmocka_unit_test(short_sets_are_gathered),
		cmocka_unit_test(ceilings_are_kept),
		cmocka_unit_test(an_identifier_cannot_be_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
