/*
 * A walk in small steps: a thread lists a folder, the database says which of
 * its names nobody looks for, a thread removes those.  Then the rows by their
 * paths, and a thread looks whether their contents are there.
 *
 * Nothing young is touched: a content becomes its name a moment before its row
 * is written, or says that it is there, and carries the time of that moment.
 */
#include "storage/sweep.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "storage/files_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAMES = 500, /* asked for at once */
	FOLDERS = 4096,
	LAST_FOLDER = 3 * FOLDERS + 2,
	FOLDER_PATH = 32,
	NAMES_TOP = 200000, /* of one folder; the rest the next time */
};

struct sweeping {
	struct files *f;
	struct sweep *s; /* NULL: cancelled */
	struct place *place;
	struct place_work work;
	struct ask ask;
	struct arena arena;
	bool working;
	int64_t old_ns; /* what was changed before is old */
	/* folders */
	unsigned folder;
	char path[FOLDER_PATH];
	char (*names)[CONTENT_NAME + 1];
	size_t count, room, at;
	char litter[NAMES][CONTENT_NAME + 1];
	int litter_count;
	int64_t removed, bytes;
	/* rows */
	const char *row_path[NAMES], *row_content[NAMES];
	bool row_archived[NAMES], missing[NAMES];
	int rows;
	char *behind;
};

/* A thumbnail that nobody asked for so long (thumb.c renews its time). */
static const int64_t THUMB_NS = 30 * 86400 * CLOCK_S;

static const char litter_sql[] =
	"SELECT * FROM mpcloud.file_litter($1::jsonb, $2)";

static const char rows_sql[] =
	"SELECT path, content, class FROM mpcloud.files"
	" WHERE env = $1 AND path > $2 AND place = 'disk'"
	" ORDER BY path LIMIT 500";

/* Is it still the path's content? */
static const char lost_sql[] =
	"SELECT f.path FROM mpcloud.files f,"
	" jsonb_to_recordset($2::jsonb) w (path text, content text, class text)"
	" WHERE f.env = $1 AND f.path = w.path AND f.content = w.content"
	" AND f.class = w.class";

/* The kind of the nth folder. */
static const char *
folder_kind(unsigned n)
{
	static const char *const many[] = {"objects", "archive", "thumbs"};

	if (n < 3 * FOLDERS)
		return many[n / FOLDERS];
	return n == 3 * FOLDERS ? "tmp" : "uploads";
}

static void
folder_path(unsigned n, char path[FOLDER_PATH])
{
	if (n < 3 * FOLDERS)
		(void)snprintf(path, FOLDER_PATH, "%s/%03x", folder_kind(n),
			n % FOLDERS);
	else
		(void)snprintf(path, FOLDER_PATH, "%s", folder_kind(n));
}

static void
sweeping_free(struct sweeping *g)
{
	place_unref(g->place);
	arena_done(&g->arena);
	(void)mem_free(g->names);
	(void)mem_free(g->behind);
	(void)mem_free(g);
}

static void
finish(struct sweeping *g, int err, const struct fault *why)
{
	struct sweep *s = g->s;

	sweeping_free(g);
	s->inside = NULL;
	if (why)
		s->job.why = *why;
	job_finish(&s->job, err);
}

static void
on_drop(struct job *job)
{
	struct sweep *s = container_of(job, struct sweep, job);
	struct sweeping *g = take(s->inside);

	job_cancel(&g->ask.job);
	g->s = NULL;
	if (!g->working)
		sweeping_free(g);
}

/* A thread's work, whose end is not told when nobody waits any more. */
static void
do_work(struct sweeping *g, place_fn *run, place_fn *done)
{
	g->working = true;
	place_do(g->place, &g->work, run, done);
}

static bool
work_over(struct sweeping *g)
{
	g->working = false;
	if (g->s)
		return true;
	sweeping_free(g);
	return false;
}

