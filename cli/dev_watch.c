/*
 * inotify, through libuv, knows single folders: so there is one watch for each,
 * and a folder that appears brings its own.  A save is several events (a file
 * truncated and written, or written beside and renamed), so nobody is told
 * before it has been quiet for a moment, or a while has passed.
 */
#include "cli/dev_watch.h"

#include "base/mem.h"
#include "base/val.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { QUIET_MS = 10, BURST_MS = 200, DEPTH = 24, FOLDERS_TOP = 20000 };

struct folder {
	uv_fs_event_t event;
	struct list on;
	struct dev_watch *watch; /* NULL: being closed */
	char *path, *mark;
	bool deep;
	unsigned depth;
};

static void folder_add(struct dev_watch *w, const char *path, const char *mark,
	bool deep, unsigned depth);

bool
dev_watch_ignores(const char *name)
{
	size_t len = strlen(name);

	return name[0] == '.' || name[0] == '#' || !len ||
	       name[len - 1] == '~' || !strcmp(name, "node_modules") ||
	       !strcmp(name, "4913") || /* vim asks whether it may write */
	       (len > 4 && (!strcmp(name + len - 4, ".swp") ||
				   !strcmp(name + len - 4, ".tmp")));
}

static struct folder *
folder_of(struct list *at)
{
	return container_of(at, struct folder, on);
}

static void
on_closed(uv_handle_t *handle)
{
	struct folder *f = handle->data;

	free(f->path);
	free(f->mark);
	free(f);
}

static void
folder_close(struct folder *f)
{
	list_del(&f->on);
	list_init(&f->on);
	f->watch = NULL;
	uv_close((uv_handle_t *)&f->event, on_closed);
}

static void
on_quiet(struct timer *t)
{
	struct dev_watch *w = container_of(t, struct dev_watch, burst);
	_json_ json_t *marks = w->marks;

	w->marks = json_object();
	w->on_change(w, marks, w->since);
}

static void
note(struct dev_watch *w, const char *mark)
{
	uint64_t now = uv_hrtime(), passed;

	if (!timer_is_set(&w->burst))
		w->since = now;
	passed = (now - w->since) / 1000000;
	(void)json_object_set_new(w->marks, mark, json_true());
	timer_set(&w->burst, w->loop,
		min((uint64_t)QUIET_MS,
			passed < BURST_MS ? BURST_MS - passed : 0),
		on_quiet);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct folder *f = event->data;
	struct dev_watch *w = f->watch;

	(void)events;
	if (!w || status < 0 || (name && dev_watch_ignores(name)))
		return;
	note(w, f->mark);
	if (name && f->deep) {
		_free_ char *path = str_printf("%s/%s", f->path, name);

		if (is_folder(path))
			folder_add(w, path, f->mark, true, f->depth + 1);
	}
	if (!is_folder(f->path))
		folder_close(f);
}

static bool
is_known(const struct dev_watch *w, const char *path, const char *mark)
{
	size_t n = 0;

	list_for_each (at, &w->folders) {
		const struct folder *f = folder_of(at);

		if (++n > FOLDERS_TOP ||
			(!strcmp(f->path, path) && !strcmp(f->mark, mark)))
			return true;
	}
	return false;
}

static void
tell_full(struct dev_watch *w, const char *path, int err)
{
	if (w->full)
		return;
	w->full = true;
	(void)fprintf(stderr,
		"mpcloud: %s is not watched: %s; raise "
		"fs.inotify.max_user_watches, or deploy by hand\n",
		path, uv_strerror(err));
}

static void
add_children(struct dev_watch *w, const struct folder *f)
{
	DIR *dir = opendir(f->path);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_free_ char *path = NULL;

		if (e->d_type != DT_DIR || dev_watch_ignores(e->d_name))
			continue;
		path = str_printf("%s/%s", f->path, e->d_name);
		folder_add(w, path, f->mark, true, f->depth + 1);
	}
	if (dir)
		(void)closedir(dir);
}

static void
folder_add(struct dev_watch *w, const char *path, const char *mark, bool deep,
	unsigned depth)
{
	struct folder *f;
	int r;

	if (depth > DEPTH || is_known(w, path, mark))
		return;
	f = mem_new(struct folder);
	*f = (struct folder){.watch = w,
		.path = str_dup(path),
		.mark = str_dup(mark),
		.deep = deep,
		.depth = depth};
	(void)uv_fs_event_init(&w->loop->uv, &f->event);
	f->event.data = f;
	list_add(&w->folders, &f->on);
	r = uv_fs_event_start(&f->event, on_event, path, 0);
	if (r < 0) {
		if (r != UV_ENOENT && r != UV_ENOTDIR)
			tell_full(w, path, r);
		folder_close(f);
		return;
	}
	if (deep)
		add_children(w, f);
}

void
dev_watch_init(struct dev_watch *w, struct loop *loop, dev_watch_fn *on_change)
{
	*w = (struct dev_watch){.loop = loop, .on_change = on_change};
	list_init(&w->folders);
	w->marks = json_object();
}

void
dev_watch_done(struct dev_watch *w)
{
	if (!w->loop)
		return;
	timer_clear(&w->burst);
	list_for_each_safe (at, &w->folders)
		folder_close(folder_of(at));
	json_decref(w->marks);
	*w = (struct dev_watch){0};
}

void
dev_watch_add(
	struct dev_watch *w, const char *path, const char *mark, bool deep)
{
	folder_add(w, path, mark, deep, 0);
}

void
dev_watch_del(struct dev_watch *w, const char *mark)
{
	list_for_each_safe (at, &w->folders)
		if (!strcmp(folder_of(at)->mark, mark))
			folder_close(folder_of(at));
}
