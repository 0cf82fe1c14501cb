/*
 * Followers and who may read: what is taken away ends, from the commit on that
 * takes it, and rules are asked at each change.
 */
#include "tests/unit/watch_call.h"

static void
who_may_not_read_may_not_follow(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower mine, none, nobody, other;

	(void)state;
	permit(coll, "PRIVATE");
	follow(&mine, coll, "{}", NULL, -1, "me");
	follow(&other, coll, "{}", NULL, -1, "you");
	follow(&nobody, coll, "{}", NULL, -1, "");
	follow(&none, "nothing", "{}", NULL, -1, NULL);
	known(&mine);
	known(&other);
	until(nobody.ended && none.ended);
	assert_int_equal(nobody.err, ERR_DB_DENIED);
	assert_int_equal(none.err, ERR_DB_NO_COLLECTION);
	assert_int_equal(
		as(&c, "me", DOC_INSERT, coll, NULL, "[{\"_id\":\"a\"}]"), 0);
	assert_int_equal(
		as(&c, "you", DOC_INSERT, coll, NULL, "[{\"_id\":\"b\"}]"), 0);
	until(mine.changes == 1 && other.changes == 1);
	settled(&mine);
	settled(&other);
	assert_int_equal(json_object_size(mine.docs), 1);
	/* what is taken away ends */
	permit(coll, "ADMINONLY");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"c\",\"_openid\":\"me\"}]");
	until(mine.ended && other.ended);
	assert_int_equal(mine.err, ERR_DB_DENIED);
	assert_int_equal(mine.changes, 1);
	json_decref(mine.docs);
	json_decref(other.docs);
	json_decref(none.docs);
	json_decref(nobody.docs);
	end(&c);
}

/* Those who shared a result do not when the permission parts them. */
static void
a_changed_permission_parts_who_shared(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower a, b;

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(
		as(&c, "a", DOC_INSERT, coll, NULL, "[{\"_id\":\"1\"}]"), 0);
	assert_int_equal(
		as(&c, "b", DOC_INSERT, coll, NULL, "[{\"_id\":\"2\"}]"), 0);
	follow(&a, coll, "{}", NULL, -1, "a");
	follow(&b, coll, "{}", NULL, -1, "b");
	known(&a);
	known(&b);
	assert_int_equal(json_object_size(a.docs), 2);
	permit(coll, "PRIVATE");
	until(a.results == 2 && b.results == 2);
	settled(&a);
	settled(&b);
	assert_int_equal(json_object_size(b.docs), 1);
	unfollow(&a);
	unfollow(&b);
	end(&c);
}

/* From the commit on that takes it away, even where nobody but the stream says
 * so: not one document more, the commit's own neither. */
static void
nothing_is_told_by_a_permission_that_is_gone(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower plain, asked_about, open;
	char sql[600];

	(void)state;
	permit(coll, "READONLY");
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"room\":\"r\",\"n\":1}]");
	follow(&plain, coll, "{\"room\":\"r\"}", NULL, -1, "me");
	follow(&asked_about, coll, "{\"n\":1}", NULL, -1, "me");
	follow(&open, coll, "{\"room\":\"r\"}", NULL, -1, NULL);
	known(&plain);
	known(&asked_about);
	known(&open);
	(void)snprintf(sql, sizeof(sql),
		"BEGIN; INSERT INTO env_test.\"%s\" VALUES ('b', "
		"'{\"room\": \"r\", \"n\": 1}'); SELECT "
		"mpcloud.collection_set('test', '%s', 'ADMINONLY', NULL, "
		"NULL); COMMIT",
		coll, coll);
	(void)testpg_query(server, sql);
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.\"%s\" VALUES ('c', '{\"room\": "
		"\"r\", \"n\": 1}'); DELETE FROM env_test.\"%s\" WHERE _id "
		"= 'a'",
		coll, coll);
	(void)testpg_query(server, sql);
	until(plain.ended && asked_about.ended);
	assert_int_equal(plain.err, ERR_DB_DENIED);
	assert_int_equal(asked_about.err, ERR_DB_DENIED);
	assert_int_equal(plain.changes + asked_about.changes, 0);
	settled(&open);
	assert_int_equal(json_object_size(open.docs), 2);
	json_decref(plain.docs);
	json_decref(asked_about.docs);
	unfollow(&open);
	end(&c);
}

static void
rule(const char *coll, const char *read)
{
	json_t *rules = json_pack("{s:s}", "read", read);
	struct coll_op op = {0};
	struct arena arena;

	arena_init(&arena, 1 << 20);
	op.arena = &arena;
	job_init(&op.job, on_permitted);
	coll_op_permit(pool, &op, "test", slice_str(coll), slice_str("CUSTOM"),
		rules, -1);
	while (op.job.busy)
		loop_turn(&loop, true);
	assert_int_equal(op.job.err, 0);
	catalog_forget(docs.catalog, "test", slice_str(coll));
	arena_done(&arena);
	json_decref(rules);
}

/* A rule that looks at another document says what it says when the watched one
 * changes: then what it no longer allows leaves, and none of it is told. */
static void
a_rule_about_another_document_is_asked_at_each_change(void **state)
{
	struct call c, d;
	char rooms[60], text[200];
	const char *coll;
	struct follower f;

	(void)state;
	(void)snprintf(rooms, sizeof(rooms), "%s", fresh(&d));
	coll = fresh(&c);
	(void)snprintf(text, sizeof(text),
		"get(`database.%s.${doc.room}`).open == true", rooms);
	rule(coll, text);
	ok(&d, DOC_INSERT, rooms, NULL, "[{\"_id\":\"r\",\"open\":true}]");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"room\":\"r\"}]");
	follow(&f, coll, "{\"room\":\"r\"}", NULL, -1, "me");
	known(&f);
	assert_int_equal(json_object_size(f.docs), 1);
	ok(&d, DOC_UPDATE, rooms, "{\"_id\":\"r\"}",
		"{\"$set\":{\"open\":false}}");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"a\"}",
		"{\"$set\":{\"secret\":1}}");
	until(f.changes == 1);
	assert_string_equal(f.last, "update/dequeue");
	assert_int_equal(json_object_size(f.docs), 0);
	ok(&d, DOC_UPDATE, rooms, "{\"_id\":\"r\"}",
		"{\"$set\":{\"open\":true}}");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"a\"}", "{\"$set\":{\"n\":1}}");
	until(f.changes == 2);
	assert_string_equal(f.last, "update/enqueue");
	assert_int_equal(json_object_size(f.docs), 1);
	unfollow(&f);
	end(&d);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_not_read_may_not_follow),
		cmocka_unit_test(a_changed_permission_parts_who_shared),
		cmocka_unit_test(nothing_is_told_by_a_permission_that_is_gone),
		cmocka_unit_test(
			a_rule_about_another_document_is_asked_at_each_change),
	};

	return cmocka_run_group_tests(
		tests, watch_group_start, watch_group_stop);
}
