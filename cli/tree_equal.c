/*
 * Whether two whole trees are one and the same.  What a deploy took from the
 * version before is linked to it, so most files are compared by their inode.
 */
#include "cli/tree_inside.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGET_TOP = 4096 };

static size_t
count_names(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += !path_is_dot(e->d_name);
	if (dir)
		(void)closedir(dir);
	return n;
}

/* As many names, and each of one in the other. */
static bool
folders_equal(const char *a, const char *b)
{
	DIR *dir = opendir(a);
	const struct dirent *e;
	bool equal = dir != NULL;
	size_t n = 0;

	while (equal && (e = readdir(dir))) {
		_free_ char *x = NULL, *y = NULL;

		if (path_is_dot(e->d_name))
			continue;
		x = str_printf("%s/%s", a, e->d_name);
		y = str_printf("%s/%s", b, e->d_name);
		equal = tree_equal(x, y);
		n++;
	}
	if (dir)
		(void)closedir(dir);
	return equal && n == count_names(b);
}

static bool
files_equal(const char *a, const char *b)
{
	_close_ int x = open(a, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_close_ int y = open(b, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return x >= 0 && y >= 0 && tree_same(x, y);
}

static bool
links_equal(const char *a, const char *b)
{
	char x[TARGET_TOP], y[TARGET_TOP];
	ssize_t n = readlink(a, x, sizeof(x)), m = readlink(b, y, sizeof(y));

	return n >= 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

bool
tree_equal(const char *a, const char *b)
{
	struct stat x, y;

	if (lstat(a, &x) < 0 || lstat(b, &y) < 0 || x.st_mode != y.st_mode)
		return false;
	if (x.st_dev == y.st_dev && x.st_ino == y.st_ino)
		return true;
	if (S_ISDIR(x.st_mode))
		return folders_equal(a, b);
	if (S_ISLNK(x.st_mode))
		return links_equal(a, b);
	return S_ISREG(x.st_mode) && x.st_size == y.st_size &&
	       files_equal(a, b);
}
