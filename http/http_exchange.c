/*
 * One request and its answer, between the library's callbacks and ours.
 *
 *   library                         here
 *   URI callback                    exchange_begin    EXCHANGE_LINE
 *   first call of the handler       strictness, on_head     …_BODY
 *     paused: the connection sleeps, and the call is made again
 *   calls with data                 http_body.c
 *   call without data               on_request              …_WORK
 *     answered: queued at once; else the connection sleeps until
 *     exchange_answer wakes it and the handler is called again
 *   answer queued                                           …_SEND
 *   completed callback              on_end, all is freed
 *
 * An answer can be queued in the first call and in those without data only.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <stdlib.h>

/* Who holds little is never refused: the many who do are what limits on
 * connections and rates are for. */
enum { HOLD_SMALL = 64 * 1024 };

enum { BODY_KEEP = 4096, SPARE_TOP = 256 };

struct arena *
exchange_room(struct exchange *x, size_t size)
{
	x->arena.ceiling += size + 16;
	return &x->arena;
}

static void
id_make(struct http *http, char to[EXCHANGE_ID])
{
	static const char digits[] = "0123456789abcdef";
	uint32_t n = http->id_next++;

	memcpy(to, http->id_prefix, 24);
	for (int i = 31; i >= 24; i--, n >>= 4)
		to[i] = digits[n & 15];
	to[32] = '\0';
}

/* A new one, or an old one with its arena's block and its body's room. */
static struct exchange *
exchange_take(struct http *http)
{
	struct exchange *x = http->spare;

	if (!x) {
		x = mem_new(struct exchange);
		arena_init(&x->arena, http->conf.arena_top);
		return x;
	}
	http->spare = x->next_spare;
	http->nspare--;
	*x = (struct exchange){.arena = x->arena, .body = x->body};
	arena_clear(&x->arena, http->conf.arena_top);
	return x;
}

static void
exchange_put(struct http *http, struct exchange *x)
{
	if (http->nspare >= SPARE_TOP || http->ending) {
		buf_done(&x->body);
		arena_done(&x->arena);
		(void)mem_free(x);
		return;
	}
	if (x->body.room > BODY_KEEP)
		buf_done(&x->body);
	arena_clear(&x->arena, 0);
	x->next_spare = http->spare;
	http->spare = x;
	http->nspare++;
}

void
exchanges_free(struct http *http)
{
	while (http->spare) {
		struct exchange *x = http->spare;

		http->spare = x->next_spare;
		buf_done(&x->body);
		arena_done(&x->arena);
		(void)mem_free(x);
	}
}

void *
exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http *http = cls;
	struct exchange *x = exchange_take(http);
	struct slice raw = slice_str(uri);

	http->acts++;
	x->http = http;
	list_init(&x->turn);
	x->conn = conn_of(mhd);
	x->conn->x = x;
	/* Since the library began to look: a request that waited behind its
	 * neighbours of this turn has waited for us. */
	x->started = http->turn;
	x->last_header = &x->headers;
	exchange_set_body_top(x, http->conf.arena_top);
	id_make(http, x->id);
	x->raw = slice_of(
		arena_str(exchange_room(x, raw.len + 1), raw), raw.len);
	conn_move(x->conn, CONN_HEAD);
	return x;
}

static enum MHD_Result
queue_now(struct exchange *x)
{
	enum MHD_Result r = MHD_queue_response(
		x->conn->mhd, (unsigned)x->status, x->response);

	response_queued(x);
	x->phase = EXCHANGE_SEND;
	conn_move(x->conn, CONN_SEND);
	return r;
}

static enum MHD_Result
queue(struct exchange *x)
{
	/* Whoever is closed must have been sent everything. */
	if (!x->close && !x->last && !x->http->draining &&
		x->sent <= TLS_HOLD && x->kind == ANSWER_BYTES)
		tls_hold(x->conn);
	return queue_now(x);
}

/* Answer in the first call: what follows on the connection is not read. */
static enum MHD_Result
queue_early(struct exchange *x)
{
	x->conn->linger = true;
	return queue_now(x);
}

static enum MHD_Result
refuse(struct exchange *x, enum refusal why)
{
	x->close = true;
	response_make(x, refusal_get(why)->status, "application/json",
		refusal_body(x, why));
	return queue_early(x);
}

/* The head has been looked at: answered, or the body may come. */
static enum MHD_Result
on_allowed(struct exchange *x)
{
	x->paused = false;
	if (x->response)
		return x->has_body ? queue_early(x) : MHD_YES;
	if (x->length > x->body_top)
		return refuse(x, REFUSE_BODY);
	x->close = x->doubtful;
	body_begin(x);
	return MHD_YES;
}

