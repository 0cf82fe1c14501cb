#pragma once

/*
 * What tx.c, tx_run.c and tx_seat.c share: a transaction, and the connection it
 * sits on.
 */

#include "db/flight.h"
#include "db/pg.h"
#include "db/tx.h"

struct dsn;

enum seat_state {
	SEAT_CLOSED,   /* txs->seats[SEAT_CLOSED]; no connection */
	SEAT_OPENING,  /* it connects, again and again until it stands */
	SEAT_IDLE,     /* it stands; the latest used first */
	SEAT_TAKEN,    /* a transaction is on it */
	SEAT_CLEARING, /* ROLLBACK is under way */
	SEAT_STATES,
};

struct seat {
	struct list on; /* txs->seats[state] */
	struct txs *all;
	enum seat_state state;
	struct pg pg;
	struct defer flush; /* at the end of the turn */
	struct tx *tx;      /* SEAT_TAKEN */
	struct tx_op *wait; /* SEAT_CLEARING: who hears of the end, or NULL */
	bool rested;        /* idle since the last look */
	bool cancelled; /* a cancel may still be under way: do not use it again
			 */
};

struct txs {
	struct loop *loop;
	struct txs_conf conf;
	struct dsn *dsn;
	bool closing;
	struct list seats[SEAT_STATES];
	unsigned count[SEAT_STATES];
	struct list starts; /* struct tx_op that wait for a seat */
	unsigned starting;
	struct list open; /* struct tx that can be found */
	struct timer trim;
	struct defer share;
	struct seat *all; /* conf.top of them */
};

/* FLIGHT marks: what a flight of a seat is. */
enum { MARK_ASK, MARK_BEGIN, MARK_COMMIT, MARK_ROLLBACK };

struct tx {
	struct list on; /* txs->open */
	struct txs *all;
	struct seat *seat; /* NULL: over */
	unsigned refs;
	bool begun;        /* BEGIN was sent */
	bool has_seen;     /* a statement was answered: the snapshot is known */
	int next;          /* what an ask gets once it is over */
	const char *words; /* and why, or NULL */
	struct timer life;
	struct list waiting;  /* struct flight: asks of this transaction */
	struct flight *out;   /* the one that was sent, or NULL */
	struct tx_op *ending; /* the commit that waits or was sent */
	bool committing;      /* it was sent */
	char id[TX_ID];
	char owner[];
};

/* tx_seat.c */
void seats_init(struct txs *txs);
void seats_done(struct txs *txs);
/* Gives idle seats to the starts that wait, and opens as many as are wanted. */
void seats_share(struct txs *txs);
/* Takes the flight, unless the connection broke: false. */
bool seat_send(struct seat *s, struct flight *f) _must_check_;
/* The same with a statement of ours. */
bool seat_say(struct seat *s, const char *sql, int mark);
/* What runs is cancelled; ROLLBACK, then idle again.  `wait` may be NULL. */
void seat_clear(struct seat *s, struct tx_op *wait);
/* Back to idle: nothing is open on it. */
void seat_free(struct seat *s);

/* tx.c */
struct tx *tx_ref(struct tx *tx) _returns_value_;
/* It cannot be found any more. */
void tx_unlist(struct tx *tx);
void tx_sit(struct seat *s, struct tx_op *op);
void tx_op_finish(struct tx_op *op, int err);
/* With `words`, or with the error's own when they are NULL. */
void tx_op_fail(struct tx_op *op, int err, const char *words);
void tx_op_fail_soon(
	struct tx_op *op, struct loop *loop, int err, const char *words);

/* tx_run.c */
void tx_on_landed(struct seat *s, struct flight *f);
/* The connection broke. */
void tx_on_down(struct seat *s);
/* Ends it and rolls back what it did: those that wait get `err`, who comes
 * later `next` with `words`. */
void tx_end(struct tx *tx, int err, int next, const char *words,
	struct tx_op *wait);
