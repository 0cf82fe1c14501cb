/*
 * A recursive copy that follows no link out and has a ceiling.  What npm made
 * is linked instead: every version of a function brings the same thousands of
 * files along, and nobody writes to them.
 */
#include "src/tree.h"

#include "base/mem.h"
#include "base/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
	struct tree_limits *limits;
	bool link; /* hard links where they can be made */
	struct fault *why;
};

static int
trouble(struct fault *why, const char *path)
{
	int r = -errno;

	return fault_set(why, r, "%s: %s", path, strerror(-r));
}

static int
charge(struct copy *c, uint64_t bytes, const char *path)
{
	if (c->limits->files == 0 || c->limits->bytes < bytes)
		return fault_set(c->why, ERR_TOO_BIG,
			"%s: the folder has too many files or bytes", path);
	c->limits->files--;
	c->limits->bytes -= bytes;
	return 0;
}

static int
copy_bytes(int in, int out, uint64_t size)
{
	while (size) {
		ssize_t n = sendfile(out, in, NULL, size);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size -= (uint64_t)n;
	}
	return 0;
}

static int
copy_file(
	struct copy *c, const char *from, const char *to, const struct stat *st)
{
	mode_t mode = st->st_mode & 0111 ? 0755 : 0644;
	int r = charge(c, (uint64_t)st->st_size, from);
	/* Whose folder it is may exchange what we have looked at. */
	_close_ int in = r < 0 ? -1
			       : open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
						    O_NONBLOCK);
	_close_ int out = -1;
	struct stat now;

	if (r < 0)
		return r;
	if (in < 0 || fstat(in, &now) < 0)
		return trouble(c->why, from);
	if (!S_ISREG(now.st_mode))
		return fault_set(
			c->why, ERR_PARAM, "%s: not a file any more", from);
	if (c->link && fchmod(in, mode) == 0 && link(from, to) == 0)
		return 0;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (out < 0 || fchmod(out, mode) < 0)
		return trouble(c->why, to);
	r = copy_bytes(in, out, (uint64_t)st->st_size);
	return r < 0 ? fault_set(c->why, r, "%s: %s", to, strerror(-r)) : 0;
}

/* Relative and without climbing above where it stands (npm's .bin links climb
 * within node_modules: counted by depth).  It climbs first and then descends:
 * behind a name, which may be another link, ".." could lead anywhere. */
static bool
link_stays(const char *target, int depth)
{
	struct slice rest = slice_str(target), part;
	bool descends = false;

	if (target[0] == '/')
		return false;
	while (slice_split(&rest, '/', &part)) {
		bool climbs = slice_is(part, "..");

		if (climbs && (descends || --depth < 0))
			return false;
		descends |= part.len && !climbs && !slice_is(part, ".");
	}
	return true;
}

static int
copy_link(const char *from, const char *to, int depth, struct fault *why)
{
	char target[4096];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return trouble(why, from);
	target[n] = '\0';
	if (!link_stays(target, depth))
		return fault_set(why, ERR_PARAM,
			"%s: a symbolic link that leads out of the folder",
			from);
	return symlink(target, to) < 0 ? trouble(why, to) : 0;
}

static int copy_folder(struct copy *c, const char *from, const char *to,
	const char *const *skip, int depth);

static int
copy_one(struct copy *c, const char *from, const char *to, int depth)
{
	struct stat st;

	if (lstat(from, &st) < 0)
		return trouble(c->why, from);
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, from, to, NULL, depth + 1);
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, depth, c->why);
	return fault_set(c->why, ERR_PARAM,
		"%s: neither a file nor a folder nor a link", from);
}

static bool
is_skipped(const char *name, const char *const *skip)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return true;
	for (; skip && *skip; skip++)
		if (!strcmp(name, *skip))
			return true;
	return false;
}

static int
copy_folder(struct copy *c, const char *from, const char *to,
	const char *const *skip, int depth)
{
	DIR *dir = opendir(from);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return trouble(c->why, from);
	if (mkdir(to, 0755) < 0 || chmod(to, 0755) < 0)
		r = trouble(c->why, to);
	while (r == 0 && (e = readdir(dir))) {
		_free_ char *a = str_printf("%s/%s", from, e->d_name);
		_free_ char *b = str_printf("%s/%s", to, e->d_name);

		if (!is_skipped(e->d_name, skip))
			r = copy_one(c, a, b, depth);
	}
	(void)closedir(dir);
	return r;
}

int
tree_copy(const char *from, const char *to, const char *const *skip,
	struct tree_limits *limits, struct fault *why)
{
	struct copy c = {.limits = limits, .why = why};

	return copy_folder(&c, from, to, skip, 0);
}

int
tree_link(const char *from, const char *to, struct tree_limits *limits,
	struct fault *why)
{
	struct copy c = {.limits = limits, .link = true, .why = why};

	return copy_folder(&c, from, to, NULL, 0);
}

int
tree_sync(const char *path, struct fault *why)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? trouble(why, path) : 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

void
tree_remove(const char *path)
{
	(void)nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS);
}
