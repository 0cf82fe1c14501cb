/*
 * The row of a mini program's token in mpcloud.access_tokens.
 *
 * The statement that looks at it also takes the lease, when the token is due
 * and nobody has the lease; so of any number of processes that find it due at
 * the same moment exactly one is told to fetch.  A lease ends by itself: its
 * owner may have been killed.  After a failure lease_until is set without an
 * owner: nobody asks WeChat until then.
 *
 * Due means: there is none, its time for renewal has come, or it is the very
 * one (by mark and by number) that WeChat refused to the process that asks.
 *
 * Times are those of the machine that writes them.  A lease that ends later
 * than any can was written under a clock that was wrong: it does not count.
 */
#include "wechat/access_token_inside.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEASE_TOP_MS = 2 * TOKEN_REST_MS };
enum { PLACE_TOP = 160, SEALED_TOP = ACCESS_TOKEN_TOP + 64, TEXT_TOP = 320 };

enum {
	COL_LEASED,
	COL_SEALED,
	COL_REFRESH,
	COL_EXPIRES,
	COL_FETCHES,
	COL_LEASE_UNTIL,
	COL_LEASE_BY,
	COL_FAILURE,
	COL_REFUSED,
};

static const char take_sql[] =
	"WITH leased AS ("
	" INSERT INTO mpcloud.access_tokens AS t"
	"  (appid, lease_until, lease_by)"
	" VALUES ($1, $3::bigint, $4)"
	" ON CONFLICT (appid) DO UPDATE SET"
	"  lease_until = excluded.lease_until, lease_by = excluded.lease_by"
	" WHERE NOT t.lease_until BETWEEN $2::bigint + 1 AND $7::bigint AND"
	"  (t.sealed IS NULL OR t.refresh_at <= $2::bigint OR"
	"   (t.mark = $5::bytea AND t.fetches = $6::bigint))"
	" RETURNING 1)"
	"SELECT (SELECT count(*) FROM leased), t.sealed, t.refresh_at,"
	" t.expires_at, t.fetches, t.lease_until, t.lease_by, t.failure,"
	" coalesce(t.mark = $5::bytea AND t.fetches = $6::bigint, false)"
	" FROM (SELECT 1) one"
	" LEFT JOIN mpcloud.access_tokens t ON t.appid = $1";

static const char store_sql[] =
	"UPDATE mpcloud.access_tokens SET sealed = $3::bytea,"
	" mark = $4::bytea, fetched_at = $5::bigint, refresh_at = $6::bigint,"
	" expires_at = $7::bigint, lease_until = 0, lease_by = NULL,"
	" fetches = fetches + 1"
	" WHERE appid = $1 AND lease_by = $2 RETURNING fetches";

static const char failure_sql[] =
	"UPDATE mpcloud.access_tokens SET lease_until = $3::bigint,"
	" lease_by = NULL, failed_at = $4::bigint, failure = $5"
	" WHERE appid = $1 AND lease_by = $2";

static void
place_of(const struct entry *e, char to[PLACE_TOP])
{
	(void)snprintf(to, PLACE_TOP, "access_token %s", e->app->appid);
}

static void
ask_send(struct entry *e, job_fn *done, const char *sql, const struct params *p)
{
	e->ask = (struct ask){.row = pool_row(SLICE("access_tokens"),
				      slice_str(e->app->appid))};
	job_init(&e->ask.job, done);
	pool_ask(e->all->pool, &e->ask, sql, p->v, p->count);
}

/* ---- looking, and taking the lease ---- */

