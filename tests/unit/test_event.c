/*
 * Events and the clock: a line is read back from our own stderr.
 */
#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int saved, pipe_fds[2];

/* Everything written to stderr between the two. */
static void
listen_begin(void)
{
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
}

static void
listen_end(char *ret, size_t size)
{
	ssize_t n = read(pipe_fds[0], ret, size - 1);

	ret[max(n, (ssize_t)0)] = '\0';
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void
an_event_is_one_line_of_json(void **state)
{
	char line[4096];

	(void)state;
	event_init("gateway-0", EVENT_DEBUG);
	clock_set(1795218424123LL * CLOCK_MS);
	listen_begin();
	event(EVENT_FN_COLD_START, "fn", "shop \"x\"", "none", NULL, "ms",
		EVENT_INT(-17), "big", EVENT_INT(INT64_MIN), NULL);
	listen_end(line, sizeof(line));
	clock_set(-1);
	assert_string_equal(line,
		"{\"time\":\"2026-11-20T23:47:04.123Z\",\"level\":\"debug\","
		"\"event\":\"fn.cold_start\",\"who\":\"gateway-0\","
		"\"fn\":\"shop \\\"x\\\"\",\"ms\":-17,"
		"\"big\":-9223372036854775808}\n");
}

static void
a_strangers_text_cannot_pass_for_a_number(void **state)
{
	char line[4096];

	(void)state;
	listen_begin();
	event(EVENT_INTERNAL, "text",
		"\x01"
		"1,\"who\":\"admin\"",
		"minus", "\x01-", NULL);
	listen_end(line, sizeof(line));
	assert_non_null(
		strstr(line, "\"text\":\"\\u00011,\\\"who\\\":\\\"admin\\\"\","
			     "\"minus\":\"\\u0001-\"}"));
	assert_int_equal(val_check(slice_trim(slice_str(line))), 0);
}

static void
long_values_are_cut_and_the_line_stays_json(void **state)
{
	_free_ char *value = mem_alloc(100001);
	static char line[100000];

	(void)state;
	memset(value, '\x02', 100000);
	listen_begin();
	event(EVENT_INTERNAL, "a", value, "b", value, "c", value, "d", value,
		"e", value, "f", value, "last", "seen", NULL);
	listen_end(line, sizeof(line));
	assert_int_equal(val_check(slice_str(line)), 0);
	assert_true(strlen(line) <= 64 * 1024);
}

static void
quiet_levels_are_counted_but_not_printed(void **state)
{
	uint64_t before = event_count(EVENT_FN_DEPLOYED);
	char line[100];

	(void)state;
	event_init("gateway-0", EVENT_WARN);
	listen_begin();
	event(EVENT_FN_DEPLOYED, "fn", "x", NULL);
	listen_end(line, sizeof(line));
	event_init("gateway-0", EVENT_INFO);
	assert_string_equal(line, "");
	assert_int_equal(event_count(EVENT_FN_DEPLOYED), before + 1);
	assert_string_equal(event_wire(EVENT_FN_DEPLOYED), "fn.deployed");
}

static void
a_ready_line_goes_out_as_it_is(void **state)
{
	char line[100];

	(void)state;
	listen_begin();
	event_raw(SLICE("{\"a\":1}\n"));
	listen_end(line, sizeof(line));
	assert_string_equal(line, "{\"a\":1}\n");
}

static void
a_stopped_clock_stands_and_a_running_one_runs(void **state)
{
	int64_t mono = clock_mono();

	(void)state;
	assert_true(clock_mono() >= mono);
	assert_true(clock_now_s() > 1500000000);
	clock_set(5 * CLOCK_S);
	assert_int_equal(clock_now(), 5 * CLOCK_S);
	assert_int_equal(clock_mono(), 5 * CLOCK_S);
	assert_int_equal(clock_now_ms(), 5000);
	clock_set(-1);
	assert_true(clock_now_s() > 1500000000);
}

/* In a child, because the file is looked for once a process. */
static void
a_clock_file_moves_the_time(void **state)
{
	char path[] = "/tmp/test_clock.XXXXXX", self[4096] = "";
	int fd = mkstemp(path), status;
	int64_t *shift, day = 86400 * CLOCK_S;
	pid_t pid;

	(void)state;
	/* By name: valgrind knows its own program from ours then. */
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(ftruncate(fd, 8), 0);
	shift = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(shift != MAP_FAILED);
	assert_int_equal(setenv("MPCLOUD_CLOCK_FILE", path, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *const argv[] = {(char *)(uintptr_t) "test_event",
			(char *)(uintptr_t) "clock", NULL};

		*shift = day;
		(void)execv(self, argv);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(unsetenv("MPCLOUD_CLOCK_FILE"), 0);
	(void)munmap(shift, 8);
	(void)close(fd);
	(void)unlink(path);
}

static int
clock_child(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return clock_now_s() - ts.tv_sec - 86400 <= 1 &&
			       clock_now_s() - ts.tv_sec >= 86400
		       ? 0
		       : 1;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_of_json),
		cmocka_unit_test(a_strangers_text_cannot_pass_for_a_number),
		cmocka_unit_test(long_values_are_cut_and_the_line_stays_json),
		cmocka_unit_test(quiet_levels_are_counted_but_not_printed),
		cmocka_unit_test(a_ready_line_goes_out_as_it_is),
		cmocka_unit_test(a_stopped_clock_stands_and_a_running_one_runs),
		cmocka_unit_test(a_clock_file_moves_the_time),
	};

	if (argc == 2 && strcmp(argv[1], "clock") == 0)
		return clock_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
