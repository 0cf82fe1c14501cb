/*
 * Open data for whoever has a caller: see open_data.h.  The keys live from the
 * database's answer to the end of one function here, then they are wiped.
 */
#include "gateway/open_data.h"

#include "base/clock.h"
#include "gateway/gateway.h"

static int
read_text(const json_t *body, const char *key, struct slice *ret,
	struct fault *why)
{
	return val_str_or(body, key, OPENDATA_TOP, slice_of(NULL, 0), ret, why);
}

int
open_data_read(const json_t *body, struct opendata_ask *ret, struct fault *why)
{
	int e;

	*ret = (struct opendata_ask){0};
	if (!json_is_object(body))
		return fault_set(why, ERR_PARAM,
			"an object with encryptedData and iv is wanted, as "
			"e.detail has them");
	e = read_text(body, "encryptedData", &ret->encrypted, why);
	if (e == 0)
		e = read_text(body, "iv", &ret->iv, why);
	if (e == 0)
		e = read_text(body, "rawData", &ret->raw, why);
	if (e == 0)
		e = read_text(body, "signature", &ret->signature, why);
	return e;
}

void
open_data_ask(struct opendata_ask *ask, const struct gateway *g,
	const struct caller *who)
{
	ask->appid = slice_str(who->appid ? who->appid : "");
	ask->openid = slice_str(who->openid ? who->openid : "");
	ask->now_s = clock_now_s();
	ask->age_s = g->conf->wechat_open_data_age / 1000;
}

static void
on_keys(struct job *job)
{
	struct session_key_ask *keys =
		container_of(job, struct session_key_ask, job);
	struct open_data *o = container_of(keys, struct open_data, keys);
	int e = job->err;

	if (e < 0)
		o->job.why = job->why;
	else
		e = opendata_open(&keys->keys, &o->ask, &o->data, &o->job.why);
	session_key_done(keys);
	job_finish(&o->job, e);
}

static void
drop(struct job *job)
{
	struct open_data *o = container_of(job, struct open_data, job);

	session_key_done(&o->keys);
}

void
open_data_start(struct open_data *o, struct gateway *g,
	const struct caller *who, const struct opendata_ask *ask)
{
	o->gateway = g;
	o->who = who;
	o->ask = *ask;
	o->data = NULL;
	open_data_ask(&o->ask, g, who);
	job_begin(&o->job, g->loop, 0, drop);
	if (!o->ask.openid.len) {
		job_fail_soon(&o->job, g->loop, ERR_OPEN_DATA_NO_KEY);
		return;
	}
	job_init(&o->keys.job, on_keys);
	session_key_get(&o->keys, g->loop, g->pool, g->seal, o->ask.appid,
		o->ask.openid);
}

void
open_data_done(struct open_data *o)
{
	job_cancel(&o->job);
	json_decref(o->data);
	o->data = NULL;
}
