/*
 * POST /sandbox/push, /sandbox/push-check and /sandbox/push-url: what a test
 * wants to have sent.  What a request leaves out is as the app's own address
 * has it.
 */

#include "pusher.h"

#include "control.h"
#include "random.h"

#include "base/mem.h"

enum {
	COPIES_TOP = 100,
	TRIES_TOP = 10,
	WAIT_TOP_MS = 600000,
	TEXT_TOP = 1024,
	ECHO_LEN = 19,
};

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

/* The mode that goes with the token and the key. */
static const char *
mode_preset(const struct push_target *t, bool own, const json_t *ask)
{
	if (own)
		return json_object_get(ask, "aesKey") ? "safe" : "plain";
	return !t->safe ? "plain" : t->plain_too ? "both" : "safe";
}

/* What the request says, else what the app's address says; who names a token
 * means another address. */
static int
form_parse(struct push_form *ret, const struct mini *m, const json_t *ask,
	struct fault *why)
{
	const struct push_target *t = &m->push;
	bool own = json_object_get(ask, "token") != NULL;
	_free_ char *mode = text_or(ask, "mode", mode_preset(t, own, ask));
	_free_ char *format = text_or(ask, "format", t->xml ? "xml" : "json");
	int r = word_check(ask, "mode", "plain", "safe", "both", why);

	if (r == 0)
		r = word_check(ask, "format", "json", "xml", "", why);
	if (r < 0)
		return r;
	ret->url = text_or(ask, "url", t->url);
	ret->token = text_or(ask, "token", t->token);
	ret->aes_key = text_or(ask, "aesKey", own ? NULL : t->aes_key);
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

	buf_init(&url, PUSH_URL_TOP);
	buf_init(&body, PUSH_BODY_TOP);
	if (!json_is_object(msg))
		return fault_set(why, ERR_PARAM,
			"msg: an object, {\"MsgType\": \"event\", \"Event\": "
			"\"user_enter_tempsession\"} and so on");
	f->msg = json_deep_copy(msg);
	f->msg = pusher_complete(s, m, f->msg);
	return push_form_write(f, &url, &body, why);
}

static int
wish_parse(struct push_wish *ret, const json_t *ask, struct fault *why)
{
	int r = val_int_or(ask, "repeat", 1, COPIES_TOP, 1, &ret->repeat, why);

	if (r == 0)
		r = val_int_or(ask, "tries", 1, TRIES_TOP, 3, &ret->tries, why);
	if (r == 0)
		r = val_int_or(ask, "timeout", 1, WAIT_TOP_MS, 5000,
			&ret->timeout_ms, why);
	if (r == 0)
		r = val_int_or(
			ask, "pause", 0, WAIT_TOP_MS, 0, &ret->pause_ms, why);
	if (r == 0)
		r = val_bool_or(ask, "together", false, &ret->together, why);
	if (r == 0)
		r = val_bool_or(ask, "wait", true, &ret->wait, why);
	return r;
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
	pusher_begin(s, x, a, &f, &w, NULL);
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
	pusher_begin(s, x, a, &f, &w, text_or(ask, "echostr", made));
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
	if (!json_object_get(ask, "url")) {
		m->push.url = mem_free(m->push.url);
		buf_str(&a->body, "{}");
		return;
	}
	r = form_parse(&f, m, ask, &why);
	if (r < 0) {
		control_refuse(a, &why);
	} else {
		target_done(&m->push);
		m->push.url = take(f.url);
		m->push.token = take(f.token);
		m->push.aes_key = take(f.aes_key);
		m->push.safe = f.safe;
		m->push.plain_too = f.plain_too;
		m->push.xml = f.xml;
		buf_str(&a->body, "{}");
	}
	push_form_done(&f);
}
