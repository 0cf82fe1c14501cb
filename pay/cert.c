/*
 * Refreshing platform certificates.  One refresh of a merchant runs at a time
 * in a gateway, and all who ask meanwhile wait for it:
 *
 *   load ─ the table is new enough ────────────────────────────── done
 *    └─ claim ─ another gateway asks just now ─ wait, load ────── done
 *         └─ fetch ─ store ─ swap ─────────────────────────────── done
 *
 * Who waits for a serial number that is not known has a new certificate in
 * hand, so it gets a download that began after it asked: one that ended without
 * that number is followed by another.
 *
 * The first download has no key to be verified with but those it brings.  That
 * is sound: they come sealed with the APIv3 key (AES-GCM), which only WeChat
 * Pay has beside us.
 */
#include "pay/cert.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"
#include "pay/wxpay.h"

#include <inttypes.h>

enum {
	TICK_MS = 2000,
	EACH_MS = 3600 * 1000, /* between downloads */
	RETRY_MS = 10 * 1000,  /* after one that failed */
	/* between downloads, of all gateways together; and of one gateway for
	 * those who wait, whatever they ask for */
	CLAIM_MS = 2000,
	ANEW_MS = 700, /* another gateway's download takes so long */
	ANEW_TOP = 6,
	FETCH_TOP = 3, /* tries of those who wait */
	AGAIN_MS = 300,
	WORK_MS = 60 * 1000,
	ROWS_TOP = 512 * 1024,
	DAY_MS = 24 * 3600 * 1000,
};

static const int64_t OLD_MS = 30LL * DAY_MS;

struct cert_keeper {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct merchants *merchants; /* borrowed */
	struct list works;
	struct timer tick;
};

/* One refresh. */
struct work {
	struct list on; /* keeper's */
	struct cert_keeper *keeper;
	struct merchant *merchant;
	struct certs *certs, *fresh;
	struct list waiting; /* struct certs_ask */
	struct ask ask;
	struct wxpay wxpay;
	struct timer pause, deadline;
	int64_t began_ms; /* its download: as new are what it brings */
	unsigned pauses, fetches;
	bool forced, read;
};

static const char load_sql[] =
	"SELECT serial, pem, fetched_at FROM mpcloud.pay_certificates"
	" WHERE mchid = $1 AND expires_at > $2::bigint"
	" ORDER BY effective_at DESC LIMIT 16";

static const char claim_sql[] =
	"INSERT INTO mpcloud.pay_leases AS l (mchid, what, taken_at)"
	" VALUES ($1, 'certificates', $2::bigint)"
	" ON CONFLICT (mchid, what) DO UPDATE SET taken_at = $2::bigint"
	" WHERE l.taken_at <= $3::bigint OR l.taken_at > $2::bigint"
	" RETURNING 1";

static const char store_sql[] =
	"WITH fresh AS (SELECT * FROM jsonb_to_recordset($2::jsonb)"
	" AS t(serial text, pem text, from_ms bigint, to_ms bigint)),"
	" gone AS (DELETE FROM mpcloud.pay_certificates c WHERE c.mchid = $1"
	" AND NOT EXISTS (SELECT FROM fresh f WHERE f.serial = c.serial))"
	" INSERT INTO mpcloud.pay_certificates (mchid, serial, pem,"
	" effective_at, expires_at, fetched_at)"
	" SELECT $1, serial, pem, from_ms, to_ms, $3::bigint FROM fresh"
	" ON CONFLICT (mchid, serial) DO UPDATE SET pem = excluded.pem,"
	" effective_at = excluded.effective_at,"
	" expires_at = excluded.expires_at, fetched_at = excluded.fetched_at";

static struct work *
work_free(struct work *w)
{
	list_del(&w->on);
	timer_clear(&w->pause);
	timer_clear(&w->deadline);
	job_cancel(&w->ask.job);
	wxpay_done(&w->wxpay);
	certs_unref(w->fresh);
	certs_unref(w->certs);
	merchant_unref(w->merchant);
	return mem_free(w);
}

/* It asked for what is not here, after the last download began. */
static bool
ask_lacks(const struct certs_ask *a, const struct certs *c)
{
	return !a->served && !certs_find(c, a->serial, clock_now_ms());
}