/* "\x…", as PostgreSQL writes bytea. */
static int
token_open(struct entry *e, struct slice text)
{
	_buf_ struct buf sealed, plain;
	char place[PLACE_TOP];
	int r = ERR_FORMAT;

	place_of(e, place);
	buf_init(&sealed, SEALED_TOP);
	buf_init(&plain, SEALED_TOP);
	if (text.len > 2)
		r = text_unhex(&sealed, slice_of(text.ptr + 2, text.len - 2));
	if (r == 0)
		r = seal_open(e->all->seal, slice_str(place), buf_all(&sealed),
			&plain);
	if (r == 0 && (!plain.len || plain.len > ACCESS_TOKEN_TOP))
		r = ERR_FORMAT;
	if (r == 0) {
		memcpy(e->token, plain.ptr, plain.len);
		e->token[plain.len] = '\0';
		e->token_len = plain.len;
		seal_mark(e->all->seal, slice_str(place), buf_all(&plain),
			e->mark);
	}
	if (plain.ptr)
		mem_wipe(plain.ptr, plain.len);
	return r;
}

/* It opens for others: to fetch would be of no use, they would store over it.
 */
static void
key_is_another(struct entry *e)
{
	(void)fault_set(&e->failure, ERR_UPSTREAM_CONFIG,
		"the stored access_token does not open: the daemons of this "
		"database have different files as token.master_key_file");
	e->rest_until = clock_now_ms() + TOKEN_KEY_MS;
	event(EVENT_WECHAT_CONFIG, "api", "stable_token", "appid",
		e->app->appid, "text", e->failure.text, NULL);
}

/* The row's token is newer than ours, or was renewed. */
static bool
row_take_token(struct entry *e)
{
	struct ask *ask = &e->ask;
	int64_t expires_at = ask_int(ask, 0, COL_EXPIRES);
	uint8_t before[SEAL_MARK];

	if (ask_is_null(ask, 0, COL_SEALED) ||
		slice_is(ask_value(ask, 0, COL_REFUSED), "t") ||
		expires_at - TOKEN_GRACE_MS <= clock_now_ms())
		return false;
	memcpy(before, e->mark, SEAL_MARK);
	if (token_open(e, ask_value(ask, 0, COL_SEALED)) < 0) {
		key_is_another(e);
		return false;
	}
	if (e->refused && memcmp(before, e->mark, SEAL_MARK) == 0)
		e->keep_until = clock_mono() + TOKEN_SAME_MS * CLOCK_MS;
	e->refused = false;
	e->fetches = ask_int(ask, 0, COL_FETCHES);
	e->refresh_at = ask_int(ask, 0, COL_REFRESH);
	e->expires_at = expires_at;
	return true;
}

/* "40164 the address …" */
static void
row_take_failure(struct entry *e)
{
	struct slice text = ask_value(&e->ask, 0, COL_FAILURE), code;
	char number[24];
	int err;

	(void)slice_split(&text, ' ', &code);
	(void)snprintf(number, sizeof(number), "%.*s",
		(int)min(code.len, sizeof(number) - 1), code.ptr);
	err = token_errcode(strtoll(number, NULL, 10), NULL);
	(void)fault_set(&e->failure, err, "%.*s", SLICE_ARG(text));
	e->rest_until = ask_int(&e->ask, 0, COL_LEASE_UNTIL);
}

static void
on_taken(struct job *job)
{
	struct entry *e = container_of(job, struct entry, ask.job);
	bool leased, held, found;

	if (job->err < 0) {
		int err = job->err;
		struct fault why = job->why;

		entry_answer(e, err, &why);
		entry_look_later(e);
		return;
	}
	leased = ask_int(&e->ask, 0, COL_LEASED) > 0;
	held = !ask_is_null(&e->ask, 0, COL_LEASE_BY);
	if (leased) {
		entry_ask(e);
		return;
	}
	found = row_take_token(e);
	if (!held && ask_int(&e->ask, 0, COL_LEASE_UNTIL) > clock_now_ms())
		row_take_failure(e);
	if (found && !held) {
		e->state = ENTRY_REST;
		entry_answer(e, 0, NULL);
		return;
	}
	if (found)
		entry_answer(e, 0, NULL);
	else if (e->rest_until > clock_now_ms())
		entry_answer(e, e->failure.code, &e->failure);
	entry_look_later(e);
}

