/*
 * Both questions are signed with the session_key itself (as text, over
 * nothing), so that WeChat can tell whether it is the user's: read the key,
 * sign, ask, and for a reset put what came.
 */
#include "wechat/session_check.h"

#include "base/mem.h"
#include "base/text.h"
#include "wechat/opendata.h"

enum { DEADLINE_MS = 30000, QUERY_TOP = 1024 };

static void
end(struct session_check *c, int err, const struct fault *why)
{
	if (err < 0 && why)
		c->job.why = *why;
	c->app = app_unref(c->app);
	job_finish(&c->job, err);
}

static void
drop(struct job *job)
{
	struct session_check *c = container_of(job, struct session_check, job);

	job_cancel(&c->keys.job);
	job_cancel(&c->api.job);
	c->app = app_unref(c->app);
}

static const struct {
	int64_t errcode;
	int err;
	const char *text;
} refusals[] = {
	{87007, ERR_SESSION_KEY_STALE,
		"WeChat has no session_key of this user, or it has expired "
		"(87007): he must call wx.login"},
	{87008, ERR_INTERNAL,
		"WeChat does not take sig_method hmac_sha256 (87008)"},
	{87009, ERR_SESSION_KEY_STALE,
		"the session_key here is not the user's any more (87009): a "
		"wx.login whose code did not come here displaced it; he must "
		"call wx.login again"},
	{40097, ERR_INTERNAL, "WeChat refused the arguments (40097)"},
	{40003, ERR_PARAM, "WeChat does not know this openid (40003)"},
	{45011, ERR_LIMITED, "WeChat answers no more of these now (45011)"},
	{-1, ERR_UPSTREAM_BUSY, "WeChat's server is busy: try again"},
};

int
session_check_err(int64_t errcode, const char *errmsg, struct fault *why)
{
	for (size_t i = 0; i < array_size(refusals); i++)
		if (refusals[i].errcode == errcode)
			return fault_set(
				why, refusals[i].err, "%s", refusals[i].text);
	if (!errcode)
		return 0;
	return fault_set(why, ERR_UPSTREAM, "WeChat refused with %lld: %s",
		(long long)errcode, errmsg);
}

static void
on_put(struct job *job)
{
	struct session_key_ask *keys =
		container_of(job, struct session_key_ask, job);
	struct session_check *c =
		container_of(keys, struct session_check, keys);

	session_key_done(keys);
	end(c, job->err, &job->why);
}

/* Puts the key of the answer. */
static void
take_key(struct session_check *c)
{
	json_t *text = json_object_get(c->api.json, "session_key");
	struct slice fresh =
		slice_of(json_string_value(text), json_string_length(text));
	struct session_key key;
	int r = fresh.ptr ? session_key_parse(&key, fresh) : ERR_FORMAT;

	mem_wipe(&key, sizeof(key));
	if (r < 0) {
		(void)fault_set(&c->job.why, ERR_UPSTREAM,
			"WeChat's answer holds no session_key");
		end(c, ERR_UPSTREAM, NULL);
		return;
	}
	job_init(&c->keys.job, on_put);
	session_key_put(&c->keys, c->home->loop, c->home->pool, c->home->seal,
		slice_str(c->app->appid), slice_str(c->openid), fresh);
}

static void
on_answer(struct job *job)
{
	struct wxapi *api = container_of(job, struct wxapi, job);
	struct session_check *c = container_of(api, struct session_check, api);
	int r = job->err;

	if (r < 0) {
		end(c, r, &job->why);
		return;
	}
	c->errcode = api->errcode;
	c->valid = api->errcode == 0;
	r = session_check_err(api->errcode, api->errmsg, &c->job.why);
	if (r == 0 && c->resets)
		take_key(c);
	else if (r == ERR_SESSION_KEY_STALE && !c->resets)
		end(c, 0, NULL);
	else
		end(c, r, NULL);
}

static void
put_query(struct session_check *c)
{
	char sum[65];

	opendata_sign(&c->keys.keys.key[0], SLICE(""), sum);
	session_key_done(&c->keys);
	buf_str(&c->query, "openid=");
	text_url(&c->query, slice_str(c->openid));
	buf_str(&c->query, "&sig_method=hmac_sha256&signature=");
	buf_str(&c->query, sum);
	mem_wipe(sum, sizeof(sum));
}

static void
on_keys(struct job *job)
{
	struct session_key_ask *keys =
		container_of(job, struct session_key_ask, job);
	struct session_check *c =
		container_of(keys, struct session_check, keys);

	if (job->err < 0 || !keys->keys.count) {
		end(c, job->err < 0 ? job->err : ERR_OPEN_DATA_NO_KEY,
			&job->why);
		return;
	}
	put_query(c);
	c->ask = (struct wxapi_ask){
		.app = c->app,
		.method = "GET",
		.path = c->resets ? "/wxa/resetusersessionkey"
				  : "/wxa/checksession",
		.query = buf_all(&c->query),
	};
	job_init(&c->api.job, on_answer);
	wxapi_start(&c->api, c->home->loop, c->home->fetcher, c->home->tokens,
		&c->ask);
}

static void
start(struct session_check *c, const struct session_check_home *home,
	struct app *app, const char *openid, bool resets)
{
	c->valid = false;
	c->errcode = 0;
	c->home = home;
	c->app = app_ref(app);
	c->openid = openid;
	c->resets = resets;
	buf_init(&c->query, QUERY_TOP);
	job_begin(&c->job, home->loop, DEADLINE_MS, drop);
	job_init(&c->api.job, on_answer);
	job_init(&c->keys.job, on_keys);
	session_key_get(&c->keys, home->loop, home->pool, home->seal,
		slice_str(app->appid), slice_str(openid));
}

void
session_check_start(struct session_check *c,
	const struct session_check_home *home, struct app *app,
	const char *openid)
{
	start(c, home, app, openid, false);
}

void
session_check_reset(struct session_check *c,
	const struct session_check_home *home, struct app *app,
	const char *openid)
{
	start(c, home, app, openid, true);
}

void
session_check_done(struct session_check *c)
{
	job_cancel(&c->job);
	session_key_done(&c->keys);
	if (c->ask.app)
		wxapi_done(&c->api);
	if (c->query.ptr)
		mem_wipe(c->query.ptr, c->query.len);
	buf_done(&c->query);
}
