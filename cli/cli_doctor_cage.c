/*
 * `mpcloud doctor`: can this machine keep functions apart?  Each measure of the
 * cage (functions/cage.c) is tried here beforehand, in a child that ends at
 * once, so that an operator knows before the first deploy what will be missing,
 * and what isolation = strict would refuse.
 */
#include "cli/cli.h"
#include "cli/cli_doctor.h"

#include "functions/cgroup.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	KERNEL_LEAST = 515, /* mount_setattr and what the file tree needs */
	LANDLOCK_SCOPES = 6 /* signals and abstract sockets of others */
};

enum verdict
doctor_kernel(struct cli *cli, struct fault *say)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	(void)cli;
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return doctor_say(
			HINT, say, "the kernel does not say its version");
	if (major * 100 + minor < KERNEL_LEAST)
		return doctor_say(HINT, say,
			"older than Linux 5.15: functions share files and "
			"processes with the machine; install a newer kernel");
	return doctor_say(FINE, say, u.release);
}

/* In a child: 0, or the number of the step that failed. */
static int
try_in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int
enter_users(void)
{
	return geteuid() != 0 && unshare(CLONE_NEWUSER) < 0;
}

static int
enter_namespaces(void)
{
	static const int each[] = {CLONE_NEWPID, CLONE_NEWNET,
		CLONE_NEWIPC | CLONE_NEWUTS, CLONE_NEWNS};

	if (enter_users())
		return 1;
	for (size_t i = 0; i < array_size(each); i++)
		if (unshare(each[i]) < 0)
			return 2 + (int)i;
	return 0;
}

enum verdict
doctor_namespaces(struct cli *cli, struct fault *say)
{
	static const char *const names[] = {
		"user", "PID", "network", "IPC and UTS", "mount"};
	int step = try_in_child(enter_namespaces);

	(void)cli;
	if (step == 0)
		return doctor_say(FINE, say, "user, PID, network, IPC, mount");
	if (step == 1)
		return doctor_say(HINT, say,
			"no user namespaces for ordinary users: functions are "
			"less isolated; sysctl user.max_user_namespaces and "
			"kernel.unprivileged_userns_clone, or run the service "
			"as root");
	(void)snprintf(say->text, sizeof(say->text),
		"no %s namespace: functions are less isolated; give the "
		"service CAP_SYS_ADMIN (a container: --privileged or "
		"--security-opt)",
		step > 0 && step <= (int)array_size(names) ? names[step - 1]
							   : "new");
	return HINT;
}

static int
mount_tmpfs(void)
{
	if (enter_users() || unshare(CLONE_NEWNS) < 0)
		return 1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 2;
	return mount("x", "/tmp", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=16")
		       ? 3
		       : 0;
}

enum verdict
doctor_tmpfs(struct cli *cli, struct fault *say)
{
	(void)cli;
	if (try_in_child(mount_tmpfs) == 0)
		return doctor_say(
			FINE, say, "each function gets one with a ceiling");
	return doctor_say(HINT, say,
		"tmpfs cannot be mounted: functions share the machine's /tmp, "
		"without a ceiling");
}

enum verdict
doctor_seccomp(struct cli *cli, struct fault *say)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	(void)cli;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return doctor_say(FINE, say, "filters work");
	return doctor_say(HINT, say,
		"the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER): "
		"no system call is refused to functions");
}

enum verdict
doctor_landlock(struct cli *cli, struct fault *say)
{
	long abi = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1);

	(void)cli;
	if (abi <= 0)
		return doctor_say(HINT, say,
			"the kernel has no Landlock (boot with "
			"lsm=landlock,…): the mount namespace alone guards "
			"files");
	(void)snprintf(say->text, sizeof(say->text), "ABI %ld%s", abi,
		abi < LANDLOCK_SCOPES
			? ": before Linux 6.12 workers of one function may "
			  "signal each other"
			: "");
	return FINE;
}

/* All of `wanted` ("memory cpu pids")? */
static bool
has_all(const char *list, char *missing, size_t size)
{
	static const char *const wanted[] = {"memory", "cpu", "pids"};
	size_t at = 0;

	missing[0] = '\0';
	for (size_t i = 0; i < array_size(wanted); i++) {
		struct slice left = slice_str(list), word;
		bool found = false;

		while (slice_split(&left, ' ', &word))
			found |= slice_is(word, wanted[i]);
		if (!found)
			at += (size_t)snprintf(missing + at, size - at, "%s%s",
				at ? ", " : "", wanted[i]);
	}
	return at == 0;
}

enum verdict
doctor_cgroup(struct cli *cli, struct fault *say)
{
	char path[CGROUP_PATH], list[256], missing[64], *slash;

	(void)cli;
	if (cgroup_find(path) < 0)
		return doctor_say(HINT, say,
			"no cgroup v2: memory of functions is sampled, their "
			"CPU has no ceiling; boot with "
			"systemd.unified_cgroup_hierarchy=1");
	/* The root's own list is the machine's. */
	slash = strstr(path, "/unified");
	path[slash ? (size_t)(slash - path) + strlen("/unified")
		   : strlen("/sys/fs/cgroup")] = '\0';
	if (cgroup_read(path, "cgroup.controllers", list, sizeof(list)) < 0)
		list[0] = '\0';
	if (has_all(list, missing, sizeof(missing)))
		return doctor_say(FINE, say,
			"v2 with memory, cpu and pids; mpcloud.service asks "
			"for its own part (Delegate=yes)");
	(void)snprintf(say->text, sizeof(say->text),
		"v2 has no controller for %s (bound to v1): memory of "
		"functions is sampled, their CPU has no ceiling; boot with "
		"systemd.unified_cgroup_hierarchy=1",
		missing);
	return HINT;
}
