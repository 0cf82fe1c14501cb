/*
 * What followers of queries hear: words, ids, ceilings, resuming.
 */
#include "tests/unit/watch_call.h"

static void
a_follower_hears_what_becomes_of_documents(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":1},{\"_id\":\"b\",\"n\":2}]");
	follow(&f, coll, "{\"n\":{\"$lt\":5}}", NULL, -1, NULL);
	known(&f);
	assert_int_equal(json_object_size(f.docs), 2);
	assert_true(f.seq >= 1ull << 40 && f.seq < 1ull << 50);

	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"c\",\"n\":3}]");
	until(f.changes == 1);
	assert_string_equal(f.last, "add/enqueue");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"c\"}",
		"{\"$set\":{\"n\":4,\"o\":{\"k\":1}},\"$unset\":{\"x\":1}}");
	until(f.changes == 2);
	assert_string_equal(f.last, "update/update");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"c\"}", "{\"$set\":{\"n\":9}}");
	until(f.changes == 3);
	assert_string_equal(f.last, "update/dequeue");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"c\"}",
		"{\"$set\":{\"n\":0,\"o.k\":2}}");
	until(f.changes == 4);
	assert_string_equal(f.last, "update/enqueue");
	ok(&c, DOC_REMOVE, coll, "{\"_id\":\"c\"}", NULL);
	until(f.changes == 5);
	assert_string_equal(f.last, "remove/dequeue");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"a\"}", "{\"$set\":{\"x.y\":1}}");
	until(f.changes == 6);
	settled(&f);
	assert_int_equal(f.results, 1);
	unfollow(&f);
	end(&c);
}

/* What does not change what is seen is no event. */
static void
changes_elsewhere_are_no_events(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	follow(&f, coll, "{\"room\":\"r1\"}", NULL, -1, NULL);
	known(&f);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"room\":\"r2\"}]");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"a\"}", "{\"$set\":{\"n\":1}}");
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"b\",\"room\":[\"r1\",\"r2\"]}]");
	until(f.changes == 1);
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"b\"}",
		"{\"$set\":{\"room\":[\"r1\",\"r2\"]}}");
	ok(&c, DOC_REMOVE, coll, "{\"_id\":\"a\"}", NULL);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"c\",\"room\":\"r1\"}]");
	until(f.changes == 2);
	assert_int_equal(json_object_size(f.docs), 2);
	unfollow(&f);
	end(&c);
}

/* Ids, escapes and types that are not plain texts. */
static void
ids_and_values_of_all_types_are_followed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":7,\"v\":1},{\"_id\":\"q\\\"\\\\\\u0007中\","
		"\"v\":{\"$date\":5}},"
		"{\"_id\":{\"$oid\":\"5f0000000000000000000001\"},\"v\":"
		"12345678901234567},{\"_id\":\"e\",\"\":{\"a.b\":[]}}]");
	until(f.changes == 1);
	settled(&f);
	ok(&c, DOC_UPDATE, coll, "{\"_id\":7}",
		"{\"$set\":{\"v\":{\"$date\":6}}}");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"q\\\"\\\\\\u0007中\"}",
		"{\"$set\":{\"v\":{\"$date\":6}}}");
	ok(&c, DOC_UPDATE, coll,
		"{\"_id\":{\"$oid\":\"5f0000000000000000000001\"}}",
		"{\"$inc\":{\"v\":1}}");
	until(f.changes == 4);
	settled(&f);
	ok(&c, DOC_REMOVE, coll, "{\"_id\":7}", NULL);
	until(f.changes == 5);
	assert_string_equal(f.last, "remove/dequeue");
	settled(&f);
	unfollow(&f);
	end(&c);
}

