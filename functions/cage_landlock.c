/*
 * Landlock, the second wall around files: what a function may read and where it
 * may write, said again in terms of the paths it sees.  Each process that runs
 * user code gets a domain of its own, and the kernel lets none look into
 * another's memory.
 */
#include "functions/cage_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From ABI 3 and 5, which older headers lack. */
#define ACCESS_TRUNCATE  (1ULL << 14)
#define ACCESS_IOCTL_DEV (1ULL << 15)

/* The kernel's struct as of ABI 6, and what is walled off then: abstract unix
 * sockets and processes of others, which with the network are the host's. */
struct ruleset {
	uint64_t fs, net, scoped;
};
enum { SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };

#define READ_ACCESS \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
		LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_ACCESS \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
		LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE | \
		ACCESS_IOCTL_DEV)
#define ALL_ACCESS ((1ULL << 16) - 1)

static int
abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
}

/* All that this kernel can watch over. */
static uint64_t
known_access(void)
{
	int n = abi();

	if (n < 1)
		return 0;
	if (n < 2)
		return (1ULL << 13) - 1;
	if (n < 3)
		return (1ULL << 14) - 1;
	return n < 5 ? (1ULL << 15) - 1 : ALL_ACCESS;
}

int
cage_try_landlock(struct cage *c)
{
	c->landlock = known_access() != 0;
	return c->landlock ? 0 : -ENOSYS;
}

/* A path that is not there needs no rule. */
static int
allow(int rules, const char *path, uint64_t access)
{
	_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr attr = {.parent_fd = fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		access &= FILE_ACCESS;
	attr.allowed_access = access & known_access();
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
		    &attr, 0) < 0)
		return -errno;
	return 0;
}

static int
allow_all(const struct cage *c, int rules)
{
	int r = allow(rules, "/tmp", ALL_ACCESS);

	if (r == 0)
		r = allow(rules, "/proc", READ_ACCESS);
	for (size_t i = 0; i < cage_places_len && r == 0; i++)
		r = allow(rules, cage_places[i].path,
			cage_places[i].kind == PLACE_DEVICE ? FILE_ACCESS
							    : READ_ACCESS);
	for (size_t i = 0; i < array_size(c->conf->dirs) && r == 0; i++)
		if (c->conf->dirs[i] && *c->conf->dirs[i])
			r = allow(rules, c->conf->dirs[i], READ_ACCESS);
	/* Our own tree: its /etc holds nothing but what we put there. */
	if (r == 0 && c->own_tree)
		r = allow(rules, "/", READ_ACCESS);
	return r;
}

static int
ruleset_new(void)
{
	bool scopes = abi() >= 6;
	struct ruleset attr = {.fs = known_access(),
		.scoped = scopes ? SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS : 0};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr,
		scopes ? sizeof(attr) : sizeof(attr.fs), 0);

	return rules < 0 ? -errno : rules;
}

static int
restrict_self(int rules)
{
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

int
cage_landlock(const struct cage *c)
{
	_close_ int rules = ruleset_new();
	int r = rules < 0 ? rules : allow_all(c, rules);

	return r < 0 ? r : restrict_self(rules);
}

/* What resolving names reads: libraries and their settings. */
int
cage_landlock_outside(void)
{
	static const char *const paths[] = {
		"/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib/misc"};
	_close_ int rules = ruleset_new();
	int r = rules < 0 ? rules : 0;

	for (size_t i = 0; i < array_size(paths) && r == 0; i++)
		r = allow(rules, paths[i], READ_ACCESS);
	return r < 0 ? r : restrict_self(rules);
}
