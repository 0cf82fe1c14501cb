/*
 * wx.cloud's operators on a real server: conditions, changes, orders,
 * projections.
 */
#include "tests/unit/doc_call.h"

static void
queries_match_as_mongodb_does(void **state)
{
	static const struct {
		const char *query, *ids;
	} cases[] = {
		{"{\"n\": 1}", "a"},
		{"{\"n\": {\"$numberInt\": \"1\"}}", "a"},
		{"{\"n\": {\"$eq\": 2}}", "b"},
		{"{\"n\": \"1\"}", ""},
		{"{\"n\": {\"$gt\": 1}}", "b c"},
		{"{\"n\": {\"$gte\": 2, \"$lt\": 3}}", "b"},
		{"{\"n\": {\"$lte\": {\"$numberDouble\": \"2.0\"}}}", "a b"},
		{"{\"n\": {\"$ne\": 1}}", "b c d e f"},
		{"{\"n\": {\"$neq\": 1}}", "b c d e f"},
		{"{\"n\": {\"$in\": [1, 3, \"x\"]}}", "a c d"},
		{"{\"n\": {\"$nin\": [1, 3, \"x\"]}}", "b e f"},
		{"{\"n\": {\"$in\": []}}", ""},
		{"{\"n\": {\"$in\": [null, 2]}}", "b e f"},
		{"{\"n\": null}", "e f"},
		{"{\"n\": {\"$ne\": null}}", "a b c d"},
		{"{\"n\": {\"$exists\": true}}", "a b c d e"},
		{"{\"n\": {\"$exists\": false}}", "f"},
		{"{\"n\": {\"$not\": {\"$gt\": 1}}}", "a d e f"},
		{"{\"tags\": \"red\"}", "a b"},
		{"{\"tags\": {\"$ne\": \"red\"}}", "c d e f"},
		{"{\"tags\": [\"red\", \"blue\"]}", "a"},
		{"{\"tags\": {\"$in\": [[\"red\"], \"blue\"]}}", "a b"},
		{"{\"o.k\": true}", "a"},
		{"{\"o\": {\"z\": [1, {\"y\": 2}], \"k\": true}}", "a"},
		{"{\"o.z.y\": 2}", "a"},
		{"{\"o.z.1.y\": 2}", "a"},
		{"{\"o.z.0\": 1}", "a"},
		{"{\"o.z.0\": 2}", ""},
		{"{\"list.p\": 5}", "c"},
		{"{\"list.p\": {\"$gt\": 5}}", "c"},
		{"{\"list.q\": null}", "a b c d e f"},
		{"{\"list.p\": null}", "a b c e f"},
		{"{\"when\": {\"$date\": {\"$numberLong\": \"1000\"}}}", "d"},
		{"{\"when\": {\"$gt\": {\"$date\": 500}}}", "d"},
		{"{\"when\": {\"$gt\": 500}}", ""},
		{"{\"when\": {\"$in\": [{\"$date\": 1000}, 7]}}", "d"},
		{"{\"when\": {\"$lt\": {\"$date\": \"1970-01-01T00:00:01Z\"}}}",
			""},
		{"{\"_id\": \"b\"}", "b"},
		{"{\"_id\": {\"$in\": [\"f\", \"a\", 3]}}", "a f"},
		{"{\"_id\": {\"$gt\": \"d\"}}", "e f"},
		{"{\"_id\": {\"$ne\": \"a\"}}", "b c d e f"},
		{"{\"_id\": null}", ""},
		{"{\"$or\": [{\"n\": 1}, {\"n\": 2, \"tags\": \"red\"}]}",
			"a b"},
		{"{\"$nor\": [{\"n\": 1}, {\"tags\": \"red\"}]}", "c d e f"},
		{"{\"$and\": [{\"n\": {\"$gt\": 1}}, {\"n\": {\"$lt\": 3}}]}",
			"b"},
		{"{\"nested\": 1}", ""}, /* one level of arrays only */
		{"{\"nested\": [1]}", "e"},
		{"{\"we ird.\\\"k\\\"\": 1}", "f"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":1,\"tags\":[\"red\",\"blue\"],"
		"\"o\":{\"k\":true,\"z\":[1,{\"y\":2}]}},"
		"{\"_id\":\"b\",\"n\":{\"$numberDouble\":\"2.0\"},"
		"\"tags\":[\"red\"]},"
		"{\"_id\":\"c\",\"n\":3,\"list\":[{\"p\":5},{\"p\":6},{}]},"
		"{\"_id\":\"d\",\"n\":\"x\",\"when\":{\"$date\":1000},"
		"\"list\":[{\"p\":1,\"q\":null}]},"
		"{\"_id\":\"e\",\"n\":null,\"nested\":[[1]]},"
		"{\"_id\":\"f\",\"we ird\":{\"\\\"k\\\"\":1}}]");
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *got = ids_of(&c, coll, cases[i].query);

		if (strcmp(got, cases[i].ids) != 0)
			print_error("query %s\n", cases[i].query);
		assert_string_equal(got, cases[i].ids);
	}
	end(&c);
}

