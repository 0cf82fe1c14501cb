#pragma once

/*
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): who sends
 * traceparent finds its trace id in our access line and events, and what we ask
 * in its name (functions, upstreams) carries it on, with this request as the
 * parent.  Who sends none pays nothing.
 */

#include "base/arena.h"
#include "base/slice.h"

enum { TRACE_ID = 32, TRACE_PARENT = 55 };

struct trace {
	struct slice id; /* 32 hex digits; empty: none was sent */
	char flags[3];   /* "01": sampled */
};

/* A traceparent header; one that is not valid is as if it were not there (3.2
 * of the recommendation).  `ret` borrows from it. */
void trace_parse(struct trace *ret, struct slice header);
/* What those we ask are sent, or NULL when there is no trace.  `request_id`: 32
 * hex digits, whose last 16 name this request as the parent. */
const char *trace_parent(
	const struct trace *t, struct arena *arena, const char *request_id);
