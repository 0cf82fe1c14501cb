#pragma once

/*
 * What a cell says that has no type given to it.  Both ways go through here, so
 * that a text which would be taken for something else is written in quotes.
 */

#include "base/slice.h"

enum csv_guess {
	CSV_NOTHING, /* no member at all */
	CSV_TEXT,
	CSV_NULL,
	CSV_BOOL,
	CSV_INT,    /* within 64 bits */
	CSV_DOUBLE, /* NaN and infinities too */
	CSV_DATE,
	CSV_OID,  /* ObjectId(24 hex digits) */
	CSV_JSON, /* in quotes: an object, an array, or a text as JSON */
};

enum csv_guess csv_guess(struct slice text, bool quoted);
/* The 24 digits of ObjectId(…) or alone; len 0: it is none. */
struct slice csv_oid(struct slice text);
