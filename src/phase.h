#pragma once

/*
 * The supervisor's states × events as a pure table (phase.def), so that it can
 * be read, drawn and tested without a process.
 */

#include "base/util.h"

enum phase {
	PHASE_STARTING,
	PHASE_AMENDING,
	PHASE_RUNNING,
	PHASE_RELOADING,
	PHASE_DRAINING,
	PHASE_ENDED,
	PHASE_COUNT_
};

enum phase_event {
	ON_SETTLED,
	ON_RELOAD,
	ON_ANSWERED,
	ON_STOP,
	ON_EMPTY,
	ON_OVERDUE,
	ON_COUNT_
};

enum phase_act {
	ACT_NOTHING,
	ACT_SAY_READY,
	ACT_RELOAD,
	ACT_RELOAD_LATER,
	ACT_RELOADED,
	ACT_DRAIN,
	ACT_KILL,
	ACT_END,
	ACT_COUNT_
};

/* What to do now; *at moves on. */
enum phase_act phase_step(enum phase *at, enum phase_event event);
const char *phase_name(enum phase at) _returns_value_;
