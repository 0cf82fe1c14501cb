/*
 * Moving contents between two folders that may be two disks: the copy is
 * durable, then the rows say so, then the other one goes.  Whatever stops in
 * between leaves one too many, which the sweep removes.
 *
 * Others may do the same at the same time, back or forth, and sweep.  So who
 * brings a content renews its time, and who removes one leaves it when its time
 * is not the one he found: somebody has a new use for it.
 */
#include "storage/archive.h"

#include "base/clock.h"
#include "base/mem.h"
#include "storage/files_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct archiving {
	struct files *f;
	struct archive *a; /* NULL: cancelled */
	struct place *place;
	struct place_work work;
	struct ask ask;
	bool working, back;
	char name[ARCHIVE_TOP][CONTENT_NAME + 1];
	int err[ARCHIVE_TOP];
	bool moved[ARCHIVE_TOP]; /* say the rows */
	/* of the one that goes, when it was found */
	struct timespec time[ARCHIVE_TOP];
	size_t count;
};

static const char *const folders[] = {"objects", "archive"};

/* Of both the answer is which of the contents are to be looked for in the other
 * folder from now on. */
static const char archive_sql[] =
	"SELECT * FROM mpcloud.files_archive($1, $2::jsonb, $3::bigint)";

static const char restore_sql[] =
	"SELECT * FROM mpcloud.files_restore($1::jsonb, $2::bigint)";

static const char find_sql[] =
	"SELECT content, class FROM mpcloud.files WHERE env = $1 AND path = $2";

static void
archiving_free(struct archiving *g)
{
	place_unref(g->place);
	(void)mem_free(g);
}

static void
finish(struct archiving *g, int err, const struct fault *why)
{
	struct archive *a = g->a;

	archiving_free(g);
	a->inside = NULL;
	if (why)
		a->job.why = *why;
	job_finish(&a->job, err);
}

static void
on_drop(struct job *job)
{
	struct archive *a = container_of(job, struct archive, job);
	struct archiving *g = take(a->inside);

	job_cancel(&g->ask.job);
	g->a = NULL;
	if (!g->working)
		archiving_free(g);
}

static bool
work_over(struct archiving *g)
{
	g->working = false;
	if (g->a)
		return true;
	archiving_free(g);
	return false;
}

/* In a thread, all of these. */
static int
copy_bytes(int from, int to)
{
	ssize_t n;

	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
			     errno == EOPNOTSUPP)) {
		char piece[65536];

		while ((n = read(from, piece, sizeof(piece))) > 0)
			if (write(to, piece, (size_t)n) != n)
				return errno ? place_error(errno) : -EIO;
	}
	return n < 0 ? place_error(errno) : 0;
}

/* Under a name of its own until it is whole: what is left of it after a crash
 * is litter, and never taken for the content. */
static int
copy_over(int dir, const char *from, const char *folder, const char *to)
{
	_close_ int in = openat(dir, from, O_RDONLY | O_CLOEXEC);
	_close_ int out = -1;
	char name[CONTENT_NAME + 1], tmp[PLACE_PATH + sizeof(name)];
	int r;

	if (in < 0)
		return place_error(errno);
	place_name(name);
	(void)snprintf(tmp, sizeof(tmp), "%s/%s", folder, name);
	out = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (out < 0)
		return place_error(errno);
	r = copy_bytes(in, out);
	if (r == 0 && fsync(out) < 0)
		r = place_error(errno);
	if (r == 0 && renameat(dir, tmp, dir, to) < 0)
		r = place_error(errno);
	if (r < 0)
		(void)unlinkat(dir, tmp, 0);
	return r;
}

static int
sync_folder(int dir, const char *path)
{
	_close_ int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? place_error(errno) : 0;
}

