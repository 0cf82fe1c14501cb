#pragma once

/*
 * CSV (RFC 4180) and documents: a table of dotted names on one side, nested
 * values with types on the other.  What is written here is read back with the
 * same types: a text that could be taken for something else stands in quotes.
 */

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

enum { CSV_COLUMNS_TOP = 2000 };

struct csv_cell {
	struct slice text; /* with "" still doubled when quoted */
	bool quoted;
};

struct csv_record {
	struct csv_cell cell[CSV_COLUMNS_TOP];
	size_t count;
	size_t len; /* bytes, its line end and all */
};

/* The record at the start of `s`.  0: it is incomplete, more is needed (never
 * at_end).  1: read.  ERR_PARAM: bad; ret->len says where the next begins. */
int csv_read(struct csv_record *ret, struct slice s, bool at_end,
	struct fault *why) _must_check_;
/* A cell's text, the doubled quotes single. */
void csv_unquote(struct buf *to, const struct csv_cell *cell);

/* The columns: names from a first record, types from "name:type,…" or NULL. */
struct csv_table;
int csv_table_new(struct csv_table **ret, const struct csv_record *head,
	const char *types, struct fault *why) _must_check_;
struct csv_table *csv_table_free(struct csv_table *t);
/* A record as a document of Extended JSON.  ERR_PARAM names the column. */
int csv_put_doc(struct buf *to, const struct csv_table *t,
	const struct csv_record *record, struct fault *why) _must_check_;

/* Out: a value (of canonical Extended JSON; NULL: missing) as a cell. */
void csv_put_cell(struct buf *to, const json_t *v);
void csv_put_name(struct buf *to, struct slice name);
