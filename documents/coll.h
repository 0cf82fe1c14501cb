#pragma once

/*
 * Collections: from the names that clients say to the names of schemas and
 * tables, checked.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct coll {
	const char *env;     /* id of the environment */
	struct slice name;   /* as the client says it */
	struct slice schema; /* unquoted */
	struct slice table;  /* unquoted, 63 bytes at most */
	struct slice quoted; /* "schema"."table" */
};

/* ERR_DB_PARAM when a name cannot be one. */
int coll_parse(struct coll *ret, const char *env, struct slice name,
	struct arena *arena, struct fault *why) _must_check_;

/* The name of its primary key; asked for where a table is made. */
struct slice coll_pkey(const struct coll *c, struct arena *arena);

/* 0 for READONLY, PRIVATE, ADMINWRITE, ADMINONLY; else ERR_DB_PARAM. */
int coll_check_permission(
	struct slice permission, struct fault *why) _must_check_;
