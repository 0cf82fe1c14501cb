/*
 * Conditions into SQL text and parameters, without a server.
 */
#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* A condition of the user o"1, or of an admin. */
struct asked {
	struct arena arena;
	struct sql sql;
	struct fault why;
	struct query *q;
	json_t *v;
	char shown[32768]; /* "SQL | parameter | parameter", or the error */
};

static void
show(struct asked *a, int r)
{
	const struct sql_from from = {.doc = "doc", .id = "_id"};
	size_t at;

	if (r == 0)
		sql_query(&a->sql, a->q, &from);
	if (r == 0)
		r = sql_check(&a->sql, NULL);
	at = (size_t)snprintf(a->shown, sizeof(a->shown), "%s",
		r < 0 ? fault_text(&a->why, r) : a->sql.text.ptr);
	for (int i = 0; r == 0 && i < a->sql.count; i++)
		at += (size_t)snprintf(a->shown + at, sizeof(a->shown) - at,
			" | %.*s", SLICE_ARG(a->sql.param[i]));
}

static void
ask(struct asked *a, const char *text, bool admin)
{
	int r;

	*a = (struct asked){0};
	assert_int_equal(val_parse(&a->v, slice_str(text), NULL), 0);
	arena_init(&a->arena, 64 << 20);
	sql_init(&a->sql, &a->arena);
	r = query_parse(&a->q, a->v, &a->arena, 0, &a->why);
	/* the tree points into nothing of the JSON */
	if (!strstr(text, "$expr")) {
		json_decref(a->v);
		a->v = NULL;
	}
	if (r == 0 && !admin)
		r = query_guard(a->q, "o\"1", &a->arena, &a->why);
	show(a, r);
}

static void
end(struct asked *a)
{
	sql_done(&a->sql);
	arena_done(&a->arena);
	json_decref(a->v);
}

static const char *
query(const char *text)
{
	static struct asked a;

	ask(&a, text, true);
	end(&a);
	return a.shown;
}

static const char *
query_of_user(const char *text)
{
	static struct asked a;

	ask(&a, text, false);
	end(&a);
	return a.shown;
}

static void
the_key_is_asked_as_the_key(void **state)
{
	(void)state;
	assert_string_equal(
		query("{\"_id\":\"a'b\"}"), "(_id = $1::text) | a'b");
	assert_string_equal(query("{\"_id\":5.0}"), "(_id = $1::text) | \1"
						    "5");
	assert_string_equal(
		query("{\"_id\":{\"$oid\":\"507f191e810c19729de860ea\"}}"),
		"(_id = $1::text) | 507f191e810c19729de860ea");
	assert_string_equal(query("{}"), "TRUE");
}

static void
plain_values_are_one_jsonpath(void **state)
{
	(void)state;
	assert_string_equal(query("{\"a.b\":\"x\"}"),
		"(doc @@ $1::jsonpath) | $.\"a\".\"b\" == \"x\"");
	assert_string_equal(query("{\"a\":{\"$lt\":{\"$date\":5}}}"),
		"(doc @@ $1::jsonpath) | $.\"a\".\"$date\" < 5");
	assert_string_equal(query("{\"a\\\"b.c\\\\\":1}"),
		"(doc @@ $1::jsonpath) | $.\"a\\\"b\".\"c\\\\\" == 1");
	assert_string_equal(query("{\"a\":{\"$in\":[1,\"x\"]}}"),
		"((jsonb_path_match(doc, $1::jsonpath, $2::jsonb, true))) | "
		"$.\"a\" == $v[*] | {\"v\":[1,\"x\"]}");
}

/* The word EVIL, wherever it is said, stands behind the text. */
static void
no_value_and_no_name_reaches_the_text(void **state)
{
	static const char *const cases[] = {
		"{\"EVIL\":\"EVIL\"}",
		"{\"a.EVIL\":{\"$gt\":\"EVIL\",\"$ne\":null}}",
		"{\"a.0.EVIL\":{\"$in\":[\"EVIL\",null,{\"EVIL\":1},"
		"{\"$date\":4}]}}",
		"{\"_id\":{\"$in\":[\"EVIL\"]},\"EVIL\":{\"$exists\":false}}",
		"{\"_id.EVIL\":{\"$gte\":{\"EVIL\":1}}}",
		"{\"$or\":[{\"EVIL\":{\"EVIL\":[\"EVIL\"]}}]}",
		"{\"EVIL\":{\"$elemMatch\":{\"EVIL\":{\"$elemMatch\":{\"$eq\":"
		"\"EVIL\"}}}}}",
		"{\"EVIL\":{\"$all\":[\"EVIL\",{\"$elemMatch\":{\"$gt\":"
		"\"EVIL\"}}]}}",
		"{\"EVIL\":{\"$regex\":\"EVIL'\"}}",
		"{\"EVIL\":{\"$size\":3,\"$mod\":[4,1],\"$type\":\"int\"}}",
		"{\"EVIL.0\":{\"$size\":3,\"$mod\":[4,1],\"$type\":\"int\","
		"\"$exists\":true}}",
		"{\"$text\":{\"$search\":\"EVIL \\\"EVIL\\\" -EVIL\"}}",
		"{\"$jsonSchema\":{\"required\":[\"EVIL\"],\"properties\":{"
		"\"EVIL\":{\"enum\":[\"EVIL\"],\"pattern\":\"EVIL\"}}}}",
		"{\"EVIL\":{\"$geoWithin\":{\"$box\":[[0,0],[1,1]]}}}",
		"{\"EVIL\":{\"$near\":{\"$geometry\":{\"type\":\"Point\","
		"\"coordinates\":[1,2],\"EVIL\":1}}}}",
		"{\"EVIL\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		"\"Point\",\"coordinates\":[1,2],\"EVIL\":\"EVIL\"}}}}",
		"{\"$expr\":{\"$eq\":[\"$EVIL\",\"EVIL\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *shown = query(cases[i]);
		const char *params = strstr(shown, " | ");

		if (!params || !strstr(shown, "EVIL") ||
			strstr(shown, "EVIL") < params)
			print_error("%s\n%s\n", cases[i], shown);
		assert_non_null(params);
		assert_non_null(strstr(shown, "EVIL"));
		assert_true(strstr(shown, "EVIL") > params);
	}
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
	assert_non_null(strstr(query(text), "400 conditions"));
	at = 0;
	for (int i = 0; i < 30; i++)
		at += (size_t)sprintf(text + at, "{\"$and\":[");
	at += (size_t)sprintf(text + at, "{}");
	for (int i = 0; i < 30; i++)
		at += (size_t)sprintf(text + at, "]}");
	assert_non_null(strstr(query(text), "nested"));
	at = (size_t)sprintf(text, "{\"$jsonSchema\":");
	for (int i = 0; i < 30; i++)
		at += (size_t)sprintf(text + at, "{\"not\":");
	at += (size_t)sprintf(text + at, "{}");
	for (int i = 0; i < 31; i++)
		at += (size_t)sprintf(text + at, "}");
	assert_non_null(strstr(query(text), "nested"));
	assert_non_null(strstr(query("{\"a..b\":1}"), "empty step"));
	assert_non_null(strstr(query("{\"\":1}"), "1 to 1024"));
}

