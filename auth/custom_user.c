/*
 * Who a custom login's ticket speaks of, without a login: the row of the user
 * alone.
 */
#include "auth/custom.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/text.h"

enum { DEADLINE_MS = 15000 };

static const char user_sql[] =
	"INSERT INTO mpcloud.users AS old (uid, appid, custom_id, created_at,"
	" last_login_at) VALUES ($1, $2, $3::text, $4::bigint, $4::bigint)"
	" ON CONFLICT (custom_id) WHERE custom_id IS NOT NULL DO UPDATE SET"
	" last_login_at = excluded.last_login_at WHERE old.blocked_at IS NULL"
	" RETURNING uid";

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct custom_user, job)->ask.job);
}

static void
on_user(struct job *job)
{
	struct custom_user *u = container_of(job, struct custom_user, ask.job);
	int err = job->err;

	if (err == 0 && ask_rows(&u->ask) != 1)
		err = ERR_USER_BLOCKED;
	else if (err == 0 && !family_value(&u->ask, 0, u->uid, UID_LEN))
		err = ERR_FORMAT;
	job_finish(&u->job, err);
}

void
custom_user_find(struct custom_user *u, const struct family_home *home,
	const char *appid, const char *custom_id)
{
	char uid[UID_LEN + 1];
	_params_ struct params p;

	params_init(&p);
	text_random_hex(uid, UID_LEN / 2);
	job_begin(&u->job, home->loop, DEADLINE_MS, on_drop);
	u->ask = (struct ask){0};
	job_init(&u->ask.job, on_user);
	params_text(&p, slice_str(uid));
	params_text(&p, slice_str(appid));
	params_text(&p, slice_str(custom_id));
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &u->ask, user_sql, p.v, p.count);
}