/* All, or those only who lack something. */
static void
asks_move(struct list *to, struct list *from, const struct certs *lacking)
{
	list_for_each_safe (at, from) {
		if (lacking &&
			!ask_lacks(container_of(at, struct certs_ask, on),
				lacking))
			continue;
		list_del(at);
		list_add(to, at);
	}
}

static struct work *work_start(
	struct cert_keeper *k, struct merchant *m, bool forced);

/* Whoever waits is answered last: a done may free anything. */
static void
work_end(struct work *w, int err)
{
	_cleanup_(merchant_unrefp) struct merchant *m =
		merchant_ref(w->merchant);
	struct cert_keeper *k = w->keeper;
	struct list told, left;
	struct certs_ask *a;

	list_init(&told);
	list_init(&left);
	if (err == 0)
		asks_move(&left, &w->waiting, w->certs);
	else
		w->certs->retry_ms = clock_now_ms() + RETRY_MS;
	asks_move(&told, &w->waiting, NULL);
	work_free(w);
	if (!list_empty(&left))
		asks_move(&work_start(k, m, true)->waiting, &left, NULL);
	while ((a = list_first(&told, struct certs_ask, on))) {
		list_del(&a->on);
		job_fail_soon(&a->job, k->loop, err);
	}
}

static struct slice
number(char room[24], int64_t n)
{
	(void)snprintf(room, 24, "%" PRId64, n);
	return slice_str(room);
}

static void
warn_of_age(struct certs *c)
{
	int64_t now = clock_now_ms();
	const struct cert *newest = certs_newest(c, now);

	if (newest && newest->facts.to_ms - now > OLD_MS)
		return;
	if (c->warned_ms && now - c->warned_ms < DAY_MS)
		return;
	c->warned_ms = now;
	event(EVENT_PAY_CERT_OLD, "mchid", c->mchid, "serial",
		newest ? newest->facts.serial : "none", "days",
		EVENT_INT(newest ? (newest->facts.to_ms - now) / DAY_MS : 0),
		NULL);
}

static void
failed(struct work *w, int err, const char *words)
{
	event(EVENT_PAY_CERT_BAD, "mchid", w->merchant->mchid, "what", words,
		NULL);
	work_end(w, err);
}

static void
on_stored(struct job *job)
{
	struct work *w = container_of(job, struct work, ask.job);

	/* A database that is away does not keep us from using them. */
	certs_swap(w->certs, w->fresh);
	w->certs->fetched_ms = w->began_ms;
	event(EVENT_PAY_CERT, "mchid", w->merchant->mchid, "count",
		EVENT_INT(w->certs->count), "serial", w->wxpay.serial, NULL);
	warn_of_age(w->certs);
	work_end(w, 0);
	(void)job;
}

static void
store(struct work *w)
{
	char now[24];
	_buf_ struct buf rows;
	_json_ json_t *all = json_array();

	for (size_t i = 0; i < w->fresh->count; i++) {
		const struct cert *c = &w->fresh->cert[i];

		(void)json_array_append_new(
			all, json_pack("{s:s, s:s, s:I, s:I}", "serial",
				     c->facts.serial, "pem", c->pem, "from_ms",
				     (json_int_t)c->facts.from_ms, "to_ms",
				     (json_int_t)c->facts.to_ms));
	}
	buf_init(&rows, ROWS_TOP);
	val_put(&rows, all);
	job_init(&w->ask.job, on_stored);
	pool_ask(w->keeper->pool, &w->ask, store_sql,
		(const struct slice[]){slice_str(w->merchant->mchid),
			buf_all(&rows), number(now, w->began_ms)},
		3);
}

/* What the answer brought, read once. */
static int
brought(struct work *w, struct fault *why)
{
	if (w->read)
		return 0;
	certs_unref(w->fresh);
	w->fresh = certs_new(w->merchant->mchid);
	if (certs_read(w->fresh, w->merchant, buf_all(&w->wxpay.fetch.body),
		    why) < 0)
		return why->code ? why->code : ERR_FORMAT;
	w->read = true;
	return 0;
}