static bool
is_same_file(int dir, const char *a, const char *b)
{
	struct stat x, y;

	return fstatat(dir, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(dir, b, &y, AT_SYMLINK_NOFOLLOW) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int
renew(int dir, const char *path, struct timespec *ret)
{
	int64_t now = clock_now();
	const struct timespec t = {now / CLOCK_S, now % CLOCK_S};
	struct stat st;

	if (utimensat(dir, path, (const struct timespec[]){t, t}, 0) < 0 ||
		fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return place_error(errno);
	*ret = st.st_mtim; /* as the file system has it */
	return 0;
}

/* `to` is the content, too, or a copy of it. */
static int
give_name(int dir, const char *from, const char *folder, const char *to)
{
	if (linkat(dir, from, dir, to, 0) == 0)
		return 0;
	if (errno == EEXIST && is_same_file(dir, from, to))
		return 0;
	/* a copy that was there may be one that was left half */
	if (errno == EXDEV || errno == EPERM || errno == EEXIST)
		return copy_over(dir, from, folder, to);
	return place_error(errno);
}

static int
bring(const struct archiving *g, const char *name, struct timespec *time)
{
	int dir = place_dir(g->place), r = 0;
	const char *kind = folders[!g->back];
	char from[PLACE_PATH], to[PLACE_PATH], folder[PLACE_PATH];

	(void)snprintf(
		from, sizeof(from), "%s/%.3s/%s", folders[g->back], name, name);
	(void)snprintf(to, sizeof(to), "%s/%.3s/%s", kind, name, name);
	(void)snprintf(folder, sizeof(folder), "%s/%.3s", kind, name);
	if (mkdirat(dir, folder, 0750) == 0)
		r = sync_folder(dir, kind);
	else if (errno != EEXIST)
		r = place_error(errno);
	if (r == 0)
		r = renew(dir, from, time);
	if (r == 0)
		r = give_name(dir, from, folder, to);
	/* it may be there already, and the first is gone */
	if (r == -ENOENT)
		r = renew(dir, to, time);
	return r == 0 ? sync_folder(dir, folder) : r;
}

static void
run_bring(struct place_work *w)
{
	struct archiving *g = container_of(w, struct archiving, work);

	for (size_t i = 0; i < g->count; i++)
		g->err[i] = bring(g, g->name[i], &g->time[i]);
}

static void
run_remove(struct place_work *w)
{
	struct archiving *g = container_of(w, struct archiving, work);
	int dir = place_dir(g->place);
	char path[PLACE_PATH];
	struct stat st;

	for (size_t i = 0; i < g->count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%.3s/%s",
			folders[g->back], g->name[i], g->name[i]);
		if (g->moved[i] &&
			fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_mtim.tv_sec == g->time[i].tv_sec &&
			st.st_mtim.tv_nsec == g->time[i].tv_nsec)
			(void)unlinkat(dir, path, 0);
	}
}

static void
on_removed(struct place_work *w)
{
	struct archiving *g = container_of(w, struct archiving, work);

	if (work_over(g))
		finish(g, 0, NULL);
}

static void
do_work(struct archiving *g, place_fn *run, place_fn *done)
{
	g->working = true;
	place_do(g->place, &g->work, run, done);
}

static bool
has_changed(const struct archiving *g, const char *name)
{
	for (int i = 0; i < ask_rows(&g->ask); i++)
		if (slice_is(ask_value(&g->ask, i, 0), name))
			return true;
	return false;
}

static void
on_class(struct job *job)
{
	struct archiving *g = container_of(
		container_of(job, struct ask, job), struct archiving, ask);

	hot_changed_all(g->f->hot);
	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	for (size_t i = 0; i < g->count; i++)
		g->moved[i] = has_changed(g, g->name[i]);
	do_work(g, run_remove, on_removed);
}

static void
ask_class(struct archiving *g, struct slice names)
{
	char now[24];

	g->ask = (struct ask){0};
	job_init(&g->ask.job, on_class);
	(void)snprintf(now, sizeof(now), "%lld", (long long)clock_now_ms());
	if (g->back)
		pool_ask(g->f->pool, &g->ask, restore_sql,
			(struct slice[]){names, slice_str(now)}, 2);
	else
		pool_ask(g->f->pool, &g->ask, archive_sql,
			(struct slice[]){slice_str(g->f->conf.env), names,
				slice_str(now)},
			3);
}

static void
on_brought(struct place_work *w)
{
	struct archiving *g = container_of(w, struct archiving, work);
	_buf_ struct buf list = {0};
	int err = 0;

	if (!work_over(g))
		return;
	buf_init(&list, ARCHIVE_TOP * (CONTENT_NAME + 4) + 8);
	buf_char(&list, '[');
	for (size_t i = 0; i < g->count; i++) {
		if (g->err[i] < 0)
			err = g->err[i];
		else
			buf_printf(&list, "%s\"%s\"", list.len > 1 ? "," : "",
				g->name[i]);
	}
	buf_char(&list, ']');
	if (list.len == 2) {
		finish(g, err, NULL);
		return;
	}
	ask_class(g, buf_all(&list));
}

static struct archiving *
begin(struct files *f, struct archive *a)
{
	struct archiving *g = mem_new(struct archiving);

	g->f = f;
	g->a = a;
	g->place = place_ref(f->place);
	a->inside = g;
	job_init(&g->ask.job, on_class);
	job_begin(&a->job, f->loop, 0, on_drop);
	return g;
}

void
archive_contents(struct files *f, struct archive *a,
	const char *const *contents, size_t count)
{
	struct archiving *g = begin(f, a);

	for (; g->count < min(count, (size_t)ARCHIVE_TOP); g->count++)
		(void)snprintf(g->name[g->count], sizeof(g->name[0]), "%s",
			contents[g->count]);
	do_work(g, run_bring, on_brought);
}

static void
on_found(struct job *job)
{
	struct archiving *g = container_of(
		container_of(job, struct ask, job), struct archiving, ask);
	bool archived;

	if (job->err < 0 || ask_rows(&g->ask) == 0) {
		finish(g, job->err < 0 ? job->err : ERR_FILE_NONE,
			job->err < 0 ? &job->why : NULL);
		return;
	}
	archived = slice_is(ask_value(&g->ask, 0, 1), "archive");
	if (!archived || !place_is_name(ask_value(&g->ask, 0, 0))) {
		finish(g, 0, NULL);
		return;
	}
	memcpy(g->name[0], ask_value(&g->ask, 0, 0).ptr, CONTENT_NAME);
	g->count = 1;
	do_work(g, run_bring, on_brought);
}

void
archive_restore(struct files *f, struct archive *a, struct slice path)
{
	struct archiving *g = begin(f, a);

	g->back = true;
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_found);
	pool_ask(f->pool, &g->ask, find_sql,
		(struct slice[]){slice_str(f->conf.env), path}, 2);
}
