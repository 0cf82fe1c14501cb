/*
 * Events in which a page put open data: client/mpcloud.js writes wx.cloud's
 * CloudID as {"$cloudID": id} and what a page has from WeChat itself as
 * {"$openData": {encryptedData, iv}}.  As at CloudBase, only members of the
 * event itself are replaced, and what cannot be opened becomes an errCode in
 * its place: the function is called all the same and can say more than we.
 *
 * Events are not parsed on their way to a function; the few that hold one of
 * the two words are.
 */
#include "auth/app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "gateway/gateway.h"
#include "gateway/open_data.h"
#include "wechat/cloudid.h"

#include <errno.h>
#include <string.h>

enum { ID_TOP = 1024 };

static const char id_word[] = "$cloudID", data_word[] = "$openData";

bool
open_event_is_meant(struct slice event)
{
	return event.len &&
	       (memmem(event.ptr, event.len, "\"$cloudID\"", 10) ||
		       memmem(event.ptr, event.len, "\"$openData\"", 11));
}

/* The one member of {"$word": …}, or NULL. */
static json_t *
marked(const json_t *v, const char *word)
{
	return json_is_object(v) && json_object_size(v) == 1
		       ? json_object_get(v, word)
		       : NULL;
}

static json_t *
item_of_id(struct open_event *e, const json_t *v)
{
	struct slice id = slice_of(json_string_value(v), json_string_length(v));
	json_t *item = json_object_get(e->ask.items, id.ptr ? id.ptr : "");
	_json_ json_t *data = NULL;
	int r = ERR_CLOUDID_BAD;

	if (item)
		return json_incref(item);
	if (id.ptr && !cloudid_is_ours(id) && e->ask.job.err < 0)
		return cloudid_item(id, NULL, e->ask.job.err, &e->ask.job.why);
	if (id.ptr && e->who->openid && e->who->openid[0])
		r = cloudid_open(e->gateway->seal, slice_str(e->who->appid),
			slice_str(e->who->openid), id, clock_now_s(), &data);
	return cloudid_item(id.ptr ? id : SLICE(""), data, r, NULL);
}

static json_t *
item_of_data(struct open_event *e, const json_t *v)
{
	_json_ json_t *data = NULL;
	struct opendata_ask ask;
	struct fault why = {0};
	int r = open_data_read(v, &ask, &why);

	open_data_ask(&ask, e->gateway, e->who);
	if (r == 0)
		r = opendata_open(&e->keys.keys, &ask, &data, &why);
	if (r == 0 && !data)
		data = json_true(); /* the signature is right */
	return cloudid_item(SLICE(""), data, r, &why);
}

static int
replace_all(struct open_event *e)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(e->root, next, key, v)
	{
		json_t *id = marked(v, id_word), *data = marked(v, data_word);
		json_t *item = id     ? item_of_id(e, id)
			       : data ? item_of_data(e, data)
				      : NULL;

		if (item && json_object_set_new(e->root, key, item) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
put_event(struct open_event *e)
{
	size_t top = (size_t)e->gateway->conf->functions_event_size;
	struct buf b _buf_;
	int r;

	buf_init(&b, top);
	val_put(&b, e->root);
	r = buf_check(&b);
	if (r == 0)
		e->event = slice_of(arena_str(e->arena, buf_all(&b)), b.len);
	return r;
}

/* With the keys that there are. */
static int
make_event(struct open_event *e)
{
	int r = replace_all(e);

	if (r == 0)
		r = put_event(e);
	json_decref(e->root);
	e->root = NULL;
	return r;
}

static void
let_go(struct open_event *e)
{
	session_key_done(&e->keys);
	cloudid_ask_done(&e->ask);
	json_decref(e->root);
	json_decref(e->foreign);
	e->root = e->foreign = NULL;
}

static void
end(struct open_event *e, int r)
{
	let_go(e);
	job_finish(&e->job, r);
}

static void
on_keys(struct job *job)
{
	struct session_key_ask *keys =
		container_of(job, struct session_key_ask, job);
	struct open_event *e = container_of(keys, struct open_event, keys);

	if (job->err < 0)
		e->job.why = job->why;
	end(e, job->err < 0 ? job->err : make_event(e));
}

/* Then the keys, when there is something to open with them. */
static void
open_rest(struct open_event *e)
{
	struct gateway *g = e->gateway;

	if (!e->with_data) {
		end(e, make_event(e));
		return;
	}
	session_key_get(&e->keys, g->loop, g->pool, g->seal,
		slice_str(e->who->appid), slice_str(e->who->openid));
}

/* What WeChat refuses stands in the ids' places. */
static void
on_exchanged(struct job *job)
{
	struct cloudid_ask *ask = container_of(job, struct cloudid_ask, job);

	open_rest(container_of(ask, struct open_event, ask));
}

static void
drop(struct job *job)
{
	let_go(container_of(job, struct open_event, job));
}

/* How many there are, and what is needed for them. */
static int
count_marked(struct open_event *e)
{
	const char *key;
	json_t *v;
	int n = 0;

	e->foreign = json_array();
	json_object_foreach (e->root, key, v) {
		bool data = marked(v, data_word) != NULL;
		json_t *id = marked(v, id_word);
		struct slice text =
			slice_of(json_string_value(id), json_string_length(id));

		e->with_data = e->with_data || data;
		n += data || id;
		if (text.len && text.len < ID_TOP && !cloudid_is_ours(text))
			(void)json_array_append(e->foreign, id);
	}
	return n;
}

static int
read_event(struct open_event *e, struct slice event)
{
	size_t values = VAL_REQUEST_TOP;
	int r = val_parse_some(&e->root, event, &values, &e->job.why);

	if (r < 0)
		return r;
	e->built = (VAL_REQUEST_TOP - values) * (size_t)VAL_WEIGHT;
	if (count_marked(e) > OPEN_EVENT_TOP)
		return fault_set(&e->job.why, ERR_PARAM,
			"data: %d CloudIDs and open data in one call at the "
			"most",
			OPEN_EVENT_TOP);
	return 0;
}

void
open_event_start(struct open_event *e, struct gateway *g, struct arena *arena,
	const struct caller *who, struct slice event)
{
	bool is_wechat = who->openid && who->openid[0];
	struct app *app =
		is_wechat ? apps_find(g->apps, slice_str(who->appid)) : NULL;
	int r;

	e->gateway = g;
	e->who = who;
	e->arena = arena;
	e->keys.keys.count = 0;
	e->with_data = false;
	e->built = 0;
	e->ask = (struct cloudid_ask){0};
	job_init(&e->keys.job, on_keys);
	job_init(&e->ask.job, on_exchanged);
	job_begin(&e->job, g->loop, 0, drop);
	r = read_event(e, event);
	e->with_data = e->with_data && is_wechat;
	if (r == 0 && app && json_array_size(e->foreign)) {
		cloudid_ask_start(&e->ask, g->loop, g->fetcher, g->tokens, app,
			who->openid, e->foreign);
		return;
	}
	if (r == 0 && e->with_data) {
		open_rest(e);
		return;
	}
	if (r == 0)
		r = make_event(e);
	let_go(e);
	job_fail_soon(&e->job, g->loop, r);
}
