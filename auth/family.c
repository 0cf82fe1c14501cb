/*
 * The statements about families, and why they are as they are.
 *
 * Rotating is one statement whose UPDATE takes the row only while it is unused:
 * of two that show the same token at once the second waits for the first one's
 * row lock, sees the row used, and gets nothing.
 *
 * Renewing is for clients that cannot take another refresh token (js-sdk 1.x):
 * it moves the family's end and leaves the token.  Families are opened for it.
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

#include "auth/params.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

enum { DEADLINE_MS = 15000 };

#define WHO \
	"f.sid, u.uid, f.appid, coalesce(u.openid, '')," \
	" coalesce(u.unionid, ''), f.kind, coalesce(u.custom_id, '')," \
	" coalesce(f.ends_at, 0)"

static const char rotate_sql[] =
	"WITH shown AS ("
	" UPDATE mpcloud.refresh_tokens t SET used_at = $3::bigint"
	" FROM mpcloud.families f, mpcloud.users u"
	" WHERE t.hash = $1::bytea AND t.used_at IS NULL AND f.sid = t.sid"
	"  AND f.revoked_at IS NULL AND f.expires_at > $3::bigint"
	"  AND u.uid = f.uid AND u.blocked_at IS NULL"
	" RETURNING f.sid"
	"), kept AS ("
	" UPDATE mpcloud.families f SET used_at = $3::bigint,"
	"  expires_at = least($4::bigint, coalesce(f.ends_at, $4::bigint))"
	" FROM shown WHERE f.sid = shown.sid"
	"), fresh AS ("
	" INSERT INTO mpcloud.refresh_tokens (hash, sid, issued_at)"
	" SELECT $2::bytea, sid, $3::bigint FROM shown"
	") SELECT " WHO
	" FROM shown JOIN mpcloud.families f ON f.sid = shown.sid"
	" JOIN mpcloud.users u ON u.uid = f.uid";

static const char renew_sql[] =
	"UPDATE mpcloud.families f SET used_at = $2::bigint,"
	"  expires_at = least($3::bigint, coalesce(f.ends_at, $3::bigint))"
	" FROM mpcloud.refresh_tokens t, mpcloud.users u"
	" WHERE t.hash = $1::bytea AND t.used_at IS NULL AND f.sid = t.sid"
	"  AND f.revoked_at IS NULL AND f.expires_at > $2::bigint"
	"  AND u.uid = f.uid AND u.blocked_at IS NULL AND f.fixed"
	" RETURNING " WHO;

static const char judge_sql[] =
	"WITH t AS ("
	" SELECT t.sid, t.used_at IS NOT NULL AS used,"
	"  f.revoked_at IS NULL AND f.expires_at <= $2::bigint AS expired,"
	"  u.blocked_at IS NOT NULL AS blocked"
	" FROM mpcloud.refresh_tokens t JOIN mpcloud.families f USING (sid)"
	"  JOIN mpcloud.users u ON u.uid = f.uid"
	" WHERE t.hash = $1::bytea"
	"), ended AS ("
	" UPDATE mpcloud.families"
	" SET revoked_at = $2::bigint, reason = 'reuse'"
	" WHERE sid IN (SELECT sid FROM t WHERE used) AND revoked_at IS NULL"
	") SELECT sid, used, expired, blocked FROM t";

static const char end_sql[] =
	"UPDATE mpcloud.families SET revoked_at = $2::bigint, reason = 'logout'"
	" WHERE sid = $1::bigint AND revoked_at IS NULL";

static const char forget_sql[] =
	"UPDATE mpcloud.families f"
	" SET revoked_at = $2::bigint, reason = 'logout'"
	" FROM mpcloud.refresh_tokens t"
	" WHERE t.hash = $1::bytea AND f.sid = t.sid AND f.revoked_at IS NULL"
	" RETURNING f.sid";

void
family_fresh(struct params *p, struct family *f)
{
	char bytes[32];
	uint8_t hash[SHA256_LEN];
	_buf_ struct buf text;

	crypto_random(bytes, sizeof(bytes));
	buf_init(&text, sizeof(f->refresh));
	text_base64url(&text, slice_of(bytes, sizeof(bytes)));
	memcpy(f->refresh, text.ptr, REFRESH_LEN + 1);
	crypto_sha256(buf_all(&text), hash);
	params_hex(p, slice_of(hash, sizeof(hash)));
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(text.ptr, text.len);
}

bool
family_value(const struct ask *ask, int col, char *to, size_t top)
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

void
family_begin(struct family *f, const struct family_home *home, job_fn *done)
{
	f->home = *home;
	job_begin(&f->job, home->loop, DEADLINE_MS, on_drop);
	job_init(&f->ask.job, done);
	f->ask.is_read = false;
	f->ask.shares = true; /* undone and done again it is the same */
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
		else if (slice_is(ask_value(&f->ask, 0, 3), "t"))
			err = ERR_USER_BLOCKED;
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
	params_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	params_int(&p, clock_now_ms());
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
	fits = family_value(&f->ask, 1, f->uid, UID_LEN) &&
	       family_value(&f->ask, 2, f->appid, OPENID_TOP) &&
	       family_value(&f->ask, 3, f->openid, OPENID_TOP) &&
	       family_value(&f->ask, 4, f->unionid, OPENID_TOP) &&
	       family_value(&f->ask, 5, f->kind, KIND_TOP) &&
	       family_value(&f->ask, 6, f->custom_id, CUSTOM_ID_TOP);
	f->ends_ms = ask_int(&f->ask, 0, 7);
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
	params_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	family_fresh(&p, f);
	params_int(&p, now);
	params_int(&p, now + home->refresh_ttl_s * 1000);
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
	params_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	params_int(&p, now);
	params_int(&p, now + home->refresh_ttl_s * 1000);
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
	params_hex(&p, slice_of(f->hash, sizeof(f->hash)));
	params_int(&p, clock_now_ms());
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
	params_int(&p, (int64_t)sid);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &f->ask, end_sql, p.v, p.count);
}

void
family_done(struct family *f)
{
	job_cancel(&f->job);
	mem_wipe(f->refresh, sizeof(f->refresh));
}