static void
a_limited_list_is_kept_full(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower top, first;

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":1},{\"_id\":\"b\",\"n\":2},"
		"{\"_id\":\"c\",\"n\":3}]");
	follow(&top, coll, "{}", "[{\"field\":\"n\",\"direction\":\"desc\"}]",
		2, NULL);
	follow(&first, coll, "{}", NULL, 2, NULL);
	known(&top);
	known(&first);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"d\",\"n\":4}]");
	until(top.changes == 1);
	settled(&top);
	ok(&c, DOC_REMOVE, coll, "{\"_id\":\"d\"}", NULL);
	until(top.changes == 2);
	settled(&top);
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"a\"}", "{\"$set\":{\"n\":9}}");
	until(top.changes == 3);
	settled(&top);
	until(first.changes == 1);
	settled(&first);
	ok(&c, DOC_REMOVE, coll, "{\"_id\":\"a\"}", NULL);
	until(first.changes == 2);
	settled(&top);
	settled(&first);
	unfollow(&top);
	unfollow(&first);
	end(&c);
}

/* One result for all who see the same. */
static void
the_same_query_is_evaluated_once(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f[6];
	struct watches_count before = watches_count(watches), after;

	(void)state;
	permit(coll, "READONLY");
	for (size_t i = 0; i < 3; i++) /* of different callers */
		follow(&f[i], coll, "{\"n\": 1}", NULL, -1,
			i == 0   ? "o1"
			: i == 1 ? "o2"
				 : "");
	follow(&f[3], coll, "{\"n\":1}", NULL, -1, "o3");
	follow(&f[4], coll, "{\"_openid\":\"{openid}\"}", NULL, -1, "o1");
	follow(&f[5], coll, "{\"_openid\":\"{openid}\"}", NULL, -1, "o2");
	for (size_t i = 0; i < 6; i++)
		known(&f[i]);
	after = watches_count(watches);
	assert_int_equal(after.queries - before.queries, 3);
	assert_int_equal(after.subs - before.subs, 6);
	assert_int_equal(as(&c, "o1", DOC_INSERT, coll, NULL,
				 "[{\"_id\":\"a\",\"n\":1}]"),
		0);
	for (size_t i = 0; i < 5; i++) {
		until(f[i].changes == 1);
		settled(&f[i]);
	}
	assert_int_equal(f[5].changes, 0);
	/* documents leave as clients read them */
	assert_null(json_object_get(
		json_object_get(f[0].docs, "\"a\""), "_openid"));
	/* of a text that is demanded alone the database is not asked */
	assert_int_equal(
		watches_count(watches).evaluations - after.evaluations, 1);
	for (size_t i = 0; i < 6; i++)
		unfollow(&f[i]);
	end(&c);
}

static void
who_comes_back_hears_what_was_missed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	uint64_t before;
	char doc[60];

	(void)state;
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	door.stop(&f.sub);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(doc, sizeof(doc), "[{\"_id\":\"d%d\"}]", i);
		ok(&c, DOC_INSERT, coll, NULL, doc);
	}
	door.resume(&f.sub, &f.query, f.epoch, f.seq);
	until(f.resumed == 1);
	until(f.changes == 5);
	assert_int_equal(f.results, 1);
	settled(&f);
	/* another life */
	door.stop(&f.sub);
	door.resume(&f.sub, &f.query, f.epoch + 1, f.seq);
	until(f.results == 2);
	/* from too long ago: the result, and the life has a new name */
	door.stop(&f.sub);
	before = watches_count(watches).changes;
	for (int i = 0; i < 1100; i++) {
		(void)snprintf(doc, sizeof(doc), "{\"$set\":{\"n\":%d}}", i);
		ok(&c, DOC_UPDATE, coll, "{\"_id\":\"d1\"}", doc);
	}
	until(watches_count(watches).changes - before == 1100);
	{
		uint64_t epoch = f.epoch;

		door.resume(&f.sub, &f.query, f.epoch, f.seq);
		until(f.results == 3);
		assert_true(f.epoch != epoch);
		settled(&f);
	}
	unfollow(&f);
	end(&c);
}

/* Two machines.  His number went on where he was meanwhile, and names other
 * changes than the first engine's, which may have as many by then. */
