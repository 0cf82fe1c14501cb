/*
 * The mini program that a request comes from: it says so itself (body.appid),
 * or a proxy of WeChat's does (X-WX-APPID), or the Referer, which mini programs
 * cannot set: https://servicewechat.com/APPID/VERSION/page-frame.html.  The
 * last is taken only when that appid is one of ours: developer tools write
 * others.
 */
#include "gateway/login_act.h"

#include "auth/app.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/val.h"
#include "gateway/admit.h"
#include "trigger/queue.h"

enum {
	ANSWER_TOP = 16384,
	APPID_TOP = 128,
	DEVICE_SAID_TOP = 1024,
	NAME_TOP = 128,
	IP_TIMES = 5,       /* attempts of an address, to one of a name */
	LIMITED_MS = 60000, /* WeChat counts by the minute */
};

static struct slice
header(const struct login_act *act, const char *name)
{
	return exchange_header(act->r->x, name);
}

static struct slice
referer_appid(const struct login_act *act)
{
	static const char base[] = "https://servicewechat.com/";
	struct slice s = header(act, "Referer"), appid;

	if (!slice_starts(s, base))
		return slice_of("", 0);
	s = slice_of(s.ptr + sizeof(base) - 1, s.len - (sizeof(base) - 1));
	(void)slice_split(&s, '/', &appid);
	return appid.len && apps_find(act->r->gateway->apps, appid)
		       ? appid
		       : slice_of("", 0);
}

int
login_act_from(struct login_act *act)
{
	struct request *r = act->r;
	struct login_from *from = &act->login.from;
	struct slice device = header(act, "X-Mpcloud-Device");
	struct slice appid = slice_trim(header(act, "X-WX-APPID"));
	int e = 0;

	if (!appid.len)
		appid = referer_appid(act);
	if (!device.len)
		device = header(act, "User-Agent");
	from->device_id = header(act, "x-device-id");
	if (r->json)
		e = val_str_or(
			r->json, "appid", APPID_TOP, appid, &appid, &r->why);
	if (r->json && e == 0)
		e = val_str_or(r->json, "device", DEVICE_SAID_TOP, device,
			&device, &r->why);
	from->appid = appid;
	from->device = device;
	return e;
}

struct login_act *
login_act_with(struct request *r, job_fn *done)
{
	struct login_act *act = arena_new(request_arena(r), struct login_act);

	act->r = r;
	act->login.arena = request_arena(r);
	job_init(&act->login.job, done);
	return act;
}

void
login_act_finish(struct login_act *act)
{
	struct job *job = &act->login.job;
	struct request *r = act->r;

	if (job->err == ERR_LIMITED && !r->retry_ms)
		r->retry_ms = LIMITED_MS;
	request_finish(r, job->err, &job->why);
}

static void
on_tokens(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);
	const struct login *l = &act->login;
	struct request *r = act->r;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (job->err >= 0) {
		buf_str(&b, "{\"uid\":");
		buf_json(&b, slice_str(l->uid));
		buf_str(&b, ",\"accessToken\":");
		buf_json(&b, slice_str(l->access_token));
		buf_str(&b, ",\"refreshToken\":");
		buf_json(&b, slice_str(l->refresh_token));
		buf_str(&b, ",\"expiresIn\":");
		buf_i64(&b, l->expires_in_s);
		buf_str(&b, ",\"tokenType\":\"Bearer\"}");
		r->caller.uid = l->uid;
		if (r->gateway->queue)
			queue_heard(r->gateway->queue);
		(void)request_reply(r, 200, buf_all(&b));
	}
	login_act_finish(act);
}

struct login_act *
login_act_new(struct request *r)
{
	return login_act_with(r, on_tokens);
}

static struct gcra_verdict
ask(const struct gateway *g, char kind, struct slice key, int64_t rate)
{
	return gcra_ask(g->cells, gcra_key(g->cells, kind, key.ptr, key.len),
		gcra_per_minute(rate, rate), clock_now());
}

int
attempt_password(const struct gateway *g, const char *ip, struct slice who,
	uint32_t *retry_ms, struct fault *why)
{
	int64_t rate = g->conf->auth_password_rate;
	char name[NAME_TOP], address[ADMIT_KEY];
	size_t n = min(who.len, sizeof(name));
	struct gcra_verdict v;

	for (size_t i = 0; i < n; i++) /* as names are kept */
		name[i] = who.ptr[i] >= 'A' && who.ptr[i] <= 'Z'
				  ? (char)(who.ptr[i] - 'A' + 'a')
				  : who.ptr[i];
	v = ask(g, 'q', slice_of(address, admit_ip_key(ip, address)),
		rate * IP_TIMES);
	if (v.allowed)
		v = ask(g, 'p', slice_of(name, n), rate);
	if (v.allowed)
		return 0;
	*retry_ms = (uint32_t)(v.retry_ns / CLOCK_MS) + 1;
	return fault_set(why, ERR_LIMITED,
		"too many passwords were tried: wait as long as Retry-After "
		"says");
}
