/*
 * Documents whose time is over are removed, by the test's clock.
 */
#include "tests/unit/index_call.h"

#include "documents/expire.h"

enum { HOUR_MS = 3600000 };
static const int64_t START_MS = 1800000000000;

/* Turns the loop until so many are left. */
static void
wait_left(struct call *c, const char *coll, int64_t count)
{
	do
		ok(c, DOC_COUNT, coll, NULL, NULL);
	while (c->op.total != count);
}

static void
insert(struct call *c, const char *coll, const char *id, const char *seen)
{
	char doc[200];

	(void)snprintf(
		doc, sizeof(doc), "[{\"_id\":\"%s\",\"seen\":%s}]", id, seen);
	ok(c, DOC_INSERT, coll, NULL, doc);
}

static void
documents_go_when_their_time_is_over_and_not_before(void **state)
{
	struct expire *expire;
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	clock_set(START_MS * CLOCK_MS);
	insert(&c, coll, "a", "{\"$date\":1800000000000}");
	insert(&c, coll, "b", "{\"$date\":1800003600000}");
	/* of a list the least date counts */
	insert(&c, coll, "c",
		"[7,{\"$date\":1900000000000},{\"$date\":1800000000000}]");
	/* what is no date never expires */
	insert(&c, coll, "d", "1");
	insert(&c, coll, "e", "[1,\"x\"]");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"f\"}]");
	assert_string_equal(
		add_index(coll,
			"{\"key\":{\"seen\":1},\"expireAfterSeconds\":7200}"),
		"");
	assert_int_equal(expire_new(&expire, pool, "test", 5), 0);
	for (int i = 0; i < 20; i++)
		wait_left(&c, coll, 6);
	clock_set((START_MS + 2 * HOUR_MS) * CLOCK_MS);
	wait_left(&c, coll, 4);
	assert_string_equal(ids_of(&c, coll, NULL), "b d e f");
	clock_set((START_MS + 3 * HOUR_MS) * CLOCK_MS);
	wait_left(&c, coll, 3);
	assert_string_equal(ids_of(&c, coll, NULL), "d e f");
	clock_set(-1);
	expire = expire_free(expire);
	end(&c);
}

static void
only_what_a_partial_index_holds_expires(void **state)
{
	struct expire *expire;
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"seen\":{\"$date\":1},\"gone\":true},"
		"{\"_id\":\"b\",\"seen\":{\"$date\":1}}]");
	assert_string_equal(
		add_index(coll,
			"{\"key\":{\"seen\":1},\"expireAfterSeconds\":0,"
			"\"partialFilterExpression\":{\"gone\":true}}"),
		"");
	assert_int_equal(expire_new(&expire, pool, "test", 5), 0);
	wait_left(&c, coll, 1);
	for (int i = 0; i < 20; i++)
		wait_left(&c, coll, 1);
	assert_string_equal(ids_of(&c, coll, NULL), "b");
	expire = expire_free(expire);
	end(&c);
}

static void
many_are_removed_in_batches_by_one_gateway_at_a_time(void **state)
{
	struct expire *expire[2];
	struct call c;
	const char *coll = fresh(&c);
	char sql[300];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.%s SELECT i::text, "
		"jsonb_build_object('seen', jsonb_build_object('$date', i)) "
		"FROM generate_series(1, 1700) i",
		coll);
	(void)testpg_query(server, sql);
	assert_string_equal(
		add_index(coll,
			"{\"key\":{\"seen\":-1},\"expireAfterSeconds\":0}"),
		"");
	for (int i = 0; i < 2; i++)
		assert_int_equal(expire_new(&expire[i], pool, "test", 5), 0);
	wait_left(&c, coll, 0);
	for (int i = 0; i < 2; i++)
		expire[i] = expire_free(expire[i]);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			documents_go_when_their_time_is_over_and_not_before),
		cmocka_unit_test(only_what_a_partial_index_holds_expires),
		cmocka_unit_test(
			many_are_removed_in_batches_by_one_gateway_at_a_time),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
