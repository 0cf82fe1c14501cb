#pragma once

/*
 * What every fuzz target needs: its own name, and what it promises.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Bytes from outside; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the target, with the input as what broke it. */
static inline void
must(bool ok)
{
	if (!ok)
		abort();
}
