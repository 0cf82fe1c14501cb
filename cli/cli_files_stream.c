/*
 * Files to and from the daemon.  Bodies may be larger than memory, so they pass
 * through a buffer: a file is sent with its length, a pipe in chunks, and what
 * is received is written beside its place and moved there when it is whole.
 */
#include "cli/cli_files.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, HEAD_TOP = 64 * 1024, ERROR_TOP = 64 * 1024 };

void
cli_files_address(struct buf *to, const char *prefix, const char *path)
{
	struct slice rest = slice_str(path), segment;
	bool first = true;

	buf_str(to, prefix);
	while (slice_split(&rest, '/', &segment)) {
		if (!first)
			buf_char(to, '/');
		text_url(to, segment);
		first = false;
	}
}

static bool
send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* ---- answers ---- */

struct answer {
	int status;
	int64_t length;  /* -1: not said */
	struct buf rest; /* of the body, read with the head */
};

static void
read_length(struct answer *a, struct slice head)
{
	struct slice line, name;
	uint64_t n;

	a->length = -1;
	while (slice_split(&head, '\n', &line))
		if (slice_split(&line, ':', &name) &&
			slice_is_nocase(name, "content-length") && line.len &&
			slice_to_u64(
				slice_trim(slice_of(line.ptr, line.len - 1)),
				INT64_MAX, &n) == 0)
			a->length = (int64_t)n;
}

