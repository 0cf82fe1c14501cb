/*
 * Opening a family.  It is one statement (user, family, first refresh token,
 * the calls of login triggers), so a login costs one commit.
 *
 * Who the user is differs: each kind has a beginning of its own, which gives
 * one row, or none when he may not come in.  What follows is the same for all.
 */
#include "auth/family.h"
#include "auth/params.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"

/* $1 uid of a new user, $2 appid, $3 and $4 as the beginning says, $5
 * session_key, $6 now, $7 sid, $8 hash, $9 its end, $10 env, $11 mark, $12 when
 * a session_key is too old, $13 kind, $14 device, $15 device_id, $16 fixed, $17
 * the family's. */
#define TAIL \
	"), f AS (" \
	" INSERT INTO mpcloud.families (sid, uid, appid, created_at, used_at," \
	"  expires_at, kind, device, device_id, fixed, ends_at)" \
	" SELECT $7::bigint, uid, appid, $6::bigint, $6::bigint," \
	"  least($9::bigint, coalesce($17::bigint, $9::bigint)), $13::text," \
	"  $14::text, $15::text, $16::boolean, $17::bigint FROM u RETURNING " \
	"sid" \
	"), t AS (" \
	" INSERT INTO mpcloud.refresh_tokens (hash, sid, issued_at)" \
	" SELECT $8::bytea, sid, $6::bigint FROM f" \
	") SELECT uid, coalesce(unionid, ''), fresh," \
	"  mpcloud.trigger_login($10, uid, appid, openid, unionid, fresh," \
	"   $6::bigint), CASE WHEN $5::bytea IS NOT NULL THEN" \
	"   mpcloud.session_key_put(appid, openid, $5::bytea, $11::bytea," \
	"    $6::bigint, $12::bigint) END FROM u"

/* $3 openid, NULL for a visitor; $4 unionid */
static const char wechat_sql[] =
	"WITH u AS ("
	" INSERT INTO mpcloud.users AS old (uid, appid, openid, unionid,"
	"  created_at, last_login_at)"
	" VALUES ($1, $2, $3::text, $4::text, $6::bigint, $6::bigint)"
	" ON CONFLICT (appid, openid) DO UPDATE SET"
	"  unionid = coalesce(excluded.unionid, old.unionid),"
	"  last_login_at = excluded.last_login_at WHERE old.blocked_at IS NULL"
	" RETURNING uid, appid, openid, unionid, uid = $1 AS fresh" TAIL;

/* $3 custom_id; $4 NULL.  Whichever mini program he comes through. */
static const char custom_sql[] =
	"WITH u AS ("
	" INSERT INTO mpcloud.users AS old (uid, appid, custom_id, unionid,"
	"  created_at, last_login_at)"
	" VALUES ($1, $2, $3::text, $4::text, $6::bigint, $6::bigint)"
	" ON CONFLICT (custom_id) WHERE custom_id IS NOT NULL DO UPDATE SET"
	"  last_login_at = excluded.last_login_at WHERE old.blocked_at IS NULL"
	" RETURNING uid, $2::text AS appid, NULL::text AS openid,"
	"  NULL::text AS unionid, uid = $1 AS fresh" TAIL;

/* $3 the hash that was found good; $4 NULL */
static const char password_sql[] =
	"WITH old AS ("
	" SELECT uid, last_login_at = 0 AS fresh FROM mpcloud.users"
	" WHERE uid = $1 AND password = $3::text AND blocked_at IS NULL"
	" AND $4::text IS NULL FOR UPDATE"
	"), u AS ("
	" UPDATE mpcloud.users u SET last_login_at = $6::bigint FROM old"
	" WHERE u.uid = old.uid RETURNING u.uid, $2::text AS appid,"
	"  NULL::text AS openid, NULL::text AS unionid, old.fresh" TAIL;

/* $3 username, $4 password's hash */
static const char signup_sql[] =
	"WITH u AS ("
	" INSERT INTO mpcloud.users (uid, appid, username, password,"
	"  created_at, last_login_at)"
	" VALUES ($1, $2, $3::text, $4::text, $6::bigint, $6::bigint)"
	" ON CONFLICT (username) WHERE username IS NOT NULL DO NOTHING"
	" RETURNING uid, appid, NULL::text AS openid, NULL::text AS unionid,"
	"  true AS fresh" TAIL;

