#pragma once

/*
 * A rule's expression as a tree: what rule_*.c share.  rule_parse.c makes it
 * once; rule_bind.c makes another of it for each call, in which everything that
 * is known by then has become a literal or a yes or no, and rule_sql.c writes
 * what is left.
 *
 * A condition has three answers, as in SQL: yes, no, and "unknown" (for
 * instance: is a text less than a number?).  Only a yes grants; the opposite of
 * unknown is unknown.
 */

#include "base/arena.h"
#include "base/err.h"

enum rule_op {
	/* values, as written */
	RULE_LITERAL,   /* text: JSON in the stored form */
	RULE_UNDEFINED, /* the word */
	RULE_NOW,
	RULE_AUTH,     /* step */
	RULE_DATA,     /* request.data, step */
	RULE_DOC,      /* step */
	RULE_RESOURCE, /* of a rule of files: step */
	RULE_GET,      /* text: the collection; part: what the id is made of;
			  step */
	RULE_LIST,     /* part */
	RULE_TEMPLATE, /* part: what the text is made of */
	RULE_PICK,     /* part: condition ? value : value */
	/* values that only binding makes */
	RULE_NONE,    /* the auth of nobody, a document that get() did not find:
			 null, undefined, and nothing to compare with */
	RULE_ABSENT,  /* not there, though nobody wrote undefined */
	RULE_OBJECT,  /* there and no null; what it equals is not known */
	RULE_PRESENT, /* there; what it is is not known */
	RULE_HIDDEN,  /* nothing is known of it */
	/* conditions; all but the first three have their operands in `part` */
	RULE_FALSE,
	RULE_TRUE,
	RULE_UNKNOWN,
	RULE_AND,
	RULE_OR,
	RULE_NOT,
	RULE_IF,
	RULE_TRUTH, /* what JavaScript's if () makes of a value */
	RULE_EQ,    /* == and, when strict, === */
	RULE_LT,
	RULE_LTE,
	RULE_GT,
	RULE_GTE,
	RULE_IN,
	/* conditions that only binding makes */
	RULE_MISSING, /* == undefined */
	RULE_NULLISH, /* == null; strict: === null */
	RULE_APART,   /* equals something that is not there: no, or unknown when
			 it is not there itself */
	RULE_FOUND,   /* of a RULE_GET: the document exists */
};

struct rule_node {
	enum rule_op op;
	bool strict;
	unsigned at;     /* column in the expression, from 1 */
	unsigned weight; /* nodes in it */
	unsigned count, steps;
	struct rule_node *const *part;
	struct rule_node *const *step; /* members on the way: values */
	struct slice text;
};

enum {
	RULE_TOP = 1024,     /* bytes of an expression */
	RULE_DEPTH_TOP = 60, /* parentheses, ! and ?: inside each other */
	RULE_WEIGHT_TOP = 1000,
	RULE_GETS_TOP = 3, /* in one expression */
	RULE_GET_DEPTH_TOP = 2,
};

static inline bool
rule_is_condition(const struct rule_node *n)
{
	return n->op >= RULE_FALSE;
}

/* A condition of an expression's text; errors begin with "column 17: ". */
int rule_parse(struct rule_node **ret, struct slice text, struct arena *arena,
	struct fault *why) _must_check_;
/* A rule of files: it knows resource.openid and resource.path instead of doc,
 * request.data and get(). */
int rule_parse_file(struct rule_node **ret, struct slice text,
	struct arena *arena, struct fault *why) _must_check_;

/* A new node with copies of the lists. */
struct rule_node *rule_node_new(struct arena *arena, enum rule_op op,
	unsigned at, struct rule_node *const *part,
	unsigned count) _returns_value_;
/* Is a get() in it? */
bool rule_asks_get(const struct rule_node *n);
/* The JSON of a text. */
struct slice rule_json(struct arena *arena, struct slice text);
/* The text of a literal that is a JSON string or number; false for others. */
bool rule_literal_text(
	const struct rule_node *n, struct arena *arena, struct slice *ret);
/* A text that no ObjectId of a document equals; with its bytes. */
bool rule_is_text(
	const struct rule_node *n, struct arena *arena, struct slice *ret);
