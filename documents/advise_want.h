#pragma once

/*
 * Which index a request wants, by the rule that MongoDB's manual calls ESR:
 * fields compared for equality first, then those of the order, then a range.
 */

#include "base/util.h"

#include <jansson.h>

enum { ADVISE_FIELDS = 6 };

/* Fields by what is asked of them; borrowed from the facts. */
struct advise_want {
	const char *equal[ADVISE_FIELDS], *range[ADVISE_FIELDS];
	unsigned equals, ranges;
	const char *place; /* a field with a geo condition */
	bool by_id;        /* needs nothing more */
};

void advise_want_equal(struct advise_want *w, const char *name);
/* Adds what a shape's condition asks, of its $and as well; `depth` is 0. */
void advise_want_read(
	struct advise_want *w, const json_t *where, unsigned depth);
/* [{"name", "direction"}] of the index that would be best; empty when none
 * would.  order: [{"a": 1}, …] or NULL. */
json_t *advise_want_keys(const struct advise_want *w, const json_t *order);
