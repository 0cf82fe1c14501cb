/*
 * The statements about families, and why they are as they are.
 *
 * Opening is one statement (user, family, first refresh token, the calls of
 * login triggers), so a login costs one commit.  Rotating is one statement
 * whose UPDATE takes the row only while it is unused: of two that show the same
 * token at once the second waits for the first one's row lock, sees the row
 * used, and gets nothing.
 *
 * Renewing is for clients that cannot take another refresh token (js-sdk 1.x):
 * it moves the family's end and leaves the token.
 *
 * Whoever gets nothing is asked about in a second statement, which ends the
 * family if the token was used.  There is no grace for a client that lost the
 * answer: we keep hashes only, so the successor could not be told again, and a
 * second successor would leave two lines of tokens alive, one of them perhaps
 * a thief's.  A mini program loses nothing: it calls wx.login, which its user
 * does not notice.
 *
 * The database holds SHA-256 of refresh tokens.  They are 32 random bytes, so
 * a slow hash would add nothing.
 */
#include "auth/family.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>

enum { DEADLINE_MS = 15000, PARAMS = 12, TEXT_TOP = 4096 };

static const char open_sql[] =
	"WITH u AS ("
	" INSERT INTO mpcloud.users AS old (uid, appid, openid, unionid,"
	"  created_at, last_login_at)"
	" VALUES ($1, $2, $3, $4, $6::bigint, $6::bigint)"
	" ON CONFLICT (appid, openid) DO UPDATE SET"
	"  unionid = coalesce(excluded.unionid, old.unionid),"
	"  last_login_at = excluded.last_login_at"
	" RETURNING uid, appid, unionid"
	"), f AS ("
	" INSERT INTO mpcloud.families"
	"  (sid, uid, appid, created_at, used_at, expires_at)"
	" SELECT $7::bigint, uid, appid, $6::bigint, $6::bigint, $9::bigint"
	" FROM u RETURNING sid"
	"), t AS ("
	" INSERT INTO mpcloud.refresh_tokens (hash, sid, issued_at)"
	" SELECT $8::bytea, sid, $6::bigint FROM f"
	") SELECT uid, coalesce(unionid, ''), uid = $1,"
	"  mpcloud.trigger_login($10, uid, appid, $3, unionid, uid = $1,"
	"   $6::bigint), CASE WHEN $5::bytea IS NOT NULL THEN"
	"   mpcloud.session_key_put(appid, $3, $5::bytea, $11::bytea,"
	"    $6::bigint, $12::bigint) END FROM u";

static const char rotate_sql[] =
	"WITH shown AS ("
	" UPDATE mpcloud.refresh_tokens t SET used_at = $3::bigint"
	" FROM mpcloud.families f"
	" WHERE t.hash = $1::bytea AND t.used_at IS NULL AND f.sid = t.sid"
	"  AND f.revoked_at IS NULL AND f.expires_at > $3::bigint"
	" RETURNING f.sid, f.uid"
	"), kept AS ("
	" UPDATE mpcloud.families f"
	" SET used_at = $3::bigint, expires_at = $4::bigint"
	" FROM shown WHERE f.sid = shown.sid"
	"), fresh AS ("
	" INSERT INTO mpcloud.refresh_tokens (hash, sid, issued_at)"
	" SELECT $2::bytea, sid, $3::bigint FROM shown"
	") SELECT shown.sid, u.uid, u.appid, coalesce(u.openid, ''),"
	"  coalesce(u.unionid, '')"
	" FROM shown JOIN mpcloud.users u ON u.uid = shown.uid";

static const char renew_sql[] =
	"UPDATE mpcloud.families f"
	" SET used_at = $2::bigint, expires_at = $3::bigint"
	" FROM mpcloud.refresh_tokens t, mpcloud.users u"
	" WHERE t.hash = $1::bytea AND t.used_at IS NULL AND f.sid = t.sid"
	"  AND f.revoked_at IS NULL AND f.expires_at > $2::bigint"
	"  AND u.uid = f.uid AND u.openid IS NULL"
	" RETURNING f.sid, u.uid, u.appid, '', ''";

static const char judge_sql[] =
	"WITH t AS ("
	" SELECT t.sid, t.used_at IS NOT NULL AS used,"
	"  f.revoked_at IS NULL AND f.expires_at <= $2::bigint AS expired"
	" FROM mpcloud.refresh_tokens t JOIN mpcloud.families f USING (sid)"
	" WHERE t.hash = $1::bytea"
	"), ended AS ("
	" UPDATE mpcloud.families"
	" SET revoked_at = $2::bigint, reason = 'reuse'"
	" WHERE sid IN (SELECT sid FROM t WHERE used) AND revoked_at IS NULL"
	") SELECT sid, used, expired FROM t";

