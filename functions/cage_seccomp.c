/*
 * System calls that no function has business with.  A list of what is refused
 * rather than of what is allowed: Node and native libraries use very many, and
 * the other walls stand anyway; this one takes away what could climb them.
 */
#include "functions/cage_inside.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct refused {
	const char *name;
	int err;
};

static const struct refused refused[] = {
	/* into other processes */
	{"ptrace", EPERM},
	{"process_vm_readv", EPERM},
	{"process_vm_writev", EPERM},
	{"pidfd_getfd", EPERM},
	{"kcmp", EPERM},
	{"process_madvise", EPERM},
	/* new namespaces, other roots, mounts */
	{"unshare", EPERM},
	{"setns", EPERM},
	{"mount", EPERM},
	{"umount", EPERM},
	{"umount2", EPERM},
	{"pivot_root", EPERM},
	{"chroot", EPERM},
	{"open_tree", EPERM},
	{"move_mount", EPERM},
	{"fsopen", EPERM},
	{"fsconfig", EPERM},
	{"fsmount", EPERM},
	{"fspick", EPERM},
	{"mount_setattr", EPERM},
	{"open_by_handle_at", EPERM},
	{"name_to_handle_at", EPERM},
	/* its flags are behind a pointer: glibc then uses clone */
	{"clone3", ENOSYS},
	/* would go around the rules for sockets below */
	{"io_uring_setup", ENOSYS},
	{"io_uring_enter", ENOSYS},
	{"io_uring_register", ENOSYS},
	/* memory that no process is seen to hold: it would escape the sampling
	 * and outlive its maker */
	{"shmget", ENOSYS},
	{"msgget", ENOSYS},
	{"semget", ENOSYS},
	{"memfd_create", ENOSYS},
	{"memfd_secret", ENOSYS},
	/* the kernel's own innards */
	{"bpf", EPERM},
	{"perf_event_open", EPERM},
	{"userfaultfd", EPERM},
	{"keyctl", EPERM},
	{"add_key", EPERM},
	{"request_key", EPERM},
	{"kexec_load", EPERM},
	{"kexec_file_load", EPERM},
	{"init_module", EPERM},
	{"finit_module", EPERM},
	{"delete_module", EPERM},
	{"reboot", EPERM},
	{"swapon", EPERM},
	{"swapoff", EPERM},
	{"acct", EPERM},
	{"quotactl", EPERM},
	{"quotactl_fd", EPERM},
	{"syslog", EPERM},
	{"iopl", EPERM},
	{"ioperm", EPERM},
	{"modify_ldt", EPERM},
	{"lookup_dcookie", EPERM},
	{"vhangup", EPERM},
	{"settimeofday", EPERM},
	{"clock_settime", EPERM},
	{"clock_adjtime", EPERM},
	{"adjtimex", EPERM},
	{"sethostname", EPERM},
	{"setdomainname", EPERM},
};

static int
refuse_names(scmp_filter_ctx ctx)
{
	for (size_t i = 0; i < array_size(refused); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i].name);
		int r;

		if (nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO((uint32_t)refused[i].err), nr, 0);
		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

/* One system call, when argument `arg` compares so. */
static int
refuse_when(scmp_filter_ctx ctx, int nr, unsigned arg, enum scmp_compare op,
	uint64_t a, uint64_t b)
{
	struct scmp_arg_cmp when = {
		.arg = arg, .op = op, .datum_a = a, .datum_b = b};

	return seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), nr, 1, &when);
}

static int
refuse_clone(scmp_filter_ctx ctx)
{
	static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_NEWPID,
		CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
		CLONE_NEWCGROUP};
	int r = 0;

	for (size_t i = 0; i < array_size(flags) && r == 0; i++)
		r = refuse_when(ctx, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ,
			flags[i], flags[i]);
	return r;
}

/* With the network: unix, IPv4 and IPv6, no raw sockets. */
static int
refuse_families(scmp_filter_ctx ctx)
{
	int r = refuse_when(ctx, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_INET6, 0);

	for (uint64_t family = AF_INET + 1; family < AF_INET6 && r == 0;
		family++)
		r = refuse_when(
			ctx, SCMP_SYS(socket), 0, SCMP_CMP_EQ, family, 0);
	if (r == 0)
		r = refuse_when(ctx, SCMP_SYS(socket), 1, SCMP_CMP_MASKED_EQ,
			0xf, SOCK_RAW);
	return r;
}

static int
refuse_sockets(const struct cage *c, scmp_filter_ctx ctx)
{
	if (c->conf->network)
		return refuse_families(ctx);
	return refuse_when(ctx, SCMP_SYS(socket), 0, SCMP_CMP_NE, AF_UNIX, 0);
}

/* Putting letters into somebody's terminal. */
static int
refuse_ioctls(scmp_filter_ctx ctx)
{
	static const uint64_t asks[] = {TIOCSTI, TIOCLINUX};
	int r = 0;

	for (size_t i = 0; i < array_size(asks) && r == 0; i++)
		r = refuse_when(ctx, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ,
			0xffffffff, asks[i]);
	return r;
}

int
cage_try_seccomp(struct cage *c)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = refuse_names(ctx);
	if (r == 0)
		r = refuse_clone(ctx);
	if (r == 0)
		r = refuse_sockets(c, ctx);
	if (r == 0)
		r = refuse_ioctls(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