void
entry_take(struct entry *e)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;

	e->state = ENTRY_TAKING;
	params_init(&p);
	params_text(&p, slice_str(e->app->appid));
	params_int(&p, now);
	params_int(&p, now + TOKEN_LEASE_MS);
	params_text(&p, slice_str(e->all->owner));
	if (e->refused) {
		params_hex(&p, slice_of(e->mark, SEAL_MARK));
		params_int(&p, e->fetches);
	} else {
		params_null(&p);
		params_null(&p);
	}
	params_int(&p, now + LEASE_TOP_MS);
	ask_send(e, on_taken, take_sql, &p);
}

/* ---- storing ---- */

/* Nothing but our lease was lost when it could not be stored: what WeChat gave
 * is the same for everybody who asks. */
static void
on_stored(struct job *job)
{
	struct entry *e = container_of(job, struct entry, ask.job);

	e->state = ENTRY_REST;
	if (job->err == 0 && ask_rows(&e->ask) == 1)
		e->fetches = ask_int(&e->ask, 0, 0);
	entry_answer(e, 0, NULL);
}

static void
token_keep(struct entry *e, struct slice token, int64_t now, int64_t expires_ms)
{
	char place[PLACE_TOP];
	uint8_t mark[SEAL_MARK];

	place_of(e, place);
	seal_mark(e->all->seal, slice_str(place), token, mark);
	if (e->refused && memcmp(mark, e->mark, SEAL_MARK) == 0)
		e->keep_until = clock_mono() + TOKEN_SAME_MS * CLOCK_MS;
	memcpy(e->mark, mark, SEAL_MARK);
	memcpy(e->token, token.ptr, token.len);
	e->token[token.len] = '\0';
	e->token_len = token.len;
	e->refused = false;
	e->failures = 0;
	e->rest_until = 0;
	e->expires_at = now + expires_ms;
	/* Asked too early, WeChat gives the old one with what is left of it:
	 * it is renewed on WeChat's own time, so ask again soon. */
	e->refresh_at = e->expires_at - TOKEN_EARLY_MS;
	if (expires_ms <= TOKEN_EARLY_MS + TOKEN_GRACE_MS)
		e->refresh_at =
			now + max(expires_ms - TOKEN_GRACE_MS, (int64_t)0) / 2;
}

void
entry_store(struct entry *e, struct slice token, int64_t expires_s)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;
	_buf_ struct buf sealed;
	char place[PLACE_TOP];
	int r;

	e->state = ENTRY_STORING;
	token_keep(e, token, now, expires_s * 1000);
	place_of(e, place);
	buf_init(&sealed, SEALED_TOP);
	r = seal_close(e->all->seal, slice_str(place), token, &sealed);
	if (r < 0)
		abort(); /* it has room, and libcrypto has its cipher */
	params_init(&p);
	params_text(&p, slice_str(e->app->appid));
	params_text(&p, slice_str(e->all->owner));
	params_hex(&p, buf_all(&sealed));
	params_hex(&p, slice_of(e->mark, SEAL_MARK));
	params_int(&p, now);
	params_int(&p, e->refresh_at);
	params_int(&p, e->expires_at);
	ask_send(e, on_stored, store_sql, &p);
}

static void
on_failure_stored(struct job *job)
{
	struct entry *e = container_of(job, struct entry, ask.job);
	struct fault why = e->failure;

	e->state = ENTRY_REST;
	entry_answer(e, why.code, &why);
}

void
entry_store_failure(struct entry *e, int64_t errcode, const struct fault *why,
	int64_t rest_ms)
{
	int64_t now = clock_now_ms();
	char text[TEXT_TOP];
	_params_ struct params p;

	e->state = ENTRY_STORING;
	e->failure = *why;
	e->rest_until = now + rest_ms;
	(void)snprintf(
		text, sizeof(text), "%lld %s", (long long)errcode, why->text);
	params_init(&p);
	params_text(&p, slice_str(e->app->appid));
	params_text(&p, slice_str(e->all->owner));
	params_int(&p, e->rest_until);
	params_int(&p, now);
	params_text(&p, slice_str(text));
	ask_send(e, on_failure_stored, failure_sql, &p);
}
