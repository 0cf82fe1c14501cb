/*
 * cgroup v2 as files: what is written is a table.  Nothing is taken that was
 * not given: only a cgroup that systemd marked as delegated, or that belongs to
 * our user, is divided.  A function's cgroup that is empty is removed by the
 * next function host, because the one that it was made for has no rights left
 * when it ends.
 */
#include "functions/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PERIOD_US = 100000, WORD = 32 };

static const char *const controllers[] = {"memory", "cpu", "pids"};

static int
write_at(int dir, const char *file, const char *text)
{
	_close_ int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int
dir_open(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
cgroup_read(const char *path, const char *file, char *ret, size_t size)
{
	_close_ int dir = dir_open(path);
	_close_ int fd = -1;
	ssize_t n;

	if (dir < 0)
		return dir;
	fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

/* Hybrid machines have it beside the old one. */
static const char *
mount_point(void)
{
	static const char *const places[] = {
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < array_size(places); i++)
		if (statfs(places[i], &fs) == 0 &&
			fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

int
cgroup_find(char ret[CGROUP_PATH])
{
	const char *top = mount_point();
	FILE *f = top ? fopen("/proc/self/cgroup", "re") : NULL;
	char line[CGROUP_PATH];
	int r = -ENOENT;

	while (f && r < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (snprintf(ret, CGROUP_PATH, "%s%s", top, line + 3) <
			CGROUP_PATH)
			r = 0;
	}
	if (f)
		(void)fclose(f);
	return r;
}

bool
cgroup_is_ours(const char *path)
{
	static const char *const marks[] = {
		"trusted.delegate", "user.delegate"};
	struct stat st;
	char value[8] = "";

	for (size_t i = 0; i < array_size(marks); i++)
		if (getxattr(path, marks[i], value, sizeof(value) - 1) == 1 &&
			value[0] == '1')
			return true;
	return geteuid() != 0 && stat(path, &st) == 0 && st.st_uid == geteuid();
}

int
cgroup_delegate_at(const char *path)
{
	_close_ int top = dir_open(path), own = -1;
	int r = -ENOTSUP;

	if (top < 0)
		return top;
	if (mkdirat(top, CGROUP_OWN, 0755) < 0 && errno != EEXIST)
		return -errno;
	own = openat(top, CGROUP_OWN, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	r = write_at(own, "cgroup.procs", "0");
	if (r < 0)
		return r;
	/* Each alone: one that is missing must not take the others along. */
	for (size_t i = 0; i < array_size(controllers); i++) {
		char text[WORD];

		(void)snprintf(text, sizeof(text), "+%s", controllers[i]);
		(void)write_at(top, "cgroup.subtree_control", text);
	}
	return 0;
}

/* Ours already when a supervisor that we replace had moved there. */
static bool
is_own(char *path)
{
	char *last = strrchr(path, '/');

	if (!last || strcmp(last + 1, CGROUP_OWN) != 0)
		return false;
	*last = '\0';
	return true;
}

int
cgroup_delegate(void)
{
	char path[CGROUP_PATH];
	int r = cgroup_find(path);

	if (r < 0)
		return r;
	if (!is_own(path) && !cgroup_is_ours(path))
		return -EPERM;
	return cgroup_delegate_at(path);
}

/* Those whose process has gone; one that somebody is in stays (EBUSY). */
static void
sweep(const char *top)
{
	DIR *dir = opendir(top);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *dot = strrchr(e->d_name, '.');

		if (strncmp(e->d_name, CGROUP_FN, strlen(CGROUP_FN)) == 0 &&
			kill((pid_t)strtol(dot + 1, NULL, 10), 0) < 0 &&
			errno == ESRCH)
			(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir)
		(void)closedir(dir);
}

/* -EOPNOTSUPP when a ceiling that was asked for cannot be had. */
static int
set_ceilings(int dir, const struct cgroup_conf *conf)
{
	char memory[WORD], cpu[WORD], pids[WORD];
	const struct {
		const char *file, *text;
		bool asked;
	} files[] = {
		{"memory.max", memory, conf->memory > 0},
		{"memory.swap.max", "0", false},  /* not every kernel has it */
		{"memory.oom.group", "0", false}, /* the hog alone */
		{"cpu.max", cpu, conf->cpu > 0},
		{"pids.max", pids, conf->pids > 0},
	};
	int r = 0;

	(void)snprintf(memory, sizeof(memory),
		conf->memory > 0 ? "%lld" : "max", (long long)conf->memory);
	if (conf->cpu > 0)
		(void)snprintf(cpu, sizeof(cpu), "%llu %d",
			(unsigned long long)conf->cpu * PERIOD_US / 100,
			PERIOD_US);
	else
		(void)snprintf(cpu, sizeof(cpu), "max %d", PERIOD_US);
	(void)snprintf(
		pids, sizeof(pids), conf->pids > 0 ? "%u" : "max", conf->pids);
	for (size_t i = 0; i < array_size(files); i++)
		if (write_at(dir, files[i].file, files[i].text) < 0 &&
			files[i].asked)
			r = -EOPNOTSUPP;
	return r;
}

int
cgroup_make_at(
	const char *top, const struct cgroup_conf *conf, struct cgroup *ret)
{
	_close_ int tops = dir_open(top), dir = -1;
	char name[NAME_MAX];

	if (tops < 0)
		return tops;
	sweep(top);
	(void)snprintf(name, sizeof(name), CGROUP_FN "%s.%d", conf->name,
		(int)getpid());
	if (mkdirat(tops, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(tops, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	ret->end = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	ret->dir = take_fd(dir);
	return set_ceilings(ret->dir, conf);
}

int
cgroup_make(const struct cgroup_conf *conf, struct cgroup *ret)
{
	char path[CGROUP_PATH];
	int r = cgroup_find(path);

	if (r < 0)
		return r;
	return is_own(path) ? cgroup_make_at(path, conf, ret) : -EPERM;
}

int
cgroup_join(const struct cgroup *g)
{
	return g->dir < 0 ? 0 : write_at(g->dir, "cgroup.procs", "0");
}

void
cgroup_end(struct cgroup *g)
{
	if (g->end >= 0)
		(void)!write(g->end, "1", 1);
	fd_closep(&g->end);
	fd_closep(&g->dir);
}
