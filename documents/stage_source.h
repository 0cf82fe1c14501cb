#pragma once

/*
 * Between stage_source.c, which reads a collection, and stage_page.c, which
 * reads the conditions, orders and pages that a pipeline asks for.
 */

#include "documents/stage.h"

/* What the first stages say; of later ones only order and page. */
struct stage_source {
	struct query *total, *raising; /* ANDs; parts may be none */
	struct sql_order order[SQL_ORDER_TOP];
	unsigned orders;
	const struct query *text; /* the condition that gives a score */
	bool has_limit;
	int64_t skip, limit;
};

/* The argument of the next stage when it is `name`, or NULL. */
const json_t *stage_peek(const struct pipe *p, const char *name);
/* The next stage is done, as part of this one. */
int stage_take(struct pipe *p) _must_check_;

int stage_read_match(
	struct pipe *p, const json_t *v, struct query **ret) _must_check_;
int stage_read_order(struct pipe *p, const json_t *v, struct sql_order *order,
	unsigned *count) _must_check_;
/* The $skip and $limit that follow, as one page. */
int stage_read_page(struct pipe *p, struct stage_source *to) _must_check_;
/* " ORDER BY …" over columns doc and _id, or a whole doc. */
void stage_put_order(
	struct pipe *p, const struct sql_order *order, unsigned count);
/* " LIMIT … OFFSET …" */
void stage_put_page(struct pipe *p, const struct stage_source *src);
