#pragma once

/*
 * A projection as a jsonb expression: fields to pick and to omit as trees,
 * then what is made of them ($slice, $elemMatch, "list.$", expressions).
 */

#include "documents/path.h"
#include "documents/value.h"

struct project;
struct sql;
struct sql_from;

struct project_ask {
	const json_t *v;     /* the projection */
	const json_t *query; /* for "list.$": the condition, or NULL */
	struct arena *arena;
	int64_t now_ms;
	bool hides_openid; /* to the caller there is no such member */
};

/* `v` must be an object. */
int project_parse(struct project **ret, const struct project_ask *ask,
	struct fault *why) _must_check_;
/* It leaves _id out. */
bool project_without_id(const struct project *p);
/* from->doc as it is shown; _id is in it only when the document itself has
 * one. */
void sql_project(
	struct sql *s, const struct project *p, const struct sql_from *from);
