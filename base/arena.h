#pragma once

/*
 * Memory that lives as long as one request: many small pieces, freed at once.
 * The ceiling is for what a client can make us hold; past it arena_try gives
 * NULL (answer ERR_TOO_BIG) and arena_get aborts.
 */

#include "base/slice.h"
#include "base/util.h"

struct arena_block;

struct arena {
	struct arena_block *block;
	size_t used;    /* bytes handed out */
	size_t ceiling; /* bytes */
};

void arena_init(struct arena *a, size_t ceiling);
void arena_done(struct arena *a);
/* Empty again; one block is kept for the next user of the struct. */
void arena_clear(struct arena *a, size_t ceiling);

/* Zeroed, aligned for any type. */
void *arena_get(struct arena *a, size_t size) _returns_value_;
void *arena_try(struct arena *a, size_t size);

/* Does `p` point into what was handed out? */
bool arena_holds(const struct arena *a, const void *p);

#define arena_new(a, type) ((type *)arena_get((a), sizeof(type)))

char *arena_str(struct arena *a, struct slice s) _returns_value_;
char *arena_printf(struct arena *a, const char *fmt, ...)
	_printf_(2, 3) _returns_value_;
