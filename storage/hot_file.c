/*
 * Kept files.  One is one piece of memory: the row, the row's strings, the
 * bytes.
 */
#include "storage/hot_file.h"

#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { STRINGS = 8 };

struct hot_file *
hot_file_ref(struct hot_file *file)
{
	file->refs++;
	return file;
}

struct hot_file *
hot_file_unref(struct hot_file *file)
{
	if (!file || --file->refs)
		return NULL;
	fd_closep(&file->fd);
	return mem_free(file);
}

/* Where a row's strings are, to copy and to compare them. */
static void
strings_of(struct file_info *info, const char **ret[STRINGS])
{
	const char **all[STRINGS] = {&info->path, &info->type, &info->content,
		&info->etag, &info->sha256, &info->owner, &info->cache_control,
		&info->disposition};

	memcpy(ret, all, sizeof(all));
}

static struct hot_file *
file_new(const struct file_info *info, size_t bytes)
{
	struct file_info from = *info;
	const char **src[STRINGS], **dst[STRINGS];
	size_t size = sizeof(struct hot_file) + bytes;
	struct hot_file *f;
	char *at;

	strings_of(&from, src);
	for (size_t i = 0; i < STRINGS; i++)
		size += *src[i] ? strlen(*src[i]) + 1 : 0;
	f = mem_alloc(size);
	*f = (struct hot_file){.refs = 1, .fd = -1, .info = from, .size = size};
	strings_of(&f->info, dst);
	at = (char *)(f + 1);
	for (size_t i = 0; i < STRINGS; i++) {
		size_t len = *src[i] ? strlen(*src[i]) + 1 : 0;

		if (len)
			*dst[i] = memcpy(at, *src[i], len);
		at += len;
	}
	f->bytes = slice_of(at, bytes);
	return f;
}

static bool
read_all(int fd, char *to, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = pread(fd, to + at, len - at, (off_t)at);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

struct hot_file *
hot_file_new(const struct file_info *info, int fd, bool in_memory)
{
	struct hot_file *f = file_new(info, in_memory ? (size_t)info->size : 0);
	bool fine;

	if (in_memory) {
		fine = read_all(
			fd, (char *)(uintptr_t)f->bytes.ptr, f->bytes.len);
	} else {
		f->bytes = slice_of(NULL, 0);
		f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		fine = f->fd >= 0;
	}
	return fine ? f : hot_file_unref(f);
}

bool
hot_file_is(const struct hot_file *file, const struct file_info *b)
{
	const struct file_info *a = &file->info;
	struct file_info one = *a, two = *b;
	const char **x[STRINGS], **y[STRINGS];

	strings_of(&one, x);
	strings_of(&two, y);
	for (size_t i = 0; i < STRINGS; i++)
		if (!*x[i] != !*y[i] || (*x[i] && strcmp(*x[i], *y[i]) != 0))
			return false;
	return a->size == b->size && a->created_ms == b->created_ms &&
	       a->changed_ms == b->changed_ms && a->expire_ms == b->expire_ms &&
	       a->archived == b->archived && a->pending == b->pending;
}
