/*
 * The system calls of a function, as a list of what is allowed
 * (cage_calls.def): what is not named there does not exist, and what a newer
 * kernel brings is not there either until somebody has thought about it.
 * Programs ask for many calls only to do without them (io_uring, memfd,
 * clone3), so the answer to those is ENOSYS and not the process's end.
 *
 * The same filter holds for the keeper: it is loaded before any of the code.
 */
#include "functions/cage_inside.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	FOR_NATIVE = 1 << RUNTIME_NATIVE,
	FOR_NODE = 1 << RUNTIME_NODE,
	FOR_SCRIPT = 1 << RUNTIME_SCRIPT,
	FOR_ALL = FOR_NATIVE | FOR_NODE | FOR_SCRIPT,
	AS_TREE = 2 /* libseccomp: search the numbers, not one by one */
};

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

struct allowed {
	const char *name;
	int runtimes;
};

static const struct allowed allowed[] = {
#define X_ALLOWED(name, runtimes) {#name, runtimes},
#include "functions/cage_calls.def"
#undef X_ALLOWED
};

static const char *const refused[] = {
#define X_REFUSED(name) #name,
#include "functions/cage_calls.def"
#undef X_REFUSED
};

static const char *const outside[] = {
#define X_OUTSIDE(name) #name,
#include "functions/cage_calls.def"
#undef X_OUTSIDE
};

/* A name that this machine has not is no error. */
static int
rule(scmp_filter_ctx ctx, uint32_t action, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r = nr == __NR_SCMP_ERROR ? 0
				      : seccomp_rule_add(ctx, action, nr, 0);

	return r == -EDOM || r == -EACCES ? 0 : r;
}

/* One call, when argument `arg` compares so. */
static int
refuse_when(scmp_filter_ctx ctx, int nr, unsigned arg, enum scmp_compare op,
	uint64_t a, uint64_t b)
{
	struct scmp_arg_cmp when = {
		.arg = arg, .op = op, .datum_a = a, .datum_b = b};

	return seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), nr, 1, &when);
}

/* Threads and forks, in the namespaces that are.  clone3 hides its flags behind
 * a pointer: glibc does without. */
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

/* Unix sockets alone, or with the host's network IPv4 and IPv6 too; never raw
 * ones, packets, netlink, vsock, alg. */
static int
refuse_sockets(const struct cage *c, scmp_filter_ctx ctx)
{
	int r = 0;

	if (!c->conf->network)
		return refuse_when(
			ctx, SCMP_SYS(socket), 0, SCMP_CMP_NE, AF_UNIX, 0);
	for (uint64_t family = AF_INET + 1; family < AF_INET6 && r == 0;
		family++)
		r = refuse_when(
			ctx, SCMP_SYS(socket), 0, SCMP_CMP_EQ, family, 0);
	if (r == 0)
		r = refuse_when(
			ctx, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_INET6, 0);
	if (r == 0)
		r = refuse_when(ctx, SCMP_SYS(socket), 1, SCMP_CMP_MASKED_EQ,
			0xf, SOCK_RAW);
	return r;
}

/* Putting letters into somebody's terminal.  The kernel looks at 32 bits. */
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

static int
load(scmp_filter_ctx ctx, int r)
{
	if (r == 0)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, AS_TREE);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* Two filters, because one cannot hold "this call" and "this call but with
 * that argument"; the kernel takes the stricter answer. */
static int
load_arguments(const struct cage *c)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = refuse_clone(ctx);
	if (r == 0)
		r = refuse_sockets(c, ctx);
	if (r == 0)
		r = refuse_ioctls(ctx);
	return load(ctx, r);
}

static int
load_names(int runtime)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = 0;

	if (!ctx)
		return -ENOMEM;
	for (size_t i = 0; i < array_size(allowed) && r == 0; i++)
		if (allowed[i].runtimes & runtime)
			r = rule(ctx, SCMP_ACT_ALLOW, allowed[i].name);
	for (size_t i = 0; i < array_size(refused) && r == 0; i++)
		r = rule(ctx, SCMP_ACT_ERRNO(EPERM), refused[i]);
	return load(ctx, r);
}

int
cage_try_seccomp(struct cage *c)
{
	int r = load_arguments(c);

	return r < 0 ? r : load_names(1 << c->conf->runtime);
}

/* Threads alone, to resolve names; no raw sockets, but netlink, which
 * getaddrinfo asks for our addresses. */
static int
load_arguments_outside(void)
{
	const struct scmp_arg_cmp raw[] = {SCMP_A0(SCMP_CMP_NE, AF_NETLINK),
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = refuse_when(
		ctx, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
	if (r == 0)
		r = refuse_when(
			ctx, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_NETLINK, 0);
	if (r == 0)
		r = seccomp_rule_add_array(
			ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2, raw);
	if (r == 0)
		r = refuse_ioctls(ctx);
	return load(ctx, r);
}

int
cage_seccomp_outside(void)
{
	scmp_filter_ctx ctx;
	int r = load_arguments_outside();

	if (r < 0)
		return r;
	ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!ctx)
		return -ENOMEM;
	for (size_t i = 0; i < array_size(outside) && r == 0; i++)
		r = rule(ctx, SCMP_ACT_ALLOW, outside[i]);
	return load(ctx, r);
}
