#pragma once

/*
 * Routes of a project, as PostgreSQL keeps them for all gateways: read at the
 * start, when a deploy notifies, and every half minute; and the table that is
 * made of them and of the operator's file.
 */

#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

struct gateway;
struct project_routes;
struct declared_table;

typedef void project_routes_fn(void *owner);

/* `url`: for LISTEN.  `state_dir`: copies of static folders are in its sites/.
 * Nothing happens before project_routes_start. */
struct project_routes *project_routes_new(struct gateway *gateway,
	const char *url, const char *state_dir) _returns_value_;
struct project_routes *project_routes_free(struct project_routes *p);
/* The operator's file alone, until the database was asked. */
int project_routes_open(struct project_routes *p, const json_t *operator_file,
	const char *name, struct fault *why) _must_check_;
/* `first` is called once, when what is deployed is in force, or could not be
 * read (then it is tried again). */
void project_routes_start(
	struct project_routes *p, project_routes_fn *first, void *owner);

/* A reload: the table with another operator's file, not yet in force. */
int project_routes_try(struct project_routes *p, const json_t *operator_file,
	const char *name, struct declared_table **ret,
	struct fault *why) _must_check_;
/* Takes the table up, with its operator's file. */
void project_routes_take(struct project_routes *p, const json_t *operator_file,
	const char *name, struct declared_table *table);

/* Whether a project's file would be taken; `sites` as in the database. */
int project_routes_check(struct project_routes *p, const json_t *file,
	const json_t *sites, struct fault *why) _must_check_;
/* Ask the database now. */
void project_routes_look(struct project_routes *p);
