/*
 * Transactions from their start on a seat (tx_seat.c) to the end of their life:
 * their ids, their owners, how many there may be.  tx_run.c is what happens in
 * between.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/dsn.h"
#include "db/tx_inside.h"

#include <stdio.h>

enum {
	LOCK_MS = 10,    /* longer than a commit's last steps */
	GRACE_MS = 5000, /* then the server ends what we forgot */
	ID_BYTES = 16,
};

struct tx *
tx_ref(struct tx *tx)
{
	tx->refs++;
	return tx;
}

struct tx *
tx_unref(struct tx *tx)
{
	if (tx && --tx->refs == 0) {
		timer_clear(&tx->life);
		return mem_free(tx);
	}
	return NULL;
}

void
tx_op_finish(struct tx_op *op, int err)
{
	op->tx = NULL;
	job_finish(&op->job, err);
}

void
tx_op_fail(struct tx_op *op, int err, const char *words)
{
	if (words)
		(void)fault_set(&op->job.why, err, "%s", words);
	tx_op_finish(op, err);
}

void
tx_op_fail_soon(struct tx_op *op, struct loop *loop, int err, const char *words)
{
	job_begin(&op->job, loop, 0, NULL);
	if (words)
		(void)fault_set(&op->job.why, err, "%s", words);
	job_fail_soon(&op->job, loop, err);
}

void
tx_unlist(struct tx *tx)
{
	if (list_empty(&tx->on))
		return;
	list_del(&tx->on);
	timer_clear(&tx->life);
	(void)tx_unref(tx);
}

static void
on_life_end(struct timer *timer)
{
	struct tx *tx = container_of(timer, struct tx, life);

	if (tx->seat)
		tx_end(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL, NULL);
	else
		tx_unlist(tx);
}

void
tx_sit(struct seat *s, struct tx_op *op)
{
	struct tx *tx = op->tx;

	s->tx = tx;
	tx->seat = s;
	list_add(&s->all->open, &tx->on); /* the list's reference now */
	timer_set(&tx->life, s->all->loop, s->all->conf.life_ms, on_life_end);
	(void)snprintf(op->id, sizeof(op->id), "%s", tx->id);
	tx_op_finish(op, 0);
}

static void
on_start_drop(struct job *job)
{
	struct tx_op *op = container_of(job, struct tx_op, job);
	struct tx *tx = take(op->tx);

	if (!tx)
		return;
	list_del(&op->on);
	tx->all->starting--;
	if (tx->all->count[SEAT_TAKEN] + tx->all->count[SEAT_CLEARING] == 0)
		job->err = ERR_DB_DOWN;
	(void)tx_unref(tx);
}

static unsigned
held_by(const struct txs *txs, const char *owner)
{
	unsigned n = 0;

	list_for_each (at, &txs->open) {
		const struct tx *tx = container_of(at, struct tx, on);

		n += tx->seat && (owner ? strcmp(tx->owner, owner) == 0
					: tx->owner[0] != '\0');
	}
	list_for_each (at, &txs->starts) {
		const struct tx *tx = container_of(at, struct tx_op, on)->tx;

		n += owner ? strcmp(tx->owner, owner) == 0
			   : tx->owner[0] != '\0';
	}
	return n;
}

static bool
is_full(const struct txs *txs, const char *owner)
{
	unsigned top = txs->conf.top;

	if (txs->count[SEAT_TAKEN] + txs->starting >= top)
		return true;
	return owner[0] && (held_by(txs, owner) >= max(top / 4, 1u) ||
				   held_by(txs, NULL) >= max(top / 2, 1u));
}

static struct tx *
tx_new(struct txs *txs, const char *owner)
{
	size_t len = strlen(owner) + 1;
	struct tx *tx = mem_alloc(sizeof(*tx) + len);
	char secret[2 * ID_BYTES + 1];

	memcpy(tx->owner, owner, len);
	text_random_hex(secret, ID_BYTES);
	(void)snprintf(
		tx->id, sizeof(tx->id), "t%u-%s", txs->conf.gateway, secret);
	tx->all = txs;
	tx->refs = 1;
	tx->next = ERR_DB_NO_TX;
	list_init(&tx->on);
	list_init(&tx->waiting);
	return tx;
}

