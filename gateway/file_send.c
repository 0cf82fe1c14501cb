/*
 * Opened files as answers.
 *
 * What is sent is decided before (conditional.c, range.c); here are the
 * headers, and the one answer that is neither the file nor a piece of it:
 * several ranges, each behind a frame that says which it is.
 */
#include "gateway/file_send.h"

#include "base/text.h"
#include "gateway/declared_request.h"
#include "gateway/reply.h"
#include "http/conditional.h"

#include <errno.h>
#include <unistd.h>

struct sending {
	int fd;             /* -1: the library has it, or there is none */
	struct slice bytes; /* instead; {NULL,0}: fd */
	uint64_t size;
	const char *type;
	struct ranges ranges;
	/* of several ranges: where we are */
	struct range_frames *frames;
	size_t part;
	uint64_t done; /* bytes of frame and part that are sent */
	void (*end)(struct request *r); /* who else wants to know */
};

static struct sending *
sending_of(struct request *r)
{
	return r->sending;
}

/* ---- several ranges ---- */

/* From the frame before part `s->part`, or from the part. */
static ssize_t
give_piece(struct sending *s, char *to, size_t room)
{
	struct slice frame = s->frames->frames[s->part];
	const struct range *part = &s->ranges.list[s->part];
	ssize_t n;

	if (s->done < frame.len) {
		n = (ssize_t)min(room, frame.len - (size_t)s->done);
		memcpy(to, frame.ptr + s->done, (size_t)n);
	} else if (s->bytes.ptr) {
		uint64_t at = s->done - frame.len;

		n = (ssize_t)min((uint64_t)room, part->len - at);
		memcpy(to, s->bytes.ptr + part->from + at, (size_t)n);
	} else {
		uint64_t at = s->done - frame.len;

		n = pread(s->fd, to, (size_t)min(room, part->len - at),
			(off_t)(part->from + at));
	}
	if (n > 0)
		s->done += (uint64_t)n;
	return n;
}

static uint64_t
piece_size(const struct sending *s)
{
	return s->frames->frames[s->part].len +
	       (s->part < s->ranges.count ? s->ranges.list[s->part].len : 0);
}

static ssize_t
give(struct exchange *x, char *to, size_t room)
{
	struct sending *s = sending_of(exchange_data(x));
	ssize_t n;

	while (s->part <= s->ranges.count && s->done == piece_size(s)) {
		s->part++;
		s->done = 0;
	}
	if (s->part > s->ranges.count)
		return EXCHANGE_GIVE_END;
	n = give_piece(s, to, room);
	/* A file that became shorter cannot be what was promised. */
	return n > 0 ? n : n < 0 ? -errno : ERR_GONE;
}

/* ---- sending ---- */

/* What a declared route adds; it may change the status. */
static int
status_of(struct request *r)
{
	return r->declared ? declared_headers(r, r->status) : r->status;
}

static void
send_piece(struct request *r, uint64_t from, uint64_t len)
{
	struct sending *s = sending_of(r);
	int status = status_of(r);

	if (s->bytes.ptr)
		exchange_answer(r->x, status, NULL,
			slice_of(s->bytes.ptr + from, (size_t)len));
	else
		exchange_answer_file(
			r->x, status, NULL, take_fd(s->fd), from, len);
}

static void
send_whole(struct request *r)
{
	send_piece(r, 0, sending_of(r)->size);
}

static void
send_range(struct request *r)
{
	const struct range *part = &sending_of(r)->ranges.list[0];

	send_piece(r, part->from, part->len);
}

static void
send_ranges(struct request *r)
{
	struct sending *s = sending_of(r);
	int status = status_of(r);

	exchange_answer_stream(
		r->x, status, NULL, (int64_t)s->frames->size, give);
}

static void
on_end(struct request *r)
{
	struct sending *s = sending_of(r);

	fd_closep(&s->fd);
	if (s->end)
		s->end(r);
}

/* ---- deciding ---- */

static void
add_validators(struct request *r, const struct file_body *body)
{
	char date[TEXT_HTTP_DATE];

	if (body->etag.len)
		exchange_add_header(
			r->x, "ETag", arena_str(request_arena(r), body->etag));
	if (body->modified_s < 0)
		return;
	text_http_date(date, body->modified_s);
	if (*date)
		exchange_add_header(r->x, "Last-Modified", date);
}

static void
prepare(struct request *r, struct sending *s)
{
	struct arena *a = request_arena(r);
	const char *type = s->type;

	r->send = send_whole;
	if (r->status == 200)
		exchange_add_header(r->x, "Accept-Ranges", "bytes");
	if (r->status == 206 && s->ranges.count == 1) {
		r->send = send_range;
		exchange_add_header(r->x, "Content-Range",
			range_content(a, &s->ranges.list[0], s->size));
	} else if (r->status == 206) {
		r->send = send_ranges;
		s->frames = range_frames_new(a, &s->ranges, s->type, s->size);
		type = s->frames->content_type;
	}
	if (type && *type)
		exchange_add_header(r->x, "Content-Type", type);
}

static int
refuse(struct request *r, int status, uint64_t size)
{
	if (status == 412)
		return ERR_PRECONDITION;
	exchange_add_header(r->x, "Content-Range",
		range_content(request_arena(r), NULL, size));
	return ERR_FILE_RANGE;
}

int
file_send(struct request *r, const struct file_body *body)
{
	struct sending *s = arena_new(request_arena(r), struct sending);
	struct conditional c = {
		.etag = body->etag,
		.modified_s = body->modified_s,
		.size = body->size,
		.is_get = true,
	};

	s->fd = body->fd;
	s->bytes = body->bytes;
	s->size = body->size;
	s->type = body->type;
	s->end = r->end;
	r->end = on_end;
	r->sending = s;
	conditional_read(&c, request_header, r);
	r->status = conditional_check(&c, &s->ranges);
	r->typed = true;
	if (r->status == 412 || r->status == 416)
		return refuse(r, r->status, body->size);
	add_validators(r, body);
	/* The library always says a length; of a 304 it must be the file's
	 * (RFC 9110, 8.6), and no byte of it follows. */
	if (r->status == 304)
		r->send = send_whole;
	else
		prepare(r, s);
	return 0;
}
