#pragma once

/*
 * val.c's reader: ordinary JSON text into Jansson values.
 */

#include "base/slice.h"

#include <jansson.h>

/* `text` has passed scan_text.  NULL: it is not ordinary, let Jansson read it
 * (or refuse it).  The caller owns the value. */
json_t *val_load(struct slice text);
