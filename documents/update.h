#pragma once

/*
 * A change of a document, parsed: {"$set": …, "$inc": …} becomes a list of
 * operations on places that do not overlap, and sql.h makes one expression of
 * it.  Semantics: MongoDB's, docs "Update Operators".
 */

#include "documents/path.h"
#include "documents/value.h"

struct query;

enum update_op {
	UPDATE_SET, /* $set, $currentDate: value */
	UPDATE_UNSET,
	UPDATE_INC,
	UPDATE_MUL,
	UPDATE_MIN,
	UPDATE_MAX,
	UPDATE_BIT,
	UPDATE_PUSH,       /* value: list */
	UPDATE_POP,        /* position: 0 the first, -1 the last */
	UPDATE_PULL,       /* value: list of what goes; or where */
	UPDATE_ADD_TO_SET, /* value: list */
	UPDATE_MOVE,       /* $rename's new name; moved: the old one, which an
			      UPDATE_UNSET of its own takes away */
	UPDATE_EACH,       /* the elements of an array: parts */
};

/* $push's $sort: by a path in the elements, or (count 0) the elements. */
struct update_sort {
	struct update_sort *next;
	struct path by;
	bool descends;
};

enum { UPDATE_BITS = 3 };

struct update_item {
	struct update_item *next;
	enum update_op op;
	/* From the document, or the element that the list of items is about;
	 * count 0: the element itself. */
	struct path path;
	struct slice name;  /* the whole path, as it was written */
	struct slice value; /* stored form, in the arena */
	bool is_idle; /* holds a place only: $setOnInsert where nothing is made
		       */
	struct path moved;
	/* of UPDATE_PUSH and UPDATE_POP */
	bool has_position, has_top;
	int64_t position, top;
	struct update_sort *sort;
	/* of UPDATE_BIT, one after the other: "and", "or", "xor" */
	struct {
		const char *how; /* NULL ends */
		int64_t mask;
	} bit[UPDATE_BITS + 1];
	/* of UPDATE_PULL: what goes, a condition on {"e": element}, or on the
	 * element where is_object */
	const struct query *where;
	bool is_object;
	struct update_part *parts; /* of UPDATE_EACH */
};

enum update_which {
	UPDATE_ALL,     /* $[] */
	UPDATE_WHERE,   /* $[id]: those that fit the array filter */
	UPDATE_MATCHED, /* $: the first that the request's condition matched */
};

/* What is done with some elements of an array. */
struct update_part {
	struct update_part *next;
	enum update_which which;
	struct slice id;
	/* On {"e": element}; NULL: none fits. */
	const struct query *where;
	const struct query *last; /* UPDATE_MATCHED: if none fits `where` */
	struct update_item *items;
};

struct update {
	struct update_item *items;
	const json_t *id; /* the _id that is set, or NULL */
	json_t *kept;     /* conditions that the tree points into */
};

struct update_ask {
	const json_t *data;
	const json_t *query;         /* the request's condition, for $ */
	const json_t *array_filters; /* or NULL */
	bool makes; /* for a document that is made: $setOnInsert counts */
};

/* Unknown operators are ERR_DB_OPERATOR; conflicting places, _id and wrong
 * arguments ERR_DB_PARAM.  What `ask` points to must outlive the tree. */
int update_parse(struct update **ret, const struct update_ask *ask,
	struct arena *arena, int64_t now_ms, struct fault *why) _must_check_;
/* NULL is none.  The rest is the arena's. */
void update_done(struct update **u);

/* ERR_DB_DENIED when it touches _openid. */
int update_guard(const struct update *u, struct fault *why) _must_check_;

/* What an upsert's document starts with: the members that `query` demands to
 * be equal to a value, but for _id, into the object `ret`. */
int update_start(json_t *ret, const json_t *query, struct arena *arena,
	struct fault *why) _must_check_;
/* The _id that `query` demands, or NULL. */
const json_t *update_start_id(const json_t *query);

/* update_match.c: the conditions of `query` that speak of the array at `path`,
 * as conditions on {"e": element}, which `ret` (a list) takes. */
int update_match(json_t *ret, const json_t *query, struct slice path,
	unsigned depth) _must_check_;
