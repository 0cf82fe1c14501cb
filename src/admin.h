#pragma once

/*
 * The admin socket's commands as a table (admin.def) and their parser.  What
 * comes in is bytes of a process that proved to be the operator's, and is
 * checked all the same.
 */

#include "base/err.h"
#include "base/val.h"

enum { ADMIN_LINE_TOP = 128 * 1024 };

enum admin_member {
	ADMIN_NAME = 1,
	ADMIN_VERSION = 2,
	ADMIN_ENTRY = 4,
	ADMIN_TRIAL = 8,
	ADMIN_ALIAS = 16,
	ADMIN_VALUES = 32,
};

enum admin_index {
#define X(index, name, must, may, text) ADMIN_##index##_COMMAND,
#include "src/admin.def"
#undef X
	ADMIN_COUNT_
};

struct admin_command {
	enum admin_index index;
	const char *name;
	unsigned must, may;
	const char *text;
};

extern const struct admin_command admin_commands[ADMIN_COUNT_];

struct admin_ask {
	const struct admin_command *command;
	char name[64]; /* "" when not given */
	char alias[64];
	unsigned version;               /* 0 when not given */
	json_t *entry, *trial, *values; /* objects, ours, or NULL */
};

/* One line without its newline. */
int admin_parse(struct admin_ask *ret, struct slice line,
	struct fault *why) _must_check_;
void admin_ask_done(struct admin_ask *ask);
