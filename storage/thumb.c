/*
 * Asking the helper program.  Its input is the content's descriptor and its
 * output a file without a name, so nothing of an image passes through the
 * gateway.  A few run at a time; a few more wait.
 */
#include "storage/thumb.h"

#include "base/mem.h"
#include "base/paths.h"
#include "storage/files_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNNING = 2, WAITING = 64, DEADLINE_MS = 15000 };

struct thumbs {
	struct list waiting;
	unsigned running, waits;
	char *program;
	struct defer start;
	bool ended; /* freed when nothing runs any more */
};

struct thumbing {
	struct list on;
	struct files *f;
	struct thumbs *all;
	struct thumb *t; /* NULL: nobody waits any more */
	uv_process_t process;
	bool runs;
	int out;
	char path[96]; /* in the cache */
	char size[2][16];
	bool cover;
	enum thumb_format format;
	int source;
};

static const char *const formats[] = {"jpeg", "png", "webp"};
static const char *const types[] = {"image/jpeg", "image/png", "image/webp"};

static void on_start(struct defer *defer);

struct thumbs *
thumbs_new(const char *program)
{
	struct thumbs *all = mem_new(struct thumbs);

	list_init(&all->waiting);
	defer_init(&all->start, on_start);
	all->program = path_program(program ? program : "mpcloud-thumb");
	return all;
}

struct thumbs *
thumbs_free(struct thumbs *all)
{
	if (!all)
		return NULL;
	all->ended = true;
	defer_clear(&all->start);
	if (all->running)
		return NULL;
	(void)mem_free(all->program);
	return mem_free(all);
}

