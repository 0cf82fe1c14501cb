#pragma once

/*
 * Named events with fields: one JSON line on stderr (journald's), and a
 * counter of each name.  The names are in event.def: X(NAME, level, "a.name",
 * "what it says").  Secrets never reach an event.
 *
 *   event(EVENT_FN_COLD_START, "fn", name, "ms", EVENT_INT(ms), NULL);
 */

#include "base/slice.h"
#include "base/util.h"

enum event_level { EVENT_DEBUG, EVENT_INFO, EVENT_WARN, EVENT_ERROR };

enum event_name {
#define X(name, level, wire, text) name,
#include "base/event.def"
#undef X
	EVENT_COUNT_
};

/* Pairs of (const char *key, const char *value), ended by NULL.  A value of
 * NULL leaves the pair out.  Values made by EVENT_INT print as numbers. */
void event(enum event_name name, ...) __attribute__((sentinel));
#define EVENT_INT(n) event_int((int64_t)(n), (char[24]){0})
const char *event_int(int64_t n, char *room);

/* "gateway-0", "supervisor": every line's "who". */
void event_init(const char *who, enum event_level least);
/* How often `name` happened in this process. */
uint64_t event_count(enum event_name name);
const char *event_wire(enum event_name name);
/* One ready JSON line (the access line), with its newline, batched per turn by
 * the caller. */
void event_raw(struct slice line);
