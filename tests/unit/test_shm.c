/*
 * The memory that gateways share: counters and ended sessions.
 */
#include "base/shm.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shm *shm;
static int fd = -1;

static int
up(void **state)
{
	(void)state;
	return shm_create(&fd) < 0 || shm_open_fd(&shm, fd) < 0 ? -1 : 0;
}

static int
down(void **state)
{
	(void)state;
	shm = shm_close(shm);
	fd_closep(&fd);
	return 0;
}

static void
what_one_process_counts_another_reads(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct shm *mine = NULL;

		if (shm_open_fd(&mine, fd) < 0)
			_exit(1);
		shm_gateway(mine, 255)->logins = 7;
		shm_revoke(mine, 99, 1000, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(shm_gateway(shm, 255)->logins, 7);
	assert_int_equal(shm_gateway(shm, 254)->logins, 0);
	assert_true(shm_is_revoked(shm, 99));
}

static void
another_file_is_not_taken_for_ours(void **state)
{
	int other = memfd_create("other", MFD_CLOEXEC);
	struct shm *s = NULL;

	(void)state;
	assert_int_equal(shm_open_fd(&s, other), ERR_FORMAT);
	assert_int_equal(shm_open_fd(&s, -1), -EBADF);
	assert_null(s);
	(void)close(other);
}

static void
the_memory_cannot_be_shrunk(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(errno, EPERM);
}

static void
a_session_that_ended_is_known_until_its_time(void **state)
{
	(void)state;
	assert_false(shm_is_revoked(shm, 5));
	shm_revoke(shm, 5, 100, 50);
	shm_revoke(shm, 6, 40, 50); /* over already */
	assert_true(shm_is_revoked(shm, 5));
	assert_false(shm_is_revoked(shm, 6));
	assert_false(shm_is_revoked(shm, 0));
}

static uint64_t
sid_of(uint64_t i)
{
	return (i + 1) * 0xd1342543de82ef95ULL;
}

/* Three quarters of the places: many buckets spill, nobody is forgotten. */
static void
many_ended_sessions_are_all_known(void **state)
{
	enum { MANY = SHM_REVOKED * 3 / 4 };
	struct shm *s = NULL;
	int own, unknown = 0, wrong = 0;

	(void)state;
	assert_int_equal(shm_create(&own), 0);
	assert_int_equal(shm_open_fd(&s, own), 0);
	for (uint64_t i = 0; i < MANY; i++)
		shm_revoke(s, sid_of(i), 1000, 1);
	for (uint64_t i = 0; i < MANY; i++)
		unknown += !shm_is_revoked(s, sid_of(i));
	for (uint64_t i = MANY; i < 2 * MANY; i++)
		wrong += shm_is_revoked(s, sid_of(i));
	assert_int_equal(unknown, 0);
	assert_int_equal(wrong, 0);
	/* When their time is over their places are used again. */
	for (uint64_t i = MANY; i < 2 * MANY; i++)
		shm_revoke(s, sid_of(i), 3000, 2000);
	for (uint64_t i = MANY; i < 2 * MANY; i++)
		unknown += !shm_is_revoked(s, sid_of(i));
	assert_int_equal(unknown, 0);
	(void)shm_close(s);
	(void)close(own);
}

static void
ending_a_session_twice_keeps_the_later_time(void **state)
{
	(void)state;
	shm_revoke(shm, 77, 500, 1);
	shm_revoke(shm, 77, 300, 1);
	/* At 400 the place is not free: others do not push it out. */
	for (uint64_t i = 0; i < SHM_REVOKED / 2; i++)
		shm_revoke(shm, sid_of(i), 1000, 400);
	assert_true(shm_is_revoked(shm, 77));
}

static void
a_note_is_read_whole_by_its_name(void **state)
{
	const uint64_t name[2] = {5, 7}, other[2] = {5, 8},
		       same_place[2] = {5 + SHM_NOTES, 7};
	char got[SHM_NOTE_TOP], longest[SHM_NOTE_TOP];
	int64_t when;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(shm_note_get(shm, name, got, &when), -ENOENT);
	shm_note_put(shm, name, SLICE("hello"), 42);
	assert_int_equal(shm_note_get(shm, name, got, &when), 5);
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(when, 42);
	assert_int_equal(shm_note_get(shm, other, got, &when), -ENOENT);
	shm_note_put(shm, name, slice_of(longest, sizeof(longest)), 43);
	assert_int_equal(shm_note_get(shm, name, got, &when), SHM_NOTE_TOP);
	assert_memory_equal(got, longest, sizeof(longest));
	/* another that needs the place */
	shm_note_put(shm, same_place, SLICE("b"), 44);
	assert_int_equal(shm_note_get(shm, name, got, &when), -ENOENT);
	assert_int_equal(shm_note_get(shm, same_place, got, &when), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_process_counts_another_reads),
		cmocka_unit_test(another_file_is_not_taken_for_ours),
		cmocka_unit_test(the_memory_cannot_be_shrunk),
		cmocka_unit_test(a_session_that_ended_is_known_until_its_time),
		cmocka_unit_test(many_ended_sessions_are_all_known),
		cmocka_unit_test(ending_a_session_twice_keeps_the_later_time),
		cmocka_unit_test(a_note_is_read_whole_by_its_name),
	};

	return cmocka_run_group_tests(tests, up, down);
}