static int
parse_side(struct slice s, int *ret)
{
	uint64_t n = 0;

	*ret = THUMB_SIDE_TOP;
	if (!s.len)
		return 0;
	if (slice_to_u64(s, THUMB_SIDE_TOP, &n) < 0 || !n)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

int
thumb_parse(struct thumb *t, struct slice size, struct slice fit,
	struct slice format, struct fault *why)
{
	struct slice height = size, width;

	(void)slice_split(&height, 'x', &width);
	if (!size.len || (!width.len && !height.len) ||
		parse_side(width, &t->width) < 0 ||
		parse_side(height, &t->height) < 0)
		return fault_set(why, ERR_PARAM,
			"thumb: WIDTHxHEIGHT, WIDTHx or xHEIGHT, up to %d",
			THUMB_SIDE_TOP);
	t->cover = slice_is(fit, "cover");
	if (fit.len && !t->cover && !slice_is(fit, "contain"))
		return fault_set(why, ERR_PARAM, "fit: cover or contain");
	if (t->cover && (!width.len || !height.len))
		return fault_set(
			why, ERR_PARAM, "thumb: fit=cover needs WIDTHxHEIGHT");
	t->format = THUMB_WEBP;
	if (!format.len)
		return 0;
	for (size_t i = 0; i < array_size(formats); i++)
		if (slice_is(format, formats[i])) {
			t->format = (enum thumb_format)i;
			return 0;
		}
	return fault_set(why, ERR_PARAM, "format: jpeg, png or webp");
}

static void
thumbing_free(struct thumbing *g)
{
	list_del(&g->on);
	if (g->out >= 0)
		(void)close(g->out);
	if (g->source >= 0)
		(void)close(g->source);
	(void)mem_free(g);
}

/* The asker hears it; the rest of `g` goes when its process is gone. */
static void
tell(struct thumbing *g, int err, const char *text)
{
	struct thumb *t = take(g->t);
	struct stat st = {0};

	t->inside = NULL;
	if (err == 0) {
		(void)fstat(g->out, &st);
		t->size = st.st_size;
		t->type = types[g->format];
		t->fd = take_fd(g->out);
		(void)lseek(t->fd, 0, SEEK_SET);
	}
	if (text)
		(void)fault_set(&t->job.why, err, "%s", text);
	job_finish(&t->job, err);
}

static void run_next(struct thumbs *all);

/* Whoever may read an image may ask for it in millions of sizes; kept are as
 * many as pages have uses for, the rest is made each time. */
static bool
is_one_too_many(const struct thumbing *g, const char *folder)
{
	const char *name = strrchr(g->path, '/') + 1;
	size_t len = strcspn(name, "-") + 1, count = 0;
	int fd = openat(place_dir(g->f->place), folder,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return true;
	}
	while ((e = readdir(dir)))
		count += strncmp(e->d_name, name, len) == 0;
	(void)closedir(dir);
	return count >= THUMBS_KEPT;
}

/* Another may have made the same meanwhile; then that one stays. */
static void
keep(const struct thumbing *g)
{
	int dir = place_dir(g->f->place);
	char self[64], folder[32];

	(void)snprintf(folder, sizeof(folder), "thumbs/%.3s",
		strchr(g->path, '/') + 1);
	(void)mkdirat(dir, "thumbs", 0750);
	(void)mkdirat(dir, folder, 0750);
	if (is_one_too_many(g, folder) || place_has_room(g->f->place, 0) < 0)
		return;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", g->out);
	if (linkat(AT_FDCWD, self, dir, g->path, AT_SYMLINK_FOLLOW) < 0)
		return; /* it is made anew the next time */
}

static void
verdict(struct thumbing *g, int64_t status, int sig)
{
	if (status == 0 && !sig) {
		keep(g);
		tell(g, 0, NULL);
	} else if (status == 3 && !sig) {
		tell(g, ERR_TOO_BIG,
			"the image has too many pixels or bytes to be made "
			"smaller");
	} else {
		tell(g, ERR_PARAM,
			"the file is not an image that can be read: JPEG, PNG, "
			"GIF or WebP");
	}
}

static void
on_closed(uv_handle_t *handle)
{
	thumbing_free(
		container_of((uv_process_t *)handle, struct thumbing, process));
}

static void
on_exit_of(uv_process_t *process, int64_t status, int sig)
{
	struct thumbing *g = container_of(process, struct thumbing, process);
	struct thumbs *all = g->all;

	g->runs = false;
	all->running--;
	if (g->t)
		verdict(g, status, sig);
	uv_close((uv_handle_t *)&g->process, on_closed);
	if (all->ended)
		(void)thumbs_free(all);
	else
		run_next(all);
}

static void
run(struct thumbing *g)
{
	char *args[] = {g->all->program, g->size[0], g->size[1],
		(char *)(uintptr_t)(g->cover ? "cover" : "contain"),
		(char *)(uintptr_t)formats[g->format], NULL};
	char *env[] = {NULL};
	uv_stdio_container_t io[3] = {
		{.flags = UV_INHERIT_FD, .data.fd = g->source},
		{.flags = UV_INHERIT_FD, .data.fd = g->out},
		{.flags = UV_IGNORE}};
	const uv_process_options_t options = {
		.exit_cb = on_exit_of,
		.file = g->all->program,
		.args = args,
		.env = env,
		.stdio = io,
		.stdio_count = 3,
	};

	/* Listeners, the shared memory, the way to the supervisor, and what
	 * libraries opened without saying whose it is: none of it is for a
	 * decoder of images. */
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (uv_spawn(&g->f->loop->uv, &g->process, &options) == 0) {
		g->runs = true;
		g->all->running++;
		return;
	}
	if (g->t)
		tell(g, ERR_UNIMPLEMENTED,
			"this server makes no thumbnails: mpcloud-thumb is not "
			"installed (it is built when libgd-dev is there)");
	uv_close((uv_handle_t *)&g->process, on_closed);
}

static void
run_next(struct thumbs *all)
{
	while (all->running < RUNNING) {
		struct thumbing *g =
			list_first(&all->waiting, struct thumbing, on);

		if (!g)
			return;
		list_del(&g->on);
		all->waits--;
		run(g);
	}
}

/* Not from inside thumb_make: an answer comes later. */
static void
on_start(struct defer *defer)
{
	run_next(container_of(defer, struct thumbs, start));
}

static void
on_drop(struct job *job)
{
	struct thumb *t = container_of(job, struct thumb, job);
	struct thumbing *g = take(t->inside);

	if (!g)
		return;
	g->t = NULL;
	if (g->runs) {
		(void)uv_process_kill(&g->process, SIGKILL);
		return;
	}
	g->all->waits--;
	thumbing_free(g);
}

static int
prepare(struct thumbing *g)
{
	struct thumb *t = g->t;
	char tmp[PLACE_PATH] = "";

	(void)snprintf(g->path, sizeof(g->path), "thumbs/%.3s/%s-%dx%d%s.%s",
		t->content, t->content, t->width, t->height,
		t->cover ? "c" : "", formats[t->format]);
	g->out = openat(place_dir(g->f->place), g->path, O_RDONLY | O_CLOEXEC);
	if (g->out >= 0) {
		(void)futimens(g->out, NULL); /* it is used */
		return 1;
	}
	if (g->all->waits >= WAITING)
		return ERR_BUSY;
	g->out = place_tmp(g->f->place, tmp);
	if (g->out < 0)
		return g->out;
	if (tmp[0])
		(void)unlinkat(place_dir(g->f->place), tmp, 0);
	g->source = fcntl(t->source, F_DUPFD_CLOEXEC, 0);
	return g->source < 0 ? -errno : 0;
}

void
thumb_make(struct files *f, struct thumb *t)
{
	struct thumbing *g = mem_new(struct thumbing);
	int r;

	list_init(&g->on);
	g->f = f;
	g->all = f->thumbs;
	g->t = t;
	g->out = g->source = -1;
	g->cover = t->cover;
	g->format = t->format;
	(void)snprintf(g->size[0], sizeof(g->size[0]), "%d", t->width);
	(void)snprintf(g->size[1], sizeof(g->size[1]), "%d", t->height);
	t->fd = -1;
	t->inside = g;
	job_begin(&t->job, f->loop, DEADLINE_MS, on_drop);
	r = prepare(g);
	if (r == 0) {
		g->all->waits++;
		list_add(&g->all->waiting, &g->on);
		loop_defer(f->loop, &g->all->start);
		return;
	}
	if (r > 0) {
		struct stat st = {0};

		(void)fstat(g->out, &st);
		t->size = st.st_size;
		t->type = types[t->format];
		t->fd = take_fd(g->out);
	}
	t->inside = NULL;
	thumbing_free(g);
	job_fail_soon(&t->job, f->loop, r > 0 ? 0 : r);
}
