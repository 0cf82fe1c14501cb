/*
 * Gateways append to NAME.jsonl and rename it to NAME.jsonl.1 when it is large;
 * so a file that was read to its end is left only when its path names another.
 * Lines of several files are collected, sorted by their time and shown
 * together.
 */
#include "cli/log_files.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".jsonl"

struct log_file {
	struct list on;
	char *name, *path, *old;
	FILE *open;
};

struct log_files {
	struct list all;
	char *dir;
	bool whoever; /* also functions that come later */
};

struct line {
	char *text;
	size_t len, number; /* in the order read */
};

/* The last `top` lines added. */
struct lines {
	struct line *all;
	size_t count, top, number;
};

static struct log_file *
file_of(struct list *at)
{
	return container_of(at, struct log_file, on);
}

static void
file_add(struct log_files *files, const char *name)
{
	struct log_file *f;

	list_for_each (at, &files->all)
		if (!strcmp(file_of(at)->name, name))
			return;
	f = mem_new(struct log_file);
	f->name = str_dup(name);
	f->path = str_printf("%s/%s" ENDING, files->dir, name);
	f->old = str_printf("%s/%s" ENDING ".1", files->dir, name);
	list_add(&files->all, &f->on);
}

static void
find_all(struct log_files *files)
{
	DIR *dir = opendir(files->dir);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		size_t len = strlen(e->d_name), end = sizeof(ENDING) - 1;
		_free_ char *name = NULL;

		if (len <= end || strcmp(e->d_name + len - end, ENDING) != 0)
			continue;
		name = str_ndup(e->d_name, len - end);
		file_add(files, name);
	}
	if (dir)
		(void)closedir(dir);
}

struct log_files *
log_files_new(const char *dir, char *const *names)
{
	struct log_files *files = mem_new(struct log_files);

	list_init(&files->all);
	files->dir = str_dup(dir);
	files->whoever = !names[0];
	for (size_t i = 0; names[i]; i++)
		file_add(files, names[i]);
	if (files->whoever)
		find_all(files);
	return files;
}

struct log_files *
log_files_free(struct log_files *files)
{
	if (!files)
		return NULL;
	list_for_each_safe (at, &files->all) {
		struct log_file *f = file_of(at);

		if (f->open)
			(void)fclose(f->open);
		list_del(&f->on);
		free(f->name);
		free(f->path);
		free(f->old);
		free(f);
	}
	free(files->dir);
	return mem_free(files);
}

unsigned
log_files_count(const struct log_files *files)
{
	unsigned n = 0;

	list_for_each (at, &files->all)
		n += access(file_of(at)->path, F_OK) == 0 ||
		     access(file_of(at)->old, F_OK) == 0;
	return n;
}

/* Lines */

static void
lines_put(struct lines *l, const char *text, size_t len)
{
	size_t at;

	if (!l->top)
		return;
	at = l->count < l->top ? l->count : l->number % l->top;
	if (l->count == at && (l->count & (l->count - 1)) == 0)
		l->all = mem_resize(l->all,
			max(l->count * 2, (size_t)16) * sizeof(l->all[0]));
	if (at < l->count)
		free(l->all[at].text);
	else
		l->count++;
	l->all[at] = (struct line){str_ndup(text, len), len, l->number++};
}

static int
by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	struct slice s = log_view_time(slice_of(x->text, x->len));
	struct slice t = log_view_time(slice_of(y->text, y->len));
	int r = memcmp(s.ptr, t.ptr, min(s.len, t.len));

	if (r)
		return r;
	return x->number < y->number ? -1 : 1;
}

static bool
lines_print(struct lines *l, const struct log_view *view, size_t last)
{
	bool ended = false;
	size_t from;

	if (l->count)
		qsort(l->all, l->count, sizeof(l->all[0]), by_time);
	from = l->count > last ? l->count - last : 0;
	for (size_t i = from; i < l->count; i++) {
		struct slice line = slice_of(l->all[i].text, l->all[i].len);

		log_view_print(view, line);
		ended |= log_view_ends(view, line);
	}
	(void)fflush(view->to ? view->to : stdout);
	for (size_t i = 0; i < l->count; i++)
		free(l->all[i].text);
	free(l->all);
	return ended;
}

/* Reading */

static void
read_rest(FILE *f, const struct log_view *view, struct lines *to)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] != '\n') { /* not whole yet */
			(void)fseek(f, -n, SEEK_CUR);
			break;
		}
		if (log_view_takes(view, slice_of(line, (size_t)n - 1)))
			lines_put(to, line, (size_t)n - 1);
	}
	clearerr(f);
	free(line);
}

/* To where the last `lines` lines begin; how many there are, at the most. */
static size_t
seek_tail(FILE *f, size_t lines)
{
	char room[4096];
	size_t found = 0;
	long at;

	(void)fseek(f, 0, SEEK_END);
	for (at = ftell(f); at > 0 && lines;) {
		long from =
			at > (long)sizeof(room) ? at - (long)sizeof(room) : 0;
		size_t n = (size_t)(at - from);

		(void)fseek(f, from, SEEK_SET);
		n = fread(room, 1, n, f);
		while (n > 0) {
			if (room[--n] != '\n' || found++ < lines)
				continue;
			(void)fseek(f, from + (long)n + 1, SEEK_SET);
			return lines;
		}
		at = from;
	}
	(void)fseek(f, 0, lines ? SEEK_SET : SEEK_END);
	return found;
}

/* A filter looks at everything; without one the ends are enough. */
static void
file_tail(struct log_file *f, const struct log_view *view, size_t lines,
	struct lines *to)
{
	size_t got = 0;
	FILE *old;

	f->open = fopen(f->path, "re");
	if (f->open && !log_view_selects(view))
		got = seek_tail(f->open, lines);
	old = got < lines ? fopen(f->old, "re") : NULL;
	if (old) {
		if (!log_view_selects(view))
			(void)seek_tail(old, lines - got);
		read_rest(old, view, to);
		(void)fclose(old);
	}
	if (f->open)
		read_rest(f->open, view, to);
}

void
log_files_tail(
	struct log_files *files, const struct log_view *view, size_t lines)
{
	struct lines all = {.top = 0};

	list_for_each (at, &files->all) {
		struct lines one = {.top = lines};

		file_tail(file_of(at), view, lines, &one);
		for (size_t i = 0; i < one.count; i++) {
			size_t k = (one.number + i) % one.count;

			all.top++;
			lines_put(&all, one.all[k].text, one.all[k].len);
			free(one.all[k].text);
		}
		free(one.all);
	}
	(void)lines_print(&all, view, lines);
}

/* Another file stands at the path now. */
static bool
was_rotated(const struct log_file *f)
{
	struct stat mine, there;

	return stat(f->path, &there) == 0 &&
	       fstat(fileno(f->open), &mine) == 0 &&
	       there.st_ino != mine.st_ino;
}

static void
file_more(struct log_file *f, const struct log_view *view, struct lines *to)
{
	if (!f->open)
		f->open = fopen(f->path, "re");
	if (!f->open)
		return;
	read_rest(f->open, view, to);
	if (!was_rotated(f))
		return;
	read_rest(f->open, view, to); /* up to its renaming */
	(void)fclose(f->open);
	f->open = fopen(f->path, "re");
	if (f->open)
		read_rest(f->open, view, to);
}

bool
log_files_more(struct log_files *files, const struct log_view *view)
{
	struct lines all = {.top = SIZE_MAX};

	if (files->whoever)
		find_all(files);
	list_for_each (at, &files->all)
		file_more(file_of(at), view, &all);
	return lines_print(&all, view, SIZE_MAX);
}
