#pragma once

/*
 * The way to the machine's one watch engine (watch/watch.h), the same in
 * every gateway: in gateway 0 directly, in the others over a unix socket that
 * the supervisor holds for gateway 0.  Between two gateways each change of a
 * query goes once, however many watch it there.
 *
 * The functions and callbacks are the engine's, word for word; what differs:
 * - on_result may come again at any time with any `seq` (gateway 0 was started
 *   again); every on_change has the seq after the last one told;
 * - while gateway 0 is away nothing is said; after RELAY_AWAY_MS it is on_end.
 */

#include "watch/watch.h"

struct gateway;
struct watch_relay;

enum { RELAY_AWAY_MS = 30000 };

/* `fd`: the listening socket in gateway 0 (taken; -1: no others), unused
 * elsewhere.  `path`: that socket, for the others, and `holder` the process
 * that made it listen: nobody else is told our proof, for he could show it to
 * gateway 0 as his own. */
struct watch_relay_conf {
	unsigned index; /* of this gateway */
	int fd;
	const char *path;
	pid_t holder;
	struct slice secret;        /* shm_secret */
	struct watches_conf engine; /* used in gateway 0 */
};

int watch_relay_new(struct watch_relay **ret, struct loop *loop,
	const struct watch_relay_conf *conf, struct fault *why) _must_check_;
struct watch_relay *watch_relay_free(struct watch_relay *r);
DEFINE_CLEANUP(struct watch_relay *, watch_relay_free)
/* What a reload may change: [watch]. */
void watch_relay_configure(
	struct watch_relay *r, const struct watches_conf *engine);

/* As watch_start, watch_resume, watch_stop.  Callbacks come later, never inside
 * of these; a subscriber may be stopped, and others started or stopped, inside
 * its callbacks.  watch_relay_stop is fine after on_end, too. */
void watch_relay_start(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *query);
void watch_relay_resume(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *query, uint64_t epoch, uint64_t seq);
void watch_relay_stop(struct watch_sub *s);

/* As watch_epoch and watches_batch. */
uint64_t watch_relay_epoch(const struct watch_sub *s);
uint64_t watch_relay_batch(const struct watch_relay *r);
/* In gateway 0 the machine's; elsewhere only what is watched through it. */
struct watches_count watch_relay_count(const struct watch_relay *r);
