#pragma once

/*
 * Inside of the relay of a gateway that has no engine: watch_relay.c has the
 * connection and the subscribers, watch_relay_take.c what comes over it.
 */

#include "base/list.h"
#include "base/stream.h"
#include "base/timer.h"
#include "watch/watch_relay.h"
#include "watch/watch_wire.h"

enum { RELAY_BUCKETS = 1024 };

struct watch_serve;

struct watch_relay {
	struct loop *loop;
	/* in gateway 0 */
	struct watches *engine;
	struct watch_serve *serve;
	/* elsewhere */
	char *path, *secret;
	pid_t holder;
	size_t secret_len;
	struct stream stream;
	bool is_up; /* connected and greeted */
	struct timer rest, away;
	uint64_t rest_ms;
	struct list bucket[RELAY_BUCKETS]; /* struct relayed, by id */
	struct list groups;                /* struct relay_group */
	uint32_t last_id;
	size_t count;
	uint64_t batch, changes;
	/* the last result, for those who are told the same */
	char *result;
	size_t result_len;
};

/* Who follow one query. */
struct relay_group {
	struct list on;
	uint64_t number;
	struct list all; /* struct relayed */
	bool busy;       /* it is being told: not to be freed */
};

struct relayed {
	struct list on; /* a bucket's */
	struct list in; /* its group's */
	struct relay_group *group;
	struct watch_sub *sub;
	struct watch_relay *relay;
	uint32_t id;
	bool is_known;    /* its result was told; at epoch, seq */
	bool quiet;       /* it did not ask itself to resume */
	struct buf begin; /* the body of its START */
	struct watch_head head;
	struct defer soon;
};

/* watch_relay.c */
void relayed_free(struct relayed *d);
void relayed_end(struct relayed *d, int err, const struct fault *why);
/* Asks for it from where it stands. */
void relayed_send(struct relayed *d);

/* watch_relay_take.c */
struct relayed *relay_find(struct watch_relay *r, uint32_t id);
/* It follows no query any more. */
void relayed_leave(struct relayed *d);
int relay_take(struct watch_relay *r, const struct frame *f) _must_check_;
