/*
 * The cage, measure by measure.
 *
 * The table below is the whole story: what is tried, in which order, and what
 * the operator is told when this machine cannot give it.  Two measures (user
 * and PID namespace) take effect on children only, so they are tried first;
 * then the process forks, and the child, pid 1 inside, does the rest.  The
 * parent keeps nothing but the duty to end as its child ends, because it is
 * the process that the supervisor knows.
 */
#include "functions/cage_inside.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
	/* Two for a connection, and what resolving names opens. */
	OUTSIDE_FILES = 2 * EGRESS_CONNECTIONS + 256,
	OUTSIDE_DATA = 512 * 1024 * 1024,
#if defined(__SANITIZE_ADDRESS__)
	OUTSIDE_IS_SANITIZED = 1
#else
	OUTSIDE_IS_SANITIZED = 0
#endif
};

struct measure {
	int (*try)(struct cage *c);
	const char *without; /* what is missing when it fails */
};

static int
write_text(const char *path, const char *text)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* Without root, a user namespace is what gives the right to make the others.
 * The own uid is mapped to itself, so files look the same inside. */
static int
try_user(struct cage *c)
{
	char map[64];
	int r;

	if (c->root)
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	(void)snprintf(map, sizeof(map), "%u %u 1\n", c->uid, c->uid);
	c->own_users = true;
	r = write_text("/proc/self/uid_map", map);
	if (r == 0)
		r = write_text("/proc/self/setgroups", "deny\n");
	(void)snprintf(map, sizeof(map), "%u %u 1\n", c->gid, c->gid);
	if (r == 0)
		r = write_text("/proc/self/gid_map", map);
	return r;
}

static int
try_network(struct cage *c)
{
	if (!c->conf->network && unshare(CLONE_NEWNET) < 0)
		return -errno;
	c->own_network = !c->conf->network;
	return c->conf->network ? -EBUSY : 0;
}

static int
try_ipc(struct cage *c)
{
	(void)c;
	return unshare(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0
		       ? -errno
		       : 0;
}

/* First of all: later we may not. */
static int
try_cgroup(struct cage *c)
{
	const struct cgroup_conf conf = {.name = c->conf->name,
		.memory = c->conf->all_memory,
		.cpu = c->conf->cpu,
		.pids = c->conf->processes};

	return cgroup_make(&conf, &c->cgroup);
}

static int
try_join(struct cage *c)
{
	return cgroup_join(&c->cgroup);
}

/* In a folder that everybody sees. */
static int
egress_keep(const struct cage *c, const char *after)
{
	_free_ char *path = str_printf("%s%s", c->egress_path, after);

	return chmod(path, 0600) < 0 ||
			       (c->root && lchown(path, c->uid, c->gid) < 0)
		       ? -errno
		       : 0;
}

/* Where there is no tree of our own, the sockets are the function's user's
 * alone; Landlock leaves it /tmp. */
static int
try_egress(struct cage *c)
{
	int r;

	if (!c->conf->egress || *c->egress_path)
		return 0;
	(void)snprintf(c->egress_path, sizeof(c->egress_path),
		"/tmp/mpcloud-egress-%d.sock", (int)getpid());
	r = egress_bind(&c->egress, c->egress_path);
	if (r == 0)
		r = egress_keep(c, "");
	if (r == 0)
		r = egress_keep(c, EGRESS_CLAIM);
	if (r < 0)
		*c->egress_path = '\0';
	return r;
}

static void
drop_bounding(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

/* Another user than the daemon's: only root can give one. */
static int
try_identity(struct cage *c)
{
	drop_bounding();
	if (!c->root) {
		int r = drop_capabilities();

		return r < 0 ? r : -EPERM;
	}
	if (setgroups(0, NULL) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
		setresuid(c->uid, c->uid, c->uid) < 0)
		return -errno;
	return drop_capabilities();
}

static int
try_privileges(struct cage *c)
{
	(void)c;
	/* Not dumpable: /proc/PID/mem and descriptors are closed to others of
	 * the same uid. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* Tried by the process that will stay outside. */
static const struct measure outside[] = {
	{try_cgroup, "no cgroup v2 with memory, cpu and pids that is ours: "
		     "memory is sampled, CPU has no ceiling"},
	{try_user, "no user namespace: without root, functions are not kept "
		   "in namespaces of their own"},
};

static const char without_pids[] =
	"no PID namespace: functions see the names of other processes";

static const struct measure inside[] = {
	{try_join, "the cgroup could not be joined"},
	{try_network, "no network namespace: only seccomp keeps functions "
		      "from the network"},
	{try_ipc, "no IPC and UTS namespace: System V IPC is shared with the "
		  "host"},
	{cage_try_tree, "no mount namespace: functions reach the host's files "
			"and unix sockets as their user may, and share /tmp"},
	{try_egress, "no place for the sockets of the way out: functions "
		     "have no network"},
	{try_identity, "no user of their own (needs root): functions run as "
		       "the daemon's user"},
	{try_privileges, "no_new_privs could not be set"},
	{cage_try_seccomp, "no seccomp filter: dangerous system calls are not "
			   "refused"},
	{cage_try_landlock, "no Landlock in this kernel: the mount namespace "
			    "is the only wall around files"},
};

static void
miss(struct cage *c, const char *without, int err)
{
	_free_ char *text = str_printf("%s (%s)", without, strerror(-err));

	json_array_append_new(c->missing, json_string(text));
}

static void
try_all(struct cage *c, const struct measure *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = m[i].try(c);

		if (r < 0)
			miss(c, m[i].without, r);
	}
}

static int
limit_set(int what, rlim_t value)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what, &now) < 0)
		return -errno;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	now = (struct rlimit){value, value};
	return setrlimit((__rlimit_resource_t)what, &now) < 0 ? -errno : 0;
}

