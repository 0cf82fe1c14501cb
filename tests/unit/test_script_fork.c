/*
 * Many forks of one template: each runs, allocates, collects and waits for a
 * timer, and none hangs.  SCRIPT_FORKS says how many (a few hundred here; the
 * long form is `make soak`'s).
 */
#include "base/mem.h"
#include "functions/proto.h"
#include "tests/unit/script_driver.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 300, WIDTH = 4 };

static struct script_end s;
static struct worker_end all[WIDTH];

/* Promises, timers, garbage and code hot enough to be compiled. */
static const char code[] =
	"let sum = 0; for (let i = 0; i < 20000; i++) sum += i % 7;"
	"const many = []; for (let i = 0; i < 2000; i++) many.push({i, "
	"text: 'n' + i});"
	"await Promise.all([1, 2, 3].map(async (n) => { await null; "
	"return n }));"
	"host.gc(); await t.later(0);"
	"return [sum, many.length, host.random(8).length]";

static unsigned
threads_of(pid_t pid)
{
	_free_ char *path = str_printf("/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	unsigned n = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Threads: %u", &n);
	if (file)
		(void)fclose(file);
	return n;
}

static void
run_one(struct worker_end *w)
{
	uint8_t type;

	script_fork(&s, w);
	assert_string_equal(script_eval(w, code, &type), "[59997,2000,8]");
	assert_int_equal(type, PROTO_RESULT);
}

static void
every_fork_of_many_answers(void **state)
{
	const char *said = getenv("SCRIPT_FORKS");
	long forks = said ? strtol(said, NULL, 10) : FORKS;

	(void)state;
	for (long i = 0; i < forks; i++) {
		struct worker_end *w = &all[i % WIDTH];

		if (i >= WIDTH) {
			(void)kill((pid_t)w->pid, SIGKILL);
			assert_int_equal(script_reap(&s, w), SIGKILL);
		}
		run_one(w);
		if (forks > FORKS && i % 1000 == 999)
			print_message("# %ld forks\n", i + 1);
	}
}

/* What a fork leaves behind is other threads with their locks. */
static void
a_template_has_one_thread(void **state)
{
	(void)state;
	assert_int_equal(threads_of(s.pid), 1);
}

static int
start(void **state)
{
	static const struct script_ask ask = {0};

	(void)state;
	if (script_start(&s, &ask) < 0)
		fail_msg("%s", s.failed);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < WIDTH; i++)
		if (all[i].pid)
			worker_close(&all[i]);
	script_stop(&s);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_has_one_thread),
		cmocka_unit_test(every_fork_of_many_answers),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