/* Ten thousand values are one parameter. */
static void
a_long_list_is_one_condition(void **state)
{
	static char text[80000];
	static struct asked a;
	size_t at = (size_t)sprintf(text, "{\"a\":{\"$in\":[0");

	(void)state;
	for (int i = 0; i < 10000; i++)
		at += (size_t)sprintf(text + at, ",%d", i);
	(void)sprintf(text + at, "]}}");
	ask(&a, text, true);
	assert_int_equal(a.sql.count, 2);
	end(&a);
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

static void
an_id_is_known_where_an_and_demands_it(void **state)
{
	static const struct {
		const char *query, *key;
	} cases[] = {
		{"{\"_id\":\"a\"}", "a"},
		{"{\"b\":1,\"$and\":[{\"_id\":{\"$eq\":\"a\"}}]}", "a"},
		{"{\"_id\":5}", "\1"
				"5"},
		{"{\"$or\":[{\"_id\":\"a\"}]}", NULL},
		{"{\"_id\":{\"$ne\":\"a\"}}", NULL},
		{"{\"_id\":{\"$gt\":\"a\"}}", NULL},
		{"{\"_id.a\":\"a\"}", NULL},
		{"{\"a\":{\"$elemMatch\":{\"_id\":\"a\"}}}", NULL},
		{"{}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		static struct asked a;
		struct slice key;
		bool known;

		ask(&a, cases[i].query, true);
		known = query_id(a.q, &key);
		assert_int_equal(known, cases[i].key != NULL);
		if (known)
			assert_true(slice_is(key, cases[i].key));
		end(&a);
	}
}

/* What a user may not read he may not ask about either. */
static void
the_owner_is_compared_with_the_caller_only(void **state)
{
	static const char *const refused[] = {
		"{\"_openid\":\"o2\"}",
		"{\"_openid\":{\"$ne\":\"x\"}}",
		"{\"_openid\":{\"$gt\":\"\"}}",
		"{\"_openid\":{\"$exists\":true}}",
		"{\"_openid\":{\"$regex\":\"^o\"}}",
		"{\"_openid\":{\"$in\":[\"o2\"]}}",
		"{\"_openid.x\":null}",
		"{\"$nor\":[{\"_openid\":\"o2\"}]}",
		"{\"_openid\":{\"$elemMatch\":{\"$eq\":\"o2\"}}}",
		"{\"_openid\":{\"$size\":1}}",
		"{\"_openid\":{\"$type\":\"string\"}}",
		"{\"_openid\":{\"$geoWithin\":{\"$box\":[[0,0],[1,1]]}}}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(refused); i++)
		assert_string_equal(query_of_user(refused[i]),
			"_openid may only be compared with the caller's own");
	assert_string_equal(query_of_user("{\"_openid\":\"{openid}\"}"),
		"(doc @@ $1::jsonpath) | $.\"_openid\" == \"o\\\"1\"");
	assert_string_equal(query_of_user("{\"_openid\":\"o\\\"1\"}"),
		"(doc @@ $1::jsonpath) | $.\"_openid\" == \"o\\\"1\"");
	assert_non_null(strstr(query_of_user("{\"$text\":{\"$search\":\"x\"}}"),
		"(doc - '_openid')"));
	assert_non_null(strstr(query_of_user("{\"$jsonSchema\":{}}"),
		"(mpcloud.whole(_id, doc) - '_openid')"));
	/* of an element it is a name like others */
	assert_non_null(strstr(
		query_of_user("{\"a\":{\"$elemMatch\":{\"_openid\":\"o2\"}}}"),
		"o2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_asked_as_the_key),
		cmocka_unit_test(plain_values_are_one_jsonpath),
		cmocka_unit_test(no_value_and_no_name_reaches_the_text),
		cmocka_unit_test(ceilings_are_kept),
		cmocka_unit_test(a_long_list_is_one_condition),
		cmocka_unit_test(an_identifier_cannot_be_left),
		cmocka_unit_test(an_id_is_known_where_an_and_demands_it),
		cmocka_unit_test(the_owner_is_compared_with_the_caller_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
