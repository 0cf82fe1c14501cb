#pragma once

/*
 * The types that a column of CSV can be given: auto, string, int, long, double,
 * decimal, bool, date, oid, json.
 */

#include "base/buf.h"
#include "base/err.h"

struct csv_type;

/* NULL: there is none of this name. */
const struct csv_type *csv_type_find(struct slice name);
/* A cell that is not empty, as a value of Extended JSON on one line.
 * ERR_PARAM: it cannot be one of this type. */
int csv_put_typed(struct buf *to, const struct csv_type *type, struct slice s,
	bool quoted, struct fault *why) _must_check_;
