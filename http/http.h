#pragma once

/*
 * HTTP/1.1 on our loop: libmicrohttpd with its external epoll inside libuv.
 * The only user of libmicrohttpd and GnuTLS.  One struct http a listening
 * socket; used by the gateway and by the WeChat sandbox.
 *
 * Strictness (RFC 9112) beyond the library's is here: http_check.c.
 * An exchange is one request and its answer; it is given to on_request when
 * its body is complete, and may be answered then or later from the loop.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/slice.h"

struct http;
struct exchange;

struct http_conf {
	int fd; /* listening; stays the caller's */
	bool is_unix;
	const char *tls_cert, *tls_key; /* PEM text; NULL: plain */
	/* Each connection begins with a PROXY protocol header (v1 or v2, as
	 * HAProxy's proxy-protocol.txt has it), whose source is the peer. */
	bool proxy_protocol;
	/* 32 bytes that all who serve these names share, so that a session
	 * begun with one of them is resumed by another; empty: our own. */
	struct slice ticket_secret;
	unsigned connections;
	size_t connection_memory;
	uint64_t idle_ms, head_ms, body_ms;
	size_t arena_top; /* ceiling of an exchange's arena */
	/* What all exchanges together may hold (bodies, answers on their way,
	 * exchange_hold) before large ones are refused with 503; 0: any. */
	size_t memory_top;
};

struct http_ops {
	/* The head is there, the body not yet.  Answer with exchange_answer to
	 * refuse (the body is not read, the connection closes), or set the
	 * body's ceiling with exchange_set_body_top. */
	void (*on_head)(struct http *http, struct exchange *x);
	/* The whole request. */
	void (*on_request)(struct http *http, struct exchange *x);
	/* The exchange ends: answered and sent (sent=true) or the client left.
	 * Cancel your jobs; x is freed after. */
	void (*on_end)(struct http *http, struct exchange *x, bool sent);
	/* A refusal before an exchange existed (ours or the library's):
	 * status and a word for the log.  May be NULL. */
	void (*on_refused)(struct http *http, int status, const char *what,
		const char *peer);
	void *owner;
};

int http_new(struct http **ret, struct loop *loop, const struct http_conf *conf,
	const struct http_ops *ops, struct fault *why) _must_check_;
struct http *http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)
void *http_owner(const struct http *http);
/* New certificates for new connections; nothing changes when one is bad.  The
 * one whose names (subjectAltName) fit the client's SNI best is shown, an exact
 * name before a wildcard; the first when none fits or no name is said. */
struct http_cert {
	const char *cert, *key; /* PEM text */
	struct slice ocsp;      /* a DER OCSP response to staple, or empty */
	const char *name;       /* messages say [tls NAME]; may be NULL */
};
int http_set_certificates(struct http *http, const struct http_cert *certs,
	size_t count, struct fault *why) _must_check_;
/* Time limits of requests from now on; what waits already keeps its own. */
void http_set_limits(struct http *http, uint64_t head_ms, uint64_t body_ms);
/* Accept nothing new; answers from now on carry Connection: close. */
void http_drain(struct http *http);
/* Exchanges under way, and connections. */
unsigned http_busy(const struct http *http);
unsigned http_connections(const struct http *http);
/* How often the library has run: for tests. */
uint64_t http_runs(const struct http *http);

const char *exchange_method(const struct exchange *x);
const char *exchange_path(const struct exchange *x);    /* decoded, no query */
struct slice exchange_target(const struct exchange *x); /* as received */
struct slice exchange_query(const struct exchange *x, const char *name);
/* First value, trimmed; {NULL,0} when absent. */
struct slice exchange_header(const struct exchange *x, const char *name);
/* Every header in the order it came, names as they came, values trimmed. */
typedef void header_fn(void *owner, struct slice name, struct slice value);
void exchange_each_header(struct exchange *x, header_fn *fn, void *owner);
struct slice exchange_body(const struct exchange *x);
const char *exchange_peer(const struct exchange *x); /* "127.0.0.1", "unix" */
/* A word of yours, 0 at first, that stays as long as exchange_peer says the
 * same: of a connection's next request too, unless a proxy names others. */
uint64_t *exchange_peer_word(struct exchange *x);
/* Who asked a trusted proxy, from here on; copied (http/trust.h). */
void exchange_set_peer(struct exchange *x, const char *peer);
bool exchange_is_tls(const struct exchange *x);
/* What a trusted proxy says of its own client: "https" or not. */
void exchange_set_tls(struct exchange *x, bool is_tls);
const char *exchange_id(const struct exchange *x); /* request id */
struct arena *exchange_arena(struct exchange *x);
/* clock_mono when the turn began in which the request line came. */
int64_t exchange_started(const struct exchange *x);
void exchange_set_body_top(struct exchange *x, size_t top);
/* Bytes that you hold for this exchange until its end.  ERR_BUSY: the listener
 * has no room for so much now; little always has room. */
