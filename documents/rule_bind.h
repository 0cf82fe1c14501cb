#pragma once

/*
 * A rule's tree for one call: what rule_bind.c and rule_data.c share.
 */

#include "documents/rule.h"
#include "documents/rule_tree.h"

struct rule_bind {
	const struct rule_call *call;
	const struct slice *known; /* names of collections, or NULL: any */
	size_t known_count;
	struct arena *arena;
};

/* A condition, with everything in it that is known decided. */
struct rule_node *rule_bind(
	const struct rule_bind *b, struct rule_node *n) _returns_value_;

/* rule_value.c: what is known of a value in this call. */
struct rule_node *rule_value(
	const struct rule_bind *b, struct rule_node *n) _returns_value_;
/* A literal of stored JSON. */
struct rule_node *rule_literal(const struct rule_bind *b, unsigned at,
	struct slice json) _returns_value_;
struct rule_node *rule_plain(const struct rule_bind *b, enum rule_op op,
	unsigned at) _returns_value_;

/* rule_data.c: request.data of an update, at a path. */
struct rule_node *rule_data(const struct rule_bind *b, unsigned at,
	const struct slice *step, unsigned steps) _returns_value_;
