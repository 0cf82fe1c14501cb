#pragma once

/*
 * What the upstream*.c files share, and nobody else sees.
 */

#include "base/fetch.h"
#include "base/timer.h"
#include "gateway/upstream.h"
#include "http/http_client.h"

struct server {
	struct upstream *of;
	char *base;      /* "http://127.0.0.1:3000", without a path */
	char *authority; /* its Host */
	char *socket;    /* "/run/app.sock" instead, or NULL */
	struct http_client *client; /* NULL: https, which curl asks */
	char *path;                 /* before the request's, "" */
	unsigned busy;              /* requests under way */
	unsigned tunnels;           /* WebSockets */
	unsigned fails;             /* in a row */
	int64_t down_until;         /* clock_mono; 0: it is well */
	bool sick;                  /* its health check failed */
	struct fetch check;
};

enum upstream_host { HOST_SERVER, HOST_CLIENT, HOST_NAMED };

struct upstream {
	struct loop *loop;
	struct fetcher *fetcher; /* from the first request on */
	struct timer timer;      /* of the next health check */
	unsigned refs;
	char *name;
	struct server *server;
	size_t count, turn;
	bool trusted, least_busy;
	bool is_plain; /* no server is https */
	enum upstream_host host;
	char *host_name;
	int64_t connect_ms, timeout_ms, idle_ms;
	int64_t retries, fails, connections;
	int64_t down_ms;
	char *health_path; /* NULL: servers are not asked */
	int64_t health_ms, health_timeout_ms;
};

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

/* upstream.c */
/* The one to be asked, not `but` when there is another; NULL: all are sick. */
struct server *upstream_choose(struct upstream *u, const struct server *but);
/* What became of asking it. */
void server_told(struct server *s, bool well);

/* upstream_health.c */
void health_begin(struct upstream *u);
void health_end(struct upstream *u);

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
