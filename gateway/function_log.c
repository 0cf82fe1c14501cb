/*
 * Function output → files.
 *
 * Lines of a turn are collected for each function and appended by one job on
 * libuv's thread pool; while it runs the next batch collects.  The file is
 * opened for each batch and locked while it is written, so that any number of
 * gateways, and a rotation by any of them, need no agreement: whoever finds
 * that the path names another file by now starts over.
 */
#include "gateway/function_log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Unwritten bytes of one function. */
enum { PENDING_TOP = 1 << 20, LINE_TOP = 65536, TRIES = 16 };

struct function_log {
	struct loop *loop;
	struct list files;
	struct defer flush;
	char *dir;
	int64_t top;
};

struct log_file {
	struct list on;
	struct function_log *log;
	char *name, *path, *old;
	struct buf pending, writing;
	uint64_t dropped;
	int64_t top;
	uv_work_t work;
	bool busy;
};

/* 1: written; 0: start over; negative: errno. */
static int
append_once(const struct log_file *f)
{
	struct stat mine, there;
	_close_ int fd = open(f->path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0)
		return -errno;
	if (stat(f->path, &there) < 0 || there.st_ino != mine.st_ino ||
		there.st_dev != mine.st_dev)
		return 0;
	if (mine.st_size && mine.st_size + (int64_t)f->writing.len > f->top)
		return rename(f->path, f->old) < 0 ? -errno : 0;
	for (size_t at = 0; at < f->writing.len;) {
		ssize_t n = write(fd, f->writing.ptr + at, f->writing.len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 1;
}

/* On a thread of the pool. */
static void
append(struct log_file *f)
{
	for (int i = 0; i < TRIES; i++)
		if (append_once(f) != 0)
			return;
}

static void
line_put(struct buf *to, const struct function_line *line)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	int level = line->level;

	buf_str(to, "{\"time\":\"");
	text_time(to, clock_now());
	buf_str(to, "\",\"level\":\"");
	buf_str(to, levels[level < 0 ? 0 : min(level, 3)]);
	buf_str(to, "\",\"function\":");
	buf_json(to, slice_str(line->function));
	if (line->version)
		buf_printf(to, ",\"version\":%u", line->version);
	buf_str(to, ",\"requestId\":");
	buf_json(to, slice_str(line->request_id ? line->request_id : ""));
	if (line->kind)
		buf_printf(to, ",\"kind\":\"%s\"", line->kind);
	buf_str(to, ",\"message\":");
	buf_json(to, line->text);
	buf_str(to, "}\n");
}

static void
note_dropped(struct log_file *f)
{
	char text[96];
	int n;

	if (!f->dropped)
		return;
	n = snprintf(text, sizeof(text),
		"%llu lines dropped: they came faster than the disk takes them",
		(unsigned long long)f->dropped);
	f->dropped = 0;
	line_put(&f->pending, &(struct function_line){.function = f->name,
				      .level = 2,
				      .text = slice_of(text, (size_t)n)});
}

/* The batch to write is the one collected so far. */
static void
file_turn(struct log_file *f)
{
	struct buf spare = f->writing;

	note_dropped(f);
	f->writing = f->pending;
	f->pending = spare;
	buf_clear(&f->pending);
	f->top = f->log->top;
}

static void file_flush(struct log_file *f);

static void
on_work(uv_work_t *work)
{
	append(container_of(work, struct log_file, work));
}

static void
on_written(uv_work_t *work, int status)
{
	struct log_file *f = container_of(work, struct log_file, work);

	(void)status;
	f->busy = false;
	buf_clear(&f->writing);
	file_flush(f);
}

static void
file_flush(struct log_file *f)
{
	if (f->busy || (!f->pending.len && !f->dropped))
		return;
	file_turn(f);
	f->busy = uv_queue_work(&f->log->loop->uv, &f->work, on_work,
			  on_written) == 0;
}

static void
on_flush(struct defer *flush)
{
	struct function_log *log =
		container_of(flush, struct function_log, flush);

	list_for_each (at, &log->files)
		file_flush(container_of(at, struct log_file, on));
}

int
function_log_new(struct function_log **ret, struct loop *loop,
	const char *state_dir, struct fault *why)
{
	_cleanup_(function_log_freep) struct function_log *log =
		mem_new(struct function_log);
	int e;

	log->loop = loop;
	log->dir = str_printf("%s/logs", state_dir);
	log->top = 8 << 20;
	list_init(&log->files);
	defer_init(&log->flush, on_flush);
	e = dir_make(log->dir, 0750, why);
	if (e < 0)
		return e;
	*ret = take(log);
	return 0;
}

static void
file_free(struct log_file *f)
{
	while (f->busy)
		loop_turn(f->log->loop, true);
	if (f->pending.len || f->dropped) {
		file_turn(f);
		append(f);
	}
	list_del(&f->on);
	buf_done(&f->pending);
	buf_done(&f->writing);
	mem_free(f->name);
	mem_free(f->path);
	mem_free(f->old);
	mem_free(f);
}

struct function_log *
function_log_free(struct function_log *log)
{
	if (!log)
		return NULL;
	list_for_each_safe (at, &log->files)
		file_free(container_of(at, struct log_file, on));
	defer_clear(&log->flush);
	mem_free(log->dir);
	return mem_free(log);
}

void
function_log_set_top(struct function_log *log, int64_t bytes)
{
	log->top = bytes;
}

static struct log_file *
file_get(struct function_log *log, const char *name)
{
	struct log_file *f;

	list_for_each (at, &log->files) {
		f = container_of(at, struct log_file, on);
		if (strcmp(f->name, name) == 0)
			return f;
	}
	f = mem_new(struct log_file);
	f->log = log;
	f->name = str_dup(name);
	f->path = str_printf("%s/%s.jsonl", log->dir, name);
	f->old = str_printf("%s/%s.jsonl.1", log->dir, name);
	buf_init(&f->pending, PENDING_TOP + LINE_TOP * 8);
	buf_init(&f->writing, PENDING_TOP + LINE_TOP * 8);
	list_add(&log->files, &f->on);
	return f;
}

void
function_log_write(struct function_log *log, const struct function_line *line)
{
	struct log_file *f = file_get(log, line->function);
	struct function_line cut = *line;

	if (f->pending.len > PENDING_TOP) {
		f->dropped++;
		return;
	}
	cut.text.len = min(cut.text.len, (size_t)LINE_TOP);
	line_put(&f->pending, &cut);
	loop_defer(log->loop, &f->log->flush);
}
