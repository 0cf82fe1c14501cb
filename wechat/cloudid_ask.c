/*
 * One question for all of them.  WeChat answers each with the text or the
 * object that CloudBase would put in its place; it is taken as it is.
 */
#include "wechat/cloudid_ask.h"

#include "base/text.h"
#include "wechat/cloudid.h"

enum { DEADLINE_MS = 20000, QUERY_TOP = 1024, BODY_TOP = 64 * 1024 };

static void
drop(struct job *job)
{
	struct cloudid_ask *a = container_of(job, struct cloudid_ask, job);

	job_cancel(&a->api.job);
	a->app = app_unref(a->app);
}

/* The object, which may come as a text of JSON. */
static json_t *
item_of(json_t *from)
{
	json_t *item = NULL;

	if (json_is_object(from))
		return json_incref(from);
	if (json_is_string(from) && val_parse(&item,
					    slice_of(json_string_value(from),
						    json_string_length(from)),
					    NULL) < 0)
		return NULL;
	return item;
}

static void
take_items(struct cloudid_ask *a)
{
	json_t *each;
	size_t i;

	a->items = json_object();
	json_array_foreach (
		json_object_get(a->api.json, "data_list"), i, each) {
		const char *id =
			json_string_value(json_object_get(each, "cloud_id"));
		json_t *item = item_of(json_object_get(each, "json"));

		if (id && json_is_object(item))
			(void)json_object_set(a->items, id, item);
		json_decref(item);
	}
}

static void
on_answer(struct job *job)
{
	struct wxapi *api = container_of(job, struct wxapi, job);
	struct cloudid_ask *a = container_of(api, struct cloudid_ask, api);
	int e = job->err;

	if (e < 0)
		a->job.why = job->why;
	else if (api->errcode)
		e = fault_set(&a->job.why, ERR_CLOUDID_BAD,
			"WeChat does not exchange this cloudID: %lld %s",
			(long long)api->errcode, api->errmsg);
	else
		take_items(a);
	a->app = app_unref(a->app);
	job_finish(&a->job, e);
}

void
cloudid_ask_start(struct cloudid_ask *a, struct loop *loop,
	struct fetcher *fetcher, struct access_tokens *tokens, struct app *app,
	const char *openid, const json_t *ids)
{
	buf_init(&a->query, QUERY_TOP);
	buf_init(&a->body, BODY_TOP);
	buf_str(&a->query, "openid=");
	text_url(&a->query, slice_str(openid));
	buf_str(&a->body, "{\"cloudid_list\":");
	val_put(&a->body, ids);
	buf_char(&a->body, '}');
	job_begin(&a->job, loop, DEADLINE_MS, drop);
	if (buf_check(&a->body) < 0) {
		job_fail_soon(&a->job, loop, ERR_CLOUDID_BAD);
		return;
	}
	a->app = app_ref(app);
	a->ask = (struct wxapi_ask){
		.app = app,
		.method = "POST",
		.path = "/wxa/getopendata",
		.query = buf_all(&a->query),
		.body = buf_all(&a->body),
	};
	job_init(&a->api.job, on_answer);
	wxapi_start(&a->api, loop, fetcher, tokens, &a->ask);
}

void
cloudid_ask_done(struct cloudid_ask *a)
{
	job_cancel(&a->job);
	if (a->ask.app)
		wxapi_done(&a->api);
	json_decref(a->items);
	a->items = NULL;
	buf_done(&a->query);
	buf_done(&a->body);
}
