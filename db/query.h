#pragma once

/*
 * A condition on documents, parsed: what wx.cloud's where() sends becomes a
 * tree, and sql.h makes one WHERE of it.  Permissions add their part to the
 * same tree or statement.
 */

#include "db/path.h"
#include "db/value.h"

enum query_op {
	QUERY_ALL,  /* always true */
	QUERY_NONE, /* never */
	QUERY_AND,  /* all of `parts` */
	QUERY_OR,   /* one of `parts` */
	QUERY_NOT,  /* not the first of `parts` */
	QUERY_EQ,   /* path, value: equal, or an array that holds it; null also
		       matches what is missing */
	QUERY_GT,   /* of the value's own type only */
	QUERY_GTE,
	QUERY_LT,
	QUERY_LTE,
	QUERY_IN,     /* value: a JSON array of plain values, or of dates' ms */
	QUERY_EXISTS, /* path */
};

struct query {
	enum query_op op;
	struct query *parts, *next;
	struct path path;
	enum value_kind kind; /* of the value; for IN: VALUE_DATE or not */
	struct slice value;   /* stored form, in the arena */
	struct slice text;    /* of a VALUE_STRING: itself, borrowed */
};

/* `v`: an object that outlives the tree, or NULL for all documents.  An
 * operator we do not know is ERR_DB_PARAM by name. */
int query_parse(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;

/* The text of `_id` when the condition demands one and is an AND at most;
 * false else. */
bool query_id(const struct query *q, struct slice *ret);

/* For a caller who is not an admin: _openid may only be compared with the
 * caller's own, written '{openid}' or plainly; else ERR_DB_DENIED. */
int query_guard(struct query *q, const char *openid, struct arena *arena,
	struct fault *why) _must_check_;
