#pragma once

/*
 * One collection in the catalog: a row of mpcloud.collections with what it
 * means.
 */

#include "base/val.h"
#include "documents/catalog.h"

/* Names as one JSON array ($2): the statement is the same for any number.
 * Columns as entry_read reads them; the last is the newest version of all. */
extern const char catalog_select[];

struct catalog_entry {
	struct coll_info info; /* first: coll_info is what others hold */
	struct list on;        /* the catalog's, the last used first */
	struct list in;        /* a bucket */
	struct arena arena;
	json_t *indexes; /* what info.indexes borrows from */
	unsigned held;
	int64_t made_ms; /* monotonic */
	uint64_t load;   /* number of the question it answers */
};

/* Held once by the caller; NULL when the name cannot be one. */
struct catalog_entry *catalog_entry_new(
	const char *env, struct slice name, struct fault *why);
void catalog_entry_drop(struct catalog_entry *e);
/* From row `row` of an answer to catalog_select. */
void catalog_entry_read(
	struct catalog_entry *e, const struct ask *ask, int row);
enum { CATALOG_COLUMN_NAME, CATALOG_COLUMN_NEWEST = 7 };