/* A document, a change, and what comes of it (or what is said). */
static const struct {
	const char *before, *update, *after;
} changes[] = {
	{"", "{\"$set\":{\"a\":1,\"b\":{\"c\":2}}}",
		"{\"a\": 1, \"b\": {\"c\": 2}}"},
	{"\"a\":1,\"b\":2", "{\"$set\":{\"a\":{\"$date\":5}}}",
		"{\"a\": {\"$date\": 5}, \"b\": 2}"},
	{"\"a\":{\"b\":1}", "{\"$set\":{\"a.c.d\":2}}",
		"{\"a\": {\"b\": 1, \"c\": {\"d\": 2}}}"},
	{"\"a\":[1,2]", "{\"$set\":{\"a.1\":5,\"a.3\":7}}",
		"{\"a\": [1, 5, null, 7]}"},
	{"\"a\":1,\"b\":{\"c\":1,\"d\":2}",
		"{\"$unset\":{\"a\":\"\",\"b.c\":\"\",\"z\":\"\"}}",
		"{\"b\": {\"d\": 2}}"},
	{"\"a\":[1,2]", "{\"$unset\":{\"a.0\":\"\"}}", "{\"a\": [null, 2]}"},
	{"\"n\":1", "{\"$inc\":{\"n\":2,\"m.k\":5}}",
		"{\"m\": {\"k\": 5}, \"n\": 3}"},
	{"\"n\":0.1", "{\"$inc\":{\"n\":0.2}}", "{\"n\": 0.30000000000000004}"},
	{"\"n\":1", "{\"$inc\":{\"n\":{\"$numberDouble\":\"1.0\"}}}",
		"{\"n\": 2.0}"},
	{"\"n\":9007199254740993", "{\"$inc\":{\"n\":1}}",
		"{\"n\": 9007199254740994}"},
	{"\"n\":3", "{\"$mul\":{\"n\":2.5,\"m\":4}}", "{\"m\": 0, \"n\": 7.5}"},
	{"\"n\":3,\"m\":3", "{\"$min\":{\"n\":2,\"m\":4,\"k\":1}}",
		"{\"k\": 1, \"m\": 3, \"n\": 2}"},
	{"\"n\":3,\"m\":3", "{\"$max\":{\"n\":2,\"m\":4}}",
		"{\"m\": 4, \"n\": 3}"},
	{"\"a\":[1]", "{\"$push\":{\"a\":[2,3],\"b\":1}}",
		"{\"a\": [1, [2, 3]], \"b\": [1]}"},
	{"\"a\":[1]", "{\"$push\":{\"a\":{\"$each\":[2,3]}}}",
		"{\"a\": [1, 2, 3]}"},
	{"\"a\":[1,2]", "{\"$push\":{\"a\":{\"$each\":[9],\"$position\":1}}}",
		"{\"a\": [1, 9, 2]}"},
	{"\"a\":[1,2]", "{\"$push\":{\"a\":{\"$each\":[9],\"$position\":-1}}}",
		"{\"a\": [1, 9, 2]}"},
	{"\"a\":[3,1]",
		"{\"$push\":{\"a\":{\"$each\":[2,5],\"$sort\":-1,"
		"\"$slice\":3}}}",
		"{\"a\": [5, 3, 2]}"},
	{"\"a\":[{\"k\":2},{\"k\":1}]",
		"{\"$push\":{\"a\":{\"$each\":[],\"$sort\":{\"k\":1},"
		"\"$slice\":-1}}}",
		"{\"a\": [{\"k\": 2}]}"},
	{"\"a\":[1,2,3],\"b\":[1,2,3]", "{\"$pop\":{\"a\":1,\"b\":-1,\"c\":1}}",
		"{\"a\": [1, 2], \"b\": [2, 3]}"},
	{"\"a\":[1,2,1,{\"k\":1}]", "{\"$pull\":{\"a\":1}}",
		"{\"a\": [2, {\"k\": 1}]}"},
	{"\"a\":[1,{\"k\":1,\"j\":2}]", "{\"$pull\":{\"a\":{\"j\":2,\"k\":1}}}",
		"{\"a\": [1]}"},
	{"\"a\":[1,2,3]", "{\"$pullAll\":{\"a\":[1,3]}}", "{\"a\": [2]}"},
	{"\"a\":[1]", "{\"$addToSet\":{\"a\":1,\"b\":2}}",
		"{\"a\": [1], \"b\": [2]}"},
	{"\"a\":[1]", "{\"$addToSet\":{\"a\":{\"$each\":[1,2,2]}}}",
		"{\"a\": [1, 2]}"},
	{"\"a\":1,\"b\":{\"c\":2}",
		"{\"$rename\":{\"a\":\"x.y\",\"b.c\":\"z\",\"q\":\"r\"}"
		"}",
		"{\"b\": {}, \"x\": {\"y\": 1}, \"z\": 2}"},
	{"\"a\":\"x\"", "{\"$inc\":{\"a\":1}}",
		"Cannot apply $inc to a value of non-numeric type. The field "
		"'a' has the type string"},
	{"\"a\":\"x\"", "{\"$push\":{\"a\":1}}",
		"The field 'a' must be an array for $push but is of type "
		"string"},
	{"\"a\":\"x\"", "{\"$set\":{\"a.b\":1}}",
		"Cannot create field 'b' in element 'a', which is of type "
		"string"},
	{"\"a\":{\"$date\":5}", "{\"$set\":{\"a.b\":1}}",
		"Cannot create field 'b' in element 'a', which is of type "
		"date"},
};

