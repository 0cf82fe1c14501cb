#pragma once

/*
 * What deployed functions declare (fn_settings.triggers), written to
 * mpcloud.triggers and, for document triggers, onto the collections' tables.
 * Every gateway of every node says the same; what is there already costs a
 * read.
 */

#include "db/pool.h"
#include "functions/settings.h"

struct triggers;

/* `changed`: something is different in mpcloud.triggers; may be NULL. */
typedef void triggers_fn(void *owner);

struct triggers *triggers_new(struct pool *pool, const char *env,
	triggers_fn *changed, void *owner) _returns_value_;
struct triggers *triggers_free(struct triggers *t);

/* The schema is there: what was put before is written now. */
void triggers_start(struct triggers *t);
/* The triggers of this function are these (NULL or an empty array: none).  It
 * is written in the background, and tried again until it is. */
void triggers_put(
	struct triggers *t, const char *function, const json_t *specs);
/* Nothing is left to be written. */
bool triggers_is_idle(const struct triggers *t);
