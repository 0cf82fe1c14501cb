#pragma once

/*
 * What the tests of transactions share: a server with a small table, starts,
 * statements and ends that note their outcome.
 */

#include "base/clock.h"
#include "db/tx.h"
#include "tests/unit/pool_driver.h"

#include <stdlib.h>

/* The sentences that CloudBase's clients know. */
extern const char conflict[], not_there[];

struct fx {
	struct fixture f;
	struct txs *txs;
};

/* A start, commit or abort and what came of it. */
struct end {
	struct tx_op op;
	int done, err;
	char why[256];
};

void wait_end(struct fx *x, const struct end *e);
/* Table acc: a, b and c, each with n 1. */
void setup_tx(struct fx *x, unsigned top, uint64_t life_ms);
void teardown_tx(struct fx *x);
/* Not waited for. */
void start_as(struct fx *x, struct end *e, const char *owner);
/* Waited for; the caller has the reference. */
struct tx *begin_as(struct fx *x, const char *owner);
struct tx *begin(struct fx *x);
/* These take the reference. */
void commit_soon(struct tx *tx, struct end *e);
int commit(struct fx *x, struct tx *tx);
int end_abort(struct fx *x, struct tx *tx);
/* A statement inside, or beside; the answer lives until the next one. */
void say_soon(struct tx *tx, struct one *o, const char *sql);
struct one *say(struct fx *x, struct tx *tx, const char *sql);
struct one *plain(struct fx *x, const char *sql);

#define assert_value(o, text) \
	do { \
		struct one *o_ = (o); \
		assert_int_equal(o_->err, 0); \
		assert_string_equal(o_->value, text); \
	} while (0)

#define assert_refused(o, code, text) \
	do { \
		struct one *o_ = (o); \
		assert_int_equal(o_->err, code); \
		assert_string_equal(o_->why, text); \
	} while (0)
