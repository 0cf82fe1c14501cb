/*
 * The statements about users for the operator; what they answer is put together
 * by db/routines/users.sql.
 */
#include "auth/users.h"

#include "auth/params.h"
#include "base/clock.h"

#include <stdio.h>

enum { DEADLINE_MS = 15000 };

static void
drop(struct job *job)
{
	job_cancel(&container_of(job, struct users, job)->ask.job);
}

static struct users *
users_of(struct job *job)
{
	return container_of(
		container_of(job, struct ask, job), struct users, ask);
}

static void
begin(struct users *u, const struct family_home *home, job_fn *done,
	bool is_read)
{
	job_begin(&u->job, home->loop, DEADLINE_MS, drop);
	u->json = slice_of("", 0);
	u->changed = false;
	u->uid[0] = '\0';
	u->ask = (struct ask){.is_read = is_read};
	job_init(&u->ask.job, done);
}

static int
not_found(struct users *u)
{
	return fault_set(&u->job.why, ERR_USER_NOT_FOUND,
		"no user is called \"%s\" (a uid, username, custom id, openid "
		"or unionid)",
		u->word);
}

/* A word that was asked for: too long a one names nobody. */
static bool
word_keep(struct users *u, struct slice who)
{
	size_t n = min(who.len, (size_t)USERS_WORD);

	memcpy(u->word, who.ptr, n);
	u->word[n] = '\0';
	return who.len <= USERS_WORD && !memchr(who.ptr, '\0', who.len);
}

static void
on_json(struct job *job)
{
	struct users *u = users_of(job);
	int e = job->err;

	if (e == 0 && (!ask_rows(&u->ask) || ask_is_null(&u->ask, 0, 0)))
		e = not_found(u);
	else if (e == 0)
		u->json = ask_value(&u->ask, 0, 0);
	job_finish(&u->job, e);
}

void
users_list(struct users *u, const struct family_home *home, struct slice who,
	int64_t after_ms, const char *after_uid, int top)
{
	_params_ struct params p;

	begin(u, home, on_json, true);
	if (!word_keep(u, who)) {
		job_fail_soon(&u->job, home->loop, not_found(u));
		return;
	}
	params_init(&p);
	params_text(&p, who);
	if (after_uid)
		params_int(&p, after_ms);
	else
		params_null(&p);
	params_word(&p, slice_str(after_uid ? after_uid : ""));
	params_int(&p, top);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &u->ask,
		"SELECT mpcloud.users_list($1, $2::bigint, $3, $4::integer,"
		" $5::bigint)",
		p.v, p.count);
}

void
users_show(struct users *u, const struct family_home *home, struct slice uid)
{
	_params_ struct params p;

	begin(u, home, on_json, true);
	(void)word_keep(u, uid);
	params_init(&p);
	params_text(&p, uid);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &u->ask,
		"SELECT mpcloud.user_show($1, $2::bigint)", p.v, p.count);
}

static void
on_found(struct job *job)
{
	struct users *u = users_of(job);
	int e = job->err, n = ask_rows(&u->ask);
	/* a uid is one's own: nobody hides it by a name of the same letters */
	bool is_uid = n && slice_is(ask_value(&u->ask, 0, 0), u->word);

	if (e == 0 && n == 0)
		e = not_found(u);
	else if (e == 0 && n > 1 && !is_uid)
		e = fault_set(&u->job.why, ERR_CONFLICT,
			"\"%s\" names several users: `mpcloud users list %s` "
			"shows them, say the uid of one",
			u->word, u->word);
	else if (e == 0)
		(void)snprintf(u->uid, sizeof(u->uid), "%.*s",
			SLICE_ARG(ask_value(&u->ask, 0, 0)));
	job_finish(&u->job, e);
}

void
users_find(struct users *u, const struct family_home *home, struct slice who)
{
	_params_ struct params p;

	begin(u, home, on_found, true);
	if (!who.len || !word_keep(u, who)) {
		job_fail_soon(&u->job, home->loop, not_found(u));
		return;
	}
	params_init(&p);
	params_text(&p, who);
	pool_ask(home->pool, &u->ask,
		"SELECT uid FROM mpcloud.users_named($1)"
		" ORDER BY uid <> $1 LIMIT 2",
		p.v, p.count);
}

static void
on_changed(struct job *job)
{
	struct users *u = users_of(job);

	u->changed = job->err == 0 && ask_changed(&u->ask) > 0;
	job_finish(&u->job, job->err);
}

void
users_block(struct users *u, const struct family_home *home, struct slice uid)
{
	_params_ struct params p;

	begin(u, home, on_changed, false);
	params_init(&p);
	params_text(&p, uid);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &u->ask,
		"UPDATE mpcloud.users SET blocked_at = $2::bigint"
		" WHERE uid = $1 AND blocked_at IS NULL",
		p.v, p.count);
}

void
users_unblock(struct users *u, const struct family_home *home, struct slice uid)
{
	begin(u, home, on_changed, false);
	pool_ask(home->pool, &u->ask,
		"UPDATE mpcloud.users SET blocked_at = NULL"
		" WHERE uid = $1 AND blocked_at IS NOT NULL",
		&uid, 1);
}

static void
on_deleted(struct job *job)
{
	struct users *u = users_of(job);

	u->changed = job->err == 0 && ask_rows(&u->ask) &&
		     slice_is(ask_value(&u->ask, 0, 0), "t");
	job_finish(&u->job, job->err);
}

void
users_delete(struct users *u, const struct family_home *home, struct slice uid)
{
	int64_t now = clock_now_ms();
	_params_ struct params p;

	begin(u, home, on_deleted, false);
	params_init(&p);
	params_text(&p, uid);
	params_int(&p, now);
	params_int(&p, now + home->access_ttl_s * 1000);
	pool_ask(home->pool, &u->ask,
		"SELECT mpcloud.user_delete($1, $2::bigint, $3::bigint)", p.v,
		p.count);
}
