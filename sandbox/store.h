#pragma once

/*
 * What the sandbox remembers (codes, users, orders), by name, in memory: a
 * table of lists with a ceiling.  Past it the oldest is forgotten, so that a
 * bench that runs all night does not eat the machine.
 */

#include "base/list.h"
#include "base/slice.h"

enum { STORE_BUCKETS = 4096 };

/* Embedded in what is kept. */
struct item {
	struct list in_bucket, in_age;
	char *name; /* the store's */
};

typedef void item_free_fn(struct item *item);

struct store {
	struct list bucket[STORE_BUCKETS];
	struct list age; /* the oldest first */
	size_t count, top;
	item_free_fn *free; /* called with the name freed already */
};

void store_init(struct store *s, size_t top, item_free_fn *fn);
void store_done(struct store *s);
/* Absent: NULL. */
struct item *store_find(const struct store *s, struct slice name);
/* `name` must not be in it.  May free the oldest. */
void store_add(struct store *s, struct item *item, struct slice name);
void store_del(struct store *s, struct item *item);
