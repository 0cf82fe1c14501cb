/*
 * zlib reads plain files as well as compressed ones, so there is one way for
 * both.  The window is one buffer: what was taken stays in front of it until
 * more is read, then what is left moves to the beginning.
 */
#include "formats/input.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { READ = 256 << 10 };

struct input {
	gzFile file;
	char *path;
	char *room;
	size_t size, from, to; /* the window is room[from…to) */
	bool at_end;
	int64_t offset, line, file_size;
	uint32_t sum;
};

static int64_t
size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return st.st_size;
}

int
input_open(struct input **ret, const char *path, struct fault *why)
{
	_cleanup_(input_freep) struct input *in = mem_new(struct input);
	_close_ int fd = strcmp(path, "-") != 0
				 ? open(path, O_RDONLY | O_CLOEXEC)
				 : dup(STDIN_FILENO);
	struct stat st;

	if (fd < 0)
		return fault_set(why, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return fault_set(why, -EISDIR,
			"%s: is a folder; `mpcloud db import FOLDER` takes "
			"one, without a collection's name",
			path);
	in->path = str_dup(strcmp(path, "-") != 0 ? path : "standard input");
	in->file_size = size_of(fd);
	in->line = 1;
	in->file = gzdopen(fd, "rb");
	if (!in->file)
		return -ENOMEM;
	fd = -1;
	(void)gzbuffer(in->file, READ);
	*ret = take(in);
	return 0;
}

struct input *
input_of(struct slice bytes)
{
	struct input *in = mem_new(struct input);

	in->path = str_dup("bytes");
	in->line = 1;
	in->file_size = (int64_t)bytes.len;
	in->size = in->to = bytes.len;
	in->room = mem_dup(bytes.ptr, bytes.len);
	in->at_end = true;
	return in;
}

struct input *
input_free(struct input *in)
{
	if (!in)
		return NULL;
	if (in->file)
		(void)gzclose(in->file);
	(void)mem_free(in->path);
	(void)mem_free(in->room);
	return mem_free(in);
}

static int
fail(struct input *in, struct fault *why)
{
	int zlib;
	const char *text = gzerror(in->file, &zlib);
	int err = errno;

	if (zlib == Z_ERRNO)
		return fault_set(why, -EIO, "%s: %s", in->path, strerror(err));
	if (zlib == Z_BUF_ERROR)
		return fault_set(why, -EIO,
			"%s: ends in the middle of its compressed data",
			in->path);
	return fault_set(why, -EIO, "%s: its compressed data is damaged: %s",
		in->path, text);
}

static void
make_room(struct input *in, size_t want)
{
	if (in->from && in->from + want + READ > in->size) {
		memmove(in->room, in->room + in->from, in->to - in->from);
		in->to -= in->from;
		in->from = 0;
	}
	if (in->to + READ <= in->size && in->from + want + READ <= in->size)
		return;
	in->size = max(2 * in->size, in->from + want + 2 * (size_t)READ);
	in->room = mem_resize(in->room, in->size);
}

static int
read_more(struct input *in, size_t want, struct fault *why)
{
	int n;

	make_room(in, want);
	do {
		errno = 0;
		n = gzread(in->file, in->room + in->to, READ);
		if (n < 0 && errno == EINTR)
			gzclearerr(in->file);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(in, why);
	if (n == 0) {
		int zlib;

		(void)gzerror(in->file, &zlib);
		if (zlib != Z_OK && zlib != Z_STREAM_END)
			return fail(in, why);
		in->at_end = true;
	}
	in->to += (size_t)n;
	return 0;
}

int
input_peek(struct input *in, size_t want, struct slice *ret, struct fault *why)
{
	int r = 0;

	if (want > INPUT_WINDOW_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"%s: a document of more than %d MiB", in->path,
			INPUT_WINDOW_TOP >> 20);
	while (r == 0 && !in->at_end && in->to - in->from < want)
		r = read_more(in, want, why);
	if (r < 0)
		return r;
	*ret = slice_of(in->room ? in->room + in->from : "", in->to - in->from);
	return 0;
}

void
input_take(struct input *in, size_t n)
{
	const char *from = in->room + in->from, *at = from, *end;

	if (n == 0)
		return;
	end = from + n;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		in->line++;
		if (++at == end)
			break;
	}
	in->sum = (uint32_t)crc32_z(in->sum, (const Bytef *)from, n);
	in->from += n;
	in->offset += (int64_t)n;
}

int
input_skip(struct input *in, int64_t offset, struct fault *why)
{
	while (in->offset < offset) {
		struct slice s;
		int r = input_peek(in, 1, &s, why);

		if (r < 0)
			return r;
		if (!s.len)
			return fault_set(
				why, -ENODATA, "%s: is shorter now", in->path);
		input_take(
			in, (size_t)min((int64_t)s.len, offset - in->offset));
	}
	return 0;
}

int64_t
input_offset(const struct input *in)
{
	return in->offset;
}

int64_t
input_line(const struct input *in)
{
	return in->line;
}

uint32_t
input_sum(const struct input *in)
{
	return in->sum;
}

void
input_mark(struct input *in)
{
	in->sum = 0;
}

int64_t
input_size(const struct input *in)
{
	return in->file_size;
}

int64_t
input_place(const struct input *in)
{
	int64_t n;

	/* What is in the window is not done yet. */
	if (!in->file || gzdirect(in->file))
		return in->offset;
	n = gzoffset(in->file);
	return max(n, (int64_t)0);
}
