/*
 * What a function cannot do: a native function looks around inside the real
 * cage.  The same walls are expected with and without root.
 */
#include "base/sock.h"
#include "tests/unit/host_driver.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host h;
static struct worker_end w;
static json_t *seen;

static json_t *
native(void)
{
	return host_setup_json(
		"native", TOP_BUILD "/tests/unit", "native_sample.so");
}

static void
look(json_t *setup)
{
	if (host_start(&h, setup) < 0)
		fail_msg("%s", h.failed);
	host_channel(&h, 0);
	host_spawn(&h, 1, &w);
	worker_invoke(&w, 1, "{\"do\":\"look\"}");
	assert_int_equal(
		val_parse(&seen, slice_str(worker_answer(&w, 1, NULL)), NULL),
		0);
}

static int
enter(void **state)
{
	(void)state;
	look(native());
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	worker_close(&w);
	host_stop(&h);
	json_decref(seen);
	seen = NULL;
	return 0;
}

static int
number(const char *name)
{
	json_t *v = json_object_get(seen, name);

	if (!v)
		fail_msg("no %s", name);
	return (int)json_integer_value(v);
}

/* A cgroup is given by systemd, so not to a test. */
static void
the_machine_gives_every_measure_but_a_user_without_root(void **state)
{
	size_t expected = geteuid() == 0 ? 1 : 2;

	(void)state;
	assert_int_equal(json_array_size(h.missing), expected);
	assert_non_null(strstr(json_string_value(json_array_get(h.missing, 0)),
		"no cgroup v2 with memory, cpu and pids that is ours"));
	if (expected == 2)
		assert_non_null(
			strstr(json_string_value(json_array_get(h.missing, 1)),
				"no user of their own"));
}

static bool
is_missing(const char *text)
{
	size_t i;
	json_t *v;

	json_array_foreach (h.missing, i, v)
		if (strstr(json_string_value(v), text))
			return true;
	return false;
}

static void
files_of_the_host_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(number("shadow"), ENOENT);
	assert_int_equal(number("root"), EROFS); /* nothing new in / */
}

static void
only_tmp_and_null_can_be_written(void **state)
{
	(void)state;
	assert_int_equal(number("tmp"), 0);
	assert_int_equal(number("null"), 0);
	assert_true(number("etc") != 0);
	assert_true(number("usr") != 0);
	assert_true(number("code") != 0);
}

static void
other_processes_are_not_seen_and_not_touched(void **state)
{
	(void)state;
	assert_int_equal(number("others"), 0);
	assert_int_equal(number("ptrace"), EPERM);
	assert_true(number("keeper_mem") != 0);
	/* A signal to the keeper has no effect: it still answers. */
	worker_invoke(&w, 2, "{\"do\":\"echo\"}");
	assert_string_equal(worker_answer(&w, 2, NULL), "{\"do\":\"echo\"}");
}

static void
only_unix_sockets_can_be_made(void **state)
{
	(void)state;
	assert_int_equal(number("unix"), 0);
	assert_int_equal(number("inet"), EPERM);
	assert_int_equal(number("inet6"), EPERM);
	assert_int_equal(number("netlink"), EPERM);
}

static void
with_the_network_there_are_no_other_sockets_either(void **state)
{
	json_t *setup = native();

	(void)state;
	leave(NULL);
	json_object_set_new(json_object_get(setup, "function"), "network",
		json_string("internet"));
	look(setup);
	only_unix_sockets_can_be_made(NULL);
}

/* The inspector of node is TCP: for debugging the network is the host's, and
 * that is said. */
static void
with_an_inspector_the_network_is_the_hosts_and_it_is_said(void **state)
{
	json_t *setup = native();

	(void)state;
	leave(NULL);
	json_object_set_new(json_object_get(setup, "function"), "inspect",
		json_integer(9229));
	look(setup);
	assert_true(is_missing("no network namespace"));
	assert_int_equal(number("inet"), 0);
	assert_int_equal(number("inet6"), 0);
	assert_int_equal(number("netlink"), EPERM);
}

static void
no_privileges_are_left(void **state)
{
	(void)state;
	assert_int_equal(number("caps"), 0);
	assert_int_equal(number("user_ns"), EPERM);
	assert_int_equal(number("mount"), EPERM);
	assert_int_equal(number("uid"), geteuid() == 0 ? 61234 : (int)getuid());
	assert_int_equal(number("gid"), geteuid() == 0 ? 61234 : (int)getgid());
}

/* A machine that refuses namespaces, played by a filter that the host
 * inherits. */
static void
refuse_unshare(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWPID, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {array_size(code), code};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* In a child, because the filter stays. */
static void
in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		refuse_unshare();
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

static void
look_without(void)
{
	look(native());
	must(is_missing("no PID namespace"));
	must(is_missing("no mount namespace"));
	must(is_missing("no network namespace"));
	/* the other walls stand */
	must(number("shadow") != 0);
	must(number("inet") == EPERM);
	must(number("etc") != 0);
	/* the machine's own /tmp is theirs, with a build below it */
	must(number("code") != 0 || !strncmp(TOP_BUILD, "/tmp/", 5));
	(void)unlink("mine");
	must(number("ptrace") == EPERM);
	must(number("keeper_mem") != 0);
	leave(NULL);
}

static void
without_namespaces_the_other_walls_stand_and_it_is_said(void **state)
{
	(void)state;
	in_child(look_without);
}

static void
start_strict(void)
{
	json_t *setup = native();

	json_object_set_new(setup, "strict", json_true());
	must(host_start(&h, setup) == ERR_FN_FAILED);
	must(strstr(h.failed, "isolation is missing: no ") != NULL);
	host_stop(&h);
}

static void
strict_refuses_a_machine_that_lacks_something(void **state)
{
	(void)state;
	in_child(start_strict);
}

int
main(void)
{
#define CAGED(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {
		CAGED(the_machine_gives_every_measure_but_a_user_without_root),
		CAGED(files_of_the_host_are_not_there),
		CAGED(only_tmp_and_null_can_be_written),
		CAGED(other_processes_are_not_seen_and_not_touched),
		CAGED(only_unix_sockets_can_be_made),
		CAGED(with_the_network_there_are_no_other_sockets_either),
		CAGED(with_an_inspector_the_network_is_the_hosts_and_it_is_said),
		CAGED(no_privileges_are_left),
		cmocka_unit_test(
			without_namespaces_the_other_walls_stand_and_it_is_said),
		cmocka_unit_test(strict_refuses_a_machine_that_lacks_something),
	};

	w.fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