static void
remember(struct sweeping *g, const char *name)
{
	if (g->count == g->room) {
		g->room = g->room ? 2 * g->room : NAMES;
		g->names = mem_resize(g->names, g->room * sizeof(g->names[0]));
	}
	memcpy(g->names[g->count++], name, CONTENT_NAME + 1);
}

static bool
is_older(const struct stat *st, int64_t ns)
{
	return st->st_mtim.tv_sec * CLOCK_S + st->st_mtim.tv_nsec <= ns;
}

static void
look_at(struct sweeping *g, int dir, const char *name, const struct stat *st)
{
	if (strncmp(g->path, "thumbs", 6) == 0) {
		if (is_older(st, g->old_ns - THUMB_NS))
			(void)unlinkat(dir, name, 0);
	} else if (is_older(st, g->old_ns) && place_is_name(slice_str(name))) {
		remember(g, name);
	}
}

static void
list_folder(struct sweeping *g)
{
	int fd = openat(place_dir(g->place), g->path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) && g->count < NAMES_TOP) {
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			look_at(g, fd, e->d_name, &st);
	}
	(void)closedir(dir);
}

/* In a thread: on to the next folder that has something old in it. */
static void
run_list(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);

	g->count = g->at = 0;
	while (g->folder < LAST_FOLDER && g->count == 0) {
		folder_path(g->folder++, g->path);
		list_folder(g);
	}
}

static const char *
kind_of(const struct sweeping *g)
{
	return folder_kind(g->folder - 1);
}

static void next_names(struct sweeping *g);
static void next_rows(struct sweeping *g);

static void
on_list(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);

	if (!work_over(g))
		return;
	if (g->count == 0) {
		next_rows(g);
		return;
	}
	if (strcmp(kind_of(g), "objects") == 0)
		g->s->counts.contents += (int64_t)g->count;
	next_names(g);
}

/* In a thread.  Young by now is what was brought here meanwhile (archive.c). */
static void
run_remove(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);
	int dir = place_dir(g->place);
	char path[FOLDER_PATH + CONTENT_NAME + 2];
	struct stat st;

	g->removed = g->bytes = 0;
	for (int i = 0; i < g->litter_count; i++) {
		(void)snprintf(
			path, sizeof(path), "%s/%s", g->path, g->litter[i]);
		if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!is_older(&st, g->old_ns) || unlinkat(dir, path, 0) < 0)
			continue;
		g->removed++;
		g->bytes += st.st_size;
	}
}

static void
on_remove(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);

	if (!work_over(g))
		return;
	g->s->counts.litter += g->removed;
	g->s->counts.bytes += g->bytes;
	next_names(g);
}

static void
on_litter(struct job *job)
{
	struct sweeping *g = container_of(
		container_of(job, struct ask, job), struct sweeping, ask);

	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	g->litter_count = 0;
	for (int i = 0; i < ask_rows(&g->ask); i++) {
		struct slice name = ask_value(&g->ask, i, 0);

		if (!place_is_name(name))
			continue;
		memcpy(g->litter[g->litter_count], name.ptr, name.len);
		g->litter[g->litter_count++][name.len] = '\0';
	}
	if (g->litter_count)
		do_work(g, run_remove, on_remove);
	else
		next_names(g);
}

/* The next names of this folder, else the next folder. */
static void
next_names(struct sweeping *g)
{
	_buf_ struct buf list = {0};
	size_t end = min(g->at + NAMES, g->count);
	const char *kind = kind_of(g);

	if (g->at == g->count) {
		do_work(g, run_list, on_list);
		return;
	}
	if (strcmp(kind, "tmp") == 0) {
		for (g->litter_count = 0; g->at < end; g->at++)
			memcpy(g->litter[g->litter_count++], g->names[g->at],
				CONTENT_NAME + 1);
		do_work(g, run_remove, on_remove);
		return;
	}
	buf_init(&list, NAMES * (CONTENT_NAME + 4) + 8);
	for (buf_char(&list, '['); g->at < end; g->at++)
		buf_printf(&list, "%s\"%s\"", list.len > 1 ? "," : "",
			g->names[g->at]);
	buf_char(&list, ']');
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_litter);
	pool_ask(g->f->pool, &g->ask, litter_sql,
		(struct slice[]){buf_all(&list), slice_str(kind)}, 2);
}

