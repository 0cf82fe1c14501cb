#pragma once

/*
 * Between update_sql.c, which knows places, and update_value.c, which knows
 * what each operator makes of the value there.
 */

#include "documents/sql.h"
#include "documents/update.h"

/* A short SQL expression: "doc", "e3", "(doc -> $1::text)". */
enum { UPDATE_WORD = 64 };

/* SQL of the new value, NULL when the place stays as it is.  old: of what is
 * there now, NULL when it is missing; numbers: of the names given so far, so
 * that no two in a statement are alike.  Not for UNSET, MOVE and EACH. */
void update_value(struct sql *s, const struct update_item *i, const char *old,
	unsigned *numbers);
