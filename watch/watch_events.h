#pragma once

/*
 * Changes of a watched query as js-sdk reads them: the members that follow
 * "queryID" in INIT_EVENT and NEXT_EVENT.
 */

#include "base/buf.h"
#include "watch/watch.h"

enum { WATCH_EVENTS_TOP = 256 << 20 }; /* bytes of one message */

/* Appends {…},{…}: the events of one step, all with this ID.  A comma goes
 * first when `more`. */
void watch_events_put(struct buf *to, bool more, uint64_t id,
	const struct watch_change *changes, size_t count);
/* For a result that has become empty while nothing was told: an SDK passes over
 * a batch without events and would keep its old documents.  Two events for a
 * document that never was (its _id is "") leave it with none. */
void watch_events_put_empty(struct buf *to, uint64_t id);
