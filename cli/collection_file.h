#pragma once

/*
 * Collections and the names of their files: a folder holds one file of data
 * for each, and database/NAME.json beside says what the collection is.
 */

#include "base/buf.h"

/* What cannot stand in a file's name is %XX, as mongodump has it. */
void collection_put_file(struct buf *to, struct slice collection);
/* "goods" of "goods.jsonl.gz"; len 0: this is no file of data. */
int collection_of_file(struct buf *to, const char *file) _must_check_;
