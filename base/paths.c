/*
 * Files by name.  A daemon that is killed between two writes must find its
 * files whole, so every write goes to a neighbour that is renamed into place.
 */
#include "base/paths.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_TOP = 64 * 1024 };

/* "DIR/" of the running program, with the slash; "" when /proc is absent. */
static char *
program_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return str_dup("");
	path[n] = '\0';
	slash = strrchr(path, '/');
	return str_ndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

char *
path_program(const char *name)
{
	static const char *const places[] = {PKGLIBEXECDIR, BINDIR};
	_free_ char *dir = program_dir();
	char *path = str_printf("%s%s", dir, name);

	for (size_t i = 0; i < array_size(places); i++) {
		if (path[0] == '/' && access(path, X_OK) == 0)
			return path;
		free(path);
		path = str_printf("%s/%s", places[i], name);
	}
	return path;
}

char *
path_data(const char *name)
{
	/* Beside the program, or in the source above its build folder. */
	static const char *const places[] = {"", "../"};
	const char *data = getenv("MPCLOUD_DATA");
	_free_ char *dir = program_dir();

	if (data && *data)
		return str_printf("%s/%s", data, name);
	for (size_t i = 0; i < array_size(places); i++) {
		_free_ char *path = str_printf("%s%s%s", dir, places[i], name);
		char *real = path[0] == '/' ? realpath(path, NULL) : NULL;

		if (real)
			return real;
	}
	return str_printf("%s/%s", PKGDATADIR, name);
}

static int
path_fault(struct fault *why, int err, const char *path)
{
	return fault_set(why, -err, "%s: %s", path, strerror(err));
}

/* The gateways run as another user than the one who laid the file down. */
static int
may_not_read(const char *path, struct fault *why)
{
	const struct passwd *us = getpwuid(geteuid());

	if (!us)
		return path_fault(why, EACCES, path);
	return fault_set(why, -EACCES,
		"%s: Permission denied: user %s must be able to read it "
		"(chown %s %s)",
		path, us->pw_name, us->pw_name, path);
}

ssize_t
file_fill(int fd, char *to, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, to + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* All of an open file, up to one byte more than `top`. */
static int
read_whole(int fd, size_t top, char **ret, size_t *len)
{
	size_t room = 4096, n = 0;
	_free_ char *p = mem_alloc(room);

	for (;;) {
		size_t want = min(room - 1, top + 1) - n;
		ssize_t got = file_fill(fd, p + n, want);

		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (n > top)
			return ERR_TOO_BIG;
		if ((size_t)got < want)
			break;
		p = mem_resize(p, room *= 2);
	}
	p[n] = '\0';
	*len = n;
	*ret = take(p);
	return 0;
}

/* `refused`: mode bits that the file may not have. */
static int
file_read_checked(const char *path, size_t top, mode_t refused, char **ret,
	size_t *len, struct fault *why)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 && errno == EACCES)
		return may_not_read(path, why);
	if (fd < 0 || fstat(fd, &st) < 0)
		return path_fault(why, errno, path);
	if (S_ISDIR(st.st_mode))
		return path_fault(why, EISDIR, path);
	if (st.st_mode & refused)
		return fault_set(why, -EPERM,
			"%s: others may read this secret: chmod o= %s", path,
			path);
	r = read_whole(fd, top, ret, len);
	if (r == ERR_TOO_BIG)
		return fault_set(
			why, r, "%s: larger than %zu bytes", path, top);
	return r < 0 ? path_fault(why, -r, path) : 0;
}

int
file_read(const char *path, size_t top, char **ret, size_t *len,
	struct fault *why)
{
	return file_read_checked(path, top, 0, ret, len, why);
}

int
file_read_secret(const char *path, char **ret, struct fault *why)
{
	char *text;
	size_t len;
	int r;

	r = file_read_checked(path, SECRET_TOP, S_IRWXO, &text, &len, why);
	if (r < 0)
		return r;
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len && text[len - 1] == '\r')
		text[--len] = '\0';
	*ret = text;
	return 0;
}

static int
write_whole(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The rename itself must survive a power cut. */
static int
sync_dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	_free_ char *dir = slash ? str_ndup(path, (size_t)(slash - path) + 1)
				 : str_dup(".");
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int
file_write(const char *path, const void *p, size_t len, unsigned mode,
	struct fault *why)
{
	_free_ char *beside = str_printf("%s.XXXXXX", path);
	_close_ int fd = mkostemp(beside, O_CLOEXEC);
	int r;

	if (fd < 0)
		return path_fault(why, errno, path);
	r = write_whole(fd, p, len);
	if (r == 0 && fchmod(fd, (mode_t)mode) < 0)
		r = -errno;
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(beside);
		return path_fault(why, -r, path);
	}
	r = sync_dir_of(path);
	return r < 0 ? path_fault(why, -r, path) : 0;
}

static int
is_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* With the parents that are missing; `mode` is exact whatever the umask. */
static int
dir_make_one(char *path, size_t len, mode_t mode)
{
	char *slash;
	int r;

	if (mkdir(path, mode) == 0)
		return chmod(path, mode) < 0 ? -errno : 0;
	if (errno == EEXIST)
		return is_dir(path);
	if (errno != ENOENT)
		return -errno;
	while (len && path[len - 1] != '/')
		len--;
	if (len <= 1)
		return -ENOENT;
	slash = &path[len - 1];
	*slash = '\0';
	r = dir_make_one(path, len - 1, mode);
	*slash = '/';
	if (r < 0)
		return r;
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? is_dir(path) : -errno;
	return chmod(path, mode) < 0 ? -errno : 0;
}

int
dir_make(const char *path, unsigned mode, struct fault *why)
{
	_free_ char *copy = str_dup(path);
	size_t len = strlen(copy);
	int r;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	r = dir_make_one(copy, len, (mode_t)mode);
	return r < 0 ? path_fault(why, -r, path) : 0;
}
