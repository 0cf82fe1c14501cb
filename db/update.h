#pragma once

/*
 * A change of a document, parsed: {"$set": …, "$inc": …} becomes a list of
 * operations, and sql.h makes one expression of it.
 */

#include "db/path.h"
#include "db/value.h"

enum update_op {
	UPDATE_SET,
	UPDATE_UNSET,
	UPDATE_INC,
	UPDATE_MUL,
	UPDATE_MIN,
	UPDATE_MAX,
	UPDATE_PUSH,       /* value: list */
	UPDATE_POP,        /* place: 0 the first, -1 the last */
	UPDATE_PULL,       /* value: list of what goes */
	UPDATE_ADD_TO_SET, /* value: list */
	UPDATE_RENAME,     /* to */
};

struct update_item {
	struct update_item *next;
	enum update_op op;
	struct path path, to;
	struct slice value; /* stored form, in the arena */
	/* of UPDATE_PUSH */
	bool has_place, has_top, has_sort, descends;
	int64_t place, top;
	struct path by; /* count 0: the elements themselves */
};

struct update {
	struct update_item *items;
};

/* Unknown operators, conflicting paths and _id are ERR_DB_PARAM. */
int update_parse(struct update **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;

/* ERR_DB_DENIED when it touches _openid. */
int update_guard(const struct update *u, struct fault *why) _must_check_;