static enum MHD_Result
on_first(struct exchange *x, const char *method, const char *version)
{
	struct http *http = x->http;
	enum refusal why;

	x->method = method;
	x->phase = EXCHANGE_BODY;
	why = http_check(x, version);
	if (why) {
		if (http->ops.on_refused)
			http->ops.on_refused(http, refusal_get(why)->status,
				refusal_get(why)->word, x->conn->peer);
		return refuse(x, why);
	}
	x->begun = true;
	http->busy++;
	/* An answer now leaves the body unread. */
	x->close = x->has_body || x->doubtful;
	x->inside = true;
	if (http->ops.on_head)
		http->ops.on_head(http, x);
	x->inside = false;
	if (!x->paused)
		return on_allowed(x);
	if (x->again)
		x->paused = false;
	else
		exchange_sleep(x);
	return x->again ? on_allowed(x) : MHD_YES;
}

int
exchange_hold(struct exchange *x, size_t bytes)
{
	struct http *http = x->http;

	if (bytes > HOLD_SMALL && http->conf.memory_top &&
		http->held + bytes > http->conf.memory_top)
		return ERR_BUSY;
	x->held += bytes;
	http->held += bytes;
	return 0;
}

/* Trailers are not looked at; where they end is as doubtful as a head's end. */
static bool
has_trailers(const struct exchange *x)
{
	return x->has_body && !x->length &&
	       MHD_get_connection_values(
		       x->conn->mhd, MHD_FOOTER_KIND, NULL, NULL) > 0;
}

static enum MHD_Result
on_whole(struct exchange *x)
{
	if (x->phase == EXCHANGE_BODY) {
		x->phase = EXCHANGE_WORK;
		x->close = x->close || has_trailers(x);
		conn_move(x->conn, CONN_WORK);
		x->inside = true;
		if (!x->response && !x->over)
			x->http->ops.on_request(x->http, x);
		x->inside = false;
	}
	if (x->response && !x->large && !conn_is_stuck(x->conn))
		return queue(x);
	if (x->response && x->large)
		turn_wait(x);
	if (x->http->ending || x->over)
		return MHD_NO;
	exchange_sleep(x);
	return MHD_YES;
}

enum MHD_Result
exchange_go(void *http, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *len,
	void **context)
{
	struct exchange *x = *context;

	(void)mhd, (void)url;
	((struct http *)http)->acts++;
	if (x->phase == EXCHANGE_LINE)
		return on_first(x, method, version);
	if (x->paused)
		return x->http->ending ? MHD_NO : on_allowed(x);
	return *len ? body_take(x, data, len) : on_whole(x);
}

void
exchange_end(struct exchange *x, bool sent)
{
	struct http *http = x->http;

	if (x->begun) {
		http->busy--;
		if (http->ops.on_end)
			http->ops.on_end(http, x, sent);
	}
	response_done(x);
	list_del(&x->turn);
	tls_flush(x->conn);
	http->held -= x->held;
	x->conn->x = NULL;
	if (!x->conn->became)
		conn_move(x->conn, CONN_IDLE);
	exchange_put(http, x);
}

void
exchange_done(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct exchange *x = take(*context);

	((struct http *)cls)->acts++;
	if (!x || conn_of(mhd)->became)
		return;
	exchange_end(x, x->over || code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

void
exchange_answer(struct exchange *x, int status, const char *content_type,
	struct slice body)
{
	size_t large = x->arena.used + body.len;

	/* It stays until the client has read it, in his own time. */
	if (large > HOLD_SMALL && exchange_hold(x, large) < 0) {
		status = refusal_get(REFUSE_MEMORY)->status;
		body = refusal_body(x, REFUSE_MEMORY);
	}
	if (body_is_in_the_way(x)) {
		body_answer_past(x, status, content_type, body);
		return;
	}
	response_make(x, status, content_type, body);
	exchange_settle(x);
}

void
exchange_settle(struct exchange *x)
{
	if (x->inside || !x->suspended)
		return;
	if (x->large)
		turn_wait(x);
	else if (x->phase == EXCHANGE_BODY || !conn_is_stuck(x->conn))
		exchange_wake(x);
}

void
exchange_go_on(struct exchange *x)
{
	if (x->inside)
		x->again = true;
	else if (x->suspended && x->phase != EXCHANGE_WORK)
		exchange_wake(x);
}

/* Time passes for clients, not while they wait for us. */
void
exchange_sleep(struct exchange *x)
{
	x->suspended = true;
	conn_move(x->conn, CONN_WORK);
	MHD_suspend_connection(x->conn->mhd);
}

void
exchange_wake(struct exchange *x)
{
	x->suspended = false;
	if (x->phase == EXCHANGE_BODY && x->flows && !x->over)
		conn_move(x->conn, x->sink ? CONN_SINK : CONN_BODY);
	MHD_resume_connection(x->conn->mhd);
	http_spin_soon(x->http);
}

void
exchange_drop(struct exchange *x)
{
	(void)shutdown(x->conn->fd, SHUT_RDWR);
	x->close = true;
	exchange_answer(x, 500, NULL, SLICE(""));
}
