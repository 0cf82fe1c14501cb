/*
 * What is written where, against a folder that plays a cgroup tree; and what
 * works without controllers (made, joined, ended, removed) against the
 * machine's own cgroup v2, where there is one that root may use.
 */
#include "functions/cgroup.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
enter(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/mpc-cgroup-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
make_file(const char *dir, const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static const char *
content(const char *dir, const char *name)
{
	static char text[256];

	if (cgroup_read(dir, name, text, sizeof(text)) < 0)
		fail_msg("no %s in %s", name, dir);
	return text;
}

/* As the kernel does: a new folder has its files at once. */
static void
play_function(const char *name, char *dir, size_t size)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.kill",
		"memory.max", "memory.oom.group", "memory.swap.max", "cpu.max",
		"pids.max"};

	(void)snprintf(dir, size, "%s/fn.%s.%d", top, name, (int)getpid());
	assert_int_equal(mkdir(dir, 0755), 0);
	for (size_t i = 0; i < array_size(files); i++)
		make_file(dir, files[i]);
}

static void
the_supervisor_moves_to_a_leaf_and_turns_controllers_on(void **state)
{
	char own[128];

	(void)state;
	(void)snprintf(own, sizeof(own), "%s/%s", top, CGROUP_OWN);
	assert_int_equal(mkdir(own, 0755), 0);
	make_file(own, "cgroup.procs");
	make_file(top, "cgroup.subtree_control");
	assert_int_equal(cgroup_delegate_at(top), 0);
	assert_string_equal(content(own, "cgroup.procs"), "0");
	/* Each in a write of its own; here they lie over one another. */
	assert_string_equal(content(top, "cgroup.subtree_control") + 5, "ry");
}

static void
a_functions_ceilings_are_written(void **state)
{
	const struct cgroup_conf conf = {
		.name = "shop.3", .memory = 256 << 20, .cpu = 50, .pids = 512};
	struct cgroup g = {-1, -1};
	char dir[128];

	(void)state;
	play_function("shop.3", dir, sizeof(dir));
	assert_int_equal(cgroup_make_at(top, &conf, &g), 0);
	assert_int_equal(cgroup_join(&g), 0);
	assert_string_equal(content(dir, "memory.max"), "268435456");
	assert_string_equal(content(dir, "memory.oom.group"), "0");
	assert_string_equal(content(dir, "memory.swap.max"), "0");
	assert_string_equal(content(dir, "cpu.max"), "50000 100000");
	assert_string_equal(content(dir, "pids.max"), "512");
	assert_string_equal(content(dir, "cgroup.procs"), "0");
	assert_string_equal(content(dir, "cgroup.kill"), "");
	cgroup_end(&g);
	assert_string_equal(content(dir, "cgroup.kill"), "1");
}

static void
without_a_ceiling_max_is_written(void **state)
{
	const struct cgroup_conf conf = {.name = "free.1"};
	struct cgroup g = {-1, -1};
	char dir[128];

	(void)state;
	play_function("free.1", dir, sizeof(dir));
	assert_int_equal(cgroup_make_at(top, &conf, &g), 0);
	assert_string_equal(content(dir, "memory.max"), "max");
	assert_string_equal(content(dir, "cpu.max"), "max 100000");
	assert_string_equal(content(dir, "pids.max"), "max");
	cgroup_end(&g);
}

static void
a_ceiling_whose_controller_is_missing_is_said(void **state)
{
	const struct cgroup_conf conf = {
		.name = "bare.1", .cpu = 100, .pids = 10};
	struct cgroup g = {-1, -1};
	char dir[128], path[256];

	(void)state;
	play_function("bare.1", dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/cpu.max", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(cgroup_make_at(top, &conf, &g), -EOPNOTSUPP);
	assert_string_equal(content(dir, "pids.max"), "10");
	cgroup_end(&g);
}

static void
what_ended_functions_left_is_swept_and_what_runs_is_not(void **state)
{
	const struct cgroup_conf conf = {.name = "new.1"};
	struct cgroup g = {-1, -1};
	char old[128], live[128], dir[128];
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)snprintf(old, sizeof(old), "%s/fn.old.1.%d", top, (int)pid);
	(void)snprintf(
		live, sizeof(live), "%s/fn.live.1.%d", top, (int)getppid());
	assert_int_equal(mkdir(old, 0755), 0);
	assert_int_equal(mkdir(live, 0755), 0);
	play_function("new.1", dir, sizeof(dir));
	assert_int_equal(cgroup_make_at(top, &conf, &g), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(live, F_OK), 0);
	assert_int_equal(access(dir, F_OK), 0);
	cgroup_end(&g);
}

static const char *
real_tree(void)
{
	static const char *const places[] = {
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < array_size(places); i++)
		if (statfs(places[i], &fs) == 0 &&
			fs.f_type == CGROUP2_SUPER_MAGIC &&
			access(places[i], W_OK) == 0)
			return places[i];
	return NULL;
}

/* In the machine's own tree: a child joins, and ends when it is told to. */
static void
the_kernel_makes_joins_ends_and_removes(void **state)
{
	const struct cgroup_conf conf = {.name = "test.1"};
	const char *real = real_tree();
	char path[128], dir[192], own[CGROUP_PATH];
	struct cgroup g = {-1, -1};
	int status = 0, ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_true(!real || cgroup_find(own) == 0);
	if (!real || geteuid() != 0)
		return; /* nothing to try it on */
	(void)snprintf(
		path, sizeof(path), "%s/mpc-test-%d", real, (int)getpid());
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(cgroup_make_at(path, &conf, &g), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (cgroup_join(&g) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)snprintf(
		dir, sizeof(dir), "%s/fn.test.1.%d", path, (int)getpid());
	assert_int_equal(atoi(content(dir, "cgroup.procs")), pid);
	cgroup_end(&g);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(path), 0);
	close(ready[0]);
	close(ready[1]);
}

int
main(void)
{
#define PLAYED(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {
		PLAYED(the_supervisor_moves_to_a_leaf_and_turns_controllers_on),
		PLAYED(a_functions_ceilings_are_written),
		PLAYED(without_a_ceiling_max_is_written),
		PLAYED(a_ceiling_whose_controller_is_missing_is_said),
		PLAYED(what_ended_functions_left_is_swept_and_what_runs_is_not),
		cmocka_unit_test(the_kernel_makes_joins_ends_and_removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
