#pragma once

/* Calls of functions that nobody waits for; see call_queue.c. */

#include "base/slice.h"

struct call;

/* functions.invokeFunction means it so. */
bool call_queue_is_meant(const struct call *c);
/* call_fn.c: the body's event, JSON. */
int call_fn_event(struct call *c, struct slice *ret) _must_check_;
