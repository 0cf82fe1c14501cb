#pragma once

/* Troubles that a test asked for: which path, which kind, how often. */

#include "base/slice.h"

enum fault_kind {
#define X(name, word, executed) name,
#include "fault.def"
#undef X
	FAULT_KINDS
};

enum { FAULTS_TOP = 64 };

struct armed {
	char *path;
	enum fault_kind kind;
	unsigned left; /* requests */
	unsigned delay_ms;
};

struct faults {
	struct armed list[FAULTS_TOP];
	unsigned count;
};

/* FAULT_KINDS when there is no such word. */
enum fault_kind fault_kind_find(struct slice word);
bool fault_is_executed(enum fault_kind kind);
/* False when there is no room. */
bool faults_add(struct faults *f, struct slice path, enum fault_kind kind,
	unsigned count, unsigned delay_ms);
/* The trouble for one request to `path`, used up by asking. */
enum fault_kind faults_take(
	struct faults *f, const char *path, unsigned *ret_delay_ms);
/* All of one path; all at all when `path` is empty. */
void faults_clear(struct faults *f, struct slice path);
