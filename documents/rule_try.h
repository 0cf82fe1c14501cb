#pragma once

/*
 * Trying rules: what they say of one caller and one document that need not
 * exist.  PostgreSQL answers, with the very condition that a request would
 * carry, but over values instead of tables.
 */

#include "base/val.h"
#include "documents/access.h"

struct rule_case {
	const char *env;
	enum permission permission;
	const struct rules *rules; /* of PERMISSION_CUSTOM */
	enum access_act act;
	struct doc_scope scope;
	/* The document: of ACCESS_CREATE the new one, as its author sends it.
	 * NULL: {}. */
	const json_t *doc;
	const json_t *data; /* of ACCESS_UPDATE: request.data, or NULL */
	/* {name: [document …]}: what get() finds; or NULL: nothing */
	const json_t *collections;
	int64_t now_ms;
};

struct rule_try {
	struct job job; /* err: ERR_DB_…; why: for the author */
	struct arena *arena;
	bool allowed; /* the answer */
	struct ask ask;
};

/* job_init(&t->job, …) and t->arena first.  `c` must live until this returns.
 */
void rule_try(struct pool *pool, struct rule_try *t, const struct rule_case *c);

/* "read", "create", "update", "delete"; -EINVAL for others. */
int rule_act_parse(struct slice name, enum access_act *ret) _must_check_;
