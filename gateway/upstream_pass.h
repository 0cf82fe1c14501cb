#pragma once

/*
 * One request through a server behind us (routes/upstream.h): what
 * upstream_pass.c, upstream_header.c and upstream_switch.c share.
 */

#include "routes/upstream_server.h"

struct request;

/* The endpoint of routes with an upstream; r->declared says which. */
int endpoint_upstream(struct request *r) _must_check_;

/* Headers for a server, in one of two forms. */
enum { HEADING_TOP = 160 };

struct heading {
	struct request *r;
	const struct server *s;
	struct buf *text;                  /* "Name: value\r\n"…, or NULL */
	const char *list[HEADING_TOP + 4]; /* curl's, else */
	size_t count;
	struct slice connection;
	bool agent, accept;
	bool upgrade; /* it asks for a WebSocket */
};

/* upstream_switch.c */
struct passage;
bool passage_is_asked(const struct request *r, const struct upstream *u);
/* *ret is NULL again when it has begun, or ended by itself.  ERR_LIMITED. */
int passage_new(struct passage **ret, struct request *r) _must_check_;
void passage_drop(struct passage *g);
/* Is the server's 101 an answer to this request? */
int passage_check(
	const struct request *r, const struct fetch *fetch) _must_check_;
/* Answers with it. */
void passage_begin(struct passage *g, struct request *r, struct server *s,
	struct fetch *fetch);

/* upstream_header.c */
/* The client's headers as the server is to get them, and ours. */
void heading_make(struct heading *h);
/* The server's, as the client is to get them. */
void heading_answer(struct request *r, const struct fetch *fetch);