static const char end_sql[] =
	"UPDATE mpcloud.families SET revoked_at = $2::bigint, reason = 'logout'"
	" WHERE sid = $1::bigint AND revoked_at IS NULL";

static const char forget_sql[] =
	"UPDATE mpcloud.families f"
	" SET revoked_at = $2::bigint, reason = 'logout'"
	" FROM mpcloud.refresh_tokens t"
	" WHERE t.hash = $1::bytea AND f.sid = t.sid AND f.revoked_at IS NULL"
	" RETURNING f.sid";

/* Parameters in PostgreSQL's text form, kept in one buffer. */
struct params {
	struct slice v[PARAMS];
	struct buf text;
	int count;
};

static void
params_init(struct params *p)
{
	p->count = 0;
	buf_init(&p->text, TEXT_TOP);
	(void)buf_reserve(&p->text, TEXT_TOP); /* it must not move */
}

static void
params_done(struct params *p)
{
	buf_done(&p->text);
}

#define _params_ _cleanup_(params_done)

static void
put_text(struct params *p, struct slice s)
{
	assert(p->count < PARAMS);
	p->v[p->count++] = s;
}

static void
put_from(struct params *p, size_t from)
{
	put_text(p, slice_of(p->text.ptr + from, p->text.len - from));
}

static void
put_hex(struct params *p, struct slice bytes)
{
	size_t from = p->text.len;

	buf_str(&p->text, "\\x");
	text_hex(&p->text, bytes);
	put_from(p, from);
}

static void
put_int(struct params *p, int64_t n)
{
	size_t from = p->text.len;

	buf_i64(&p->text, n);
	put_from(p, from);
}

/* A new refresh token; its hash becomes the next parameter. */
static void
put_fresh(struct params *p, struct family *f)
{
	char bytes[32];
	uint8_t hash[SHA256_LEN];
	_buf_ struct buf text;

	crypto_random(bytes, sizeof(bytes));
	buf_init(&text, sizeof(f->refresh));
	text_base64url(&text, slice_of(bytes, sizeof(bytes)));
	memcpy(f->refresh, text.ptr, REFRESH_LEN + 1);
	crypto_sha256(buf_all(&text), hash);
	put_hex(p, slice_of(hash, sizeof(hash)));
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(text.ptr, text.len);
}

static bool
value_copy(const struct ask *ask, int col, char *to, size_t top)
{
	struct slice s = ask_value(ask, 0, col);

	if (s.len > top)
		return false;
	memcpy(to, s.ptr, s.len);
	to[s.len] = '\0';
	return true;
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct family, job)->ask.job);
}

static void
family_begin(struct family *f, const struct family_home *home, job_fn *done)
{
	f->home = *home;
	job_begin(&f->job, home->loop, DEADLINE_MS, on_drop);
	job_init(&f->ask.job, done);
	f->ask.is_read = false;
}

static void
on_open(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);
	bool fits;

	if (job->err < 0) {
		job_finish(&f->job, job->err);
		return;
	}
	fits = ask_rows(&f->ask) == 1 &&
	       value_copy(&f->ask, 0, f->uid, UID_LEN) &&
	       value_copy(&f->ask, 1, f->unionid, OPENID_TOP);
	f->new_user = fits && slice_is(ask_value(&f->ask, 0, 2), "t");
	job_finish(&f->job, fits ? 0 : ERR_INTERNAL);
}

void
family_open(
	struct family *f, const struct family_home *home, struct slice sealed)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;

	family_begin(f, home, on_open);
	params_init(&p);
	text_random_hex(f->uid, UID_LEN / 2);
	do
		crypto_random(&f->sid, sizeof(f->sid));
	while (!f->sid); /* 0 means none */
	put_text(&p, slice_str(f->uid));
	put_text(&p, slice_str(f->appid));
	put_text(&p, f->openid[0] ? slice_str(f->openid) : slice_of(NULL, 0));
	put_text(&p, f->unionid[0] ? slice_str(f->unionid) : slice_of(NULL, 0));
	if (sealed.len)
		put_hex(&p, sealed);
	else
		put_text(&p, slice_of(NULL, 0));
	put_int(&p, now);
	put_int(&p, (int64_t)f->sid);
	put_fresh(&p, f);
	put_int(&p, now + home->refresh_ttl_s * 1000);
	put_text(&p, slice_str(home->env ? home->env : ""));
	put_hex(&p, slice_of(f->mark, sizeof(f->mark)));
	put_int(&p, now - KEY_KEEP_MS);
	pool_ask(home->pool, &f->ask, open_sql, p.v, p.count);
}

