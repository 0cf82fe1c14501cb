#pragma once

/*
 * A server on the loop of a test that plays a script: what to answer to the
 * first request, to the second, and whether to hang up; and a client's side
 * that notes what it is told.
 */
#include "http/http_client.h"
#include "tests/unit/test.h"

enum { CONNECTIONS = 24, ASKS = 20, SEEN_TOP = 1 << 20 };

/* One request's answer. */
struct line {
	const char *answer; /* NULL: none */
	bool close;         /* after it */
	size_t piece;       /* bytes a turn; 0: all at once */
};

struct peer {
	struct server *server;
	uv_poll_t poll;
	int fd;
	struct buf in;
	const struct line *line; /* that it is saying, from `at` on */
	size_t at;
};

struct server {
	struct loop *loop;
	uv_poll_t poll;
	int fd;
	struct peer peers[CONNECTIONS];
	size_t connections, asked;
	const struct line *script; /* a line a request, the last for ever */
	size_t lines;
	bool mute;       /* it reads, and answers nothing yet */
	struct buf seen; /* all requests */
};

struct ask {
	struct fetch fetch;
	struct buf got;
	size_t done, heads;
	int err;
	const char *body; /* given by on_read, then */
	size_t body_at, piece, waits;
	bool full; /* on_data waits */
	char why[256];
};

struct fixture {
	struct loop loop;
	struct server server;
	struct http_client *client;
	struct ask asks[ASKS];
};

int http_driver_up(void **state);
int http_driver_down(void **state);
/* The script, from the next request on. */
void play(struct fixture *f, const struct line *script, size_t lines);
void hang_up(struct peer *p);
/* A turn of the loop, and a piece of each answer. */
void turn(struct fixture *f);
/* The server answers what has come, without waiting for a turn. */
void serve(struct fixture *f);
/* Another client of the same server. */
void open_client(struct fixture *f, unsigned connections);
/* Asks, as the `i`-th; then until it is done. */
struct ask *begin(struct fixture *f, size_t i, struct http_ask how);
void finish(struct fixture *f, const struct ask *a);
struct ask *get(struct fixture *f, size_t i);
void assert_got(const struct ask *a, int status, const char *body);

#define PLAY(f, ...) \
	static const struct line script[] = {__VA_ARGS__}; \
	play((f), script, array_size(script))
