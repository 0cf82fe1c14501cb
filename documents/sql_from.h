#pragma once

/*
 * Where a condition or an expression finds its document in a statement.
 */

#include "base/util.h"

struct coll_info;

struct sql_from {
	/* SQL of the document, jsonb; without _id when `id` is given. */
	const char *doc;
	/* SQL of the key (text), or NULL: `doc` is whole and _id an ordinary
	 * member of it. */
	const char *id;
	/* The collection whose table `doc` and `id` are columns of, so that its
	 * indexes can be used; or NULL. */
	const struct coll_info *info;
	/* Values that expressions may name: $$name, in SQL.  Innermost first;
	 * or NULL. */
	const struct sql_var *vars;
	/* To expressions the document has no member _openid. */
	bool hides_openid;
};

struct sql_var {
	const char *name; /* without $$ */
	const char *sql;  /* a jsonb expression, NULL means missing */
	const struct sql_var *next;
};