static struct rsa *
key_of_answer(struct wxpay *wxpay, struct slice serial)
{
	struct work *w = container_of(wxpay, struct work, wxpay);
	struct rsa *key = merchant_key(w->merchant, serial);
	struct fault why = {0};

	if (key)
		return key;
	if (brought(w, &why) < 0)
		return NULL;
	return certs_find(w->fresh, serial, clock_now_ms());
}

static void fetch(struct work *w);

static void
on_again(struct timer *timer)
{
	fetch(container_of(timer, struct work, pause));
}

/* Trouble that passes, while somebody waits.  One answer that does not verify
 * may be another's: WeChat Pay tests us so, too. */
static bool
try_again(struct work *w, int err)
{
	if (err != ERR_UPSTREAM && err != ERR_UPSTREAM_BUSY &&
		err != ERR_TIMEOUT && err != ERR_PAY_FORGED)
		return false;
	if (list_empty(&w->waiting) || w->fetches == FETCH_TOP)
		return false;
	timer_set(&w->pause, w->keeper->loop, AGAIN_MS, on_again);
	return true;
}

static void
on_fetched(struct job *job)
{
	struct work *w = container_of(job, struct work, wxpay.job);
	struct fault why = {0};
	int r = job->err;

	/* "Not verified" has a cause that can be named: the APIv3 key. */
	if (r == 0 || r == ERR_PAY_FORGED) {
		int e = brought(w, &why);

		if (e < 0)
			r = e;
	}
	if (r < 0 && try_again(w, r))
		return;
	if (r < 0)
		failed(w, r, why.text[0] ? why.text : fault_text(&job->why, r));
	else
		store(w);
}

static void
fetch(struct work *w)
{
	list_for_each (at, &w->waiting)
		container_of(at, struct certs_ask, on)->served = true;
	w->began_ms = clock_now_ms();
	w->certs->asked_ms = w->began_ms;
	w->fetches++;
	w->read = false;
	wxpay_done(&w->wxpay);
	job_init(&w->wxpay.job, on_fetched);
	w->wxpay.key_of = key_of_answer;
	wxpay_start(&w->wxpay, w->keeper->loop, w->keeper->fetcher, w->merchant,
		"GET", "/v3/certificates", slice_of(NULL, 0));
}

static void load(struct work *w);

static void
on_pause(struct timer *timer)
{
	load(container_of(timer, struct work, pause));
}

static bool
may_ask(const struct work *w)
{
	int64_t since = clock_now_ms() - w->certs->asked_ms;

	return since < 0 || since >= CLAIM_MS;
}

static void
on_claimed(struct job *job)
{
	struct work *w = container_of(job, struct work, ask.job);

	/* Without a database each gateway asks for itself. */
	if (job->err < 0 ? may_ask(w) : ask_rows(&w->ask) == 1) {
		fetch(w);
		return;
	}
	if (w->pauses == (w->forced ? ANEW_TOP : 1)) {
		work_end(w, ERR_LIMITED);
		return;
	}
	w->pauses++;
	timer_set(&w->pause, w->keeper->loop, ANEW_MS, on_pause);
}

static void
claim(struct work *w)
{
	int64_t now = clock_now_ms();
	char a[24], b[24];

	job_init(&w->ask.job, on_claimed);
	pool_ask(w->keeper->pool, &w->ask, claim_sql,
		(const struct slice[]){slice_str(w->merchant->mchid),
			number(a, now), number(b, now - CLAIM_MS)},
		3);
}

/* When they are newer than what we have. */
static void
take_rows(struct work *w)
{
	_cleanup_(certs_unrefp) struct certs *fresh =
		certs_new(w->merchant->mchid);
	int64_t at = 0;

	for (int i = 0; i < ask_rows(&w->ask); i++) {
		if (certs_add(fresh, ask_value(&w->ask, i, 0),
			    ask_value(&w->ask, i, 1), NULL) < 0)
			continue;
		at = max(at, ask_int(&w->ask, i, 2));
	}
	if (!fresh->count || at <= w->certs->fetched_ms)
		return;
	certs_swap(w->certs, fresh);
	w->certs->fetched_ms = at;
}

static bool
work_lacks(const struct work *w)
{
	list_for_each (at, &w->waiting)
		if (ask_lacks(container_of(at, struct certs_ask, on), w->certs))
			return true;
	return false;
}