static void
family_shm_end(const struct family *f, uint64_t sid)
{
	int64_t now_s = clock_now_s();

	shm_revoke(f->home.shm, sid, now_s + f->home.access_ttl_s, now_s);
}

static void
on_judged(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);
	int err = ERR_REFRESH_BAD;

	if (job->err < 0) {
		job_finish(&f->job, job->err);
		return;
	}
	if (ask_rows(&f->ask) == 1) {
		if (slice_is(ask_value(&f->ask, 0, 1), "t"))
			family_shm_end(f, (uint64_t)ask_int(&f->ask, 0, 0));
		else if (slice_is(ask_value(&f->ask, 0, 2), "t"))
			err = ERR_REFRESH_EXPIRED;
	}
	job_finish(&f->job, err);
}

/* The token did not work: why?  When it was used before, its family ends. */
static void
family_judge(struct family *f)
{
	_params_ struct params p;

	params_init(&p);
	job_init(&f->ask.job, on_judged);
	put_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	put_int(&p, clock_now_ms());
	pool_ask(f->home.pool, &f->ask, judge_sql, p.v, p.count);
}

static void
on_rotate(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);
	bool fits;

	if (job->err < 0) {
		job_finish(&f->job, job->err);
		return;
	}
	if (ask_rows(&f->ask) != 1) {
		family_judge(f);
		return;
	}
	f->sid = (uint64_t)ask_int(&f->ask, 0, 0);
	fits = value_copy(&f->ask, 1, f->uid, UID_LEN) &&
	       value_copy(&f->ask, 2, f->appid, OPENID_TOP) &&
	       value_copy(&f->ask, 3, f->openid, OPENID_TOP) &&
	       value_copy(&f->ask, 4, f->unionid, OPENID_TOP);
	job_finish(&f->job, fits ? 0 : ERR_INTERNAL);
}

void
family_rotate(
	struct family *f, const struct family_home *home, struct slice token)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;

	params_init(&p);
	family_begin(f, home, on_rotate);
	if (token.len != REFRESH_LEN) {
		job_fail_soon(&f->job, home->loop, ERR_REFRESH_BAD);
		return;
	}
	crypto_sha256(token, f->hash);
	put_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	put_fresh(&p, f);
	put_int(&p, now);
	put_int(&p, now + home->refresh_ttl_s * 1000);
	pool_ask(home->pool, &f->ask, rotate_sql, p.v, p.count);
}

void
family_renew(
	struct family *f, const struct family_home *home, struct slice token)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;

	params_init(&p);
	family_begin(f, home, on_rotate);
	if (token.len != REFRESH_LEN) {
		job_fail_soon(&f->job, home->loop, ERR_REFRESH_BAD);
		return;
	}
	memcpy(f->refresh, token.ptr, REFRESH_LEN);
	f->refresh[REFRESH_LEN] = '\0';
	crypto_sha256(token, f->hash);
	put_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	put_int(&p, now);
	put_int(&p, now + home->refresh_ttl_s * 1000);
	pool_ask(home->pool, &f->ask, renew_sql, p.v, p.count);
}

static void
on_forget(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);

	if (job->err == 0 && ask_rows(&f->ask) == 1)
		family_shm_end(f, (uint64_t)ask_int(&f->ask, 0, 0));
	job_finish(&f->job, job->err);
}

void
family_forget(
	struct family *f, const struct family_home *home, struct slice token)
{
	_params_ struct params p;

	params_init(&p);
	family_begin(f, home, on_forget);
	if (token.len != REFRESH_LEN) {
		job_fail_soon(&f->job, home->loop, 0);
		return;
	}
	crypto_sha256(token, f->hash);
	put_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	put_int(&p, clock_now_ms());
	pool_ask(home->pool, &f->ask, forget_sql, p.v, p.count);
}

static void
on_end(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);

	if (job->err == 0)
		family_shm_end(f, f->sid);
	job_finish(&f->job, job->err);
}

void
family_end(struct family *f, const struct family_home *home, uint64_t sid)
{
	_params_ struct params p;

	family_begin(f, home, on_end);
	f->sid = sid;
	params_init(&p);
	put_int(&p, (int64_t)sid);
	put_int(&p, clock_now_ms());
	pool_ask(home->pool, &f->ask, end_sql, p.v, p.count);
}

void
family_done(struct family *f)
{
	job_cancel(&f->job);
	mem_wipe(f->refresh, sizeof(f->refresh));
}