static int
read_head(int fd, struct answer *a)
{
	buf_init(&a->rest, HEAD_TOP + PIECE);
	for (;;) {
		char *room = buf_reserve(&a->rest, 4096);
		ssize_t n = room ? read(fd, room, 4096) : -1;
		const char *end;

		if (n < 0 && room && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_GONE;
		buf_grown(&a->rest, (size_t)n);
		end = memmem(a->rest.ptr, a->rest.len, "\r\n\r\n", 4);
		if (!end || a->rest.len < 12)
			continue;
		a->status = atoi(a->rest.ptr + 9);
		n = end + 4 - a->rest.ptr;
		read_length(a, slice_of(a->rest.ptr, (size_t)n));
		buf_drop(&a->rest, (size_t)n);
		return 0;
	}
}

/* What is left of a short answer. */
static int
read_rest(int fd, struct answer *a)
{
	for (;;) {
		char *room = buf_reserve(&a->rest, 4096);
		ssize_t n = room ? read(fd, room, 4096) : -1;

		if (n < 0 && room && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_GONE;
		if (n == 0)
			return 0;
		buf_grown(&a->rest, (size_t)n);
	}
}

/* Prints why not. */
static int
refused(int fd, struct answer *a)
{
	_json_ json_t *v = NULL;

	if (read_rest(fd, a) < 0 || val_parse(&v, buf_all(&a->rest), NULL) < 0)
		return cli_fail(
			EXIT_FAILED, "the gateway answered %d", a->status);
	return cli_fail(EXIT_FAILED, "%s: %s", val_text(v, "code"),
		val_text(v, "message"));
}

/* ---- up ---- */

static int
open_source(const char *from, int *fd, int64_t *size)
{
	struct stat st;

	*size = -1;
	if (strcmp(from, "-") == 0) {
		*fd = dup(STDIN_FILENO);
		return EXIT_OK;
	}
	*fd = open(from, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return cli_fail(EXIT_USAGE,
			"%s is a folder: put its files one by one", from);
	if (S_ISREG(st.st_mode))
		*size = st.st_size;
	return EXIT_OK;
}

static bool
header_is_plain(const char *value)
{
	for (; value && *value; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

static void
put_head(struct buf *b, const struct cli_upload *up, int64_t size)
{
	buf_str(b, "PUT ");
	cli_files_address(b, "/ops/files/object/", up->path);
	if (up->expire_s)
		buf_printf(b, "?expire=%" PRId64, up->expire_s);
	buf_str(b, " HTTP/1.1\r\nHost: mpcloud\r\nConnection: close\r\n");
	if (up->type)
		buf_printf(b, "Content-Type: %s\r\n", up->type);
	if (up->cache)
		buf_printf(b, "Cache-Control: %s\r\n", up->cache);
	if (up->fresh)
		buf_str(b, "If-None-Match: *\r\n");
	if (size >= 0)
		buf_printf(b, "Content-Length: %" PRId64 "\r\n\r\n", size);
	else
		buf_str(b, "Transfer-Encoding: chunked\r\n\r\n");
}

static bool
send_chunk(int fd, const char *p, size_t len)
{
	char head[24];
	int n = snprintf(head, sizeof(head), "%zx\r\n", len);

	return send_all(fd, head, (size_t)n) && send_all(fd, p, len) &&
	       send_all(fd, "\r\n", 2);
}

/* A refusal may come before all is sent: it is read then. */
static int
send_body(int to, int from, int64_t size, const char *name)
{
	_free_ char *piece = mem_alloc(PIECE);
	int64_t left = size;

	for (;;) {
		size_t top =
			size < 0 ? PIECE : (size_t)min(left, (int64_t)PIECE);
		ssize_t n = top ? read(from, piece, top) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cli_fail(
				EXIT_FAILED, "%s: %s", name, strerror(errno));
		if (n == 0 && left > 0)
			return cli_fail(EXIT_FAILED,
				"%s became shorter while it was sent", name);
		if (n == 0)
			break;
		left -= size < 0 ? 0 : n;
		if (!(size < 0 ? send_chunk(to, piece, (size_t)n)
			       : send_all(to, piece, (size_t)n)))
			return EXIT_OK;
	}
	if (size < 0)
		(void)send_all(to, "0\r\n\r\n", 5);
	return EXIT_OK;
}

static int
upload_answer(int fd, struct cli_upload *up)
{
	struct answer a = {.status = 0};
	int status = EXIT_OK;
	struct fault why = {0};

	if (read_head(fd, &a) < 0)
		status = cli_fail(EXIT_NO_DAEMON, "the gateway gave no answer");
	else if (a.status >= 300)
		status = refused(fd, &a);
	else if (read_rest(fd, &a) < 0 ||
		 val_parse(&up->answer, buf_all(&a.rest), &why) < 0)
		status = cli_fail(
			EXIT_FAILED, "the gateway's answer was not understood");
	buf_done(&a.rest);
	return status;
}

int
cli_files_upload(struct cli *cli, struct cli_upload *up)
{
	_close_ int from = -1, fd = -1;
	_buf_ struct buf head = {0};
	int64_t size;
	int status = open_source(up->from, &from, &size);

	if (status != EXIT_OK)
		return status;
	if (!header_is_plain(up->type) || !header_is_plain(up->cache))
		return cli_fail(EXIT_USAGE,
			"--type and --cache: no control characters");
	status = cli_ops_open(cli, &fd);
	if (status != EXIT_OK)
		return status;
	buf_init(&head, HEAD_TOP);
	put_head(&head, up, size);
	if (buf_check(&head) < 0)
		return cli_fail(EXIT_USAGE, "%s: too long", up->path);
	if (send_all(fd, head.ptr, head.len))
		status = send_body(fd, from, size, up->from);
	return status == EXIT_OK ? upload_answer(fd, up) : status;
}

/* ---- down ---- */

static bool
write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static int
receive(int fd, struct answer *a, int to, const char *name, int64_t *size)
{
	_free_ char *piece = mem_alloc(PIECE);
	int64_t got = (int64_t)a->rest.len;
	bool fine = write_all(to, a->rest.ptr, a->rest.len);

	while (fine && got < a->length) {
		ssize_t n = read(fd, piece, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cli_fail(EXIT_FAILED,
				"the connection broke off after %" PRId64
				" of %" PRId64 " bytes",
				got, a->length);
		got += n;
		fine = write_all(to, piece, (size_t)n);
	}
	if (!fine)
		return cli_fail(EXIT_FAILED, "%s: %s", name, strerror(errno));
	*size = got;
	return EXIT_OK;
}

static int
receive_file(int fd, struct answer *a, const char *to, int64_t *size)
{
	_free_ char *part = str_printf("%s.part", to);
	_close_ int out =
		open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int status;

	if (out < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", part, strerror(errno));
	status = receive(fd, a, out, part, size);
	if (status == EXIT_OK && rename(part, to) < 0)
		status = cli_fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	if (status != EXIT_OK)
		(void)unlink(part);
	return status;
}

int
cli_files_download(
	struct cli *cli, const char *path, const char *to, int64_t *size)
{
	_close_ int fd = -1;
	_buf_ struct buf head = {0};
	struct answer a = {.status = 0};
	int status = cli_ops_open(cli, &fd);

	if (status != EXIT_OK)
		return status;
	buf_init(&head, HEAD_TOP);
	buf_str(&head, "GET ");
	cli_files_address(&head, "/ops/files/object/", path);
	buf_str(&head,
		" HTTP/1.1\r\nHost: mpcloud\r\nConnection: close\r\n\r\n");
	if (!send_all(fd, head.ptr, head.len) || read_head(fd, &a) < 0)
		status = cli_fail(EXIT_NO_DAEMON, "the gateway gave no answer");
	else if (a.status != 200)
		status = refused(fd, &a);
	else if (strcmp(to, "-") == 0)
		status =
			receive(fd, &a, STDOUT_FILENO, "standard output", size);
	else
		status = receive_file(fd, &a, to, size);
	buf_done(&a.rest);
	return status;
}