static void
who_was_elsewhere_is_told_the_result(void **state)
{
	struct watches *first = watches, *second;
	struct call c;
	const char *coll = fresh(&c);
	struct follower stays, f;
	uint64_t epoch, seq;

	(void)state;
	follow(&stays, coll, "{\"n\":{\"$gt\":0}}", NULL, -1, NULL);
	follow(&f, coll, "{\"n\":{\"$gt\":0}}", NULL, -1, NULL);
	known(&stays);
	known(&f);
	epoch = f.epoch;
	seq = f.seq;
	door.stop(&f.sub);
	start_watches((struct watches_conf){0});
	second = watches;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"n\":1}]");
	door.resume(&f.sub, &f.query, epoch, seq);
	until(f.results == 2);
	assert_int_equal(json_object_size(f.docs), 1);
	door.stop(&f.sub);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"b\",\"n\":1}]");
	until(stays.changes == 2);
	until(watches_count(second).changes == 1);
	watches = first;
	/* one event later, as he counts: the first engine's was "a" */
	door.resume(&f.sub, &f.query, epoch, seq + 1);
	until(f.results == 3);
	assert_int_equal(f.changes, 0);
	settled(&f);
	assert_int_equal(json_object_size(f.docs), 2);
	unfollow(&f);
	unfollow(&stays);
	(void)watches_free(second);
	end(&c);
}

static void
ceilings_are_told(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f, g;

	(void)state;
	for (int at = 0; at < 5000; at += 500) {
		static char docs_text[500 * 40];
		size_t len = 0;

		for (int i = at; i < at + 500; i++)
			len += (size_t)snprintf(docs_text + len,
				sizeof(docs_text) - len, "%s{\"_id\":\"%05d\"}",
				i == at ? "[" : ",", i);
		(void)snprintf(docs_text + len, sizeof(docs_text) - len, "]");
		ok(&c, DOC_INSERT, coll, NULL, docs_text);
	}
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	assert_int_equal(json_object_size(f.docs), 5000);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"one more\"}]");
	until(f.ended);
	assert_int_equal(f.err, ERR_WATCH_BIG);
	follow(&g, coll, "{}", NULL, -1, NULL);
	until(g.ended);
	assert_int_equal(g.err, ERR_WATCH_BIG);
	json_decref(f.docs);
	json_decref(g.docs);
	/* a limit of one's own is fine */
	follow(&f, coll, "{}", NULL, 10, NULL);
	known(&f);
	assert_int_equal(json_object_size(f.docs), 10);
	unfollow(&f);
	end(&c);
}

/* What is only kept for who may come back is no reason to refuse who comes. */
static void
those_that_nobody_follows_give_way(void **state)
{
	struct watches *mine = watches;
	struct call c;
	const char *coll = fresh(&c);
	struct follower f[3], g;
	char query[40];

	(void)state;
	start_watches((struct watches_conf){.queries_top = 3});
	for (int i = 0; i < 12; i++) {
		(void)snprintf(query, sizeof(query), "{\"n\":%d}", i);
		follow(&g, coll, query, NULL, -1, NULL);
		known(&g);
		unfollow(&g);
	}
	for (int i = 0; i < 3; i++) {
		(void)snprintf(query, sizeof(query), "{\"m\":%d}", i);
		follow(&f[i], coll, query, NULL, -1, NULL);
		known(&f[i]);
	}
	assert_int_equal(watches_count(watches).queries, 3);
	follow(&g, coll, "{\"n\":0}", NULL, -1, NULL);
	until(g.ended);
	assert_int_equal(g.err, ERR_BUSY);
	json_decref(g.docs);
	for (int i = 0; i < 3; i++)
		unfollow(&f[i]);
	watches = watches_free(watches);
	watches = mine;
	end(&c);
}

static void
a_truncated_table_is_empty(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	char sql[100];

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\"},{\"_id\":\"b\"}]");
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	(void)snprintf(sql, sizeof(sql), "TRUNCATE env_test.\"%s\"", coll);
	(void)testpg_query(server, sql);
	until(json_object_size(f.docs) == 0);
	assert_int_equal(f.changes, 1);
	unfollow(&f);
	end(&c);
}

static void
a_dropped_collection_ends(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	char sql[200];

	(void)state;
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	(void)snprintf(sql, sizeof(sql),
		"SELECT mpcloud.collection_drop('test', '%s', 'env_test', "
		"'%s')",
		coll, coll);
	(void)testpg_query(server, sql);
	until(f.ended);
	assert_int_equal(f.err, ERR_DB_NO_COLLECTION);
	json_decref(f.docs);
	end(&c);
}

