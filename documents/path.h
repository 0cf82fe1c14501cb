#pragma once

/*
 * Dotted paths to a place in a document: "a.b.0.c".
 */

#include "base/arena.h"
#include "base/err.h"

/* Cut into its steps, in the arena: 1 to 50 names, not empty, none with a $ in
 * front. */
struct path {
	struct slice text;
	struct slice *step;
	unsigned count;
	bool has_index; /* a step is a number */
};
int path_parse(struct path *ret, struct slice text, struct arena *arena,
	struct fault *why) _must_check_;
/* The same for what an update changes: steps may be $, $[] and $[name]. */
int path_parse_change(struct path *ret, struct slice text, struct arena *arena,
	struct fault *why) _must_check_;
/* `a` is `b` or leads to it: setting both at once is a conflict. */
bool path_covers(const struct path *a, const struct path *b);
/* Its first step is `name`. */
bool path_starts(const struct path *p, const char *name);
