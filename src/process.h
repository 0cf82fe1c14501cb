#pragma once

/*
 * Kinds of process as data; the rows are in process.def.
 */

#include "base/util.h"

enum process_kind_index {
#define X(kind, name, program, user, restart, start_ms, setup, text) \
	PROCESS_##kind,
#include "src/process.def"
#undef X
	PROCESS_COUNT_
};

enum process_user { PROCESS_AS_SERVER, PROCESS_AS_US };

enum process_setup {
	PROCESS_NO_NEW_PRIVS = 1,
	PROCESS_CREDENTIALS = 2,
	PROCESS_WATCHED = 4,
};

struct process_kind {
	enum process_kind_index index;
	const char *name, *program;
	enum process_user user;
	bool restart;
	uint64_t start_ms;
	unsigned setup;
};

const struct process_kind *process_kind(
	enum process_kind_index index) _returns_value_;
