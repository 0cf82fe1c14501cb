/*
 * Each of these is a row of steps, done in one order: find the user, check his
 * password, hash the fresh one, write it, end his sessions.  member_go() takes
 * the next one; what a step finds may leave others out.
 *
 * A hash is written only over the one that was checked, so of two changes at
 * once one fails; and a password that was hashed with other parameters than the
 * settings' is hashed anew when it is shown and found good.
 */
#include "auth/member.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

enum { DEADLINE_MS = 60000 };

static const char find_sql[] =
	"SELECT uid, coalesce(password, ''), blocked_at IS NOT NULL,"
	" coalesce(username, '') FROM mpcloud.users"
	" WHERE username = $1::text OR uid = $2::text";

/* $3: over this one, or NULL: whatever it is */
static const char write_sql[] =
	"UPDATE mpcloud.users SET password = $2 WHERE uid = $1"
	" AND username IS NOT NULL"
	" AND ($3::text IS NULL OR password = $3::text)";

static const char insert_sql[] =
	"INSERT INTO mpcloud.users (uid, appid, username, password, created_at,"
	" last_login_at) VALUES ($1, $2, $3, $4, $5::bigint, 0)"
	" ON CONFLICT (username) WHERE username IS NOT NULL DO NOTHING";

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '@' || c == '+' || c == '-';
}

