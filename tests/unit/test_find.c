/*
 * Lists of documents: projection, order, pages, total.  Projections are held
 * against MongoDB's manual (reference/operator/projection/…).
 */
#include "tests/unit/doc_call.h"

struct shown {
	const char *projection, *doc;
};

/* What each projection shows of the one document that `query` finds. */
static void
shows(struct call *c, const char *coll, const char *query,
	const struct shown *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r;

		c->projection = list[i].projection;
		r = run(c, DOC_FIND, coll, query, NULL);
		if (strcmp(r < 0 ? c->op.job.why.text : c->text, list[i].doc))
			print_error("%s\n", list[i].projection);
		assert_string_equal(
			r < 0 ? c->op.job.why.text : c->text, list[i].doc);
	}
	c->projection = NULL;
}

static void
fields_are_picked_and_left_out(void **state)
{
	static const struct shown all[] = {
		{"{\"a\":1,\"_id\":0}", "{\"a\": 1}"},
		{"{\"a\":true}", "{\"_id\":\"x\", \"a\": 1}"},
		{"{\"_id\":1}", "{\"_id\":\"x\"}"},
		{"{\"_id\":0,\"o\":0,\"l\":0}",
			"{\"a\": 1, \"d\": {\"$date\": 5}}"},
		{"{\"_id\":1,\"o\":0,\"l\":0}",
			"{\"_id\":\"x\", \"a\": 1, \"d\": {\"$date\": 5}}"},
		{"{\"o.p\":1,\"_id\":0}", "{\"o\": {\"p\": 2}}"},
		{"{\"o\":{\"p\":1},\"_id\":0}", "{\"o\": {\"p\": 2}}"},
		{"{\"o.p\":0,\"l\":0,\"_id\":0}",
			"{\"a\": 1, \"d\": {\"$date\": 5}, \"o\": {\"q\": 3}}"},
		{"{\"l.m\":1,\"_id\":0}",
			"{\"l\": [{\"m\": 1}, {\"m\": 2}, {}]}"},
		{"{\"l.m\":0,\"o\":0,\"a\":0,\"d\":0,\"_id\":0}",
			"{\"l\": [{\"n\": 1}, {}, {\"n\": 3}, 7]}"},
		{"{\"d.x\":1,\"_id\":0}", "{}"},
		{"{\"a.x\":1,\"_id\":0}", "{}"},
		{"{\"missing\":1,\"_id\":0}", "{}"},
		{"{}", "{\"_id\":\"x\", \"a\": 1, \"d\": {\"$date\": 5}, "
		       "\"l\": "
		       "[{\"m\": 1, \"n\": 1}, {\"m\": 2}, {\"n\": 3}, 7], "
		       "\"o\": {\"p\": 2, \"q\": 3}}"},
		{"{\"a\":{\"$numberInt\":\"1\"},\"_id\":{\"$numberInt\":"
		 "\"0\"}}",
			"{\"a\": 1}"},
		{"{\"a\":{}}", "a: a projection cannot be an empty object"},
		{"{\"a..b\":1}", "a field's path has an empty step"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"a\":1,\"d\":{\"$date\":5},\"l\":[{\"m\":1,"
		"\"n\":1},{\"m\":2},{\"n\":3},7],\"o\":{\"p\":2,\"q\":3}}]");
	shows(&c, coll, "{}", all, array_size(all));
	end(&c);
}

static void
lists_are_sliced_and_searched(void **state)
{
	static const struct shown all[] = {
		{"{\"l\":{\"$slice\":2},\"_id\":0}",
			"{\"l\": [1, 2], \"o\": {\"l\": [5, 6]}, \"s\": "
			"[{\"k\": 1, \"v\": 1}, {\"k\": 2, \"v\": 2}, "
			"{\"k\": 2, \"v\": 3}]}"},
		{"{\"l\":{\"$slice\":-2},\"o\":0,\"s\":0,\"_id\":0}",
			"{\"l\": [3, 4]}"},
		{"{\"l\":{\"$slice\":[1,2]},\"o\":0,\"s\":0,\"_id\":0}",
			"{\"l\": [2, 3]}"},
		{"{\"l\":{\"$slice\":[-3,2]},\"o\":0,\"s\":0,\"_id\":0}",
			"{\"l\": [2, 3]}"},
		{"{\"l\":{\"$slice\":[-9,2]},\"o\":0,\"s\":0,\"_id\":0}",
			"{\"l\": [1, 2]}"},
		{"{\"l\":{\"$slice\":1},\"missing\":1,\"_id\":0}",
			"{\"l\": [1]}"},
		{"{\"o.l\":{\"$slice\":1},\"l\":0,\"s\":0,\"_id\":0}",
			"{\"o\": {\"l\": [5]}}"},
		{"{\"s\":{\"$elemMatch\":{\"k\":2}},\"_id\":0}",
			"{\"s\": [{\"k\": 2, \"v\": 2}]}"},
		{"{\"s\":{\"$elemMatch\":{\"k\":2,\"v\":{\"$gt\":2}}},"
		 "\"_id\":0}",
			"{\"s\": [{\"k\": 2, \"v\": 3}]}"},
		{"{\"l\":{\"$elemMatch\":{\"$gte\":3}},\"_id\":0}",
			"{\"l\": [3]}"},
		{"{\"s\":{\"$elemMatch\":{\"k\":9}}}", "{\"_id\":\"x\"}"},
		{"{\"s.$\":1,\"_id\":0}", "{\"s\": [{\"k\": 2, \"v\": 2}]}"},
		{"{\"l\":{\"$slice\":[1]}}",
			"$slice takes a number of elements, "
			"or [skip, number]"},
		{"{\"l\":{\"$slice\":[1,0]}}",
			"$slice takes a number of elements, or [skip, number]"},
		{"{\"o.l\":{\"$elemMatch\":{\"$gt\":1}}}",
			"$elemMatch in a projection takes a field of the "
			"document itself, not o.l"},
		{"{\"l.$\":1}",
			"l.$ in a projection shows what the query found "
			"there: the query must have a condition on that "
			"list"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"l\":[1,2,3,4],\"o\":{\"l\":[5,6]},\"s\":["
		"{\"k\":1,\"v\":1},{\"k\":2,\"v\":2},{\"k\":2,\"v\":3}]}]");
	shows(&c, coll, "{\"s.k\":2}", all, array_size(all));
	end(&c);
}

/* MongoDB 4.4: a projection may compute. */
static void
fields_are_computed(void **state)
{
	static const struct shown all[] = {
		{"{\"t\":{\"$add\":[\"$a\",\"$b\"]},\"_id\":0}", "{\"t\": 3}"},
		{"{\"a\":1,\"t\":\"$b\",\"_id\":0}", "{\"a\": 1, \"t\": 2}"},
		{"{\"a\":1,\"o.t\":\"$b\",\"_id\":0}",
			"{\"a\": 1, \"o\": {\"t\": 2}}"},
		{"{\"t\":\"$missing\",\"_id\":0}", "{}"},
		{"{\"t\":\"text\",\"_id\":0}", "{\"t\": \"text\"}"},
		{"{\"t\":\"$_id\",\"_id\":0}", "{\"t\": \"x\"}"},
		{"{\"_id\":\"$a\"}", "_id in a projection is 1 or 0"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"x\",\"a\":1,\"b\":2}]");
	shows(&c, coll, "{}", all, array_size(all));
	end(&c);
}

/* What a user may not read no projection shows him. */
static void
the_owner_is_not_shown(void **state)
{
	static const char *const all[] = {"{}", "{\"_openid\":1}",
		"{\"x\":\"$_openid\"}", "{\"x\":\"$$ROOT\"}", "{\"a\":1}",
		"{\"a\":0}", "{\"_openid\":{\"$slice\":1}}",
		"{\"x\":{\"$objectToArray\":\"$$ROOT\"}}"};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	c.user = "secret";
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"x\",\"a\":1}]");
	c.user = "other";
	for (size_t i = 0; i < array_size(all); i++) {
		int r;

		c.projection = all[i];
		r = run(&c, DOC_FIND, coll, NULL, NULL);
		assert_true(r == 0 || r == ERR_DB_DENIED);
		assert_null(strstr(c.text, "secret"));
		assert_true(r < 0 || c.op.count == 1);
	}
	c.user = NULL;
	c.projection = NULL;
	end(&c);
}

/* An _id that is no text keeps its type in the answer. */
static void
typed_ids_come_back_as_they_are(void **state)
{
	static const struct shown all[] = {
		{"{\"a\":1}", "{\"_id\": 7, \"a\": 1}"},
		{"{\"_id\":0,\"a\":1}", "{\"a\": 1}"},
		{"{\"b\":0}", "{\"a\": 1, \"_id\": 7}"},
		{"{\"_id\":0}", "{\"a\": 1, \"b\": 2}"},
		{"{\"t\":\"$_id\",\"_id\":0}", "{\"t\": 7}"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":7,\"a\":1,\"b\":2}]");
	assert_string_equal(c.op.ids[0], "7");
	for (size_t i = 0; i < array_size(all); i++) {
		_json_ json_t *want = json_loads(all[i].doc, 0, NULL);
		_json_ json_t *got = NULL;

		c.projection = all[i].projection;
		ok(&c, DOC_FIND, coll, "{\"_id\":7.0}", NULL);
		got = json_loads(c.text, 0, NULL);
		assert_true(json_equal(got, want));
	}
	c.projection = NULL;
	end(&c);
}

static const char *
ordered(struct call *c, const char *coll, const char *order)
{
	const char *ids;

	c->order = order;
	ids = ids_of(c, coll, NULL);
	c->order = NULL;
	return ids;
}

static void
lists_come_in_the_order_asked_for(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":5,\"s\":\"x\"},"
		"{\"_id\":\"b\",\"n\":[1,9],\"s\":\"x\"},"
		"{\"_id\":\"c\",\"n\":\"text\",\"s\":\"y\"},"
		"{\"_id\":\"d\",\"s\":\"y\"},"
		"{\"_id\":\"e\",\"n\":10,\"s\":\"x\"}]");
	assert_string_equal(ordered(&c, coll, NULL), "a b c d e");
	assert_string_equal(ordered(&c, coll, "{\"n\":1}"), "d b a e c");
	assert_string_equal(ordered(&c, coll, "{\"n\":-1}"), "c e b a d");
	assert_string_equal(
		ordered(&c, coll, "{\"s\":-1,\"n\":1}"), "d c b a e");
	assert_string_equal(ordered(&c, coll,
				    "[{\"field\":\"s\",\"direction\":\"desc\"},"
				    "{\"field\":\"_id\",\"direction\":"
				    "\"desc\"}]"),
		"d c e b a");
	assert_string_equal(ordered(&c, coll, "{\"_id\":-1}"), "e d c b a");
	assert_string_equal(
		ordered(&c, coll, "{\"n\":{\"$numberInt\":\"-1\"}}"),
		"c e b a d");
	c.order = "{\"n\":2}";
	assert_int_equal(run(&c, DOC_FIND, coll, NULL, NULL), ERR_DB_PARAM);
	c.order = "[{\"direction\":\"asc\"}]";
	assert_int_equal(run(&c, DOC_FIND, coll, NULL, NULL), ERR_DB_PARAM);
	c.order = "{\"$n\":1}";
	assert_int_equal(run(&c, DOC_FIND, coll, NULL, NULL), ERR_DB_PARAM);
	end(&c);
}

/* The total is that of the condition, also on a page behind the end. */
static void
a_page_knows_the_total(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":1},{\"_id\":\"b\",\"n\":1},"
		"{\"_id\":\"c\",\"n\":1},{\"_id\":\"d\",\"n\":2}]");
	c.total = true;
	c.limit = 2;
	assert_string_equal(ids_of(&c, coll, "{\"n\":1}"), "a b");
	assert_int_equal(c.op.total, 3);
	c.skip = 2;
	assert_string_equal(ids_of(&c, coll, "{\"n\":1}"), "c");
	assert_int_equal(c.op.total, 3);
	c.skip = 20;
	assert_string_equal(ids_of(&c, coll, "{\"n\":1}"), "");
	assert_int_equal(c.op.total, 3);
	assert_string_equal(ids_of(&c, coll, "{\"n\":7}"), "");
	assert_int_equal(c.op.total, 0);
	end(&c);
}

/* As CloudBase does it: 100 when nothing is said, and no more than the
 * operator allows. */
static void
a_list_has_a_preset_and_a_ceiling(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char *list = mem_alloc(1300 * 16);
	size_t at = (size_t)sprintf(list, "[{\"n\":0}");

	(void)state;
	for (int i = 1; i < 1000; i++)
		at += (size_t)sprintf(list + at, ",{\"n\":%d}", i);
	(void)sprintf(list + at, "]");
	ok(&c, DOC_INSERT, coll, NULL, list);
	ok(&c, DOC_INSERT, coll, NULL, list);
	free(list);
	c.projection = "{\"_id\":0,\"x\":1}"; /* as short as can be */
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_int_equal(c.op.count, 100);
	c.limit = 5000;
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_int_equal(c.op.count, 1000);
	ok(&c, DOC_COUNT, coll, NULL, NULL);
	assert_int_equal(c.op.total, 2000);
	end(&c);
}

/* An expression's error would tell that there is a document. */
static void
an_error_tells_nothing_of_what_is_hidden(void **state)
{
	static const char *const traps[] = {
		"{\"$expr\":{\"$divide\":[1,\"$zero\"]}}",
		"{\"secret\":\"s\",\"$expr\":{\"$divide\":[1,\"$zero\"]}}",
		"{\"$or\":[{\"x\":1},{\"$expr\":{\"$divide\":[1,\"$zero\"]}}]}",
		"{\"$expr\":{\"$toInt\":\"$secret\"}}",
		"{\"$nor\":[{\"$expr\":{\"$divide\":[1,\"$zero\"]}}]}",
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "PRIVATE");
	c.user = "owner";
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"secret\":\"s\",\"zero\":0}]");
	assert_int_equal(run(&c, DOC_FIND, coll, traps[0], NULL), ERR_DB_PARAM);
	c.user = "other";
	for (size_t i = 0; i < array_size(traps); i++) {
		ok(&c, DOC_FIND, coll, traps[i], NULL);
		assert_int_equal(c.op.count, 0);
		ok(&c, DOC_COUNT, coll, traps[i], NULL);
		assert_int_equal(c.op.total, 0);
		c.multi = true;
		ok(&c, DOC_REMOVE, coll, traps[i], NULL);
		ok(&c, DOC_UPDATE, coll, traps[i], "{\"$set\":{\"a\":1}}");
		c.multi = false;
	}
	c.user = NULL;
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_picked_and_left_out),
		cmocka_unit_test(lists_are_sliced_and_searched),
		cmocka_unit_test(fields_are_computed),
		cmocka_unit_test(the_owner_is_not_shown),
		cmocka_unit_test(typed_ids_come_back_as_they_are),
		cmocka_unit_test(lists_come_in_the_order_asked_for),
		cmocka_unit_test(a_page_knows_the_total),
		cmocka_unit_test(a_list_has_a_preset_and_a_ceiling),
		cmocka_unit_test(an_error_tells_nothing_of_what_is_hidden),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
