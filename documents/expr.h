#pragma once

/*
 * Aggregation expressions ({"$add": ["$a", 1]}), parsed into a tree and made
 * SQL.  Values are jsonb in the stored form; SQL's NULL is "missing".
 */

#include "documents/path.h"
#include "documents/sql_from.h"
#include "documents/value.h"

struct expr;
struct sql;

/* Unknown operators are ERR_DB_OPERATOR, wrong numbers of arguments and
 * unknown variables ERR_DB_PARAM, by name.  vars: names that are known around
 * it ("uid" of a lookup's let), ended by NULL; or NULL when only sql_expr will
 * know them: one that it does not find fails when the statement runs. */
int expr_parse(struct expr **ret, const json_t *v, const char *const *vars,
	struct arena *arena, int64_t now_ms, struct fault *why) _must_check_;

/* For a caller who is not an admin: does it read `member`, or the whole
 * document? */
bool expr_reads(const struct expr *e, const char *member);
/* A plain value, known when it is parsed; its stored form, or NULL. */
const struct slice *expr_value(const struct expr *e);
/* Number `i` of the fields that it demands to equal ($eq, alone or in an $and)
 * a variable or a plain value: the path, and what it shall equal; NULL past
 * the last. */
const struct expr *expr_demands(
	const struct expr *e, unsigned i, const struct path **path);
/* Always has a value: never missing. */
bool expr_is_total(const struct expr *e);

/* A jsonb expression. */
void sql_expr(struct sql *s, const struct expr *e, const struct sql_from *from);
/* Its truth, boolean and never NULL. */
void sql_expr_truth(
	struct sql *s, const struct expr *e, const struct sql_from *from);
