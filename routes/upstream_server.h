#pragma once

/*
 * The servers of an upstream, for those who ask them.
 */

#include "base/fetch.h"
#include "base/timer.h"
#include "http/http_client.h"
#include "routes/upstream.h"

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

/* upstream.c */
/* The one to be asked, not `but` when there is another; NULL: all are sick. */
struct server *upstream_choose(struct upstream *u, const struct server *but);
/* What became of asking it. */
void server_told(struct server *s, bool well);

/* upstream_health.c */
void health_begin(struct upstream *u);
void health_end(struct upstream *u);
