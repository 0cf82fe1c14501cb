/*
 * Contents on a disk.  The one idea: bytes are written into a file without a
 * name (O_TMPFILE), which the kernel takes away by itself when the process
 * dies, and get a name when they are complete.  The name is new, so nobody
 * looks there before the row says it: it may be given before the fsync, and
 * file and folder then reach the disk in one commit of the file system's
 * journal.
 */
#include "storage/place.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Works at a time; the pool's other threads are for others. */
enum { WORKS = 6 };

struct place {
	struct loop *loop;
	char *path;
	int dir;
	int64_t reserve;
	size_t waiting; /* bytes */
	struct list queue;
	unsigned running;
	unsigned refs; /* the owner's, and one of each work and writer */
};

static const char *const folders[] = {"objects", "uploads", "tmp", "archive"};

static int
make_folders(struct place *p, struct fault *why)
{
	if (mkdir(p->path, 0750) < 0 && errno != EEXIST)
		return fault_set(why, -errno,
			"storage.dir: %s: %s (the user that gateways run as "
			"must be able to make and write it)",
			p->path, strerror(errno));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return fault_set(why, -errno,
			"storage.dir: %s: %s (the user that gateways run as "
			"must be able to make and write it)",
			p->path, strerror(errno));
	for (size_t i = 0; i < array_size(folders); i++)
		if (mkdirat(p->dir, folders[i], 0750) < 0 && errno != EEXIST)
			return fault_set(why, -errno, "storage.dir: %s/%s: %s",
				p->path, folders[i], strerror(errno));
	return fsync(p->dir) < 0 ? -errno : 0;
}

int
place_new(struct place **ret, struct loop *loop, const struct place_conf *conf,
	struct fault *why)
{
	_cleanup_(place_freep) struct place *p = mem_new(struct place);
	int r;

	p->loop = loop;
	p->dir = -1;
	p->refs = 1;
	p->reserve = conf->reserve;
	p->path = str_dup(conf->dir);
	list_init(&p->queue);
	r = make_folders(p, why);
	if (r == 0)
		*ret = take(p);
	return r;
}

struct place *
place_ref(struct place *p)
{
	p->refs++;
	return p;
}

void
place_unref(struct place *p)
{
	if (--p->refs)
		return;
	if (p->dir >= 0)
		(void)close(p->dir);
	(void)mem_free(p->path);
	(void)mem_free(p);
}

struct place *
place_free(struct place *p)
{
	if (!p)
		return NULL;
	place_unref(p);
	return NULL;
}

void
place_set_reserve(struct place *p, int64_t reserve)
{
	p->reserve = reserve;
}

int
place_dir(const struct place *p)
{
	return p->dir;
}

size_t
place_waiting(const struct place *p)
{
	return p->waiting;
}

void
place_wait_more(struct place *p, int64_t bytes)
{
	p->waiting += (size_t)bytes;
}

void
place_name(char ret[CONTENT_NAME + 1])
{
	text_random_hex(ret, CONTENT_NAME / 2);
}

bool
place_is_name(struct slice name)
{
	if (name.len != CONTENT_NAME)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("0123456789abcdef", name.ptr[i]))
			return false;
	return true;
}

void
place_path(char ret[PLACE_PATH], const char *name)
{
	(void)snprintf(ret, PLACE_PATH, "objects/%.3s/%s", name, name);
}

int
place_open(struct place *p, const char *name)
{
	char path[PLACE_PATH];
	int fd;

	place_path(path, name);
	fd = openat(p->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int
place_error(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FILE_FULL;
	default:
		return -err;
	}
}

int
place_has_room(const struct place *p, int64_t bytes)
{
	struct statvfs v;

	if (fstatvfs(p->dir, &v) < 0)
		return -errno;
	if ((int64_t)(v.f_bavail * v.f_frsize) - bytes < p->reserve)
		return ERR_FILE_FULL;
	return 0;
}

static void start_next(struct place *p);

static void
on_run(uv_work_t *work)
{
	struct place_work *w = container_of(work, struct place_work, work);

	w->run(w);
}

static void
on_ran(uv_work_t *work, int status)
{
	struct place_work *w = container_of(work, struct place_work, work);
	struct place *p = w->place;

	(void)status;
	p->running--;
	w->done(w);
	start_next(p);
	place_unref(p);
}

static void
start_next(struct place *p)
{
	while (p->running < WORKS) {
		struct place_work *w =
			list_first(&p->queue, struct place_work, on);

		if (!w)
			return;
		list_del(&w->on);
		p->running++;
		/* it fails only without a function */
		(void)uv_queue_work(&p->loop->uv, &w->work, on_run, on_ran);
	}
}

void
place_do(struct place *p, struct place_work *w, place_fn *run, place_fn *done)
{
	w->place = p;
	w->run = run;
	w->done = done;
	p->refs++;
	list_add(&p->queue, &w->on);
	start_next(p);
}

int
place_tmp(const struct place *p, char tmp[PLACE_PATH])
{
	char name[CONTENT_NAME + 1];
	int fd = openat(p->dir, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);

	tmp[0] = '\0';
	if (fd >= 0 ||
		(errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd < 0 ? place_error(errno) : fd;
	place_name(name);
	(void)snprintf(tmp, PLACE_PATH, "tmp/%s", name);
	fd = openat(p->dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	return fd < 0 ? place_error(errno) : fd;
}

static int
sync_folder(const struct place *p, const char *path)
{
	int fd = openat(p->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? place_error(errno) : 0;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* The folder of a name: made when it is the first there. */
static int
make_folder(const struct place *p, const char *folder)
{
	if (mkdirat(p->dir, folder, 0750) < 0)
		return errno == EEXIST ? 0 : place_error(errno);
	return sync_folder(p, "objects");
}

static int
give_name(const struct place *p, int fd, const char *tmp, const char *path)
{
	char self[64];

	if (tmp[0])
		return renameat(p->dir, tmp, p->dir, path) < 0
			       ? place_error(errno)
			       : 0;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, p->dir, path, AT_SYMLINK_FOLLOW) < 0)
		return place_error(errno);
	return 0;
}

static int
keep(const struct place *p, int fd, const char *tmp, const char *folder,
	const char *path)
{
	int r = 0;

	/* its age is counted from now on, whenever its bytes came */
	if (futimens(fd, NULL) < 0)
		r = place_error(errno);
	if (r == 0)
		r = give_name(p, fd, tmp, path);
	if (r == 0 && fsync(fd) < 0)
		r = place_error(errno);
	if (r == 0)
		r = sync_folder(p, folder);
	if (r < 0)
		(void)unlinkat(p->dir, path, 0);
	return r;
}

int
place_keep(const struct place *p, int fd, const char *tmp, const char *name)
{
	char path[PLACE_PATH], folder[PLACE_PATH];
	int r;

	place_path(path, name);
	(void)snprintf(folder, sizeof(folder), "objects/%.3s", name);
	r = make_folder(p, folder);
	return r < 0 ? r : keep(p, fd, tmp, folder, path);
}

int
place_keep_part(
	const struct place *p, int fd, const char *tmp, const char *name)
{
	char path[PLACE_PATH];

	(void)snprintf(path, sizeof(path), "uploads/%s", name);
	return keep(p, fd, tmp, "uploads", path);
}

int
place_remove(const struct place *p, const char *name)
{
	char path[PLACE_PATH];

	(void)snprintf(path, sizeof(path), "archive/%.3s/%s", name, name);
	if (unlinkat(p->dir, path, 0) < 0 && errno != ENOENT)
		return -errno;
	place_path(path, name);
	if (unlinkat(p->dir, path, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
