/*
 * Marks: what was read before a change, or while one was under way, is never
 * taken for what there is; whoever dies over one, in whatever order they end.
 */
#include "base/clock.h"
#include "base/mark.h"
#include "tests/unit/test.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT(ms) ((int64_t)(ms)*CLOCK_MS)

static void
what_was_read_holds_until_a_change_begins(void **state)
{
	struct mark m = {0};
	uint64_t stamp;

	(void)state;
	assert_true(mark_stamp(&m, AT(1), &stamp));
	assert_true(mark_holds(&m, stamp));
	mark_begin(&m, AT(2));
	assert_false(mark_holds(&m, stamp));
	assert_false(mark_stamp(&m, AT(3), &stamp));
	mark_end(&m);
	assert_true(mark_stamp(&m, AT(4), &stamp));
	assert_true(mark_holds(&m, stamp));
	mark_bump(&m);
	assert_false(mark_holds(&m, stamp));
}

/* The reader asks, the change is committed and told, and only then the reader
 * keeps what he was told: the row of before. */
static void
a_change_between_the_question_and_the_keeping_is_seen(void **state)
{
	struct mark m = {0};
	uint64_t stamp;

	(void)state;
	assert_true(mark_stamp(&m, AT(1), &stamp));
	mark_begin(&m, AT(1));
	mark_end(&m);
	assert_false(mark_holds(&m, stamp));
}

static void
nothing_is_kept_until_the_last_of_several_changes_ends(void **state)
{
	struct mark m = {0};
	uint64_t stamp;

	(void)state;
	mark_begin(&m, AT(1));
	mark_begin(&m, AT(2));
	mark_end(&m);
	assert_false(mark_stamp(&m, AT(3), &stamp));
	mark_end(&m);
	assert_true(mark_stamp(&m, AT(3), &stamp));
}

static void
a_change_that_was_lost_is_waited_for_a_minute_and_may_end_late(void **state)
{
	struct mark m = {0};
	uint64_t stamp;

	(void)state;
	mark_begin(&m, AT(1)); /* its process dies, or hangs */
	assert_false(mark_stamp(&m, AT(1 + MARK_LOST_MS), &stamp));
	assert_true(mark_stamp(&m, AT(2 + MARK_LOST_MS), &stamp));
	mark_end(&m); /* it hung */
	assert_false(mark_holds(&m, stamp));
	/* one that died is not counted twice */
	mark_begin(&m, AT(1));
	mark_begin(&m, AT(2 + MARK_LOST_MS));
	mark_end(&m);
	assert_true(mark_stamp(&m, AT(3 + MARK_LOST_MS), &stamp));
	/* a late end takes away the count of another, not its step */
	mark_begin(&m, AT(1));
	mark_begin(&m, AT(2 + MARK_LOST_MS));
	mark_end(&m);
	assert_true(mark_stamp(&m, AT(3 + MARK_LOST_MS), &stamp));
	mark_end(&m);
	assert_false(mark_holds(&m, stamp));
	assert_true(mark_stamp(&m, AT(3 + MARK_LOST_MS), &stamp));
}

/* The database is a number that writers raise; what they told is a number, too.
 * A reader keeps what he read under its stamp, as the cache does, and looks at
 * it again before he uses it. */
struct race {
	struct mark_table table;
	_Atomic uint64_t row, told;
	_Atomic bool over;
};

enum { ROUNDS = 200000 };

static int
read_against(struct race *r, struct mark *m)
{
	uint64_t kept = 0, stamp = 0, told;
	bool has = false;
	unsigned used = 0;

	while (!atomic_load(&r->over)) {
		told = atomic_load(&r->told);
		if (has && mark_holds(m, stamp)) {
			used++;
			if (kept < told)
				return 1;
			continue;
		}
		has = mark_stamp(m, AT(1), &stamp);
		kept = atomic_load(&r->row);
	}
	return used ? 0 : 2;
}

static void
no_reader_sees_less_than_what_was_told(void **state)
{
	struct race *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t reader[2];
	struct mark *m;
	int status;

	(void)state;
	assert_ptr_not_equal(r, MAP_FAILED);
	mark_table_init(&r->table);
	m = mark_of(&r->table, mark_hash(&r->table, SLICE("a/b.png")));
	for (size_t i = 0; i < array_size(reader); i++) {
		reader[i] = fork();
		if (reader[i] == 0)
			_exit(read_against(r, m));
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		mark_begin(m, AT(1));
		(void)atomic_fetch_add(&r->row, 1);
		mark_end(m);
		atomic_store(&r->told, atomic_load(&r->row));
		if (i % 64 == 0)
			usleep(1); /* readers come to use what they keep */
	}
	atomic_store(&r->over, true);
	for (size_t i = 0; i < array_size(reader); i++) {
		assert_int_equal(waitpid(reader[i], &status, 0), reader[i]);
		assert_int_equal(status, 0);
	}
	(void)munmap(r, sizeof(*r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_holds_until_a_change_begins),
		cmocka_unit_test(
			a_change_between_the_question_and_the_keeping_is_seen),
		cmocka_unit_test(
			nothing_is_kept_until_the_last_of_several_changes_ends),
		cmocka_unit_test(
			a_change_that_was_lost_is_waited_for_a_minute_and_may_end_late),
		cmocka_unit_test(no_reader_sees_less_than_what_was_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
