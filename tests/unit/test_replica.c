/*
 * Reads on a real streaming replica: who may, and when not.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db/replica.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct testpg *primary, *copy;
static struct loop loop;
static struct pool *pool;
static struct replicas *replicas;
static struct shm *shm;

enum { CHECK_MS = 20, TURNS_TOP = 100000 };

static int
start(void **state)
{
	const char *urls[2] = {NULL, NULL};
	struct pool_conf conf = {
		.connections = 1, .timeout_ms = 10000, .waiting_top = 100};
	struct replicas_conf of = {
		.urls = urls, .check_ms = CHECK_MS, .lag_top_ms = 600000};
	int fd;

	(void)state;
	primary = testpg_new();
	copy = testpg_new_replica(primary);
	conf.url = testpg_url(primary);
	urls[0] = testpg_url(copy);
	if (loop_init(&loop) < 0 || shm_create(&fd) < 0 ||
		shm_open_fd(&shm, fd) < 0 ||
		pool_new(&pool, &loop, &conf, NULL) < 0)
		return -1;
	(void)close(fd);
	of.pool = conf;
	of.shm = shm;
	return replicas_new(&replicas, pool, &of, NULL);
}

static int
stop(void **state)
{
	(void)state;
	replicas = replicas_free(replicas);
	pool = pool_free(pool);
	loop_done(&loop);
	shm = shm_close(shm);
	copy = testpg_free(copy);
	primary = testpg_free(primary);
	return 0;
}

/* Turns the loop until `session` may read from the replica, or may not. */
static void
until_pick(const char *session, bool some)
{
	int turns = 0;

	while ((replicas_pick(replicas, slice_str(session)) != NULL) != some) {
		assert_true(turns++ < TURNS_TOP);
		loop_turn(&loop, true);
	}
}

/* As many looks at the replica as it takes to see its position `n` times. */
static void
let_checks_pass(int n)
{
	int64_t until = clock_mono() + n * 3 * CHECK_MS * CLOCK_MS;

	while (clock_mono() < until)
		loop_turn(&loop, true);
}

static void
a_healthy_replica_takes_reads(void **state)
{
	(void)state;
	until_pick("", true);
	assert_int_equal(replicas_fit(replicas), 1);
	assert_ptr_not_equal(replicas_pick(replicas, SLICE("")), pool);
}

static void
a_session_reads_what_it_wrote(void **state)
{
	(void)state;
	until_pick("anna", true);
	assert_non_null(
		testpg_query(copy, "SELECT pg_wal_replay_pause()::text"));
	(void)testpg_query(primary, "CREATE TABLE written (n integer)");
	replicas_wrote(replicas, SLICE("anna"));
	assert_null(replicas_pick(replicas, SLICE("anna")));
	let_checks_pass(3);
	/* It does not have the write yet; nobody else minds. */
	assert_null(replicas_pick(replicas, SLICE("anna")));
	assert_non_null(replicas_pick(replicas, SLICE("bert")));
	(void)testpg_query(copy, "SELECT pg_wal_replay_resume()");
	until_pick("anna", true);
	assert_string_equal(
		testpg_query(copy, "SELECT count(*) FROM written"), "0");
}

static void
two_gateways_share_what_sessions_wrote(void **state)
{
	(void)state;
	until_pick("carl", true);
	shm_wrote(shm, SLICE("carl"), clock_mono());
	assert_null(replicas_pick(replicas, SLICE("carl")));
	until_pick("carl", true);
}

static void
a_dead_replica_is_left_alone_and_used_again(void **state)
{
	(void)state;
	testpg_kill(copy);
	until_pick("", false);
	assert_int_equal(replicas_fit(replicas), 0);
	testpg_start(copy);
	until_pick("", true);
}

static void
one_that_was_promoted_is_no_replica_any_more(void **state)
{
	(void)state;
	assert_string_equal(
		testpg_query(copy, "SELECT pg_promote()::text"), "true");
	until_pick("", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_replica_takes_reads),
		cmocka_unit_test(a_session_reads_what_it_wrote),
		cmocka_unit_test(two_gateways_share_what_sessions_wrote),
		cmocka_unit_test(a_dead_replica_is_left_alone_and_used_again),
		cmocka_unit_test(one_that_was_promoted_is_no_replica_any_more),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
