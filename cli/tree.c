/*
 * A recursive copy that follows no link out and has a ceiling.  What npm made
 * is linked instead: every version of a function brings the same thousands of
 * files along, and nobody writes to them.
 */
#include "cli/tree.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/slice.h"
#include "cli/progress.h"
#include "cli/tree_inside.h"

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
	bool link;            /* hard links where they can be made */
	struct tree_lay *lay; /* or NULL */
	struct fault *why;
};

/* One name on both sides. */
struct pair {
	const char *from, *to;
	const char *rel; /* below the top, "" there */
	int depth;
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

static void
count_file(const struct copy *c, bool kept)
{
	struct tree_lay *lay = c->lay;

	if (!lay)
		return;
	lay->kept += kept;
	lay->changed += !kept;
	if (!lay->progress)
		return;
	lay->progress->documents++;
	lay->progress->done++;
	progress_show(lay->progress);
}

/* What was laid the last time is taken again when it is the same. */
static bool
keep_before(const struct copy *c, const struct pair *p, int in, mode_t mode,
	uint64_t size)
{
	_free_ char *path = NULL;
	_close_ int fd = -1;
	struct stat st;

	if (!c->lay || !c->lay->before)
		return false;
	path = str_printf("%s/%s", c->lay->before, p->rel);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		(st.st_mode & 0777) != mode || (uint64_t)st.st_size != size ||
		!tree_same(in, fd))
		return false;
	return link(path, p->to) == 0;
}

static int
copy_open(const struct copy *c, const struct pair *p, int in, mode_t mode,
	uint64_t size)
{
	_close_ int out =
		open(p->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int r;

	if (out < 0 || fchmod(out, mode) < 0)
		return trouble(c->why, p->to);
	if (lseek(in, 0, SEEK_SET) < 0)
		return trouble(c->why, p->from);
	r = copy_bytes(in, out, size);
	return r < 0 ? fault_set(c->why, r, "%s: %s", p->to, strerror(-r)) : 0;
}

static int
copy_file(struct copy *c, const struct pair *p, const struct stat *st)
{
	mode_t mode = st->st_mode & 0111 ? 0755 : 0644;
	int r = charge(c, (uint64_t)st->st_size, p->from);
	/* Whose folder it is may exchange what we have looked at. */
	_close_ int in = r < 0 ? -1
			       : open(p->from, O_RDONLY | O_CLOEXEC |
						       O_NOFOLLOW | O_NONBLOCK);
	struct stat now;

	if (r < 0)
		return r;
	if (in < 0 || fstat(in, &now) < 0)
		return trouble(c->why, p->from);
	if (!S_ISREG(now.st_mode))
		return fault_set(
			c->why, ERR_PARAM, "%s: not a file any more", p->from);
	if (keep_before(c, p, in, mode, (uint64_t)now.st_size)) {
		count_file(c, true);
		return 0;
	}
	count_file(c, false);
	if (c->link && fchmod(in, mode) == 0 && link(p->from, p->to) == 0)
		return 0;
	return copy_open(c, p, in, mode, (uint64_t)st->st_size);
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

static int copy_folder(
	struct copy *c, const struct pair *p, const char *const *skip);

static int
copy_one(struct copy *c, const struct pair *p)
{
	struct stat st;

	if (lstat(p->from, &st) < 0)
		return trouble(c->why, p->from);
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, p, NULL);
	if (S_ISREG(st.st_mode))
		return copy_file(c, p, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(p->from, p->to, p->depth - 1, c->why);
	return fault_set(c->why, ERR_PARAM,
		"%s: neither a file nor a folder nor a link", p->from);
}

static bool
is_skipped(const char *name, const char *const *skip)
{
	if (path_is_dot(name))
		return true;
	for (; skip && *skip; skip++)
		if (!strcmp(name, *skip))
			return true;
	return false;
}

static char *
below(const char *rel, const char *name)
{
	return str_printf("%s%s%s", rel, *rel ? "/" : "", name);
}

static int
copy_folder(struct copy *c, const struct pair *p, const char *const *skip)
{
	DIR *dir = opendir(p->from);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return trouble(c->why, p->from);
	if (mkdir(p->to, 0755) < 0 || chmod(p->to, 0755) < 0)
		r = trouble(c->why, p->to);
	while (r == 0 && (e = readdir(dir))) {
		_free_ char *a = str_printf("%s/%s", p->from, e->d_name);
		_free_ char *b = str_printf("%s/%s", p->to, e->d_name);
		_free_ char *rel = below(p->rel, e->d_name);
		struct pair inner = {a, b, rel, p->depth + 1};

		if (!is_skipped(e->d_name, skip) &&
			!(c->lay && tree_ignores(c->lay->ignore, rel)))
			r = copy_one(c, &inner);
	}
	(void)closedir(dir);
	return r;
}

int
tree_copy(const char *from, const char *to, const char *const *skip,
	struct tree_limits *limits, struct fault *why)
{
	struct copy c = {.limits = limits, .why = why};
	struct pair top = {from, to, "", 0};

	return copy_folder(&c, &top, skip);
}

int
tree_link(const char *from, const char *to, struct tree_limits *limits,
	struct fault *why)
{
	struct copy c = {.limits = limits, .link = true, .why = why};
	struct pair top = {from, to, "", 0};

	return copy_folder(&c, &top, NULL);
}

int
tree_lay(struct tree_lay *lay, const char *from, const char *to,
	struct fault *why)
{
	struct copy c = {.limits = lay->limits, .lay = lay, .why = why};
	struct pair top = {from, to, "", 0};

	return copy_folder(&c, &top, lay->skip);
}

static uint64_t
count_folder(const struct tree_lay *lay, const char *from, const char *rel,
	const char *const *skip)
{
	DIR *dir = opendir(from);
	const struct dirent *e;
	uint64_t n = 0;

	while (dir && (e = readdir(dir))) {
		_free_ char *path = str_printf("%s/%s", from, e->d_name);
		_free_ char *its = below(rel, e->d_name);
		struct stat st;

		if (is_skipped(e->d_name, skip) ||
			tree_ignores(lay->ignore, its) || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			n += count_folder(lay, path, its, NULL);
		else
			n += S_ISREG(st.st_mode);
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

uint64_t
tree_count(const struct tree_lay *lay, const char *from)
{
	return count_folder(lay, from, "", lay->skip);
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
