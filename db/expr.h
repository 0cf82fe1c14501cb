#pragma once

/*
 * Aggregation expressions ({"$add": ["$a", 1]}), parsed into a tree and made
 * SQL.  Values are jsonb in the stored form; SQL's NULL is "missing".
 */

#include "db/path.h"
#include "db/sql_from.h"
#include "db/value.h"

struct expr;
struct sql;

/* Unknown operators, wrong numbers of arguments and unknown variables are
 * ERR_DB_PARAM by name.  vars: names that are known around it ("uid" of a
 * lookup's let), ended by NULL, or NULL. */
int expr_parse(struct expr **ret, const json_t *v, const char *const *vars,
	struct arena *arena, int64_t now_ms, struct fault *why) _must_check_;

/* For a caller who is not an admin: does it read _openid, or the whole
 * document? */
bool expr_reads(const struct expr *e, const char *member);

/* A jsonb expression. */
void sql_expr(struct sql *s, const struct expr *e, const struct sql_from *from);
