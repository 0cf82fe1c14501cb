#pragma once

/*
 * Outgoing HTTPS on the loop (curl multi_socket).  The only user of libcurl.
 * Answers have a ceiling; redirects are not followed; certificates are checked.
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

/* Embedded in its owner; job.err 0 means an HTTP answer came, of any status. */
struct fetch {
	struct job job;
	/* answer */
	long status;
	struct buf body;
	struct buf headers; /* raw, as received */
	bool sent; /* the request may have reached the server: do not repeat */
	void *inside;
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
};

/* job_init(&f->job, …) first.  fetch_done after the answer was used. */
void fetch_start(
	struct fetcher *fetcher, struct fetch *f, const struct fetch_ask *ask);
void fetch_done(struct fetch *f);
/* The value of an answer's header, empty when absent. */
struct slice fetch_header(const struct fetch *f, const char *name);
