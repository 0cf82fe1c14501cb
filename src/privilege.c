/*
 * Root's rights, cut down to what is used.  The table says for each capability
 * that is kept what needs it; everything else leaves both our own sets and the
 * bounding set, because a function host is executed as root and would get the
 * whole bounding set back at its exec.
 */
#include "src/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	unsigned cap;
	const char *why;
} kept[] = {
	{CAP_SETUID, "gateways and functions run as other users"},
	{CAP_SETGID, "and as their groups"},
	{CAP_KILL, "to end children of other users"},
	{CAP_CHOWN, "sockets and function folders belong to other users"},
	{CAP_SYS_ADMIN, "a host makes its namespaces and mounts"},
	{CAP_SETPCAP, "a host empties its own bounding set before user code"},
};

bool
privilege_is_root(void)
{
	return geteuid() == 0;
}

static uint64_t
kept_set(void)
{
	uint64_t set = 0;

	for (size_t i = 0; i < array_size(kept); i++)
		set |= (uint64_t)1 << kept[i].cap;
	return set;
}

static int
bounding_drop(uint64_t keep)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1 ||
			prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Of our own sets keep what is in `keep` and was ours already. */
static int
own_drop(uint64_t keep)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int
privilege_drop(struct fault *why)
{
	uint64_t keep = kept_set();
	int r;

	if (!privilege_is_root())
		return 0;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	r = bounding_drop(keep);
	if (r == -EPERM)
		r = 0; /* a container that lacks CAP_SETPCAP: already bounded */
	if (r == 0)
		r = own_drop(keep);
	return r < 0 ? fault_set(why, r, "capabilities: %s", err_text(r)) : 0;
}

int
identity_find(struct identity *ret, const char *user, struct fault *why)
{
	const struct passwd *pw = getpwnam(user);
	int n = IDENTITY_GROUPS;

	if (!pw)
		return fault_set(why, ERR_CONFIG,
			"server.user: there is no user \"%s\" on this machine: "
			"make it with systemd-sysusers, or name another",
			user);
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	if (getgrouplist(user, pw->pw_gid, ret->groups, &n) < 0)
		return fault_set(why, ERR_CONFIG,
			"server.user: \"%s\" is in more than %d groups", user,
			IDENTITY_GROUPS);
	ret->ngroups = n;
	return 0;
}

int
identity_become(const struct identity *who)
{
	if (setgroups((size_t)who->ngroups, who->groups) < 0)
		return -errno;
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return -errno;
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return -errno;
	return 0;
}
