/*
 * What the operator sees of the access tokens: everything but the tokens; and
 * why a mini program gets no phone number from here.
 */
#include "auth/app.h"
#include "base/clock.h"
#include "db/pool.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

struct tokens_act {
	struct request *r;
	struct ask ask;
};

static const char tokens_sql[] =
	"SELECT json_build_object('now', $2::bigint, 'tokens',"
	" coalesce(json_agg(json_strip_nulls(json_build_object("
	"  'appid', a.appid,"
	"  'fetchedAt', nullif(t.fetched_at, 0),"
	"  'refreshAt', nullif(t.refresh_at, 0),"
	"  'expiresAt', nullif(t.expires_at, 0),"
	"  'fetches', coalesce(t.fetches, 0),"
	"  'isGood', coalesce(t.sealed IS NOT NULL AND"
	"    t.expires_at > $2::bigint, false),"
	"  'isAsking', coalesce(t.lease_by IS NOT NULL AND"
	"    t.lease_until > $2::bigint, false),"
	"  'restUntil', CASE WHEN t.lease_by IS NULL AND"
	"    t.lease_until > $2::bigint THEN t.lease_until END,"
	"  'failedAt', t.failed_at, 'failure', t.failure))"
	"  ORDER BY a.at), '[]'))"
	" FROM json_array_elements_text($1::json) WITH ORDINALITY a (appid, at)"
	" LEFT JOIN mpcloud.access_tokens t ON t.appid = a.appid";

static void
on_tokens(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct tokens_act *act = container_of(ask, struct tokens_act, ask);

	if (job->err == 0)
		(void)request_reply(act->r, 200, ask_value(ask, 0, 0));
	request_finish(act->r, job->err, &job->why);
}

static char *
appids_of(struct request *r)
{
	const struct apps *apps = r->gateway->apps;
	_buf_ struct buf b;

	buf_init(&b, (size_t)APPS_TOP * 512);
	buf_char(&b, '[');
	for (size_t i = 0; i < apps->count; i++) {
		if (!*apps->app[i]->appid)
			continue;
		if (b.len > 1)
			buf_char(&b, ',');
		buf_json(&b, slice_str(apps->app[i]->appid));
	}
	buf_char(&b, ']');
	return arena_str(request_arena(r), buf_all(&b));
}

int
endpoint_ops_wechat_tokens(struct request *r)
{
	struct tokens_act *act = arena_new(request_arena(r), struct tokens_act);
	char *now = arena_printf(
		request_arena(r), "%lld", (long long)clock_now_ms());

	act->r = r;
	act->ask.is_read = true;
	job_init(&act->ask.job, on_tokens);
	pool_ask(r->gateway->pool, &act->ask, tokens_sql,
		(struct slice[]){slice_str(appids_of(r)), slice_str(now)}, 2);
	return request_wait(r, &act->ask.job);
}

/* A phone number is personal: it comes to the client only if the author's own
 * code lets it. */
int
endpoint_wechat_phone(struct request *r)
{
	return fault_set(&r->why, ERR_FORBIDDEN,
		"send the button's code (e.detail.code, not wx.login's) to a "
		"function of yours, which asks "
		"cloud.openapi.phonenumber.getPhoneNumber({code}) and decides "
		"what the client gets");
}
