/*
 * One message is tried three times in all, each for five seconds, until the
 * server says "success" or nothing with 200, as WeChat does; a test may ask for
 * copies of the message besides, one after the other or all at once, for that
 * happens too.
 *
 * A campaign is what one request of a test wanted.  It outlives the test's
 * connection: WeChat does not stop either.
 */

#include "pusher.h"

#include "control.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
	COPIES_TOP = 100,
	TRIES_TOP = 10,
	WAIT_TOP_MS = 600000,
	ANSWER_TOP = 64 * 1024,
	TEXT_TOP = 1024,
	ECHO_LEN = 19,
};

struct campaign;

/* One copy of the message. */
struct copy {
	struct fetch fetch;
	struct timer pause;
	struct campaign *of;
	unsigned tries;
	bool accepted;
	json_t *attempts;
};

struct campaign {
	struct later later; /* x NULL: nobody waits */
	struct list on;     /* s->campaigns */
	struct sandbox *s;
	struct push_form form;
	char *echostr; /* a check of the URL, instead of a message */
	bool together;
	unsigned count, begun, over;
	unsigned tries;
	uint64_t timeout_ms, pause_ms;
	struct copy copy[];
};

static void copy_try(struct copy *c);

static void
campaign_free(struct campaign *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		timer_clear(&all->copy[i].pause);
		fetch_done(&all->copy[i].fetch);
		json_decref(all->copy[i].attempts);
	}
	list_del(&all->on);
	push_form_done(&all->form);
	mem_free(all->echostr);
	mem_free(all);
}

void
pusher_stop(struct sandbox *s)
{
	while (s->campaigns.next && !list_empty(&s->campaigns))
		campaign_free(list_first(&s->campaigns, struct campaign, on));
	s->fetcher = fetcher_free(s->fetcher);
}

/* ---- what is told ---- */

static void
campaign_tell(struct campaign *all)
{
	struct buf *to = &all->later.answer->body;
	bool good = true;

	for (unsigned i = 0; i < all->count; i++)
		good = good && all->copy[i].accepted;
	buf_printf(to, "{\"accepted\":%s,\"deliveries\":[",
		good ? "true" : "false");
	for (unsigned i = 0; i < all->count; i++) {
		buf_printf(to, "%s{\"accepted\":%s,\"attempts\":", i ? "," : "",
			all->copy[i].accepted ? "true" : "false");
		val_put(to, all->copy[i].attempts);
		buf_char(to, '}');
	}
	buf_str(to, "]}");
	later_send(&all->later);
}

static void
copy_over(struct copy *c)
{
	struct campaign *all = c->of;

	if (++all->over == all->count) {
		if (all->later.x)
			campaign_tell(all);
		campaign_free(all);
	} else if (!all->together) {
		copy_try(&all->copy[all->begun++]);
	}
}

/* ---- one try ---- */

/* WeChat takes "success" and nothing at all; for a check, the echostr. */
static bool
is_accepted(const struct copy *c)
{
	struct slice body = buf_all(&c->fetch.body);
	const char *echostr = c->of->echostr;

	if (c->fetch.job.err < 0 || c->fetch.status != 200)
		return false;
	return echostr ? slice_is(body, echostr)
		       : body.len == 0 || slice_is(body, "success");
}

static void
attempt_note(struct copy *c)
{
	json_t *one = json_pack("{s:i,s:s%}", "status", (int)c->fetch.status,
		"body", c->fetch.body.ptr ? c->fetch.body.ptr : "",
		c->fetch.body.len);

	if (!one) /* not UTF-8 */
		one = json_pack("{s:i}", "status", (int)c->fetch.status);
	if (c->fetch.job.err < 0)
		(void)json_object_set_new(
			one, "error", json_string(err_text(c->fetch.job.err)));
	(void)json_array_append_new(c->attempts, one);
}

static void
on_pause(struct timer *timer)
{
	copy_try(container_of(timer, struct copy, pause));
}

static void
on_answer(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct copy *c = container_of(fetch, struct copy, fetch);
	struct campaign *all = c->of;

	attempt_note(c);
	c->accepted = is_accepted(c);
	fetch_done(fetch);
	if (c->accepted || c->tries >= all->tries)
		copy_over(c);
	else
		timer_set(&c->pause, &all->s->loop, all->pause_ms, on_pause);
}

