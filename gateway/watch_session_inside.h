#pragma once

/* What the watch_session*.c files share. */

#include "auth/caller.h"
#include "base/arena.h"
#include "base/pace.h"
#include "base/timer.h"
#include "gateway/gateway.h"
#include "gateway/sockets.h"
#include "gateway/watch_session.h"
#include "watch/watch_events.h"
#include "watch/watch_message.h"
#include "watch/watch_relay.h"

/* How far a watch is; the state says what the engine's next word means. */
enum watching_state {
	WATCHING_INIT,    /* INIT_WATCH waits for the first result */
	WATCHING_REBUILD, /* REBUILD_WATCH waits for what was missed */
	WATCHING_LIVE,
};

/* One watch of a client. */
struct watching {
	struct watch_sub sub;
	struct list on; /* session->watches */
	struct session *session;
	enum watching_state state;
	char *watch_id;
	char *request_id; /* of the message that waits for its answer */
	char *query_id;   /* sealed; NULL before the first result */
	uint64_t last;    /* the client's number of the last event told */
	uint64_t shift;   /* client's number = engine's + shift (mod 2^64) */
	struct buf missed;
	/* until query_id is made */
	char *collection, *query, *order;
	int64_t limit;
};

struct session {
	struct gateway *gateway;
	struct socket socket;
	struct ws *ws;
	struct list watches;
	struct timer login; /* must be over by then */
	struct timer leave;
	struct pace pace, begins; /* of messages, of watches */
	struct arena arena;       /* the caller's strings */
	struct caller caller;
	bool known; /* logged in */
};

struct watch_sessions {
	struct gateway *gateway;
	/* The text of the last change told: members of msgData behind queryID,
	 * for whom the client's numbers are the engine's. */
	uint64_t batch;
	struct buf text;
};

/* `requestId` may be "". */
void session_say(struct session *s, const char *watch_id,
	const char *request_id, const char *type, struct slice data);
void session_error(struct session *s, const char *watch_id,
	const char *request_id, const char *code, const char *text);

/* Trouble that will pass: closed in a while, not at once, since the SDK comes
 * again without waiting. */
void session_leave(struct session *s);

/* watch_session_tell.c.  `rest`: what follows queryID in msgData, and the two
 * braces. */
extern const struct watch_ops watching_ops;
void watching_say(struct watching *w, const char *type, struct slice rest);

/* watch_session_watch.c */
void watching_free(struct watching *w);
void watching_init(struct session *s, const struct watch_message *m);
void watching_rebuild(struct session *s, const struct watch_message *m);
void watching_check(struct session *s, const struct watch_message *m);
void watching_close(struct session *s, const struct watch_message *m);
void watching_free_all(struct session *s);
