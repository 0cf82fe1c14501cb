#pragma once

/*
 * What the kernel must refuse a function: one attempt for each name.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char room[4096];

/* Those whose refusal does not hang on more than two arguments. */
static const struct {
	const char *name;
	long number, a, b;
} plain[] = {
	{"unshare-user", SYS_unshare, CLONE_NEWUSER, 0},
	{"unshare-mount", SYS_unshare, CLONE_NEWNS, 0},
	{"setns", SYS_setns, 0, 0},
	{"chroot", SYS_chroot, (long)"/tmp", 0},
	{"pivot_root", SYS_pivot_root, (long)"/tmp", (long)"/tmp"},
	{"umount", SYS_umount2, (long)"/tmp", MNT_DETACH},
	{"open_tree", SYS_open_tree, AT_FDCWD, (long)"/"},
	{"fsopen", SYS_fsopen, (long)"tmpfs", 0},
	{"fspick", SYS_fspick, AT_FDCWD, (long)"/"},
	{"io_uring", SYS_io_uring_setup, 1, (long)room},
	{"bpf", SYS_bpf, 0, (long)room},
	{"userfaultfd", SYS_userfaultfd, 1, 0},
	{"keyctl", SYS_keyctl, 0, -3},
	{"add_key", SYS_add_key, (long)"user", (long)"x"},
	{"perf", SYS_perf_event_open, (long)room, 0},
	{"swapon", SYS_swapon, (long)"/tmp/x", 0},
	{"reboot", SYS_reboot, 0, 0},
	{"syslog", SYS_syslog, 3, (long)room},
	{"acct", SYS_acct, 0, 0},
	{"quotactl", SYS_quotactl, 0, 0},
	{"sethostname", SYS_sethostname, (long)"x", 1},
	{"shmget", SYS_shmget, 0, 4096},
	{"msgget", SYS_msgget, 0, 0600},
	{"semget", SYS_semget, 0, 1},
	{"memfd", SYS_memfd_create, (long)"x", 0},
	{"memfd_secret", 447, 0, 0},
	{"personality", SYS_personality, 0x0400000, 0},
};

/* Each alone; with errno, when it is refused. */
static long
attempt(const char *name, long pid)
{
	struct iovec iov = {room, sizeof(room)};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(plain[i].name, name) == 0)
			return syscall(plain[i].number, plain[i].a, plain[i].b,
				0x1000, 0600, 0);
	if (strcmp(name, "mount") == 0)
		return mount("none", "/tmp", "tmpfs", 0, NULL);
	if (strcmp(name, "mount-proc") == 0)
		return mount("proc", "/tmp", "proc", 0, NULL);
	if (strcmp(name, "name_to_handle_at") == 0)
		return syscall(
			SYS_name_to_handle_at, AT_FDCWD, "/", room, room, 0);
	if (strcmp(name, "open_by_handle_at") == 0)
		return syscall(SYS_open_by_handle_at, AT_FDCWD, room, 0);
	if (strcmp(name, "clone-user") == 0)
		return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (strcmp(name, "clone3-user") == 0) {
		struct clone_args args = {
			.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

		return syscall(SYS_clone3, &args, sizeof(args));
	}
	if (strcmp(name, "kcmp") == 0)
		return syscall(SYS_kcmp, pid, getpid(), 0, 3, 3);
	if (strcmp(name, "ptrace") == 0)
		return ptrace(PTRACE_SEIZE, (pid_t)pid, 0, 0);
	if (strcmp(name, "vm_readv") == 0)
		return process_vm_readv((pid_t)pid, &iov, 1, &iov, 1, 0);
	if (strcmp(name, "vm_writev") == 0)
		return process_vm_writev((pid_t)pid, &iov, 1, &iov, 1, 0);
	if (strcmp(name, "pidfd_getfd") == 0) {
		int fd = (int)syscall(SYS_pidfd_open, pid, 0);

		return fd < 0 ? -1 : syscall(SYS_pidfd_getfd, fd, 3, 0);
	}
	if (strcmp(name, "tiocsti") == 0)
		return ioctl(0, TIOCSTI, "x");
	if (strcmp(name, "setuid") == 0)
		return setresuid(0, 0, 0);
	if (strcmp(name, "setgid") == 0)
		return setresgid(0, 0, 0);
	if (strcmp(name, "nice") == 0)
		return setpriority(PRIO_PROCESS, 0, -20);
	if (strcmp(name, "mknod") == 0)
		return mknod("/tmp/sda", S_IFBLK | 0600, 8 << 8);
	if (strcmp(name, "write-usr") == 0)
		return open("/usr/mark", O_CREAT | O_WRONLY, 0600);
	if (strcmp(name, "write-root") == 0)
		return open("/mark", O_CREAT | O_WRONLY, 0600);
	if (strcmp(name, "chmod-suid") == 0) {
		int fd = open("/tmp/suid", O_CREAT | O_RDWR, 0755);

		(void)fd;
		return chmod("/tmp/suid", 04755) < 0 ? -1 : 0;
	}
	errno = ENOTSUP;
	return -1;
}
