/*
 * POST /v1/wechat/open-data {encryptedData, iv, rawData?, signature?}: a page
 * gives what WeChat gave it, and gets a cloudID that its user may hand to a
 * function.  The data itself does not go back: a page has no business with a
 * phone number, and the function decides what of it to tell.
 */
#include "base/clock.h"
#include "gateway/endpoint.h"
#include "gateway/open_data.h"
#include "gateway/request.h"
#include "wechat/cloudid.h"

struct opendata_act {
	struct request *r;
	struct open_data open;
};

static int
put_id(struct opendata_act *act, struct buf *to)
{
	struct request *r = act->r;

	buf_str(to, "{\"cloudID\":\"");
	if (cloudid_make(r->gateway->seal, slice_str(r->caller.appid),
		    slice_str(r->caller.openid), act->open.data, clock_now_s(),
		    to) < 0)
		return ERR_ANSWER_BIG;
	buf_printf(to, "\",\"expiresIn\":%d}", CLOUDID_LIFE_S);
	return buf_check(to);
}

static void
on_open(struct job *job)
{
	struct open_data *open = container_of(job, struct open_data, job);
	struct opendata_act *act =
		container_of(open, struct opendata_act, open);
	struct request *r = act->r;
	int e = job->err;
	struct buf b _buf_;

	buf_init(&b, CLOUDID_TOP + 256);
	if (e == 0 && open->data)
		e = put_id(act, &b);
	else if (e == 0)
		buf_str(&b, "{}");
	if (e == 0)
		(void)request_reply(r, 200, buf_all(&b));
	open_data_done(open);
	request_finish(r, e, &job->why);
}

int
endpoint_opendata(struct request *r)
{
	struct opendata_act *act;
	struct opendata_ask ask;
	int e = request_json(r);

	if (e == 0)
		e = open_data_read(r->json, &ask, &r->why);
	if (e < 0)
		return e;
	act = arena_new(request_arena(r), struct opendata_act);
	act->r = r;
	job_init(&act->open.job, on_open);
	open_data_start(&act->open, r->gateway, &r->caller, &ask);
	return request_wait(r, &act->open.job);
}
