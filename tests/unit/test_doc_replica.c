/*
 * Documents read from a streaming replica: by whom, and what happens when it
 * is behind or gone.
 */
#include "db/replica.h"
#include "tests/unit/doc_call.h"

#include <unistd.h>

static struct testpg *copy;
static struct shm *shm;

enum { TURNS_TOP = 100000 };

static int
start_all(void **state)
{
	const char *urls[2] = {NULL, NULL};
	struct replicas_conf conf = {.urls = urls,
		.pool = {.connections = 1,
			.timeout_ms = 10000,
			.waiting_top = 100},
		.check_ms = 20,
		.lag_top_ms = 600000};
	int fd;

	if (group_start(state) < 0 || shm_create(&fd) < 0 ||
		shm_open_fd(&shm, fd) < 0)
		return -1;
	(void)close(fd);
	copy = testpg_new_replica(server);
	urls[0] = testpg_url(copy);
	conf.shm = shm;
	return replicas_new(&docs.replicas, pool, &conf, NULL);
}

static int
stop_all(void **state)
{
	int r;

	docs.replicas = replicas_free(docs.replicas);
	copy = testpg_free(copy);
	r = group_stop(state);
	shm = shm_close(shm);
	return r;
}

static void
until_replica_takes(const char *session)
{
	int turns = 0;

	while (!replicas_pick(docs.replicas, slice_str(session))) {
		assert_true(turns++ < TURNS_TOP);
		loop_turn(&loop, true);
	}
}

static int
seen_by(struct call *c, const char *user, const char *coll)
{
	assert_int_equal(as(c, user, DOC_FIND, coll, NULL, NULL), 0);
	return (int)c->op.count;
}

static void
a_writer_reads_his_write_while_others_may_read_the_past(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	(void)as(&c, "oAnna", DOC_INSERT, coll, NULL, "[{\"_id\":\"1\"}]");
	until_replica_takes("oAnna");
	assert_int_equal(seen_by(&c, "oBert", coll), 1);
	(void)testpg_query(copy, "SELECT pg_wal_replay_pause()");
	assert_int_equal(
		as(&c, "oAnna", DOC_INSERT, coll, NULL, "[{\"_id\":\"2\"}]"),
		0);
	assert_int_equal(seen_by(&c, "oAnna", coll), 2);
	assert_int_equal(seen_by(&c, "oBert", coll), 1); /* the replica's */
	(void)testpg_query(copy, "SELECT pg_wal_replay_resume()");
	until_replica_takes("oAnna");
	assert_int_equal(seen_by(&c, "oAnna", coll), 2);
	end(&c);
}

static void
a_replica_that_lacks_what_changed_is_not_believed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	until_replica_takes("oCarl");
	(void)testpg_query(copy, "SELECT pg_wal_replay_pause()");
	permit(coll, "PRIVATE"); /* another version, which it does not know */
	assert_int_equal(seen_by(&c, "oCarl", coll), 0);
	(void)testpg_query(copy, "SELECT pg_wal_replay_resume()");
	end(&c);
}

static void
reads_go_on_when_the_replica_is_gone(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	until_replica_takes("oDora");
	testpg_kill(copy);
	for (int i = 0; i < 20; i++)
		assert_int_equal(seen_by(&c, "oDora", coll), 0);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_writer_reads_his_write_while_others_may_read_the_past),
		cmocka_unit_test(
			a_replica_that_lacks_what_changed_is_not_believed),
		cmocka_unit_test(reads_go_on_when_the_replica_is_gone),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
