#pragma once

/*
 * Between update.c, the grammar, update_place.c, which knows places, and
 * update_args.c, which knows what each operator takes.
 */

#include "documents/update.h"

struct update_filter;

struct update_parse {
	struct arena *arena;
	int64_t now_ms;
	struct fault *why;
	const struct update_ask *ask;
	struct update *update;
	struct update_filter *filters; /* array filters, by name */
	unsigned count;                /* of items */
	unsigned depth;
};

/* An operator and how its argument is read into an item. */
struct update_operator {
	const char *name;
	enum update_op op;
	int (*read)(struct update_parse *p, const json_t *v,
		struct update_item *item);
	bool only_makes; /* nothing is changed by it, only made */
};

/* NULL: no such operator. */
const struct update_operator *update_operator_find(const char *name);

int update_too_big(struct update_parse *p);
/* A condition that the tree will point into. */
int update_keep(struct update_parse *p, const struct query **ret, json_t *cond);
/* An object whose first member is an operator on a value ($gt): no tagged
 * value, no condition on an object ({a: 1}, {$or: …}). */
bool update_is_operators(const json_t *v);

/* update_place.c */
/* Array filters; at the end each must have been used. */
int update_filters(struct update_parse *p, const json_t *list);
int update_check_filters(struct update_parse *p);
/* $, $[] and $[name] stand where they may. */
int update_check_steps(struct update_parse *p, const struct update_item *item);
/* Puts an item where its path says, which becomes the rest that remains. */
int update_put(struct update_parse *p, struct update_item *item);
/* That two changes contradict each other. */
int update_conflict(struct update_parse *p, struct slice a, struct slice b);
