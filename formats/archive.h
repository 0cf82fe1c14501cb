#pragma once

/*
 * mongodump --archive: one file with the documents of many collections, mixed.
 * Its beginning names them.
 */

#include "base/val.h"
#include "formats/format.h"

/* At the start of the file, not taken. */
bool archive_begins(struct slice bytes);
/* What stands in front of the documents, taken.  *ret: {collection: {"indexes":
 * […]}}.  ERR_FORMAT, also when it holds several databases. */
int archive_read_head(
	struct input *in, json_t **ret, struct fault *why) _must_check_;
