/*
 * Documents on a real server: made, found, changed, removed.
 */
#include "tests/unit/doc_call.h"

static void
what_is_inserted_is_found_by_its_id(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char query[80];

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"a\": 1, \"b\": \"é\"}]");
	assert_int_equal(c.op.count, 1);
	assert_int_equal(strlen(c.op.ids[0]), 32 + strlen("\"\""));
	(void)snprintf(query, sizeof(query), "{\"_id\": %s}", c.op.ids[0]);
	ok(&c, DOC_FIND, coll, query, NULL);
	assert_int_equal(c.op.count, 1);
	assert_non_null(strstr(c.text, ", \"a\": 1, \"b\": \"é\"}"));
	end(&c);
}

static void
ids_made_by_us_keep_the_order_of_insertion(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4}]");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":5}]");
	c.projection = "{\"n\": 1, \"_id\": 0}";
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(c.text,
		"{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n{\"n\": 4}\n{\"n\": 5}");
	end(&c);
}

/* Whatever the planner may be told, only a usable index is used. */
static void
an_id_goes_through_the_primary_key(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char sql[300];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
		"SET enable_seqscan = off; SET enable_bitmapscan = off;"
		"EXPLAIN (COSTS off) SELECT _id, doc FROM env_test.%s"
		" WHERE (_id = text 'a')",
		coll);
	assert_non_null(strstr(testpg_query(server, sql), "Index Scan using"));
	end(&c);
}

static void
the_second_of_one_id_exists_already(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\": \"x\"}]");
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL, "[{\"_id\": \"x\"}]"),
		ERR_DB_EXISTS);
	/* one statement: all or nothing */
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL,
				 "[{\"_id\": \"y\"}, {\"_id\": \"x\"}]"),
		ERR_DB_EXISTS);
	ok(&c, DOC_COUNT, coll, NULL, NULL);
	assert_int_equal(c.op.total, 1);
	end(&c);
}

static void
a_collection_that_is_missing_is_named_as_cloudbase_does(void **state)
{
	struct call c = {0};

	(void)state;
	assert_int_equal(
		run(&c, DOC_FIND, "no such", NULL, NULL), ERR_DB_NO_COLLECTION);
	assert_string_equal(c.op.job.why.text,
		"[ResourceNotFound] Db or Table not exist: no such.");
	assert_int_equal(run(&c, DOC_INSERT, "no such", NULL, "[{}]"),
		ERR_DB_NO_COLLECTION);
	end(&c);
}

static void
a_collection_made_twice_says_table_exist(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	assert_int_equal(
		run(&c, DOC_ADD_COLLECTION, coll, NULL, NULL), ERR_DB_EXISTS);
	assert_non_null(strstr(c.op.job.why.text, "Table exist"));
	end(&c);
}

static void
one_is_one_and_multi_is_all(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1},{\"n\":1},{\"n\":1},{}]");
	ok(&c, DOC_UPDATE, coll, "{\"n\":1}", "{\"$set\":{\"n\":2}}");
	assert_int_equal(c.op.total, 1);
	c.multi = true;
	ok(&c, DOC_UPDATE, coll, "{\"n\":1}", "{\"$inc\":{\"n\":1}}");
	assert_int_equal(c.op.total, 2);
	ok(&c, DOC_COUNT, coll, "{\"n\":2}", NULL);
	assert_int_equal(c.op.total, 3);
	c.multi = false;
	ok(&c, DOC_REMOVE, coll, "{\"n\":2}", NULL);
	assert_int_equal(c.op.total, 1);
	c.multi = true;
	ok(&c, DOC_REMOVE, coll, NULL, NULL);
	assert_int_equal(c.op.total, 3);
	end(&c);
}

static void
set_makes_a_document_or_replaces_it(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	static const char strange[] = "{\"_id\": \"q\\\"\\\\ é\"}";

	(void)state;
	c.replace = c.upsert = true;
	for (int i = 0; i < 2; i++) {
		const char *id = i ? strange : "{\"_id\":\"d9\"}";

		ok(&c, DOC_UPDATE, coll, id, "{\"a\":1,\"b\":2}");
		assert_non_null(c.op.upserted_id);
		assert_int_equal(c.op.total, 0);
		ok(&c, DOC_UPDATE, coll, id, "{\"c\":3}");
		assert_null(c.op.upserted_id);
		assert_int_equal(c.op.total, 1);
		c.projection = "{\"_id\":0}";
		ok(&c, DOC_FIND, coll, id, NULL);
		assert_string_equal(c.text, "{\"c\": 3}");
		c.projection = NULL;
	}
	end(&c);
}

static void
an_upsert_by_condition_starts_from_the_condition(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	c.upsert = true;
	for (int i = 0; i < 3; i++) {
		ok(&c, DOC_UPDATE, coll, "{\"k\":\"v\",\"n\":{\"$lt\":9}}",
			"{\"$inc\":{\"n\":1}}");
		assert_int_equal(c.op.upserted_id != NULL, i == 0);
		assert_int_equal(c.op.total, i != 0);
	}
	c.projection = "{\"_id\":0}";
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(c.text, "{\"k\": \"v\", \"n\": 3}");
	end(&c);
}

