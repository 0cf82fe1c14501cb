/*
 * phase.def as a two-dimensional array.  The acts are carried out by the
 * supervisor; nothing here has an effect.
 */
#include "src/phase.h"

#include <assert.h>

struct cell {
	enum phase next;
	enum phase_act act;
};

static const struct cell cells[PHASE_COUNT_][ON_COUNT_] = {
#define X(phase, event, next, act) \
	[PHASE_##phase][ON_##event] = {PHASE_##next, act},
#include "src/phase.def"
#undef X
};

static const char *const names[] = {
	[PHASE_STARTING] = "starting",
	[PHASE_AMENDING] = "amending",
	[PHASE_RUNNING] = "running",
	[PHASE_RELOADING] = "reloading",
	[PHASE_DRAINING] = "draining",
	[PHASE_ENDED] = "ended",
};

enum phase_act
phase_step(enum phase *at, enum phase_event event)
{
	const struct cell *cell;

	assert(*at < PHASE_COUNT_ && event < ON_COUNT_);
	cell = &cells[*at][event];
	if (cell->act != ACT_NOTHING)
		*at = cell->next;
	return cell->act;
}

const char *
phase_name(enum phase at)
{
	assert(at < PHASE_COUNT_);
	return names[at];
}