static const struct row {
	const char *kind;
	bool named; /* by from->username */
	const char *sql;
	int none;         /* the error when no row came */
	const char *text; /* of it; NULL: its own */
} rows[] = {
	{FAMILY_WECHAT, false, wechat_sql, ERR_USER_BLOCKED, NULL},
	{FAMILY_OPERATOR, false, wechat_sql, ERR_USER_BLOCKED, NULL},
	{FAMILY_ANONYMOUS, false, wechat_sql, ERR_INTERNAL, NULL},
	{FAMILY_CUSTOM, false, custom_sql, ERR_USER_BLOCKED, NULL},
	{FAMILY_PASSWORD, false, password_sql, ERR_PASSWORD_BAD, NULL},
	{FAMILY_PASSWORD, true, signup_sql, ERR_CONFLICT,
		"username: this name is taken"},
};

static const struct row *
row_of(const char *kind, bool named)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (strcmp(rows[i].kind, kind) == 0 && rows[i].named == named)
			return &rows[i];
	return &rows[0];
}

static void
on_open(struct job *job)
{
	struct family *f = container_of(job, struct family, ask.job);
	const struct row *row = f->row;
	bool fits;

	if (job->err < 0) {
		job_finish(&f->job, job->err);
		return;
	}
	if (ask_rows(&f->ask) == 0) {
		if (row->text)
			(void)fault_set(
				&f->job.why, row->none, "%s", row->text);
		job_finish(&f->job, row->none);
		return;
	}
	fits = ask_rows(&f->ask) == 1 &&
	       family_value(&f->ask, 0, f->uid, UID_LEN) &&
	       family_value(&f->ask, 1, f->unionid, OPENID_TOP);
	f->new_user = fits && slice_is(ask_value(&f->ask, 0, 2), "t");
	job_finish(&f->job, fits ? 0 : ERR_INTERNAL);
}

/* $3 and $4. */
static void
put_who(struct params *p, const struct family *f,
	const struct family_from *from)
{
	if (from->username.len) {
		params_text(p, from->username);
		params_text(p, from->password);
	} else if (from->password.len) {
		params_text(p, from->password);
		params_null(p);
	} else if (f->custom_id[0]) {
		params_text(p, slice_str(f->custom_id));
		params_null(p);
	} else {
		params_word(p, slice_str(f->openid));
		params_word(p, slice_str(f->unionid));
	}
}

void
family_open(struct family *f, const struct family_home *home,
	const struct family_from *from)
{
	const struct row *row = row_of(f->kind, from->username.len > 0);
	int64_t now = clock_now_ms();
	_params_ struct params p;

	family_begin(f, home, on_open);
	f->row = row;
	params_init(&p);
	if (row->sql != password_sql)
		text_random_hex(f->uid, UID_LEN / 2);
	do
		crypto_random(&f->sid, sizeof(f->sid));
	while (!f->sid); /* 0 means none */
	params_text(&p, slice_str(f->uid));
	params_text(&p, slice_str(f->appid));
	put_who(&p, f, from);
	if (from->sealed.len)
		params_hex(&p, from->sealed);
	else
		params_null(&p);
	params_int(&p, now);
	params_int(&p, (int64_t)f->sid);
	family_fresh(&p, f);
	params_int(&p, now + home->refresh_ttl_s * 1000);
	params_text(&p, slice_str(home->env ? home->env : ""));
	params_hex(&p, slice_of(f->mark, sizeof(f->mark)));
	params_int(&p, now - KEY_KEEP_MS);
	params_text(&p, slice_str(f->kind));
	params_word(&p, from->device);
	params_word(&p, from->device_id);
	params_bool(&p, from->fixed);
	if (f->ends_ms)
		params_int(&p, f->ends_ms);
	else
		params_null(&p);
	pool_ask(home->pool, &f->ask, row->sql, p.v, p.count);
}
