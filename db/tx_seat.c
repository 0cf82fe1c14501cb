/*
 * The connections that transactions sit on.  There are txs_conf.top of them at
 * the most; `warm` idle ones are always kept open for the next transaction, so
 * that its start costs no connection, and those that a busy hour opened beyond
 * that are closed when it is over.  A seat's state is the list it is on.
 */
#include "base/mem.h"
#include "db/dsn.h"
#include "db/tx_inside.h"

#include <libpq-fe.h>

enum { TRIM_MS = 30000 };

static void
move(struct seat *s, enum seat_state state)
{
	struct txs *txs = s->all;

	list_del(&s->on);
	txs->count[s->state]--;
	s->state = state;
	txs->count[state]++;
	if (state == SEAT_IDLE)
		list_add_first(&txs->seats[state], &s->on);
	else
		list_add(&txs->seats[state], &s->on);
}

static struct seat *
first(struct txs *txs, enum seat_state state)
{
	return list_first(&txs->seats[state], struct seat, on);
}

static struct seat *
last(struct txs *txs, enum seat_state state)
{
	return list_last(&txs->seats[state], struct seat, on);
}

static void
close_seat(struct seat *s)
{
	move(s, SEAT_CLOSED);
	defer_clear(&s->flush);
	s->cancelled = false;
	pg_stop(&s->pg);
}

static void
on_trim(struct timer *timer)
{
	struct txs *txs = container_of(timer, struct txs, trim);
	unsigned spare = txs->count[SEAT_IDLE];
	struct seat *s;

	while (spare-- > txs->conf.warm && (s = last(txs, SEAT_IDLE)) &&
		s->rested)
		close_seat(s);
	list_for_each (at, &txs->seats[SEAT_IDLE])
		container_of(at, struct seat, on)->rested = true;
	if (txs->count[SEAT_IDLE] > txs->conf.warm)
		timer_set(&txs->trim, txs->loop, TRIM_MS, on_trim);
}

static void
seat_starts(struct txs *txs)
{
	struct seat *s;

	while (!list_empty(&txs->starts) && (s = first(txs, SEAT_IDLE))) {
		struct tx_op *op = list_first(&txs->starts, struct tx_op, on);

		list_del(&op->on);
		txs->starting--;
		move(s, SEAT_TAKEN);
		tx_sit(s, op);
	}
}

/* How many should be opening. */
static unsigned
wanted(const struct txs *txs)
{
	unsigned idle = txs->count[SEAT_IDLE];

	return txs->starting +
	       (txs->conf.warm > idle ? txs->conf.warm - idle : 0);
}

void
seats_share(struct txs *txs)
{
	struct seat *s;

	if (txs->closing)
		return;
	seat_starts(txs);
	while (txs->count[SEAT_OPENING] < wanted(txs) &&
		(s = first(txs, SEAT_CLOSED))) {
		move(s, SEAT_OPENING);
		pg_start(&s->pg);
	}
	if (txs->count[SEAT_IDLE] > txs->conf.warm && !timer_is_set(&txs->trim))
		timer_set(&txs->trim, txs->loop, TRIM_MS, on_trim);
}

void
seat_free(struct seat *s)
{
	s->tx = NULL;
	s->rested = false;
	if (s->cancelled)
		close_seat(s);
	else
		move(s, SEAT_IDLE);
	seats_share(s->all);
}

static struct seat *
seat_of(struct pg *pg)
{
	return container_of(pg, struct seat, pg);
}

static void
on_up(struct pg *pg)
{
	seat_free(seat_of(pg));
}

static void
on_cleared(struct seat *s, const struct flight *f)
{
	struct tx_op *wait;

	if (f->mark != MARK_ROLLBACK)
		return;
	/* A cancel that came late may have hit it. */
	if (PQresultStatus(f->result) != PGRES_COMMAND_OK) {
		pg_lost(&s->pg, "a transaction could not be rolled back");
		return;
	}
	wait = take(s->wait);
	seat_free(s);
	if (wait)
		tx_op_finish(wait, 0);
}

static void
on_landed(struct pg *pg, struct flight *f)
{
	struct seat *s = seat_of(pg);

	if (s->state == SEAT_TAKEN) {
		tx_on_landed(s, f);
		return;
	}
	if (s->state == SEAT_CLEARING)
		on_cleared(s, f);
	(void)flight_free(f);
}

static void
free_flights(struct list *flights)
{
	list_for_each_safe (at, flights)
		(void)flight_free(container_of(at, struct flight, on));
}

/* It opens again by itself, unless that is not wanted. */
static void
on_down(struct pg *pg, struct list *flights)
{
	struct seat *s = seat_of(pg);
	enum seat_state state = s->state;
	struct tx_op *wait = take(s->wait);
	struct txs *txs = s->all;

	if (state == SEAT_CLOSED) {
		free_flights(flights);
		return;
	}
	defer_clear(&s->flush);
	s->cancelled = false;
	move(s, SEAT_OPENING);
	if (state == SEAT_TAKEN)
		tx_on_down(s);
	free_flights(flights);
	if (wait) /* what is lost is rolled back, too */
		tx_op_finish(wait, 0);
	if (s->state == SEAT_OPENING && !txs->closing &&
		txs->count[SEAT_OPENING] > wanted(txs))
		close_seat(s);
	seats_share(txs);
}

static const struct pg_ops seat_ops = {
	.up = on_up,
	.landed = on_landed,
	.down = on_down,
};

static void
on_flush(struct defer *defer)
{
	struct seat *s = container_of(defer, struct seat, flush);

	if (s->pg.state == PG_UP)
		pg_flush(&s->pg);
}

bool
seat_send(struct seat *s, struct flight *f)
{
	if (pg_send(&s->pg, f) < 0) {
		pg_lost(&s->pg, "the connection broke while sending");
		return false;
	}
	loop_defer(s->all->loop, &s->flush);
	return true;
}

bool
seat_say(struct seat *s, const char *sql, int mark)
{
	struct flight *f = flight_new(NULL, slice_str(sql), false, NULL, 0);

	f->mark = (uint8_t)mark;
	f->is_read = mark == MARK_BEGIN; /* under one Sync with the first ask */
	f->prepare = true;
	if (seat_send(s, f))
		return true;
	(void)flight_free(f);
	return false;
}

void
seat_clear(struct seat *s, struct tx_op *wait)
{
	s->tx = NULL;
	s->wait = wait;
	if (s->pg.in_flight && pg_cancel(&s->pg))
		s->cancelled = true;
	move(s, SEAT_CLEARING);
	(void)seat_say(s, "ROLLBACK", MARK_ROLLBACK);
}

void
seats_init(struct txs *txs)
{
	txs->all = mem_array(max(txs->conf.top, 1u), struct seat);
	for (int i = 0; i < SEAT_STATES; i++)
		list_init(&txs->seats[i]);
	for (unsigned i = 0; i < txs->conf.top; i++) {
		struct seat *s = &txs->all[i];

		s->all = txs;
		defer_init(&s->flush, on_flush);
		pg_init(&s->pg, txs->loop, txs->dsn, txs->conf.timeout_ms,
			&seat_ops);
		list_add(&txs->seats[SEAT_CLOSED], &s->on);
	}
	txs->count[SEAT_CLOSED] = txs->conf.top;
}

void
seats_done(struct txs *txs)
{
	timer_clear(&txs->trim);
	for (unsigned i = 0; i < txs->conf.top; i++) {
		pg_stop(&txs->all[i].pg);
		defer_clear(&txs->all[i].flush);
	}
	txs->all = mem_free(txs->all);
}
