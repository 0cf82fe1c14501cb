/*
 * Places of those who are at something at once, counted by several gateways.
 */
#include "base/place.h"
#include "base/shm.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TABLES = 4, TOP = 5 };

static struct shm *shm;
static struct place_table *t;
static int fd = -1;

static int
up(void **state)
{
	(void)state;
	if (shm_create(&fd) < 0 || shm_open_fd(&shm, fd) < 0)
		return -1;
	t = shm_places(shm);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	shm = shm_close(shm);
	(void)close(fd);
	return 0;
}

static bool
go_in(unsigned gateway, uint64_t key, int64_t top)
{
	return place_take(&t[gateway], key, top, t, TABLES);
}

static void
so_many_at_once_over_all_gateways(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TOP; i++)
		assert_true(go_in(i % TABLES, 7, TOP));
	for (unsigned i = 0; i < TABLES; i++)
		assert_false(go_in(i, 7, TOP));
	assert_int_equal(place_count(t, TABLES, 7), TOP);
	place_put(&t[2], 7);
	assert_true(go_in(3, 7, TOP));
	assert_false(go_in(2, 7, TOP));
	assert_true(go_in(2, 8, TOP)); /* another key */
}

static void
a_gateway_that_died_gives_its_places_back_when_it_starts_anew(void **state)
{
	(void)state;
	assert_true(go_in(0, 9, 2));
	assert_true(go_in(1, 9, 2));
	assert_false(go_in(1, 9, 2));
	place_clear(&t[0]);
	assert_int_equal(place_count(t, TABLES, 9), 1);
	assert_true(go_in(1, 9, 2));
	assert_false(go_in(0, 9, 2));
}

static void
a_place_that_nobody_took_cannot_be_given_back(void **state)
{
	(void)state;
	place_put(&t[0], 1234);
	assert_int_equal(place_count(t, TABLES, 1234), 0);
	assert_true(go_in(0, 1234, 1));
	place_put(&t[0], 1234);
	place_put(&t[0], 1234);
	assert_int_equal(place_count(t, TABLES, 1234), 0);
}

/* More keys than cells: those are let in uncounted, the counted stay exact. */
static void
a_full_table_forgives(void **state)
{
	enum { MANY = 3 * PLACE_SETS * PLACE_WAYS };
	uint64_t key = 88172645463325252ULL;

	(void)state;
	assert_true(go_in(0, 42, 1));
	for (int i = 0; i < MANY; i++) {
		key ^= key << 13;
		key ^= key >> 7;
		key ^= key << 17;
		assert_true(go_in(0, key, 1));
	}
	assert_true(t[0].left_out > 0);
	assert_false(go_in(0, 42, 1));
	place_clear(&t[0]);
	assert_int_equal(place_count(t, TABLES, 42), 0);
}

/* Four processes go in and out as fast as they can; whoever is in says so in
 * `in`, and nobody ever counts more than there may be. */
static void
never_more_than_may_be_at_once(void **state)
{
	volatile uint64_t *in = &shm_gateway(shm, 100)->requests;
	int status;

	(void)state;
	for (unsigned g = 0; g < TABLES; g++)
		place_clear(&t[g]);
	for (unsigned g = 0; g < TABLES; g++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid)
			continue;
		for (int i = 0; i < 20000; i++) {
			if (!go_in(g, 77, 2))
				continue;
			if (__atomic_add_fetch(in, 1, __ATOMIC_SEQ_CST) > 2)
				_exit(1);
			(void)__atomic_sub_fetch(in, 1, __ATOMIC_SEQ_CST);
			place_put(&t[g], 77);
		}
		_exit(0);
	}
	for (unsigned g = 0; g < TABLES; g++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(place_count(t, TABLES, 77), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			so_many_at_once_over_all_gateways, up, down),
		cmocka_unit_test_setup_teardown(
			a_gateway_that_died_gives_its_places_back_when_it_starts_anew,
			up, down),
		cmocka_unit_test_setup_teardown(
			a_place_that_nobody_took_cannot_be_given_back, up,
			down),
		cmocka_unit_test_setup_teardown(
			a_full_table_forgives, up, down),
		cmocka_unit_test_setup_teardown(
			never_more_than_may_be_at_once, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