int exchange_hold(struct exchange *x, size_t bytes) _must_check_;
/* Bytes of the answer's body, its status; 0 before. */
int exchange_status(const struct exchange *x);
size_t exchange_sent(const struct exchange *x);

/* Yours: the request's state. */
void exchange_set_data(struct exchange *x, void *data);
void *exchange_data(const struct exchange *x);

/* A header of the coming answer; call before exchange_answer.  `name` is a
 * constant, `value` is copied. */
void exchange_add_header(
	struct exchange *x, const char *name, const char *value);
/* The same for a name that somebody else chose: both are copied, and several of
 * one name are all sent.  Neither may hold control characters. */
void exchange_add_any_header(
	struct exchange *x, struct slice name, struct slice value);
/* What was added so far, in no order that means anything. */
void exchange_each_added(struct exchange *x, header_fn *fn, void *owner);
/* The first of this name that was added; {NULL,0}: none. */
struct slice exchange_added(const struct exchange *x, const char *name);
/* All of this name that were added are not sent. */
void exchange_drop_header(struct exchange *x, const char *name);
/* Once per exchange.  `content_type` is a constant, or NULL when there is none
 * or it was added as a header.  The body is copied unless it lies in the
 * exchange's arena (then it is sent from there).  X-Request-Id is added. */
void exchange_answer(struct exchange *x, int status, const char *content_type,
	struct slice body);
/*
 * Bodies that do not fit into memory.
 *
 * From on_head: the body goes to `take` as it comes and is not collected;
 * exchange_body stays empty.  `take` uses all of `data` and returns 0; or
 * EXCHANGE_WAIT, having used nothing, and is called with the same bytes again
 * after exchange_go_on; or an error (err.h): the client is told and the
 * connection closes.  on_request follows as for any other.
 *
 * body_ms is no limit for such a body, but for each part of it: so many ms must
 * bring a KiB a second on the average.  While `take` waits no time passes.
 *
 * An answer may be given before the body has come, also from within `take`.
 * What is left is thrown away when it is short (64 KiB) and the connection
 * goes on; when it is long, or nobody knows how long, exchange_answer's answer
 * is sent at once and the connection closes, while a file or a stream is sent
 * after all of the body was thrown away.
 */
enum { EXCHANGE_WAIT = 1 };
typedef int exchange_take_fn(struct exchange *x, struct slice data);
void exchange_set_sink(
	struct exchange *x, exchange_take_fn *take, uint64_t body_top);
/* What Content-Length announces; 0: there is no body; -1: chunked, not known.
 */
int64_t exchange_length(const struct exchange *x);
/* From on_head: nothing of the body is read, and "100 Continue" not said,
 * before exchange_go_on; until then all that on_head may do may be done.
 * Nothing happens when there is no body. */
void exchange_pause(struct exchange *x);
/* The library may call `take` or `give` again, or read the body. */
void exchange_go_on(struct exchange *x);

/* An answer that is `len` bytes of a file from `offset` on; `fd` is ours from
 * now on and closed.  Sent by sendfile where there is no TLS. */
void exchange_answer_file(struct exchange *x, int status,
	const char *content_type, int fd, uint64_t offset, uint64_t len);

/* An answer that is made while it is sent.  `give` puts up to `room` bytes at
 * `to` and says how many; EXCHANGE_GIVE_WAIT: none yet, exchange_go_on says
 * when; EXCHANGE_GIVE_END; an error breaks the connection off, which is how the
 * client knows.  `len` -1: not known, sent in chunks.  on_end follows in any
 * case. */
enum { EXCHANGE_GIVE_WAIT = 0, EXCHANGE_GIVE_END = -1 };
typedef ssize_t exchange_give_fn(struct exchange *x, char *to, size_t room);
void exchange_answer_stream(struct exchange *x, int status,
	const char *content_type, int64_t len, exchange_give_fn *give);

/*
 * The connection becomes something else (101; RFC 9110, 7.8): headers that were
 * added are sent, then `take_over` is called once with a descriptor that reads
 * and writes what the client does (over TLS: the clear text), non-blocking,
 * and bytes that came already (valid until you return).  Then the exchange
 * ends, its arena with it (on_end, sent: true); the descriptor is yours, and
 * open, until you call upgrade_close, also while http_drain waits and after
 * http_free, which only shuts down those that are left.  A client that leaves
 * before reads as the end of the descriptor.  on_end with `sent` false: he left
 * before it came to take_over, which is not called any more.
 *
 * `Upgrade: …` is one of the headers to be added; "Connection" is added here.
 */
struct upgrade;
typedef void upgrade_fn(
	void *owner, struct upgrade *u, int fd, struct slice early);
void exchange_upgrade(struct exchange *x, upgrade_fn *take_over, void *owner);
void upgrade_close(struct upgrade *u);

/* Instead of exchange_answer: close the connection without a word.  For the
 * sandbox, which plays a network that fails. */
void exchange_drop(struct exchange *x);
