/*
 * Advice from facts: the index that MongoDB's manual would make (its ESR rule:
 * equality, sort, range), none where one is, and PostgreSQL's plans in words.
 */
#include "base/buf.h"
#include "base/val.h"
#include "documents/advise.h"
#include "documents/explain.h"
#include "tests/unit/test.h"

#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000 };
#define NOW 1800000000000LL

#define SLOW(shape) \
	"{\"collection\":\"cars\"," shape \
	",\"times\":3,\"totalMs\":900,\"meanMs\":300}"

/* `slow`: shapes; `indexes`: of cars. */
static json_t *
advise(const char *slow, const char *indexes)
{
	_buf_ struct buf facts, answer;
	struct fault why = {0};
	json_t *v = NULL;

	buf_init(&facts, 1 << 16);
	buf_init(&answer, 1 << 16);
	buf_printf(&facts,
		"{\"slow\":[%s],\"collections\":{\"cars\":{\"documents\":5,"
		"\"indexes\":[%s]}}}",
		slow, indexes);
	if (advise_put(&answer, buf_all(&facts), NOW, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(val_parse(&v, buf_all(&answer), &why), 0);
	return v;
}

/* The commands of what is missing, one a line. */
static const char *
missing(const char *slow, const char *indexes)
{
	static char ret[4096];
	_json_ json_t *v = advise(slow, indexes);
	json_t *one;
	size_t i, at = 0;

	ret[0] = '\0';
	json_array_foreach (json_object_get(v, "missing"), i, one)
		at += (size_t)snprintf(ret + at, sizeof(ret) - at, "%s%s",
			i ? "\n" : "",
			json_string_value(json_object_get(one, "command")));
	return ret;
}

/* The manual's own example: cars by manufacturer, sorted by model, with a cost
 * above 15000. */
static void
equality_then_order_then_range(void **state)
{
	(void)state;
	assert_string_equal(
		missing(SLOW("\"verb\":\"find\",\"where\":{\"cost\":{\"$gt\":"
			     "\"number\"},\"manufacturer\":\"string\"},"
			     "\"order\":[{\"model\":1}]"),
			""),
		"mpcloud db index create cars '{\"manufacturer\":1,\"model\":1,"
		"\"cost\":1}'");
}

static void
what_each_request_wants(void **state)
{
	static const struct {
		const char *shape, *keys;
	} rows[] = {
		{"\"verb\":\"count\",\"where\":{\"a\":{\"$in\":[\"string\"]},"
		 "\"b\":{\"$gte\":\"date\",\"$lt\":\"date\"}}",
			"{\"a\":1,\"b\":1}"},
		{"\"verb\":\"find\",\"own\":true,\"order\":[{\"at\":-1}]",
			"{\"_openid\":1,\"at\":-1}"},
		{"\"verb\":\"update\",\"where\":{\"$and\":[{\"a\":\"string\"},"
		 "{\"b\":\"null\"}]}",
			"{\"a\":1,\"b\":1}"},
		{"\"verb\":\"aggregate\",\"stages\":[{\"$match\":{\"a\":"
		 "\"string\"}},{\"$sort\":[{\"b\":-1}]},{\"$group\":\"…\"}]",
			"{\"a\":1,\"b\":-1}"},
		{"\"verb\":\"find\",\"where\":{\"place\":{\"$nearSphere\":"
		 "\"object\"}}",
			"{\"place\":\"2dsphere\"}"},
		/* what no index finds, and ids */
		{"\"verb\":\"find\",\"where\":{\"a\":{\"$ne\":\"string\"}}",
			NULL},
		{"\"verb\":\"find\",\"where\":{\"a\":\"regex\"}", NULL},
		{"\"verb\":\"find\",\"where\":{\"_id\":\"string\",\"a\":"
		 "\"string\"}",
			NULL},
		{"\"verb\":\"find\",\"where\":{\"likes.*\":\"string\"}", NULL},
		{"\"verb\":\"insert\"", NULL},
		{"\"verb\":\"find\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char slow[1000], want[200] = "";

		(void)snprintf(slow, sizeof(slow),
			"{\"collection\":\"cars\",%s,\"times\":1,\"totalMs\":1,"
			"\"meanMs\":1}",
			rows[i].shape);
		if (rows[i].keys)
			(void)snprintf(want, sizeof(want),
				"mpcloud db index create cars '%s'",
				rows[i].keys);
		assert_string_equal(missing(slow, ""), want);
	}
}

static void
each_part_of_an_or_wants_its_own(void **state)
{
	(void)state;
	assert_string_equal(
		missing(SLOW("\"verb\":\"find\",\"where\":{\"$or\":[{\"a\":"
			     "\"string\"},{\"b\":\"number\"}]}"),
			""),
		"mpcloud db index create cars '{\"a\":1}'\n"
		"mpcloud db index create cars '{\"b\":1}'");
}

static void
one_index_serves_two_requests(void **state)
{
	(void)state;
	assert_string_equal(
		missing(SLOW("\"verb\":\"find\",\"where\":{\"a\":"
			     "\"string\"}") "," SLOW("\"verb\":\"find\","
						     "\"where\":{"
						     "\"a\":\"string\","
						     "\"b\":\"string\"}"),
			""),
		"mpcloud db index create cars '{\"a\":1,\"b\":1}'");
}

#define INDEX(keys, rest) \
	"{\"name\":\"i\",\"state\":\"ready\",\"uses\":5,\"createdAt\":0," \
	"\"bytes\":8192,\"keys\":[" keys "]" rest "}"
#define KEY(name, way) "{\"name\":\"" name "\",\"direction\":\"" way "\"}"

static void
an_index_that_is_there_is_no_advice(void **state)
{
	static const char slow[] =
		SLOW("\"verb\":\"find\",\"where\":{\"a\":\"string\",\"b\":"
		     "\"string\"},\"order\":[{\"c\":1}]");

	(void)state;
	assert_string_equal(missing(slow, INDEX(KEY("a", "1") "," KEY("b",
							"-1") "," KEY("c", "1"),
						  "")),
		"");
	/* equalities in any order, the order backward, more behind */
	assert_string_equal(
		missing(slow, INDEX(KEY("b", "1") "," KEY("a", "1") "," KEY(
					    "c", "-1") "," KEY("d", "1"),
				      "")),
		"");
	/* these do not serve it */
	assert_string_not_equal(
		missing(slow, INDEX(KEY("a", "1") "," KEY("c", "1"), "")), "");
	assert_string_not_equal(
		missing(slow,
			INDEX(KEY("a", "1") "," KEY("b", "1") "," KEY("c", "1"),
				",\"partialFilterExpression\":{}")),
		"");
}

static void
a_useless_index_is_named_once_it_had_its_time(void **state)
{
	static const struct {
		const char *rest;
		bool useless;
	} rows[] = {
		{"\"uses\":0,\"createdAt\":1799900000000", true},
		{"\"uses\":1,\"createdAt\":1799900000000", false},
		{"\"uses\":0,\"createdAt\":1799999000000", false},
		{"\"uses\":0,\"createdAt\":0,\"unique\":true", false},
		{"\"uses\":0,\"createdAt\":0,\"expireAfterSeconds\":1", false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char index[300];
		_json_ json_t *v = NULL;
		const json_t *one;

		(void)snprintf(index, sizeof(index),
			"{\"name\":\"it's\",\"state\":\"ready\",\"bytes\":1,"
			"\"keys\":[],%s}",
			rows[i].rest);
		v = advise("", index);
		one = json_array_get(json_object_get(v, "unused"), 0);
		assert_int_equal(one != NULL, rows[i].useless);
		if (one)
			assert_string_equal(json_string_value(json_object_get(
						    one, "command")),
				"mpcloud db index drop cars 'it'\\''s'");
	}
}

static const char *
told(const char *plan)
{
	static char ret[2048];
	struct fault why = {0};
	_buf_ struct buf b;

	buf_init(&b, 1 << 16);
	if (explain_tell(&b, slice_str(plan), &why) < 0)
		return "refused";
	(void)snprintf(ret, sizeof(ret), "%s", buf_all(&b).ptr);
	return ret;
}

static void
a_plan_is_told_by_its_leaves(void **state)
{
	(void)state;
	assert_string_equal(
		told("[{\"Plan\":{\"Node Type\":\"Sort\",\"Total Cost\":9.5,"
		     "\"Plan Rows\":3,\"Plans\":[{\"Node Type\":\"Bitmap Heap "
		     "Scan\",\"Plans\":[{\"Node Type\":\"BitmapOr\",\"Plans\":["
		     "{\"Node Type\":\"Bitmap Index Scan\",\"Index Name\":"
		     "\"system.i0123456789abcdef.price_1\"},{\"Node Type\":"
		     "\"Bitmap Index Scan\",\"Index Name\":"
		     "\"system.a0123456789abcdef.price_1\"}]}]}]}}]"),
		"{\"summary\":[\"uses index price_1\",\"uses index price_1, "
		"for values in arrays\",\"sorts what it found\"],\"indexes\":["
		"\"price_1\"],\"scansAll\":false,\"sorts\":true,\"cost\":9.5,"
		"\"rows\":3}");
	assert_string_equal(
		told("[{\"Plan\":{\"Node Type\":\"Seq Scan\",\"Relation "
		     "Name\":\"goods\"}}]"),
		"{\"summary\":[\"reads every document of goods\"],\"indexes\":["
		"],\"scansAll\":true,\"sorts\":false}");
	assert_string_equal(
		told("[{\"Plan\":{\"Node Type\":\"Index Scan\",\"Index Name\":"
		     "\"system.a1234567890123456789012345678901\"}}]"),
		"{\"summary\":[\"uses the index of _id\"],\"indexes\":["
		"\"_id_\"],\"scansAll\":false,\"sorts\":false}");
	assert_string_equal(told("[]"), "refused");
	assert_string_equal(told("{"), "refused");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_then_order_then_range),
		cmocka_unit_test(what_each_request_wants),
		cmocka_unit_test(each_part_of_an_or_wants_its_own),
		cmocka_unit_test(one_index_serves_two_requests),
		cmocka_unit_test(an_index_that_is_there_is_no_advice),
		cmocka_unit_test(a_useless_index_is_named_once_it_had_its_time),
		cmocka_unit_test(a_plan_is_told_by_its_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