static void
on_loaded(struct job *job)
{
	struct work *w = container_of(job, struct work, ask.job);
	int64_t age;

	if (job->err == 0)
		take_rows(w);
	age = clock_now_ms() - w->certs->fetched_ms;
	if (w->forced ? !work_lacks(w) : age >= 0 && age < EACH_MS)
		work_end(w, 0);
	else
		claim(w);
}

static void
load(struct work *w)
{
	char now[24];

	job_init(&w->ask.job, on_loaded);
	w->ask.is_read = true;
	pool_ask(w->keeper->pool, &w->ask, load_sql,
		(const struct slice[]){slice_str(w->merchant->mchid),
			number(now, clock_now_ms())},
		2);
}

static void
on_work_late(struct timer *timer)
{
	struct work *w = container_of(timer, struct work, deadline);

	failed(w, ERR_TIMEOUT, "it took too long");
}

static struct work *
work_find(struct cert_keeper *k, const struct certs *c)
{
	list_for_each (at, &k->works) {
		struct work *w = container_of(at, struct work, on);

		if (w->certs == c)
			return w;
	}
	return NULL;
}

static struct work *
work_start(struct cert_keeper *k, struct merchant *m, bool forced)
{
	struct work *w = mem_new(struct work);

	w->keeper = k;
	w->merchant = merchant_ref(m);
	w->certs = certs_ref(m->certs);
	w->forced = forced;
	list_init(&w->waiting);
	list_add(&k->works, &w->on);
	timer_set(&w->deadline, k->loop, WORK_MS, on_work_late);
	load(w);
	return w;
}

static void
on_tick(struct timer *timer)
{
	struct cert_keeper *k = container_of(timer, struct cert_keeper, tick);
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < k->merchants->count; i++) {
		struct merchant *m = k->merchants->merchant[i];
		struct certs *c = m->certs;

		if (!c || work_find(k, c) || now < c->retry_ms)
			continue;
		if (now - c->fetched_ms >= EACH_MS || now < c->fetched_ms)
			(void)work_start(k, m, false);
	}
	timer_set(&k->tick, k->loop, TICK_MS, on_tick);
}

static void
keep(struct cert_keeper *k, struct merchants *all, bool on)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->merchant[i]->certs)
			all->merchant[i]->certs->keeper = on ? k : NULL;
}

struct cert_keeper *
cert_keeper_new(struct loop *loop, struct pool *pool, struct fetcher *fetcher,
	struct merchants *merchants)
{
	struct cert_keeper *k = mem_new(struct cert_keeper);

	k->loop = loop;
	k->pool = pool;
	k->fetcher = fetcher;
	k->merchants = merchants;
	list_init(&k->works);
	keep(k, merchants, true);
	timer_set(&k->tick, loop, 0, on_tick);
	return k;
}

void
cert_keeper_take_up(struct cert_keeper *k, struct merchants *merchants)
{
	keep(k, k->merchants, false);
	keep(k, merchants, true);
	k->merchants = merchants;
	timer_set(&k->tick, k->loop, 0, on_tick);
}

struct cert_keeper *
cert_keeper_free(struct cert_keeper *k)
{
	struct work *w;

	if (!k)
		return NULL;
	while ((w = list_first(&k->works, struct work, on)))
		work_end(w, ERR_SHUTDOWN);
	keep(k, k->merchants, false);
	timer_clear(&k->tick);
	return mem_free(k);
}

static void
on_ask_drop(struct job *job)
{
	list_del(&container_of(job, struct certs_ask, job)->on);
}

void
certs_refresh(struct merchant *m, struct loop *loop, struct certs_ask *ask,
	struct slice serial)
{
	struct cert_keeper *k = m->certs ? m->certs->keeper : NULL;
	struct work *w;

	list_init(&ask->on);
	ask->serial = serial;
	ask->served = false;
	if (!k || slice_starts(serial, "PUB_KEY_ID_")) {
		job_fail_soon(&ask->job, loop, ERR_UPSTREAM_CONFIG);
		return;
	}
	w = work_find(k, m->certs);
	if (!w)
		w = work_start(k, m, true);
	job_begin(&ask->job, loop, 0, on_ask_drop);
	list_add(&w->waiting, &ask->on);
}
