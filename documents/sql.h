#pragma once

/*
 * A statement being built: text and parameters.  Values only ever become
 * parameters; names only ever become quoted identifiers.
 */

#include "base/buf.h"
#include "base/err.h"
#include "db/pool.h"
#include "documents/path.h"

struct query;
struct sql_from;
struct update;

struct sql {
	struct arena *arena; /* holds the parameters */
	struct buf text;
	struct slice param[ASK_PARAMS];
	const char *once[ASK_PARAMS]; /* type of those of sql_param_once */
	int count;
	bool full; /* too many parameters, or too large */
};

void sql_init(struct sql *s, struct arena *arena);
void sql_done(struct sql *s);
/* ERR_DB_PARAM or ERR_TOO_BIG when it did not fit. */
int sql_check(const struct sql *s, struct fault *why) _must_check_;

void sql_add(struct sql *s, const char *text);
/* Appends "$7::jsonb" for type "jsonb".  The value must live as long as the
 * arena. */
void sql_param(struct sql *s, struct slice value, const char *type);
/* The same for a name or a path: one that was given before is mentioned again,
 * so that a long pipeline does with few parameters. */
void sql_param_once(struct sql *s, struct slice value, const char *type);
/* A parameter without a mention; its number. */
int sql_hold(struct sql *s, struct slice value);
/* sql_param with a value that is copied from a buffer. */
void sql_param_buf(struct sql *s, const struct buf *value, const char *type);
/* A path as text[]. */
void sql_param_path(struct sql *s, const struct path *path);
void sql_param_i64(struct sql *s, int64_t n);
/* "name", quotes doubled. */
void sql_ident(struct buf *to, struct slice name);
/* One element of a text[] literal, quoted. */
void sql_array_item(struct buf *to, struct slice item);

/* query_sql.c: a boolean expression over a document. */
void sql_query(
	struct sql *s, const struct query *q, const struct sql_from *from);
/* update_sql.c: the changed document; `from` is the expression it starts with
 * ("doc"). */
void sql_update(struct sql *s, const struct update *u, const char *from);