static void
updates_change_as_mongodb_does(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char before[256];

	(void)state;
	for (size_t i = 0; i < array_size(changes); i++) {
		const char *got;

		(void)snprintf(before, sizeof(before), "[{\"_id\":\"x\"%s%s}]",
			changes[i].before[0] ? "," : "", changes[i].before);
		got = after(&c, coll, before, changes[i].update);
		if (strcmp(got, changes[i].after) != 0)
			print_error("update %s\n", changes[i].update);
		assert_string_equal(got, changes[i].after);
	}
	end(&c);
}

static void
the_server_date_is_our_clock(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	clock_set(1700000000123LL * CLOCK_MS);
	assert_string_equal(
		after(&c, coll,
			"[{\"_id\":\"x\",\"a\":{\"$tcb_server_date\":"
			"{\"offset\":{\"$numberInt\":\"0\"}}}}]",
			"{\"$set\":{\"b\":{\"$date\":{\"offset\":-123}}}}"),
		"{\"a\": {\"$date\": 1700000000123}, "
		"\"b\": {\"$date\": 1700000000000}}");
	clock_set(-1);
	end(&c);
}

static void
values_survive_a_round_trip_in_their_stored_form(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"v\",\"a\":{\"$numberInt\":\"-3\"},"
		"\"b\":{\"$numberLong\":\"9223372036854775807\"},"
		"\"c\":{\"$numberDouble\":\"3.0\"},"
		"\"d\":{\"$numberDouble\":\"NaN\"},"
		"\"e\":{\"$numberDouble\":\"1e-7\"},"
		"\"f\":{\"$oid\":\"0123456789abcdef01234567\"},"
		"\"g\":{\"$regularExpression\":{\"pattern\":\"^a\\\\\","
		"\"options\":\"i\"}},"
		"\"h\":{\"$binary\":{\"base64\":\"AA==\",\"subType\":\"00\"}},"
		"\"i\":{\"$timestamp\":7},\"j\":\"\\u4e2d\\ud83d\\ude00\\n\","
		"\"k\":[],\"l\":{},\"m\":null,\"n\":-0.5,\"o\":false}]");
	c.projection = "{\"_id\": false}";
	ok(&c, DOC_FIND, coll, "{\"_id\":\"v\"}", NULL);
	assert_string_equal(c.text,
		"{\"a\": -3, \"b\": 9223372036854775807, \"c\": 3.0, "
		"\"d\": {\"$numberDouble\": \"NaN\"}, \"e\": 0.0000001, "
		"\"f\": {\"$oid\": \"0123456789abcdef01234567\"}, "
		"\"g\": {\"$regularExpression\": {\"options\": \"i\", "
		"\"pattern\": \"^a\\\\\"}}, "
		"\"h\": {\"$binary\": {\"base64\": \"AA==\", "
		"\"subType\": \"00\"}}, \"i\": {\"$timestamp\": 7}, "
		"\"j\": \"\xe4\xb8\xad\xf0\x9f\x98\x80\\n\", \"k\": [], "
		"\"l\": {}, \"m\": null, \"n\": -0.5, \"o\": false}");
	end(&c);
}

