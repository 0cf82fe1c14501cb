#pragma once

/*
 * Times and sizes as people write them: 500ms 10s 5m 2h 30d; 4k 6m 1g.
 */

#include "base/buf.h"

/* Milliseconds.  A unit is needed, except for 0.  -EINVAL, -ERANGE. */
int quantity_time(struct slice in, int64_t *ret) _must_check_;
/* Bytes; k, m and g are powers of 1024; without a unit, bytes. */
int quantity_bytes(struct slice in, int64_t *ret) _must_check_;
/* In the largest unit that leaves a whole number. */
void quantity_put_time(struct buf *to, int64_t ms);
void quantity_put_bytes(struct buf *to, int64_t bytes);
