#pragma once

/*
 * Inside of expressions: the tree, the rows of the table of operators, and
 * what their parsers and SQL share.
 */

#include "documents/expr.h"
#include "documents/sql.h"

enum expr_kind {
	EXPR_LITERAL, /* value */
	EXPR_FIELD,   /* path from the document; count 0: the document */
	EXPR_VAR,     /* name, and a path from its value */
	EXPR_MISSING, /* $$REMOVE */
	EXPR_ARRAY,   /* args */
	EXPR_OBJECT,  /* args, each with a key */
	EXPR_OP,      /* op, args */
};

struct expr {
	enum expr_kind kind;
	const struct expr_op *op;
	struct expr *args, *next;
	struct slice key; /* of a member of an object; of a named argument */
	const char *name; /* of a variable; of one that an argument binds */
	struct slice value;
	struct path path;
};

enum expr_flags {
	EXPR_IS_BOOL = 1,   /* its SQL is boolean, never NULL */
	EXPR_MAY_MISS = 2,  /* its value may be missing */
	EXPR_ONE_FIRST = 4, /* one plain argument is the first named one */
};

enum { EXPR_MANY = 1000 };

struct expr_parser;

/* A row of the table.  Its SQL is `sql`, a template: %1 is the first argument,
 * %t1 its truth, %* all of them with commas between ("p_date => …" for named
 * ones), %n the operator's name as a text; or what `put` appends. */
struct expr_op {
	const char *name;
	int least, most;   /* arguments */
	const char *names; /* "input! chars": an object of named arguments,
			      those with a ! needed; or NULL */
	int flags;
	const char *sql;
	int (*parse)(struct expr_parser *p, const json_t *v, struct expr *e);
	void (*put)(struct sql *s, const struct expr *e,
		const struct sql_from *from);
};
extern const struct expr_op expr_ops[];
extern const size_t expr_op_count;

/* Names of variables, innermost first. */
struct expr_scope {
	const char *name;
	const struct expr_scope *up;
};

struct expr_parser {
	struct arena *arena;
	int64_t now_ms;
	struct fault *why;
	const char *const *known; /* NULL: any */
	const struct expr_scope *scope;
	unsigned count, depth;
	int err; /* of what gave NULL */
};

/* expr.c */
int expr_read(
	struct expr_parser *p, const json_t *v, struct expr **ret) _must_check_;
/* expr_args.c: as the operator's row says. */
int expr_read_args(
	struct expr_parser *p, const json_t *v, struct expr *e) _must_check_;
int expr_read_list(
	struct expr_parser *p, const json_t *v, struct expr *e) _must_check_;
/* Arguments by name, as op->names says. */
int expr_read_named(
	struct expr_parser *p, const json_t *v, struct expr *e) _must_check_;
/* A new last argument of `e`, under a name or NULL. */
int expr_read_arg(struct expr_parser *p, const json_t *v, struct expr *e,
	const char *name) _must_check_;
/* Members beside those named ("a b c") are an error; v: an object. */
int expr_check_names(struct expr_parser *p, const json_t *v,
	const char *operator, const char * names) _must_check_;
int expr_count_wrong(struct expr_parser *p, const char *name, int least,
	int most, size_t given) _must_check_;
/* The argument named so, or NULL. */
const struct expr *expr_arg(const struct expr *e, const char *name);

/* expr_bind.c: those that bind variables */
int expr_read_let(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_map(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_filter(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_reduce(struct expr_parser *p, const json_t *v, struct expr *e);
void expr_put_let(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_map(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_filter(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_reduce(
	struct sql *s, const struct expr *e, const struct sql_from *from);

/* expr_branch.c: those that choose */
int expr_read_cond(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_switch(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_regex(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_literal(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_get(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_rand(struct expr_parser *p, const json_t *v, struct expr *e);
int expr_read_meta(struct expr_parser *p, const json_t *v, struct expr *e);
void expr_put_switch(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_and(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_or(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_if_null(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_compare(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_fold(
	struct sql *s, const struct expr *e, const struct sql_from *from);
void expr_put_over(
	struct sql *s, const struct expr *e, const struct sql_from *from);

/* expr_sort.c */
int expr_read_sort(struct expr_parser *p, const json_t *v, struct expr *e);
void expr_put_sort(
	struct sql *s, const struct expr *e, const struct sql_from *from);

/* expr_sql.c: a number for aliases that nothing around uses. */
unsigned expr_depth(const struct sql_from *from);
