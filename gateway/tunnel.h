#pragma once

/*
 * A WebSocket passed on to a server behind us: two connections, and what comes
 * on one goes out on the other, unread.  A side that ends is told to the other
 * by its end; what is under way still arrives.  When we end it (the process or
 * the session ends, nobody said anything for long), both are sent a close frame
 * between two frames of the other's.
 */

#include "base/err.h"
#include "http/http.h"

struct gateway;
struct caller;
struct tunnel;

struct tunnel_conf {
	uint64_t idle_ms; /* silence of both sides that ends it; 0: none */
	/* Asked when routes change: may it go on?  If not it ends with 1012, so
	 * that the client comes again. */
	bool (*may)(void *owner);
	/* Once, when it has ended or was never begun; the tunnel is gone. */
	void (*ended)(void *owner);
	void *owner;
};

/* Counted as one of the caller's sockets.  ERR_LIMITED: he has as many as he
 * may (sockets.user); `ended` is not called then. */
int tunnel_new(struct tunnel **ret, struct gateway *g, const struct caller *who,
	const struct tunnel_conf *conf, struct fault *why) _must_check_;
/* Not begun, after all. */
struct tunnel *tunnel_free(struct tunnel *t);

/* Both take bytes that came already: `early` from the client, then from the
 * server.  `server` is non-blocking, and the tunnel's from now on. */
void tunnel_begin(struct tunnel *t, struct upgrade *up, int client,
	struct slice early, int server, struct slice server_early);