/* In a thread.  While it is being archived or brought back it may be in either
 * place. */
static void
run_look(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);
	int dir = place_dir(g->place);
	char path[2][PLACE_PATH];

	for (int i = 0; i < g->rows; i++) {
		const char *name = g->row_content[i];

		place_path(path[0], name);
		(void)snprintf(path[1], sizeof(path[1]), "archive/%.3s/%s",
			name, name);
		g->missing[i] = faccessat(dir, path[0], F_OK, 0) < 0 &&
				faccessat(dir, path[1], F_OK, 0) < 0;
	}
}

static void
on_lost(struct job *job)
{
	struct sweeping *g = container_of(
		container_of(job, struct ask, job), struct sweeping, ask);
	struct sweep_counts *n = &g->s->counts;

	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	for (int i = 0; i < ask_rows(&g->ask); i++) {
		const char *path =
			arena_str(&g->arena, ask_value(&g->ask, i, 0));

		if (n->lost++ == 0)
			(void)snprintf(
				n->lost_path, sizeof(n->lost_path), "%s", path);
		event(EVENT_FILE_LOST, "path", path, NULL);
	}
	next_rows(g);
}

static void
on_look(struct place_work *w)
{
	struct sweeping *g = container_of(w, struct sweeping, work);
	_buf_ struct buf list = {0};

	if (!work_over(g))
		return;
	buf_init(&list, 4 << 20);
	buf_char(&list, '[');
	for (int i = 0; i < g->rows; i++) {
		if (!g->missing[i])
			continue;
		buf_str(&list, list.len > 1 ? ",{\"path\":" : "{\"path\":");
		buf_json(&list, slice_str(g->row_path[i]));
		buf_printf(&list, ",\"content\":\"%s\",\"class\":\"%s\"}",
			g->row_content[i],
			g->row_archived[i] ? "archive" : "standard");
	}
	buf_char(&list, ']');
	if (list.len == 2) {
		next_rows(g);
		return;
	}
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_lost);
	pool_ask(g->f->pool, &g->ask, lost_sql,
		(struct slice[]){slice_str(g->f->conf.env), buf_all(&list)}, 2);
}

static void
on_rows(struct job *job)
{
	struct sweeping *g = container_of(
		container_of(job, struct ask, job), struct sweeping, ask);

	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	g->rows = ask_rows(&g->ask);
	if (g->rows == 0) {
		finish(g, 0, NULL);
		return;
	}
	for (int i = 0; i < g->rows; i++) {
		g->row_path[i] = arena_str(&g->arena, ask_value(&g->ask, i, 0));
		g->row_content[i] =
			arena_str(&g->arena, ask_value(&g->ask, i, 1));
		g->row_archived[i] =
			slice_is(ask_value(&g->ask, i, 2), "archive");
	}
	g->s->counts.rows += g->rows;
	(void)mem_free(g->behind);
	g->behind = str_dup(g->row_path[g->rows - 1]);
	do_work(g, run_look, on_look);
}

static void
next_rows(struct sweeping *g)
{
	arena_clear(&g->arena, 8 << 20);
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_rows);
	pool_ask(g->f->pool, &g->ask, rows_sql,
		(struct slice[]){slice_str(g->f->conf.env),
			slice_str(g->behind ? g->behind : "")},
		2);
}

void
sweep_start(struct files *f, struct sweep *s, int64_t age_ms)
{
	struct sweeping *g = mem_new(struct sweeping);

	s->counts = (struct sweep_counts){0};
	s->inside = g;
	g->f = f;
	g->s = s;
	g->place = place_ref(f->place);
	g->old_ns = clock_now() - age_ms * CLOCK_MS;
	arena_init(&g->arena, 8 << 20);
	job_init(&g->ask.job, on_litter);
	job_begin(&s->job, f->loop, 0, on_drop);
	do_work(g, run_list, on_list);
}
