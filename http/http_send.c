/*
 * Answers that are not bytes in memory: files and streams.  A file goes by
 * sendfile; over TLS, where there is none, it is read in pieces of a record.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 32 * 1024 };

/* A file that goes through TLS. */
struct reading {
	const struct conn *conn;
	uint64_t offset, len;
	int fd;
};

/* The library marks the connection as closed and may forget it: when the end is
 * found outside its reading and writing (0.9.75, try_ready_*_body), only an
 * event of the socket makes it look again. */
static ssize_t
break_off(const struct conn *c)
{
	(void)shutdown(c->fd, SHUT_RDWR);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
end_well(const struct exchange *x)
{
	if (x->old) /* no chunks: the end of the connection is the body's */
		(void)shutdown(x->conn->fd, SHUT_WR);
	return MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t
on_read(void *cls, uint64_t at, char *to, size_t room)
{
	const struct reading *f = cls;
	uint64_t left = f->len - min(at, f->len);
	ssize_t n;

	f->conn->http->acts++;
	n = pread(f->fd, to, min(room, left), (off_t)(f->offset + at));
	/* Shorter than it was: the client must not take it for whole. */
	return n > 0 ? n : break_off(f->conn);
}

static void
on_read_end(void *cls)
{
	struct reading *f = cls;

	(void)close(f->fd);
	(void)mem_free(f);
}

static struct MHD_Response *
read_response(const struct conn *c, int fd, uint64_t offset, uint64_t len)
{
	struct reading *f = mem_new(struct reading);

	*f = (struct reading){c, offset, len, fd};
	return MHD_create_response_from_callback(
		len, min(len, PIECE), on_read, f, on_read_end);
}

static void
answer(struct exchange *x, int status, const char *type, struct MHD_Response *r,
	enum answer_kind kind)
{
	if (!r)
		abort();
	assert(!x->response && x->phase != EXCHANGE_SEND);
	x->status = status;
	x->kind = kind;
	x->response = r;
	response_headers(x, r, type);
	exchange_settle(x);
}

/* The library's sendfile would wait for bytes that a file does not have. */
static bool
is_there(int fd, uint64_t offset, uint64_t len)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size >= offset &&
	       (uint64_t)st.st_size - offset >= len;
}

static bool
is_head(const struct exchange *x)
{
	return strcmp(x->method, MHD_HTTP_METHOD_HEAD) == 0;
}

void
exchange_answer_file(struct exchange *x, int status, const char *content_type,
	int fd, uint64_t offset, uint64_t len)
{
	struct MHD_Response *r;

	x->sent = is_head(x) ? 0 : len;
	if (len == 0) {
		(void)close(fd);
		exchange_answer(x, status, content_type, SLICE(""));
		return;
	}
	if (x->conn->tls || !is_there(fd, offset, len))
		r = read_response(x->conn, fd, offset, len);
	else
		r = MHD_create_response_from_fd_at_offset64(len, fd, offset);
	x->large = turn_is_worth(x, x->sent);
	answer(x, status, content_type, r, ANSWER_FILE);
}

static ssize_t
call_giver(struct exchange *x, char *to, size_t room)
{
	ssize_t n;

	do {
		x->again = false;
		x->inside = true;
		n = x->give(x, to, room);
		x->inside = false;
	} while (n == EXCHANGE_GIVE_WAIT && x->again);
	return n;
}

static ssize_t
on_give(void *cls, uint64_t at, char *to, size_t room)
{
	struct exchange *x = cls;
	ssize_t n = call_giver(x, to, room);

	(void)at;
	x->http->acts++;
	if (n > 0) {
		x->sent += (uint64_t)n;
		if (x->conn->phase != CONN_SEND)
			conn_move(x->conn, CONN_SEND);
		return n;
	}
	if (n == EXCHANGE_GIVE_WAIT) {
		exchange_sleep(x);
		return 0;
	}
	if (n == EXCHANGE_GIVE_END && x->announced < 0)
		return end_well(x);
	return break_off(x->conn);
}

void
exchange_answer_stream(struct exchange *x, int status, const char *content_type,
	int64_t len, exchange_give_fn *give)
{
	size_t piece = len < 0 ? PIECE : (size_t)min(len, PIECE);

	if (len == 0) {
		exchange_answer(x, status, content_type, SLICE(""));
		return;
	}
	x->give = give;
	x->announced = len;
	x->sent = 0;
	answer(x, status, content_type,
		MHD_create_response_from_callback(
			len < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)len, piece,
			on_give, x, NULL),
		ANSWER_STREAM);
}