static void
lists_are_ordered_and_paged(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":2,\"s\":\"b\"},"
		"{\"_id\":\"b\",\"n\":10,\"s\":\"a\"},"
		"{\"_id\":\"c\",\"n\":2,\"s\":\"A\"},"
		"{\"_id\":\"d\",\"n\":\"z\"},{\"_id\":\"e\"},"
		"{\"_id\":\"f\",\"n\":{\"$date\":1}},"
		"{\"_id\":\"g\",\"n\":[1,50]},{\"_id\":\"h\",\"n\":true}]");
	c.order = "{\"n\": 1}";
	assert_string_equal(ids_of(&c, coll, NULL), "e g a c b d h f");
	c.order = "{\"n\": {\"$numberInt\": \"-1\"}}";
	assert_string_equal(ids_of(&c, coll, NULL), "f h d g b a c e");
	c.order = "[{\"field\":\"n\",\"direction\":\"asc\"},"
		  "{\"field\":\"s\",\"direction\":\"desc\"}]";
	assert_string_equal(
		ids_of(&c, coll,
			"{\"n\":{\"$gt\":0},\"s\":{\"$exists\":true}}"),
		"a c b");
	c.order = "{\"s\": 1, \"_id\": -1}";
	c.skip = 1;
	c.limit = 2;
	assert_string_equal(
		ids_of(&c, coll, "{\"s\":{\"$exists\":true}}"), "b a");
	end(&c);
}

static void
projections_pick_and_omit(void **state)
{
	static const struct {
		const char *projection, *list;
	} cases[] = {
		{"{\"a\":1,\"_id\":0}", "{\"a\": 1}"},
		{"{\"a\":1}", "{\"_id\":\"x\", \"a\": 1}"},
		{"{\"b.c\":true,\"_id\":0}", "{\"b\": {\"c\": 2}}"},
		{"{\"l.k\":{\"$numberInt\":\"1\"},\"_id\":0}",
			"{\"l\": [{\"k\": 1}, {}]}"},
		{"{\"a\":0,\"l\":0,\"b.c\":0,\"_id\":0}",
			"{\"b\": {\"d\": 3}}"},
		{"{\"_id\":1}", "{\"_id\":\"x\"}"},
		{"{\"nothing\":1,\"_id\":0}", "{}"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"a\":1,\"b\":{\"c\":2,\"d\":3},"
		"\"l\":[{\"k\":1,\"j\":2},{\"j\":3}]}]");
	for (size_t i = 0; i < array_size(cases); i++) {
		c.projection = cases[i].projection;
		ok(&c, DOC_FIND, coll, NULL, NULL);
		assert_string_equal(c.text, cases[i].list);
	}
	end(&c);
}

static void
what_has_no_meaning_is_refused_by_name(void **state)
{
	static const struct {
		enum doc_verb verb;
		const char *query, *data, *word;
	} cases[] = {
		{DOC_FIND, "{\"a\":{\"$near\":1}}", NULL, "$geometry"},
		{DOC_FIND, "{\"a\":{\"$regularExpression\":{}}}", NULL,
			"$regex"},
		{DOC_INSERT, NULL, "[{\"$x\":1}]", "$x"},
		{DOC_INSERT, NULL, "[{\"a\":{\"b\":1,\"$x\":1}}]", "$x"},
		{DOC_INSERT, NULL, "[{\"a\":{\"$numberInt\":\"3x\"}}]",
			"$numberInt"},
		{DOC_INSERT, NULL, "[{\"_id\":[5]}]", "_id"},
		{DOC_INSERT, NULL, "[]", "1 to"},
		{DOC_UPDATE, NULL, "{\"$bit\":{\"a\":1}}", "$bit"},
		{DOC_UPDATE, NULL, "{\"$set\":{\"a\":1},\"$inc\":{\"a.b\":1}}",
			"conflict"},
		{DOC_UPDATE, NULL, "{}", "empty"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		int r = run(
			&c, cases[i].verb, coll, cases[i].query, cases[i].data);

		if (r == 0 || !strstr(c.op.job.why.text, cases[i].word))
			print_error(
				"%s: %s\n", cases[i].word, c.op.job.why.text);
		assert_int_equal(r, ERR_DB_PARAM);
		assert_non_null(strstr(c.op.job.why.text, cases[i].word));
	}
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_match_as_mongodb_does),
		cmocka_unit_test(updates_change_as_mongodb_does),
		cmocka_unit_test(the_server_date_is_our_clock),
		cmocka_unit_test(
			values_survive_a_round_trip_in_their_stored_form),
		cmocka_unit_test(lists_are_ordered_and_paged),
		cmocka_unit_test(projections_pick_and_omit),
		cmocka_unit_test(what_has_no_meaning_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
