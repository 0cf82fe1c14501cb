/*
 * One read: the user and the session that asks.
 */
#include "auth/profile.h"

#include "auth/params.h"

enum { DEADLINE_MS = 15000 };

static const char get_sql[] =
	"SELECT coalesce(f.kind, ''), coalesce(u.username, ''),"
	" coalesce(u.custom_id, ''), u.password IS NOT NULL, u.created_at,"
	" u.last_login_at FROM mpcloud.users u"
	" LEFT JOIN mpcloud.families f ON f.sid = $2::bigint AND f.uid = u.uid"
	" WHERE u.uid = $1";

static const char name_sql[] =
	"SELECT '', username, '', false, 0, 0 FROM mpcloud.users"
	" WHERE username = $1";

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct profile, job)->ask.job);
}

static void
on_got(struct job *job)
{
	struct profile *p = container_of(job, struct profile, ask.job);
	const struct ask *ask = &p->ask;

	if (job->err < 0) {
		job_finish(&p->job, job->err);
		return;
	}
	p->found = ask_rows(ask) == 1 &&
		   family_value(ask, 0, p->kind, KIND_TOP) &&
		   family_value(ask, 1, p->username, MEMBER_NAME) &&
		   family_value(ask, 2, p->custom_id, CUSTOM_ID_TOP);
	if (p->found) {
		p->has_password = slice_is(ask_value(ask, 0, 3), "t");
		p->created_ms = ask_int(ask, 0, 4);
		p->last_login_ms = ask_int(ask, 0, 5);
	}
	job_finish(&p->job, 0);
}

static void
profile_begin(struct profile *p, const struct family_home *home)
{
	p->kind[0] = p->username[0] = p->custom_id[0] = '\0';
	p->has_password = p->found = false;
	p->created_ms = p->last_login_ms = 0;
	job_begin(&p->job, home->loop, DEADLINE_MS, on_drop);
	p->ask = (struct ask){.is_read = true};
	job_init(&p->ask.job, on_got);
}

void
profile_get(struct profile *p, const struct family_home *home,
	const struct caller *who)
{
	_params_ struct params v;

	params_init(&v);
	profile_begin(p, home);
	params_text(&v, slice_str(who->uid));
	params_int(&v, (int64_t)who->sid);
	pool_ask(home->pool, &p->ask, get_sql, v.v, v.count);
}

void
profile_by_name(
	struct profile *p, const struct family_home *home, struct slice name)
{
	char lower[MEMBER_NAME + 1];
	struct slice param;
	int e;

	profile_begin(p, home);
	e = member_name(name, lower, &p->job.why);
	if (e < 0) {
		job_fail_soon(&p->job, home->loop, e);
		return;
	}
	param = slice_str(lower);
	pool_ask(home->pool, &p->ask, name_sql, &param, 1);
}