/* One transaction is one change, of what it left. */
static void
a_transaction_is_one_change(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	char sql[600];

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"n\":1}]");
	follow(&f, coll, "{\"n\":{\"$gt\":0}}", NULL, -1, NULL);
	known(&f);
	(void)snprintf(sql, sizeof(sql),
		"BEGIN; INSERT INTO env_test.\"%s\" VALUES ('b', '{\"n\": "
		"1}'); "
		"UPDATE env_test.\"%s\" SET doc = '{\"n\": 2}'; "
		"DELETE FROM env_test.\"%s\" WHERE _id = 'a'; "
		"INSERT INTO env_test.\"%s\" VALUES ('c', '{\"n\": -1}'); "
		"UPDATE env_test.\"%s\" SET _id = 'bb' WHERE _id = 'b'; COMMIT",
		coll, coll, coll, coll, coll);
	(void)testpg_query(server, sql);
	until(f.changes == 1);
	settled(&f);
	assert_int_equal(json_object_size(f.docs), 1);
	unfollow(&f);
	end(&c);
}

/* A commit is in the log, and told, before it can be seen: with a synchronous
 * standby that is away, as long as one likes.  Who asks for his result just
 * then has to wait for it. */
static void
what_is_told_before_it_can_be_seen_is_not_missed(void **state)
{
	struct call c, slow = {0};
	const char *coll = fresh(&c);
	struct follower first, second;

	(void)state;
	follow(&first, coll, "{}", NULL, -1, NULL);
	known(&first);
	(void)testpg_query(server,
		"ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	until(strcmp(testpg_query(server, "SHOW synchronous_standby_names"),
		      "nobody") == 0);
	start(&slow, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"n\":1}]");
	until(first.changes == 1);
	assert_false(slow.done);
	follow(&second, coll, "{\"n\":1}", NULL, -1, NULL);
	for (int i = 0; i < 30; i++)
		turn();
	assert_false(second.is_known);
	(void)testpg_query(
		server, "ALTER SYSTEM RESET synchronous_standby_names");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	known(&second);
	assert_int_equal(json_object_size(second.docs), 1);
	assert_int_equal(finish(&slow), 0);
	end(&slow);
	unfollow(&first);
	unfollow(&second);
	end(&c);
}

static void
what_is_made_and_removed_at_once_is_gone(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	char sql[400];

	(void)state;
	follow(&f, coll, "{\"n\":{\"$gt\":0}}", NULL, -1, NULL);
	known(&f);
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.\"%s\" VALUES ('a', '{\"n\": 1}'); "
		"COMMIT; DELETE FROM env_test.\"%s\"; COMMIT; "
		"INSERT INTO env_test.\"%s\" VALUES ('b', '{\"n\": 1}')",
		coll, coll, coll);
	(void)testpg_query(server, sql);
	until(f.changes == 3);
	settled(&f);
	assert_int_equal(json_object_size(f.docs), 1);
	unfollow(&f);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_follower_hears_what_becomes_of_documents),
		cmocka_unit_test(changes_elsewhere_are_no_events),
		cmocka_unit_test(ids_and_values_of_all_types_are_followed),
		cmocka_unit_test(a_limited_list_is_kept_full),
		cmocka_unit_test(the_same_query_is_evaluated_once),
		cmocka_unit_test(who_comes_back_hears_what_was_missed),
		cmocka_unit_test(who_was_elsewhere_is_told_the_result),
		cmocka_unit_test(ceilings_are_told),
		cmocka_unit_test(those_that_nobody_follows_give_way),
		cmocka_unit_test(a_truncated_table_is_empty),
		cmocka_unit_test(a_dropped_collection_ends),
		cmocka_unit_test(a_transaction_is_one_change),
		cmocka_unit_test(
			what_is_told_before_it_can_be_seen_is_not_missed),
		cmocka_unit_test(what_is_made_and_removed_at_once_is_gone),
	};

	return cmocka_run_group_tests(
		tests, watch_group_start, watch_group_stop);
}