/* The egress reads what a stranger sent and is in the host's network: it keeps
 * nothing else. */
static int
shut_outside(struct cage *c)
{
	int r;

	if (c->root && (setgroups(0, NULL) < 0 ||
			       setresgid(c->gid, c->gid, c->gid) < 0 ||
			       setresuid(c->uid, c->uid, c->uid) < 0))
		return -errno;
	r = drop_capabilities();
	if (r == 0)
		r = try_privileges(c);
	if (r < 0 || !c->conf->egress)
		return r;
	(void)limit_set(RLIMIT_CORE, 0);
	(void)limit_set(RLIMIT_FSIZE, 0);
	(void)limit_set(RLIMIT_NOFILE, OUTSIDE_FILES);
	if (!OUTSIDE_IS_SANITIZED)
		(void)limit_set(RLIMIT_DATA, OUTSIDE_DATA);
	(void)cage_landlock_outside();
	return cage_seccomp_outside();
}

/* The process that stays outside: serve the egress, end as the child ends.  Its
 * death is the child's (PR_SET_PDEATHSIG), its child's death is its own. */
_noreturn_ static void
stay_outside(struct cage *c, pid_t child)
{
	int status = 0, r;

	drop_bounding();
	r = shut_outside(c);
	if (c->conf->egress && r == 0)
		r = egress_run(c->conf->egress, &c->egress, child, &status);
	if (c->conf->egress && r < 0) {
		/* Who asks is refused, and does not wait. */
		(void)fprintf(
			stderr, "mpcloud-host: egress: %s\n", strerror(-r));
		fd_closep(&c->egress.listener);
		fd_closep(&c->egress.claim);
	}
	if (!c->conf->egress || r < 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	cgroup_end(&c->cgroup);
	if (WIFSIGNALED(status))
		_exit(128 + WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

/* fork, into a PID namespace of its own where that can be had.  unshare would
 * do it for all children to come, and forbid us threads, which resolving names
 * needs. */
static pid_t
fork_inside(struct cage *c)
{
	pid_t child = (pid_t)syscall(
		SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);

	c->own_pids = child >= 0;
	if (child >= 0)
		return child;
	miss(c, without_pids, -errno);
	return fork();
}

static int
enter_fork(struct cage *c, int control)
{
	int r = c->conf->egress ? egress_ends_open(&c->egress) : 0;
	pid_t child;

	if (r < 0)
		return r;
	child = fork_inside(c);
	if (child < 0)
		return -errno;
	if (child == 0) {
		fd_closep(&c->egress.ours);
		fd_closep(&c->cgroup.end);
		return 0;
	}
	(void)close(control);
	fd_closep(&c->egress.keepers);
	stay_outside(c, child);
}

static void
cage_init(struct cage *c, const struct cage_conf *conf)
{
	*c = (struct cage){.conf = conf,
		.proc_fd = -1,
		.cgroup = {-1, -1},
		.egress = {-1, -1, -1, -1}};
	c->missing = json_array();
	c->root = geteuid() == 0;
	c->uid = getuid();
	c->gid = getgid();
	if (c->root) {
		c->uid = conf->uid > 0 ? (uid_t)conf->uid : NOBODY;
		c->gid = conf->gid > 0 ? (gid_t)conf->gid : NOBODY;
	}
}

int
cage_enter(struct cage *c, const struct cage_conf *conf, int control,
	struct fault *why)
{
	int r;

	cage_init(c, conf);
	try_all(c, outside, array_size(outside));
	r = enter_fork(c, control);
	if (r < 0)
		return fault_set(why, r, "fork: %s", strerror(-r));
	try_all(c, inside, array_size(inside));
	fd_closep(&c->cgroup.dir);
	fd_closep(&c->egress.listener);
	fd_closep(&c->egress.claim);
	if (c->root && (getuid() == 0 || geteuid() == 0))
		return fault_set(why, -EPERM,
			"cannot become uid %u: CAP_SETUID is needed", c->uid);
	/* setuid clears it, so last. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Whose parent has ended comes to us, to be reaped or killed. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (c->proc_fd < 0 && !c->own_pids)
		c->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (conf->strict && json_array_size(c->missing) > 0)
		return fault_set(why, ERR_CONFIG, "isolation is missing: %s",
			json_string_value(json_array_get(c->missing, 0)));
	return 0;
}

int
cage_shut(const struct cage *c)
{
	const struct {
		int what;
		rlim_t value;
		bool when;
	} limits[] = {
		{RLIMIT_CORE, 0, true},
		{RLIMIT_NOFILE, 1024, true},
		{RLIMIT_FSIZE, (rlim_t)c->conf->tmp, true},
		/* Counted per uid and user namespace: only where one of them
		 * is ours alone. */
		{RLIMIT_NPROC, c->conf->processes, c->root || c->own_users},
		{RLIMIT_AS, (rlim_t)c->conf->memory, c->conf->memory > 0},
		{RLIMIT_DATA, (rlim_t)c->conf->data, c->conf->data > 0},
		{RLIMIT_MEMLOCK, 0, true},
		{RLIMIT_MSGQUEUE, 0, true},
	};

	for (size_t i = 0; i < array_size(limits); i++) {
		int r = limits[i].when
				? limit_set(limits[i].what, limits[i].value)
				: 0;

		if (r < 0)
			return r;
	}
	/* Inside, pid 1's end is everybody's; without that, ask for it. */
	if (!c->own_pids)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return c->landlock ? cage_landlock(c) : 0;
}

void
cage_done(struct cage *c)
{
	json_decref(c->missing);
	c->missing = NULL;
	fd_closep(&c->proc_fd);
	fd_closep(&c->egress.keepers);
}
