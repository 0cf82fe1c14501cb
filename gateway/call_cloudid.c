/*
 * getOpenData of functions: cloudIDs, those of this server and WeChat's own,
 * for the data they stand for.  What is wrong with one stands in its place; the
 * call goes well, as at CloudBase.
 */
#include "gateway/openapi_ask.h"

#include "auth/app.h"
#include "base/clock.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "wechat/cloudid.h"

enum { IDS_TOP = 20 };

struct cloudids {
	struct openapi_ask *o;
	struct cloudid_ask ask; /* of WeChat's own */
	struct slice id[IDS_TOP];
	size_t count;
};

static json_t *
item_of(struct cloudids *ids, struct slice id)
{
	struct call *c = ids->o->call;
	const struct cloudid_ask *ask = &ids->ask;
	json_t *item = json_object_get(ask->items, arena_str(c->arena, id));
	_json_ json_t *data = NULL;
	int e;

	if (item)
		return json_incref(item);
	if (!cloudid_is_ours(id) && ask->job.err < 0)
		return cloudid_item(id, NULL, ask->job.err, &ask->job.why);
	e = cloudid_open(c->gateway->seal, slice_str(ids->o->app->appid),
		slice_str(c->caller->openid), id, clock_now_s(), &data);
	return cloudid_item(id, data, e, NULL);
}

static int
answer(struct cloudids *ids)
{
	_buf_ struct buf all, text;
	int e;

	buf_init(&all, OPENAPI_ANSWER_TOP);
	buf_init(&text, OPENAPI_ANSWER_TOP);
	for (size_t i = 0; i < ids->count; i++) {
		_json_ json_t *item = item_of(ids, ids->id[i]);

		buf_clear(&text);
		val_put(&text, item);
		proto_opendata_put(&all, ids->id[i], buf_all(&text));
	}
	e = text.full ? ERR_ANSWER_BIG : buf_check(&all);
	if (e < 0)
		return ERR_ANSWER_BIG;
	return openapi_message(
		ids->o->call, &(struct proto_answer){.body = buf_all(&all),
				      .content_type = {"", 0},
				      .status = 200});
}

static void
on_exchanged(struct job *job)
{
	struct cloudid_ask *ask = container_of(job, struct cloudid_ask, job);
	struct cloudids *ids = container_of(ask, struct cloudids, ask);

	call_end(ids->o->call, answer(ids), NULL);
}

/* Those that WeChat knows. */
static json_t *
foreign_of(const struct cloudids *ids)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ids->count; i++)
		if (ids->id[i].len && !cloudid_is_ours(ids->id[i]) &&
			text_is_utf8(ids->id[i]))
			(void)json_array_append_new(all,
				json_stringn(ids->id[i].ptr, ids->id[i].len));
	return all;
}

static int
ids_read(struct cloudids *ids)
{
	struct openapi_ask *o = ids->o;
	struct fault *why = &o->call->job.why;
	struct slice appid;
	int n = proto_cloudids_parse(
		o->message.request, ids->id, IDS_TOP, &appid);

	if (n < 0)
		return fault_set(why, n == ERR_TOO_BIG ? n : ERR_PARAM,
			"getOpenData: a list of at most %d cloudIDs is wanted",
			IDS_TOP);
	ids->count = (size_t)n;
	return openapi_ask_app(o, appid.len ? appid : o->message.appid);
}

int
openapi_cloudids(struct openapi_ask *o)
{
	struct call *c = o->call;
	struct cloudids *ids = arena_new(c->arena, struct cloudids);
	_json_ json_t *foreign = NULL;
	int e;

	ids->o = o;
	e = ids_read(ids);
	if (e < 0)
		return e;
	foreign = foreign_of(ids);
	if (json_array_size(foreign) && *c->caller->openid) {
		o->foreign = &ids->ask;
		job_init(&ids->ask.job, on_exchanged);
		call_wait(c, &ids->ask.job);
		cloudid_ask_start(&ids->ask, c->gateway->loop,
			c->gateway->fetcher, c->gateway->tokens, o->app,
			c->caller->openid, foreign);
		return 0;
	}
	e = answer(ids);
	if (e == 0)
		call_end_soon(c);
	return e;
}