void
tx_start(struct txs *txs, struct tx_op *op, const char *owner)
{
	list_init(&op->on);
	op->tx = NULL;
	if (txs->closing) {
		tx_op_fail_soon(op, txs->loop, ERR_SHUTDOWN, NULL);
		return;
	}
	if (is_full(txs, owner)) {
		tx_op_fail_soon(op, txs->loop, ERR_BUSY,
			"as many transactions are open already as "
			"database.transactions allows: try again when one of "
			"them has ended");
		return;
	}
	op->tx = tx_new(txs, owner);
	job_begin(&op->job, txs->loop, txs->conf.timeout_ms, on_start_drop);
	list_add(&txs->starts, &op->on);
	txs->starting++;
	loop_defer(txs->loop, &txs->share);
}

static void
on_share(struct defer *defer)
{
	seats_share(container_of(defer, struct txs, share));
}

int
tx_gateway(struct slice id)
{
	const char *dash = id.len ? memchr(id.ptr, '-', id.len) : NULL;
	uint64_t n;

	if (!dash || id.ptr[0] != 't' || id.len >= TX_ID ||
		slice_to_u64(slice_of(id.ptr + 1, (size_t)(dash - id.ptr) - 1),
			INT16_MAX, &n) < 0)
		return -1;
	return (int)n;
}

struct tx *
txs_find(struct txs *txs, struct slice id, const char *owner, struct fault *why)
{
	list_for_each (at, &txs->open) {
		struct tx *tx = container_of(at, struct tx, on);

		if (crypto_eq(slice_str(tx->id), id) &&
			strcmp(tx->owner, owner) == 0)
			return tx_ref(tx);
	}
	(void)fault_set(why, ERR_DB_NO_TX, "%s", err_text(ERR_DB_NO_TX));
	return NULL;
}

static void
add_options(struct dsn *dsn, const struct txs_conf *conf)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "lock_timeout=%d", LOCK_MS);
	dsn_set_option(dsn, text);
	(void)snprintf(text, sizeof(text),
		"idle_in_transaction_session_timeout=%llu",
		(unsigned long long)conf->life_ms + GRACE_MS);
	dsn_set_option(dsn, text);
}

int
txs_new(struct txs **ret, struct loop *loop, const struct txs_conf *conf,
	struct fault *why)
{
	struct dsn *dsn = NULL;
	struct txs *txs;
	int r = dsn_parse(&dsn, conf->url, conf->timeout_ms, why);

	if (r < 0)
		return r;
	add_options(dsn, conf);
	txs = mem_new(struct txs);
	txs->loop = loop;
	txs->conf = *conf;
	txs->conf.url = NULL; /* borrowed */
	txs->conf.warm = min(conf->warm, conf->top);
	txs->dsn = dsn;
	list_init(&txs->starts);
	list_init(&txs->open);
	defer_init(&txs->share, on_share);
	seats_init(txs);
	seats_share(txs);
	*ret = txs;
	return 0;
}

struct txs *
txs_free(struct txs *txs)
{
	if (!txs)
		return NULL;
	txs->closing = true;
	defer_clear(&txs->share);
	while (!list_empty(&txs->starts)) {
		struct tx_op *op = list_first(&txs->starts, struct tx_op, on);

		list_del(&op->on);
		(void)tx_unref(take(op->tx));
		tx_op_fail(op, ERR_SHUTDOWN, NULL);
	}
	seats_done(txs);
	list_for_each_safe (at, &txs->open)
		tx_unlist(container_of(at, struct tx, on));
	(void)dsn_free(txs->dsn);
	return mem_free(txs);
}

unsigned
txs_count(const struct txs *txs)
{
	return txs->count[SEAT_TAKEN];
}
