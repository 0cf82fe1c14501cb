/*
 * A request's body: collected, given to a sink in pieces, or thrown away.
 *
 * The library offers each piece again until it is used, and takes no answer
 * between the head and the end of the body.  So a sink that has to wait leaves
 * the piece where it is and the connection sleeps; and an answer that comes
 * early waits for the end of a short rest, or goes past the library.
 */
#include "http/http_inside.h"

#include <sys/socket.h>

enum { BODY_AT_ONCE = 64 * 1024, REST_SHORT = 64 * 1024 };

void
exchange_set_body_top(struct exchange *x, size_t top)
{
	x->body_top = top;
	buf_clear(&x->body);
	x->body.ceiling = top;
}

void
exchange_set_sink(struct exchange *x, exchange_take_fn *sink, uint64_t body_top)
{
	x->sink = sink;
	x->body_top = body_top;
}

int64_t
exchange_length(const struct exchange *x)
{
	return x->has_body && !x->length ? -1 : (int64_t)x->length;
}

void
exchange_pause(struct exchange *x)
{
	x->paused = x->has_body && !x->response;
}

void
body_begin(struct exchange *x)
{
	if (!x->has_body)
		return;
	x->flows = true;
	conn_move(x->conn, x->sink ? CONN_SINK : CONN_BODY);
	if (x->length && !x->sink)
		(void)buf_reserve(&x->body, min(x->length, BODY_AT_ONCE));
}

static enum MHD_Result
refuse(struct exchange *x, enum refusal why)
{
	conn_refuse(x->conn, x, why);
	return MHD_NO;
}

static enum MHD_Result
collect(struct exchange *x, const char *data, size_t len)
{
	size_t room = x->body.room;

	buf_add(&x->body, data, len);
	if (buf_check(&x->body) < 0)
		return refuse(x, REFUSE_BODY);
	if (x->body.room > room && exchange_hold(x, x->body.room - room) < 0)
		return refuse(x, REFUSE_MEMORY);
	return MHD_YES;
}

static enum MHD_Result
sink_failed(struct exchange *x, int err)
{
	const struct err_info *info = err_info(err);

	conn_tell(x->conn, x, info->status, "application/json",
		slice_str(arena_printf(exchange_room(x, 512),
			"{\"code\":\"%s\",\"message\":\"%s\","
			"\"requestId\":\"%s\"}",
			info->wire, info->text, x->id)));
	return MHD_NO;
}

/* 0, EXCHANGE_WAIT or an error; an answer given inside counts as 0. */
static int
call_sink(struct exchange *x, struct slice data)
{
	int r;

	do {
		x->again = false;
		x->inside = true;
		r = x->sink(x, data);
		x->inside = false;
	} while (r == EXCHANGE_WAIT && x->again && !x->response && !x->over);
	return x->response || x->over ? 0 : r;
}

enum MHD_Result
body_take(struct exchange *x, const char *data, size_t *len)
{
	int r = 0;

	if (x->over)
		return MHD_NO;
	if (*len > x->body_top - min(x->took, x->body_top))
		return x->response ? MHD_NO : refuse(x, REFUSE_BODY);
	if (x->response) {
		/* thrown away */
	} else if (x->sink) {
		r = call_sink(x, slice_of(data, *len));
	} else if (collect(x, data, *len) == MHD_NO) {
		return MHD_NO;
	}
	if (r == EXCHANGE_WAIT) {
		exchange_sleep(x);
		return MHD_YES;
	}
	if (r < 0)
		return sink_failed(x, r);
	x->took += *len;
	*len = 0;
	return x->over ? MHD_NO : MHD_YES;
}

bool
body_is_in_the_way(const struct exchange *x)
{
	if (x->phase != EXCHANGE_BODY || !x->flows)
		return false;
	return !x->length || x->length - x->took > REST_SHORT;
}

void
body_answer_past(
	struct exchange *x, int status, const char *type, struct slice body)
{
	struct conn *c = x->conn;

	conn_tell(c, x, status, type, body);
	x->over = true;
	(void)shutdown(c->fd, SHUT_WR);
	conn_move(c, CONN_OVER);
	if (!x->inside && x->suspended)
		exchange_wake(x);
	http_spin_soon(x->http);
}
