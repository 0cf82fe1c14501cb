#pragma once

/*
 * Plain HTTP/1.1 to one server: kept connections on our loop, for programs
 * behind us, where libcurl's bookkeeping would cost three times what the rest
 * of a request does.  What needs TLS, proxies or redirects is asked by
 * base/fetch.h, whose struct fetch and callbacks are used here, too.
 */

#include "base/fetch.h"

struct http_client;

struct http_client_conf {
	struct slice authority; /* "127.0.0.1:3000", "[::1]", "name:80" */
	const char *unix_path;  /* instead, or NULL */
	unsigned connections;   /* at once; more requests wait for one */
	uint64_t connect_ms;    /* with finding out the name's address */
};

/* Nothing is connected yet.  ERR_CONFIG: the authority is none. */
int http_client_new(struct http_client **ret, struct loop *loop,
	const struct http_client_conf *conf, struct fault *why) _must_check_;
struct http_client *http_client_free(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_free)

struct http_ask {
	const char *method;
	struct slice target; /* "/path?query" */
	/* Puts "Name: value\r\n", one after the other, Host among them, without
	 * those of the framing.  Nobody looks at them: the caller has.  Called
	 * once, before http_client_ask returns. */
	void (*put_headers)(void *owner, struct buf *to);
	void *owner;
	struct slice body; /* copied */
	/* of a body that `read` gives; -1: not known; 0: it is `body` */
	int64_t length;
	bool once; /* never twice, as in fetch.h */
	/* The headers ask for another protocol (RFC 9110, 7.8): 101 ends the
	 * request, and fetch->switched is the connection. */
	bool upgrade;
	const struct fetch_stream *stream;
};

/* job_init(&f->job, …) first; fetch_done after.  There is no time limit but
 * connect_ms and the caller's own. */
void http_client_ask(
	struct http_client *c, struct fetch *f, const struct http_ask *ask);
