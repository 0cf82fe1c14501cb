#pragma once

/*
 * Outgoing HTTPS on the loop (curl multi_socket).  The only user of libcurl
 * where there is a loop (functions/script_wire.h is the other).  Answers have a
 * ceiling; redirects are not followed; certificates are checked.
 */

#include "base/buf.h"
#include "base/job.h"

struct fetcher;
struct series_table;
int fetcher_new(struct fetcher **ret, struct loop *loop) _must_check_;
struct fetcher *fetcher_free(struct fetcher *f);
DEFINE_CLEANUP(struct fetcher *, fetcher_free)
/* Counts answers and their times by server asked (`host="https://…"`); what
 * failed without an answer counts as a 5xx.  NULL: no more. */
void fetcher_count(struct fetcher *f, struct series_table *series);

/* Connections that are kept, and that one server has at once; 64 when nothing
 * is said. */
void fetcher_set_connections(struct fetcher *f, unsigned connections);

struct fetch;
enum { FETCH_WAIT = 1, FETCH_READ_WAIT = -1 };

/* Bodies in pieces, for those who give `stream`.  Called from inside curl: do
 * not start, cancel or free a fetch there. */
struct fetch_stream {
	/* The answer's head: fetch->status and fetch->headers; no 1xx. */
	void (*on_head)(struct fetch *fetch);
	/* 0: all of it was used; FETCH_WAIT: nothing was, the same again after
	 * fetch_go_on; an error ends the fetch. */
	int (*on_data)(struct fetch *fetch, struct slice data);
	/* The request's body: how many bytes were put; 0: the end;
	 * FETCH_READ_WAIT: none yet; less: the fetch ends. */
	ssize_t (*read)(struct fetch *fetch, char *to, size_t room);
};

/* Embedded in its owner; job.err 0 means an HTTP answer came, of any status. */
struct fetch {
	struct job job;
	/* answer */
	long status;
	struct buf body;
	struct buf headers; /* raw, as received */
	int64_t length; /* of a stream's body, as announced; -1: not known */
	bool sent; /* the request may have reached the server: do not repeat */
	bool headed; /* of a stream: on_head was called */
	/* After status 101 to an http_ask that asked for it: the connection,
	 * non-blocking, closed by fetch_done unless taken (set to 0); what came
	 * on it already is in `body`.  0: none. */
	int switched;
	const struct fetch_stream *stream;
	void *inside;
	struct defer *resume; /* who hears of fetch_go_on */
};

struct fetch_ask {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-ended, may be NULL */
	struct slice body;          /* copied */
	uint64_t timeout_ms, connect_ms; /* 0: 10 s, 3 s */
	size_t answer_top;               /* bytes; 0: 1 MiB */
	/* a unix socket to connect to, or NULL; its connection is used once
	 * and the request never repeated */
	const char *unix_path;
	/* Never twice: curl by itself repeats a request on a kept connection
	 * that ends without a byte of an answer.  Then it fails, with `sent`.
	 */
	bool once;
	/* A client certificate and its private key, PEM; empty: none.  Such a
	 * connection is used for this request alone. */
	struct slice client_cert, client_key;
	/* The answer goes there and not to fetch->body; there is no time limit
	 * then but connect_ms and the caller's own. */
	const struct fetch_stream *stream;
	/* Of a stream: the body's length, which `read` gives; -1: not known
	 * (chunks); 0: there is none, or it is `body`. */
	int64_t length;
	/* AWS signature version 4: "aws:amz:REGION:s3", and "KEY:SECRET"; or
	 * NULL.  Give the body's sum as the header x-amz-content-sha256. */
	const char *sigv4, *sigv4_key;
	const char *target; /* of a stream: as it is to be sent, or NULL */
};

/* job_init(&f->job, …) first.  fetch_done after the answer was used. */
void fetch_start(
	struct fetcher *fetcher, struct fetch *f, const struct fetch_ask *ask);
void fetch_done(struct fetch *f);
/* For another client that answers into a fetch: nothing came yet.  It sets
 * `inside` and `resume`, and begins the job. */
void fetch_begin(struct fetch *f, const struct fetch_stream *stream,
	size_t body_top, size_t headers_top);
/* A stream's callbacks may be called again. */
void fetch_go_on(struct fetch *f);
/* The value of an answer's header, empty when absent. */
struct slice fetch_header(const struct fetch *f, const char *name);
