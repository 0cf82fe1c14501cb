#pragma once

/*
 * A server on loopback that plays WeChat inside a test, on the test's own
 * loop: enough HTTP for our fetch, and the ways in which WeChat fails.
 */

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"

struct fake;

struct fake_request {
	struct slice method, target, head, body;
};

enum fake_mode {
	FAKE_ANSWER, /* what `answer` wrote */
	FAKE_HANG,   /* the request is read, nothing comes back */
	FAKE_CUT,    /* the connection ends after half of the answer */
	FAKE_CLOSE,  /* the connection ends without one */
};

struct fake {
	struct loop *loop;
	uv_tcp_t listener;
	struct list connections;
	char base[64]; /* http://127.0.0.1:PORT */
	unsigned requests;
	enum fake_mode mode;
	/* Writes the whole answer, head and body, with fake_say; called in
	 * every mode. */
	void (*answer)(
		struct fake *f, const struct fake_request *r, struct buf *to);
	void *owner;
};

void fake_start(struct fake *f, struct loop *loop,
	void (*answer)(
		struct fake *, const struct fake_request *, struct buf *));
/* No more connections, those there closed. */
void fake_stop(struct fake *f);
/* `headers`: whole lines with "\r\n", or "". */
void fake_say(
	struct buf *to, int status, const char *headers, struct slice body);
/* A query parameter, not decoded. */
struct slice fake_param(const struct fake_request *r, const char *name);
struct slice fake_header(const struct fake_request *r, const char *name);
