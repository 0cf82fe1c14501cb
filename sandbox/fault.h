#pragma once

/* Troubles that a test asked for: which path, which kind, how often. */

#include "base/slice.h"

enum fault_kind {
#define X(name, word, executed) name,
#include "fault.def"
#undef X
	FAULT_KINDS
};

enum { FAULTS_TOP = 256 };

struct armed {
	char *path;
	enum fault_kind kind;
	unsigned left; /* requests; 0: until it is taken back */
	unsigned delay_ms;
	unsigned percent; /* of the requests that fit */
	uint64_t dice;    /* where its sequence stands; the same seed throws the
			   * same */
};

struct faults {
	struct armed list[FAULTS_TOP];
	unsigned count;
};

/* FAULT_KINDS when there is no such word. */
enum fault_kind fault_kind_find(struct slice word);
bool fault_is_executed(enum fault_kind kind);
/* `path` is a request's path, a row's of route.def ("/v3/…/{}"), or ends in *:
 * all that begin so.  False when there is no room.  The members kind, left,
 * delay_ms, percent and dice are taken from `what`. */
bool faults_add(struct faults *f, struct slice path, const struct armed *what);
/* The trouble for one request to `path`, whose row is `row` (may be NULL); used
 * up by asking. */
enum fault_kind faults_take(struct faults *f, const char *path, const char *row,
	unsigned *ret_delay_ms);
/* A throw of such dice: true in `percent` of a hundred. */
bool dice_throw(uint64_t *dice, unsigned percent);
/* All of one path; all at all when `path` is empty. */
void faults_clear(struct faults *f, struct slice path);