int
member_name(struct slice name, char ret[MEMBER_NAME + 1], struct fault *why)
{
	bool fits = name.len > 0 && name.len <= MEMBER_NAME;

	for (size_t i = 0; fits && i < name.len; i++) {
		char c = name.ptr[i];

		ret[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		fits = is_name_char(ret[i]);
	}
	if (!fits)
		return fault_set(why, ERR_PARAM,
			"username: 1 to %d letters, digits and . _ @ + -",
			MEMBER_NAME);
	ret[name.len] = '\0';
	return 0;
}

int
member_password(struct slice password, struct fault *why)
{
	size_t chars = 0;

	for (size_t i = 0; i < password.len; i++)
		chars += ((unsigned char)password.ptr[i] & 0xc0) != 0x80;
	if (chars < MEMBER_PASSWORD_LEAST || password.len > PASSWORD_TOP)
		return fault_set(why, ERR_PARAM,
			"password: %d characters at least and %d bytes at the "
			"most",
			MEMBER_PASSWORD_LEAST, PASSWORD_TOP);
	return 0;
}

static void member_go(struct member *m);

static void
member_forget(struct member *m)
{
	mem_wipe(m->old, sizeof(m->old));
	mem_wipe(m->fresh, sizeof(m->fresh));
	m->old_len = m->fresh_len = 0;
}

static void
member_finish(struct member *m, int err)
{
	member_forget(m);
	job_finish(&m->job, err);
}

static void
on_found(struct job *job)
{
	struct member *m = container_of(job, struct member, ask.job);

	if (job->err < 0) {
		member_finish(m, job->err);
		return;
	}
	m->found = ask_rows(&m->ask) == 1 &&
		   family_value(&m->ask, 0, m->uid, UID_LEN) &&
		   family_value(&m->ask, 1, m->encoded, PASSWORD_ENCODED) &&
		   family_value(&m->ask, 3, m->name, MEMBER_NAME);
	m->blocked = m->found && slice_is(ask_value(&m->ask, 0, 2), "t");
	if (!m->found)
		m->encoded[0] = '\0';
	/* one without a password is as one who is not there */
	if (!(m->left & MEMBER_CHECK) && (!m->found || !m->name[0]))
		member_finish(m, ERR_DB_NO_DOC);
	else
		member_go(m);
}

static void
member_find(struct member *m)
{
	_params_ struct params p;

	params_init(&p);
	m->ask = (struct ask){.is_read = true};
	job_init(&m->ask.job, on_found);
	params_word(&p, slice_str(m->by_name ? m->name : ""));
	params_word(&p, slice_str(m->by_name ? "" : m->uid));
	pool_ask(m->home.family.pool, &m->ask, find_sql, p.v, p.count);
}

static void
on_checked(struct job *job)
{
	struct member *m = container_of(job, struct member, password.job);

	if (job->err < 0 || !m->password.good) {
		member_finish(m, job->err < 0 ? job->err : ERR_PASSWORD_BAD);
		return;
	}
	if (!m->left && m->password.stale) {
		memcpy(m->fresh, m->old, m->old_len);
		m->fresh_len = m->old_len;
		m->left = MEMBER_MAKE | MEMBER_WRITE;
	}
	member_go(m);
}

static void
on_made(struct job *job)
{
	struct member *m = container_of(job, struct member, password.job);

	if (job->err < 0)
		member_finish(m, job->err);
	else
		member_go(m);
}

static void
on_written(struct job *job)
{
	struct member *m = container_of(job, struct member, ask.job);

	if (job->err < 0) {
		member_finish(m, job->err);
		return;
	}
	if (ask_changed(&m->ask) == 0) {
		if (m->encoded[0]) {
			member_finish(m, ERR_PASSWORD_BAD);
			return;
		}
		(void)fault_set(&m->job.why, ERR_CONFLICT,
			"username: the name %s is taken", m->name);
		member_finish(m, ERR_CONFLICT);
		return;
	}
	memcpy(m->encoded, m->password.encoded, sizeof(m->encoded));
	member_go(m);
}

static void
member_write(struct member *m, bool inserts)
{
	_params_ struct params p;

	params_init(&p);
	m->ask = (struct ask){.is_read = false};
	job_init(&m->ask.job, on_written);
	params_text(&p, slice_str(m->uid));
	if (inserts) {
		params_text(&p, slice_str(m->appid));
		params_text(&p, slice_str(m->name));
		params_text(&p, slice_str(m->password.encoded));
		params_int(&p, clock_now_ms());
	} else {
		params_text(&p, slice_str(m->password.encoded));
		params_word(&p, slice_str(m->old_len ? m->encoded : ""));
	}
	pool_ask(m->home.family.pool, &m->ask, inserts ? insert_sql : write_sql,
		p.v, p.count);
}

static void
on_sessions_ended(struct job *job)
{
	struct member *m = container_of(job, struct member, end.job);

	if (job->err < 0)
		member_finish(m, job->err);
	else
		member_go(m);
}

static void
member_go(struct member *m)
{
	unsigned step = m->left & -m->left;
	const struct device_which others = {
		.keep = m->keep, .reason = "password"};

	m->left &= ~step;
	switch (step) {
	case MEMBER_FIND:
		member_find(m);
		return;
	case MEMBER_CHECK:
		job_init(&m->password.job, on_checked);
		password_check(m->home.passwords, &m->password,
			slice_of(m->old, m->old_len), slice_str(m->encoded));
		return;
	case MEMBER_MAKE:
		job_init(&m->password.job, on_made);
		password_make(m->home.passwords, &m->password,
			slice_of(m->fresh, m->fresh_len));
		return;
	case MEMBER_WRITE:
	case MEMBER_INSERT:
		member_write(m, step == MEMBER_INSERT);
		return;
	case MEMBER_END:
		job_init(&m->end.job, on_sessions_ended);
		device_end(
			&m->end, &m->home.family, slice_str(m->uid), &others);
		return;
	default:
		member_finish(m, 0);
	}
}

static void
on_drop(struct job *job)
{
	struct member *m = container_of(job, struct member, job);

	job_cancel(&m->ask.job);
	job_cancel(&m->password.job);
	job_cancel(&m->end.job);
	member_forget(m);
}

static void
member_begin(struct member *m, const struct member_home *home, unsigned left)
{
	m->home = *home;
	m->left = left;
	m->keep = 0;
	m->found = m->blocked = m->by_name = false;
	m->uid[0] = m->name[0] = m->encoded[0] = '\0';
	member_forget(m);
	job_init(&m->ask.job, on_found);
	job_init(&m->password.job, on_made);
	job_init(&m->end.job, on_sessions_ended);
	job_begin(&m->job, home->family.loop, DEADLINE_MS, on_drop);
}

static void
member_fail(struct member *m, int err)
{
	member_forget(m);
	job_fail_soon(&m->job, m->home.family.loop, err);
}

static int
take_name(struct member *m, struct slice name)
{
	m->by_name = true;
	return member_name(name, m->name, &m->job.why);
}

static int
take_uid(struct member *m, struct slice uid)
{
	if (uid.len > UID_LEN)
		return ERR_DB_NO_DOC;
	memcpy(m->uid, uid.ptr, uid.len);
	m->uid[uid.len] = '\0';
	return 0;
}

static int
take_fresh(struct member *m, struct slice password)
{
	int e = member_password(password, &m->job.why);

	if (e < 0)
		return e;
	memcpy(m->fresh, password.ptr, password.len);
	m->fresh_len = password.len;
	return 0;
}

static int
take_old(struct member *m, struct slice password)
{
	if (!password.len || password.len > PASSWORD_TOP)
		return ERR_PASSWORD_BAD;
	memcpy(m->old, password.ptr, password.len);
	m->old_len = password.len;
	return 0;
}

static void
member_start(struct member *m, int e)
{
	if (e < 0)
		member_fail(m, e);
	else
		member_go(m);
}

void
member_add(struct member *m, const struct member_home *home, struct slice appid,
	struct slice name, struct slice password)
{
	int e;

	member_begin(m, home, MEMBER_MAKE | MEMBER_INSERT);
	text_random_hex(m->uid, UID_LEN / 2);
	(void)snprintf(m->appid, sizeof(m->appid), "%.*s", SLICE_ARG(appid));
	e = take_name(m, name);
	if (e == 0)
		e = take_fresh(m, password);
	member_start(m, e);
}

void
member_check(struct member *m, const struct member_home *home,
	struct slice name, struct slice password)
{
	int e;

	member_begin(m, home, MEMBER_FIND | MEMBER_CHECK);
	e = take_name(m, name);
	if (e == 0)
		e = take_old(m, password);
	member_start(m, e);
}

void
member_check_uid(struct member *m, const struct member_home *home,
	struct slice uid, struct slice password)
{
	int e;

	member_begin(m, home, MEMBER_FIND | MEMBER_CHECK);
	e = take_uid(m, uid);
	if (e == 0)
		e = take_old(m, password);
	member_start(m, e);
}

void
member_set(struct member *m, const struct member_home *home, struct slice name,
	struct slice password)
{
	int e;

	member_begin(
		m, home, MEMBER_FIND | MEMBER_MAKE | MEMBER_WRITE | MEMBER_END);
	e = take_name(m, name);
	if (e == 0)
		e = take_fresh(m, password);
	member_start(m, e);
}

void
member_set_uid(struct member *m, const struct member_home *home,
	struct slice uid, struct slice password, uint64_t keep)
{
	int e;

	member_begin(
		m, home, MEMBER_FIND | MEMBER_MAKE | MEMBER_WRITE | MEMBER_END);
	m->keep = keep;
	e = take_uid(m, uid);
	if (e == 0)
		e = take_fresh(m, password);
	member_start(m, e);
}

void
member_change(struct member *m, const struct member_home *home,
	struct slice uid, struct slice old, struct slice fresh, uint64_t keep)
{
	int e;

	member_begin(m, home,
		MEMBER_FIND | MEMBER_CHECK | MEMBER_MAKE | MEMBER_WRITE |
			MEMBER_END);
	m->keep = keep;
	e = take_uid(m, uid);
	if (e == 0)
		e = take_old(m, old);
	if (e == 0)
		e = take_fresh(m, fresh);
	member_start(m, e);
}

void
member_done(struct member *m)
{
	job_cancel(&m->job);
	member_forget(m);
	mem_wipe(m->encoded, sizeof(m->encoded));
}
