#pragma once

/*
 * The WebSocket connections of one gateway: how many a user may have, whose
 * session they hang on, and their end when that session ends, its user is
 * blocked, or the gateway stops.  All kinds use it: watch_session.h,
 * function_socket.h and tunnel.h.
 */

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "http/ws.h"

struct gateway;
struct sockets;

/* Close codes that clients of ours read. */
enum {
	CLOSE_RESTART = 1012,  /* come again at once */
	CLOSE_LATER = 1013,    /* come again in a while */
	CLOSE_POLICY = 1008,   /* what was sent is not taken here */
	CLOSE_NO_LOGIN = 3050, /* CloudBase's: the session has ended */
};

struct sockets *sockets_new(struct gateway *g) _returns_value_;
/* Ends those that are left. */
struct sockets *sockets_free(struct sockets *all);
DEFINE_CLEANUP(struct sockets *, sockets_free)

/* Embedded in its owner; socket_init before all else. */
struct socket {
	struct list on_all, on_user, on_id;
	/* At the process's end: be freed, with your ws. */
	void (*drop)(struct socket *s);
	struct ws *ws; /* NULL: closed already, or `close` is given */
	/* Of a connection that is no ws of ours (tunnel.h): end it so; look
	 * whether it may go on (soon after routes have changed, perhaps more
	 * often). */
	void (*close)(struct socket *s, unsigned code, const char *reason);
	void (*look)(struct socket *s);
	struct slice id;  /* to be found by; or empty */
	struct slice uid; /* its owner's; empty: not known yet */
	uint64_t sid;
	size_t watches; /* queries that are watched over it */
};

void socket_init(struct socket *s);
/* s->ws, s->uid and s->sid are set (uid may be empty).  ERR_LIMITED: the user
 * has as many as he may (sockets.user). */
int socket_add(
	struct sockets *all, struct socket *s, struct fault *why) _must_check_;
/* Idle ones are fine, too. */
void socket_del(struct socket *s);
/* By its id; NULL. */
struct socket *sockets_find(struct sockets *all, struct slice id);
/* Has its session ended? */
bool socket_is_over(const struct sockets *all, uint64_t sid);
/* Sum of `watches` over a user's sockets. */
size_t sockets_watches(struct sockets *all, struct slice uid);
