#pragma once

/*
 * Transactions of clients: snapshot isolation (REPEATABLE READ) from the first
 * operation on, each on a connection of its own out of a bounded set, with a
 * life of 30 s.  A write that meets another's fails at once with
 * ERR_DB_CONFLICT.  As in MongoDB, any error of a statement ends the
 * transaction: what comes later gets ERR_DB_NO_TX.
 */

#include "base/list.h"
#include "db/pool.h"

struct txs;
struct tx;

struct txs_conf {
	const char *url;
	unsigned top;        /* open at once in this process; 0: none */
	unsigned warm;       /* connections kept open for the next ones */
	uint64_t life_ms;    /* from start to its forced end */
	uint64_t timeout_ms; /* of one statement */
	unsigned gateway;    /* number that ids begin with */
};

int txs_new(struct txs **ret, struct loop *loop, const struct txs_conf *conf,
	struct fault *why) _must_check_;
/* Asks that are out are answered ERR_SHUTDOWN; all is rolled back. */
struct txs *txs_free(struct txs *txs);
DEFINE_CLEANUP(struct txs *, txs_free)
/* Open just now. */
unsigned txs_count(const struct txs *txs);

enum { TX_ID = 48 };

/* A start, commit or abort. */
struct tx_op {
	struct job job;
	char id[TX_ID]; /* of tx_start: the answer */
	/* tx's own */
	struct list on;
	struct tx *tx;
	struct txs *txs;
};

/* owner: who starts it ("" for an admin); only he finds it again.  More than
 * txs_conf.top: ERR_BUSY.  Owners other than admins together hold half of
 * them at the most, one of them a quarter. */
void tx_start(struct txs *txs, struct tx_op *op, const char *owner);
/* job.err 0: it is durable.  ERR_DB_NO_TX, ERR_DB_CONFLICT: nothing of it
 * happened.  ERR_DB_DOWN: nobody knows; job.why says so. */
void tx_commit(struct tx *tx, struct tx_op *op);
void tx_abort(struct tx *tx, struct tx_op *op);

/* A reference: tx_unref when done with it, also after its end.  NULL with
 * `why` set (ERR_DB_NO_TX): unknown, ended, or another's, told alike. */
struct tx *txs_find(
	struct txs *txs, struct slice id, const char *owner, struct fault *why);
struct tx *tx_unref(struct tx *tx);
DEFINE_CLEANUP(struct tx *, tx_unref)
/* Number of the gateway that an id belongs to; -1 when it is none. */
int tx_gateway(struct slice id);

/* As pool_ask_shape, inside the transaction.  Asks run one after the other.
 * ERR_DB_STALE: the text is old; when it was the transaction's first statement
 * it may be asked anew, later the transaction is over and the next ask gets
 * ERR_DB_CONFLICT, so that the client runs it again. */
void tx_ask(struct tx *tx, struct ask *ask, struct slice sql,
	const struct slice *params, int count);
