/*
 * The table of process.def, for those who start and watch processes.
 */
#include "src/process.h"

#include <assert.h>

static const struct process_kind kinds[] = {
#define X(kind, name, program, user, restart, start_ms, setup, text) \
	{PROCESS_##kind, name, program, user, restart, start_ms, setup},
#include "src/process.def"
#undef X
};

const struct process_kind *
process_kind(enum process_kind_index index)
{
	assert(index < PROCESS_COUNT_);
	return &kinds[index];
}
