/*
 * One statement every few seconds: a session ended by another daemon is refused
 * here at most RECALL_MS later.  It reads only what ended within an access
 * token's life, by an index, so it costs the same however many users there are.
 */
#include "auth/upkeep.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/timer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { RECALL_MS = 2000, RETRY_MS = 200, SWEEP_EVERY = 150, NUMBER = 24 };

/* Clocks of two daemons may differ; a session may have ended a moment before
 * our last look and been committed after it. */
static const int64_t MARGIN_MS = 60000;

struct upkeep {
	struct family_home home;
	struct timer timer;
	struct ask ask;
	upkeep_fn *first;
	void *owner;
	int64_t seen_ms; /* what ended before this is known here */
	unsigned rounds;
	unsigned sweep; /* the statement of sweeps[] that runs, from 1; or 0 */
};

static const char recall_sql[] = "SELECT sid, revoked_at FROM mpcloud.families"
				 " WHERE revoked_at > $1::bigint";

static const char sweep_sql[] =
	"DELETE FROM mpcloud.families WHERE sid IN (SELECT sid"
	" FROM mpcloud.families WHERE expires_at < $1::bigint LIMIT 1000)";

/* A user without an openid whose last login is over has no way back.  The day
 * is for a login that is just being made. */
static const char visitors_sql[] =
	"DELETE FROM mpcloud.users WHERE uid IN (SELECT uid"
	" FROM mpcloud.users u WHERE openid IS NULL"
	"  AND custom_id IS NULL AND username IS NULL"
	"  AND last_login_at < $1::bigint - 86400000 AND NOT EXISTS"
	"  (SELECT FROM mpcloud.families f WHERE f.uid = u.uid) LIMIT 1000)";

static const char keys_sql[] =
	"SELECT mpcloud.session_keys_sweep($1::bigint - 600000, 1000)";
static_assert(KEY_KEEP_MS == 600000, "keys_sql says so too");

/* Pushes: no try of WeChat's is taken that is older than a day (wechat/push.h).
 */
static const char pushes_sql[] =
	"DELETE FROM mpcloud.pushes WHERE (appid, key) IN (SELECT appid, key"
	" FROM mpcloud.pushes WHERE received_at < $1::bigint - 259200000"
	" LIMIT 1000)";

/* A signature is taken within five minutes of its time (auth/api_key.h). */
static const char nonces_sql[] =
	"DELETE FROM mpcloud.api_nonces WHERE (nonce, key_id) IN (SELECT nonce,"
	" key_id FROM mpcloud.api_nonces WHERE seen_at < $1::bigint - 900000"
	" LIMIT 10000)";

static const char idempotency_sql[] =
	"DELETE FROM mpcloud.idempotency WHERE scope IN (SELECT scope"
	" FROM mpcloud.idempotency WHERE expires_at < $1::bigint LIMIT 1000)";

static const char *const sweeps[] = {sweep_sql, visitors_sql, keys_sql,
	pushes_sql, nonces_sql, idempotency_sql};

static void on_timer(struct timer *timer);

static void
again(struct upkeep *u, uint64_t ms)
{
	timer_set(&u->timer, u->home.loop, ms, on_timer);
}

static void
take_rows(struct upkeep *u)
{
	int64_t ttl_s = u->home.access_ttl_s, now_s = clock_now_s();

	for (int i = 0; i < ask_rows(&u->ask); i++) {
		uint64_t sid = (uint64_t)ask_int(&u->ask, i, 0);
		int64_t ended_s = ask_int(&u->ask, i, 1) / 1000;

		if (!shm_is_revoked(u->home.shm, sid))
			shm_revoke(u->home.shm, sid, ended_s + ttl_s, now_s);
	}
}

static void
on_asked(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct upkeep *u = container_of(ask, struct upkeep, ask);
	upkeep_fn *first = u->first;

	if (job->err < 0) {
		again(u, RETRY_MS);
		return;
	}
	if (!u->sweep) {
		take_rows(u);
		u->first = NULL;
		u->rounds++;
	}
	/* one sweep follows the other */
	again(u, u->sweep && u->sweep < array_size(sweeps) ? 0 : RECALL_MS);
	if (first && !u->sweep)
		first(u->owner, 0);
}

static void
ask_number(struct upkeep *u, const char *sql, int64_t n)
{
	char text[NUMBER];
	int len = snprintf(text, sizeof(text), "%" PRId64, n);
	const struct slice param = slice_of(text, (size_t)len);

	u->ask = (struct ask){.is_read = !u->sweep};
	job_init(&u->ask.job, on_asked);
	pool_ask(u->home.pool, &u->ask, sql, &param, 1);
}

static void
on_timer(struct timer *timer)
{
	struct upkeep *u = container_of(timer, struct upkeep, timer);
	int64_t now = clock_now_ms();
	int64_t from =
		u->rounds ? u->seen_ms : now - u->home.access_ttl_s * 1000;

	if (u->sweep || u->rounds % SWEEP_EVERY == 1)
		u->sweep = (u->sweep + 1) % (array_size(sweeps) + 1);
	if (u->sweep) {
		ask_number(u, sweeps[u->sweep - 1], now);
		return;
	}
	u->seen_ms = now - MARGIN_MS;
	ask_number(u, recall_sql, from - MARGIN_MS);
}

struct upkeep *
upkeep_new(const struct family_home *home, upkeep_fn *first, void *owner)
{
	struct upkeep *u = mem_new(struct upkeep);

	u->home = *home;
	u->first = first;
	u->owner = owner;
	job_init(&u->ask.job, on_asked);
	again(u, 0);
	return u;
}

struct upkeep *
upkeep_free(struct upkeep *u)
{
	if (!u)
		return NULL;
	timer_clear(&u->timer);
	job_cancel(&u->ask.job);
	return mem_free(u);
}
