#pragma once

/*
 * A condition on documents, parsed: what wx.cloud's where() sends becomes a
 * tree, and sql.h makes one WHERE of it.  Permissions add their part to the
 * same tree.
 */

#include "documents/path.h"
#include "documents/value.h"

struct expr;
struct rule_node;

enum query_op {
	QUERY_ALL,  /* always true */
	QUERY_NONE, /* never */
	QUERY_AND,  /* all of `parts` */
	QUERY_OR,   /* one of `parts` */
	QUERY_NOT,  /* not the first of `parts` */
	QUERY_EXPR, /* `expr` is true; the only one that can raise an error */
	QUERY_RULE, /* `rule` says yes: of a permission (db/rule.h), never of
		       what a caller asks */

	/* Leaves: about the values that `path` reaches, and the elements of
	 * those that are arrays.  A path without steps means the value itself
	 * (an element of $elemMatch), whose elements are not looked at.  Of
	 * path "_id", `text` is the key of a value that can be one. */
	QUERY_EQ, /* value; null also matches what is missing */
	QUERY_GT, /* of the value's own type only */
	QUERY_GTE,
	QUERY_LT,
	QUERY_LTE,
	QUERY_IN, /* value: a JSON array of texts, numbers and booleans, or of
		     dates, or of ObjectIds, as `kind` says: STRING, DATE, OID
		   */
	QUERY_EXISTS,
	QUERY_TYPE,  /* value: JSON array of mpcloud.type_of's names */
	QUERY_SIZE,  /* number: of elements */
	QUERY_MOD,   /* divisor, number: the remainder */
	QUERY_REGEX, /* text: a pattern of PostgreSQL; value: the stored form */
	QUERY_ELEM,  /* an element fits all of `parts`, whose paths begin there
		      */

	/* Leaves that no index speeds up but its own kind. */
	QUERY_SCHEMA, /* value: a JSON schema as mpcloud.fits reads it */
	QUERY_TEXT,   /* value: what query_text.c made of $search */
	QUERY_WITHIN, /* value: a shape as routines/geo.sql reads it */
	QUERY_INTERSECTS,
	QUERY_NEAR, /* value: {"at": point, "min", "max"}; see query_near */
};

struct query {
	enum query_op op;
	struct query *parts, *next;
	struct path path;
	enum value_kind kind; /* of the value */
	struct slice value;   /* stored form, in the arena */
	struct slice text;    /* of VALUE_STRING, VALUE_OID: itself */
	int64_t number, divisor;
	const struct expr *expr;
	const struct rule_node *rule;
	bool hides_openid; /* query_guard: to it there is no such member */
};

/* `v`: an object, or NULL for all documents; but for expressions ($expr) it may
 * go before the tree.  An operator we do not know is ERR_DB_OPERATOR by
 * name. */
int query_parse(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;
/* The same where expressions may name variables (a lookup's let); see
 * expr_parse. */
int query_parse_vars(struct query **ret, const json_t *v,
	const char *const *vars, struct arena *arena, int64_t now_ms,
	struct fault *why) _must_check_;
/* A condition on an element: {"$gte": 5} or {"a": 1}, as $elemMatch and $pull
 * take it. */
int query_parse_elem(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;

/* The key that the condition demands of _id, when it is an AND at most; false
 * else. */
bool query_id(const struct query *q, struct slice *ret);
/* The condition by whose distance a list that has no order is ordered, or
 * NULL. */
const struct query *query_near(const struct query *q);
/* Does it hold a QUERY_EXPR? */
bool query_can_raise(const struct query *q);

/* For a caller who is not an admin: _openid may only be compared with the
 * caller's own, written '{openid}' or plainly; else ERR_DB_DENIED. */
int query_guard(struct query *q, const char *openid, struct arena *arena,
	struct fault *why) _must_check_;
