#pragma once

/*
 * What gateways say to each other about watches: frames (base/frame.h) whose
 * bodies are made and read here.  Both ends are one build; what cannot be read
 * ends the connection all the same.
 */

#include "base/frame.h"
#include "watch/watch.h"

enum watch_frame {
	/* to gateway 0 */
	WATCH_F_HELLO =
		1,     /* proof: HMAC-SHA256 of the nonce, with our secret */
	WATCH_F_START, /* id: the subscriber's; a query */
	WATCH_F_STOP,
	/* from it */
	WATCH_F_NONCE,
	WATCH_F_RESULT,  /* a head, changes */
	WATCH_F_SAME,    /* a head: the changes of the last WATCH_F_RESULT */
	WATCH_F_RESUMED, /* a head */
	WATCH_F_MISSED,  /* a head, changes: to one who comes back */
	WATCH_F_CHANGE,  /* a head, changes: to all of the query */
	WATCH_F_END,     /* error, words */
};

enum {
	WATCH_NONCE = 16,
	WATCH_FRAME_TOP = 256 << 20, /* bytes: a result of 5,000 documents */
	WATCH_OUT_TOP = 512 << 20,
};

struct watch_head {
	uint64_t number, epoch, seq; /* watch_number, watch_epoch */
};
void watch_put_head(struct buf *to, const struct watch_head *h);
struct watch_head watch_get_head(struct getter *g);

void watch_put_changes(
	struct buf *to, const struct watch_change *changes, size_t count);
/* Allocated; texts are in the frame. */
int watch_get_changes(struct getter *g, struct watch_change **ret,
	size_t *count) _must_check_;

/* What a START says. */
struct watch_begin {
	struct watch_query query;
	bool resumes;
	uint64_t epoch, seq;
};
void watch_put_begin(struct buf *to, const struct watch_begin *b);
/* Texts are copied into the arena; *custom (scope.custom) is the caller's. */
int watch_get_begin(struct getter *g, struct watch_begin *ret,
	struct arena *arena, json_t **custom) _must_check_;

/* The proof of a nonce. */
void watch_prove(struct slice secret, struct slice nonce, uint8_t ret[32]);
