#pragma once

/*
 * The prepared statements of one connection, found by their text.  There is a
 * ceiling: the statement used longest ago makes room.
 */

#include "base/list.h"
#include "base/slice.h"

enum { STMT_TOP = 512, STMT_BUCKETS = 1024 };

struct stmt;

struct stmts {
	struct list used; /* the latest first */
	struct stmt *bucket[STMT_BUCKETS];
	unsigned count;
	uint64_t last; /* number given out last */
};

void stmt_init(struct stmts *all);
/* Forgets everything: the connection is gone. */
void stmt_done(struct stmts *all);

/* The number of the statement with this text, which is then the latest used; 0
 * when there is none. */
uint64_t stmt_find(struct stmts *all, struct slice sql);
/* The same for who has the hash already. */
uint64_t stmt_hash(struct slice sql);
uint64_t stmt_find_hashed(struct stmts *all, struct slice sql, uint64_t hash);
/* A new one.  *old gets the number that made room, or 0: DEALLOCATE it. */
uint64_t stmt_add(struct stmts *all, struct slice sql, uint64_t *old);
/* False when it was not there. */
bool stmt_del(struct stmts *all, uint64_t number);

/* The name the server knows it by, "s17", in `room`. */
const char *stmt_name(uint64_t number, char room[24]) _returns_value_;
