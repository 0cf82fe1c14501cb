#pragma once

/* Numbers as decimal digits, two at a time, where a line or a header is put
 * together in place. */

#include <stdint.h>

enum { DECIMAL_TOP = 20 }; /* digits of the largest */

/* Writes the digits of `n` at `to`, without a NUL; returns where they end. */
char *decimal_put(char *to, uint64_t n);
