/*
 * One message is tried three times in all, each for five seconds, until the server
 * says "success" or nothing with 200, as WeChat does; a test may ask for copies of
 * the message besides, one after the other or all at once, for that happens too.
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
	URL_TOP = 4096,
	BODY_TOP = 4 << 20,
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
		buf_printf(to, "%s{\"accepted\":%s,\"attempts\":",
			i ? "," : "", all->copy[i].accepted ? "true" : "false");
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
		(void)json_object_set_new(one, "error",
			json_string(err_text(c->fetch.job.err)));
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
	static const char *const json[] = {
		"Content-Type: application/json", "User-Agent: Mozilla/4.0",
		NULL};
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

	buf_init(&url, URL_TOP);
	buf_init(&body, BODY_TOP);
	r = all->echostr ? push_form_check(&all->form,
				   slice_str(all->echostr), &url, NULL)
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
	struct campaign *all = mem_alloc(
		sizeof(*all) + count * sizeof(all->copy[0]));
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

/* What every message has, in WeChat's order, unless the test says otherwise. */
static void
msg_complete(struct sandbox *s, const struct mini *m, json_t **msg)
{
	_free_ char *openid = user_new_openid(s, m);
	char id[18] = "2";
	json_t *said = *msg;
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
	*msg = all;
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
	msg_complete(s, m, &form.msg);
	if (campaign_new(&all, s, &form, 1, NULL) == 0)
		campaign_begin(all);
}

/* ---- POST /sandbox/push, -push-check, -push-url ---- */

static char *
text_or(const json_t *ask, const char *name, const char *other)
{
	const char *text = json_string_value(json_object_get(ask, name));

	if (!text)
		text = other;
	return text ? str_dup(text) : NULL;
}

static int
word_check(const json_t *ask, const char *name, const char *a, const char *b,
	const char *c, struct fault *why)
{
	const json_t *v = json_object_get(ask, name);
	struct slice word = slice_str(json_string_value(v));

	if (!v || slice_is(word, a) || slice_is(word, b) || slice_is(word, c))
		return 0;
	return fault_set(why, ERR_PARAM, "%s: %s, %s%s%s", name, a, b,
		*c ? ", " : "", c);
}

/* What the request says, else what the app's address says. */
static int
form_parse(struct push_form *ret, const struct mini *m, const json_t *ask,
	struct fault *why)
{
	const struct push_target *t = &m->push;
	_free_ char *mode = text_or(ask, "mode",
		!t->safe ? "plain" : t->plain_too ? "both" : "safe");
	_free_ char *format = text_or(ask, "format", t->xml ? "xml" : "json");
	int r = word_check(ask, "mode", "plain", "safe", "both", why);

	if (r == 0)
		r = word_check(ask, "format", "json", "xml", "", why);
	if (r < 0)
		return r;
	ret->url = text_or(ask, "url", t->url);
	ret->token = text_or(ask, "token", t->token);
	ret->aes_key = text_or(ask, "aesKey", t->aes_key);
	ret->appid = str_dup(m->appid);
	ret->safe = strcmp(mode, "plain") != 0;
	ret->plain_too = strcmp(mode, "both") == 0;
	ret->xml = strcmp(format, "xml") == 0;
	if (!ret->url || !ret->token ||
		!slice_starts(slice_str(ret->url), "http") ||
		strlen(ret->url) > TEXT_TOP)
		return fault_set(why, ERR_PARAM,
			"url and token: needed, here or by POST "
			"/sandbox/push-url");
	return 0;
}

static int
msg_parse(struct push_form *f, struct sandbox *s, const struct mini *m,
	const json_t *ask, struct fault *why)
{
	_buf_ struct buf url, body;
	json_t *msg = json_object_get(ask, "msg");

	buf_init(&url, URL_TOP);
	buf_init(&body, BODY_TOP);
	if (!json_is_object(msg))
		return fault_set(why, ERR_PARAM,
			"msg: an object, {\"MsgType\": \"event\", \"Event\": "
			"\"user_enter_tempsession\"} and so on");
	f->msg = json_deep_copy(msg);
	msg_complete(s, m, &f->msg);
	return push_form_write(f, &url, &body, why);
}

struct push_wish {
	int64_t repeat, tries, timeout_ms, pause_ms;
	bool together, wait;
};

static int
wish_parse(struct push_wish *ret, const json_t *ask, struct fault *why)
{
	int r = val_int_or(
		ask, "repeat", 1, COPIES_TOP, 1, &ret->repeat, why);

	if (r == 0)
		r = val_int_or(ask, "tries", 1, TRIES_TOP, 3, &ret->tries, why);
	if (r == 0)
		r = val_int_or(ask, "timeout", 1, WAIT_TOP_MS, 5000,
			&ret->timeout_ms, why);
	if (r == 0)
		r = val_int_or(ask, "pause", 0, WAIT_TOP_MS, 0, &ret->pause_ms,
			why);
	if (r == 0)
		r = val_bool_or(ask, "together", false, &ret->together, why);
	if (r == 0)
		r = val_bool_or(ask, "wait", true, &ret->wait, why);
	return r;
}

/* Takes over `f`. */
static void
push_begin(struct sandbox *s, struct exchange *x, struct answer *a,
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

/* The common part of the two; `f` and `w` are filled, or `a`. */
static struct mini *
ask_parse(struct sandbox *s, struct answer *a, const json_t *ask,
	struct push_form *f, struct push_wish *w)
{
	struct mini *m = mini_named(s, ask, a);
	struct fault why = {0};
	int r;

	if (!m)
		return NULL;
	r = wish_parse(w, ask, &why);
	if (r == 0)
		r = form_parse(f, m, ask, &why);
	if (r == 0)
		return m;
	push_form_done(f);
	control_refuse(a, &why);
	return NULL;
}

void
control_push(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct push_form f = {0};
	struct push_wish w;
	struct fault why = {0};
	struct mini *m;

	if (control_parse(x, &ask, &why) < 0) {
		control_refuse(a, &why);
		return;
	}
	m = ask_parse(s, a, ask, &f, &w);
	if (!m)
		return;
	if (msg_parse(&f, s, m, ask, &why) < 0) {
		push_form_done(&f);
		control_refuse(a, &why);
		return;
	}
	push_begin(s, x, a, &f, &w, NULL);
}

void
control_push_check(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct push_form f = {0};
	struct push_wish w;
	struct fault why = {0};
	_free_ char *made = random_name("", ECHO_LEN, DIGITS);

	if (control_parse(x, &ask, &why) < 0) {
		control_refuse(a, &why);
		return;
	}
	if (!ask_parse(s, a, ask, &f, &w))
		return;
	w.tries = 1;
	push_begin(s, x, a, &f, &w, text_or(ask, "echostr", made));
}

static void
target_done(struct push_target *t)
{
	mem_free(t->url);
	mem_free(t->token);
	mem_free(t->aes_key);
	*t = (struct push_target){0};
}

void
control_push_url(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct push_form f = {0};
	struct fault why = {0};
	struct mini *m;
	int r = control_parse(x, &ask, &why);

	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	m = mini_named(s, ask, a);
	if (!m)
		return;
	target_done(&m->push);
	if (json_object_get(ask, "url"))
		r = form_parse(&f, m, ask, &why);
	if (r < 0) {
		control_refuse(a, &why);
	} else {
		m->push = (struct push_target){
			.url = take(f.url),
			.token = take(f.token),
			.aes_key = take(f.aes_key),
			.safe = f.safe,
			.plain_too = f.plain_too,
			.xml = f.xml,
		};
		buf_str(&a->body, "{}");
	}
	push_form_done(&f);
}