static void
concurrent_increments_are_never_lost(void **state)
{
	enum { CLIENTS = 3, EACH = 200 };
	struct call *c = mem_array(CLIENTS * EACH, struct call);
	struct call one;
	const char *coll = fresh(&one);

	(void)state;
	ok(&one, DOC_INSERT, coll, NULL, "[{\"_id\":\"n\",\"n\":0,\"k\":1}]");
	for (int i = 0; i < CLIENTS * EACH; i++)
		start(&c[i], DOC_UPDATE, coll,
			i % 2 ? "{\"_id\":\"n\"}" : "{\"k\":1}",
			"{\"$inc\":{\"n\":1}}");
	for (int i = 0; i < CLIENTS * EACH; i++) {
		assert_int_equal(finish(&c[i]), 0);
		assert_int_equal(c[i].op.total, 1);
		end(&c[i]);
	}
	one.projection = "{\"n\":1,\"_id\":0}";
	ok(&one, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(one.text, "{\"n\": 600}");
	free(c);
	end(&one);
}

/* Each takes one job out of a list: nobody gets another's. */
static void
concurrent_changes_of_one_take_different_documents(void **state)
{
	enum { JOBS = 60 };
	struct call *c = mem_array(JOBS, struct call);
	struct call one;
	const char *coll = fresh(&one);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		ok(&one, DOC_INSERT, coll, NULL, "[{\"free\":true,\"n\":0}]");
	for (int i = 0; i < JOBS; i++)
		start(&c[i], DOC_UPDATE, coll, "{\"free\":true}",
			"{\"$set\":{\"free\":false},\"$inc\":{\"n\":1}}");
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(finish(&c[i]), 0);
		assert_int_equal(c[i].op.total, 1);
		end(&c[i]);
	}
	ok(&one, DOC_COUNT, coll, "{\"n\":1}", NULL);
	assert_int_equal(one.op.total, JOBS);
	free(c);
	end(&one);
}

static void
a_cancelled_call_is_not_answered(void **state)
{
	struct call c, d;
	const char *coll = fresh(&c);

	(void)state;
	end(&c);
	start(&c, DOC_FIND, coll, NULL, NULL);
	job_cancel(&c.op.job);
	d = (struct call){0};
	ok(&d, DOC_FIND, coll, NULL, NULL);
	assert_int_equal(c.done, 0);
	arena_done(&c.arena);
	end(&d);
}

static void
an_answer_past_the_arenas_ceiling_is_refused(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char *big = mem_alloc(70000);

	(void)state;
	memset(big, 'y', 60000);
	memcpy(big, "[{\"t\":\"", 7);
	memcpy(big + 60000, "\"}]", 4);
	ok(&c, DOC_INSERT, coll, NULL, big);
	end(&c);
	start(&c, DOC_FIND, coll, NULL, NULL);
	c.arena.ceiling = 20000;
	assert_int_equal(finish(&c), ERR_ANSWER_BIG);
	free(big);
	end(&c);
}

static void
a_document_grows_to_its_ceiling_and_no_further(void **state)
{
	enum { PIECE = 5 << 20, TIMES = 4 }; /* of 16 MiB */
	struct call c;
	const char *coll = fresh(&c);
	char *push = mem_alloc(PIECE + 64);
	int r[TIMES];

	(void)state;
	memset(push, 'y', PIECE);
	memcpy(push, "{\"$push\":{\"a\":\"", 15);
	memcpy(push + PIECE, "\"}}", 4);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"x\",\"a\":[]}]");
	for (int i = 0; i < TIMES; i++)
		r[i] = run(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}", push);
	assert_int_equal(r[2], 0);
	assert_int_equal(r[3], ERR_TOO_BIG);
	free(push);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inserted_is_found_by_its_id),
		cmocka_unit_test(ids_made_by_us_keep_the_order_of_insertion),
		cmocka_unit_test(an_id_goes_through_the_primary_key),
		cmocka_unit_test(the_second_of_one_id_exists_already),
		cmocka_unit_test(
			a_collection_that_is_missing_is_named_as_cloudbase_does),
		cmocka_unit_test(a_collection_made_twice_says_table_exist),
		cmocka_unit_test(one_is_one_and_multi_is_all),
		cmocka_unit_test(set_makes_a_document_or_replaces_it),
		cmocka_unit_test(
			an_upsert_by_condition_starts_from_the_condition),
		cmocka_unit_test(concurrent_increments_are_never_lost),
		cmocka_unit_test(
			concurrent_changes_of_one_take_different_documents),
		cmocka_unit_test(a_cancelled_call_is_not_answered),
		cmocka_unit_test(an_answer_past_the_arenas_ceiling_is_refused),
		cmocka_unit_test(
			a_document_grows_to_its_ceiling_and_no_further),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