/* It was written once when the campaign began, so it can be written. */
static void
copy_try(struct copy *c)
{
	static const char *const json[] = {"Content-Type: application/json",
		"User-Agent: Mozilla/4.0", NULL};
	static const char *const xml[] = {
		"Content-Type: text/xml", "User-Agent: Mozilla/4.0", NULL};
	struct campaign *all = c->of;
	_buf_ struct buf url, body;
	struct fetch_ask ask = {
		.method = all->echostr ? "GET" : "POST",
		.headers = all->form.xml ? xml : json,
		.timeout_ms = all->timeout_ms,
		.answer_top = ANSWER_TOP,
	};
	int r;

	buf_init(&url, PUSH_URL_TOP);
	buf_init(&body, PUSH_BODY_TOP);
	r = all->echostr ? push_form_check(&all->form, slice_str(all->echostr),
				   &url, NULL)
			 : push_form_write(&all->form, &url, &body, NULL);
	ask.url = url.ptr;
	ask.body = r < 0 ? SLICE("") : buf_all(&body);
	c->tries++;
	job_init(&c->fetch.job, on_answer);
	fetch_start(all->s->fetcher, &c->fetch, &ask);
}

/* ---- the beginning ---- */

static void
on_gone(struct later *later)
{
	later->x = NULL;
}

static int
fetcher_need(struct sandbox *s, struct fault *why)
{
	int r = 0;

	if (!s->campaigns.next)
		list_init(&s->campaigns);
	if (!s->fetcher)
		r = fetcher_new(&s->fetcher, &s->loop);
	return r < 0 ? fault_set(why, r, "nothing can be sent") : 0;
}

/* Takes over `form`; on failure too. */
static int
campaign_new(struct campaign **ret, struct sandbox *s, struct push_form *form,
	unsigned count, struct fault *why)
{
	struct campaign *all =
		mem_alloc(sizeof(*all) + count * sizeof(all->copy[0]));
	int r;

	all->s = s;
	all->form = *form;
	*form = (struct push_form){0};
	all->count = count;
	all->tries = 3;
	all->timeout_ms = 5000;
	list_init(&all->on);
	for (unsigned i = 0; i < count; i++) {
		all->copy[i].of = all;
		all->copy[i].attempts = json_array();
	}
	r = fetcher_need(s, why);
	if (r < 0) {
		campaign_free(all);
		return r;
	}
	list_add(&s->campaigns, &all->on);
	*ret = all;
	return 0;
}

static void
campaign_begin(struct campaign *all)
{
	unsigned first = all->together ? all->count : 1;

	all->begun = first;
	for (unsigned i = 0; i < first; i++)
		copy_try(&all->copy[i]);
}

json_t *
pusher_complete(struct sandbox *s, const struct mini *m, json_t *said)
{
	_free_ char *openid = user_new_openid(s, m);
	char id[18] = "2";
	json_t *all = json_pack("{s:s,s:s,s:I,s:s}", "ToUserName",
		m->original_id, "FromUserName", openid, "CreateTime",
		(json_int_t)clock_now_s(), "MsgType", "text");
	const char *type;

	(void)json_object_update(all, said);
	type = json_string_value(json_object_get(all, "MsgType"));
	random_letters(id + 1, sizeof(id) - 2, DIGITS);
	if ((!type || strcmp(type, "event") != 0) &&
		!json_object_get(all, "MsgId"))
		(void)json_object_set_new(
			all, "MsgId", json_integer(atoll(id)));
	json_decref(said);
	return all;
}

void
pusher_post(struct sandbox *s, struct mini *m, json_t *msg)
{
	const struct push_target *t = &m->push;
	struct push_form form = {.msg = msg};
	struct campaign *all;

	if (!t->url) {
		json_decref(msg);
		return;
	}
	form.url = str_dup(t->url);
	form.token = str_dup(t->token);
	form.aes_key = t->aes_key ? str_dup(t->aes_key) : NULL;
	form.appid = str_dup(m->appid);
	form.safe = t->safe;
	form.plain_too = t->plain_too;
	form.xml = t->xml;
	form.msg = pusher_complete(s, m, form.msg);
	if (campaign_new(&all, s, &form, 1, NULL) == 0)
		campaign_begin(all);
}

void
pusher_begin(struct sandbox *s, struct exchange *x, struct answer *a,
	struct push_form *f, const struct push_wish *w, char *echostr)
{
	struct campaign *all;
	struct fault why = {0};

	if (campaign_new(&all, s, f, (unsigned)w->repeat, &why) < 0) {
		mem_free(echostr);
		control_refuse(a, &why);
		return;
	}
	all->echostr = echostr;
	all->tries = (unsigned)w->tries;
	all->timeout_ms = (uint64_t)w->timeout_ms;
	all->pause_ms = (uint64_t)w->pause_ms;
	all->together = w->together;
	if (w->wait)
		answer_later(s, x, a, &all->later, on_gone);
	else
		buf_str(&a->body, "{}");
	campaign_begin(all);
}
