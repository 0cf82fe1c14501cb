/*
 * sns/jscode2session, with the error numbers of WeChat's own page
 * (api_code2session; 40163 is on no page, but is what the real server says to a
 * used code), and what a telephone does: wx.login gives a code.
 */

#include "login.h"

#include "control.h"
#include "credential.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>

enum {
	CODES_TOP = 20000,
	CODE_LEN = 32,
	CODE_TTL_S = 5 * 60,
	LOGINS_A_MINUTE = 100,
};

struct code {
	struct item item;
	struct mini *mini;
	char *openid, *unionid;
	int64_t ends_s;
	bool used, blocked, keep;
};

static void
code_free(struct item *item)
{
	struct code *c = container_of(item, struct code, item);

	mem_free(c->openid);
	mem_free(c->unionid);
	mem_free(c);
}

void
login_init(struct sandbox *s)
{
	store_init(&s->codes, CODES_TOP, code_free);
}

void
login_done(struct sandbox *s)
{
	store_done(&s->codes);
}

/* ---- POST /sandbox/code ---- */

struct code_wish {
	struct mini *mini;
	struct slice openid, unionid;
	bool blocked; /* WeChat will refuse the user */
	bool keep;    /* the login gives the session_key that is there */
	bool rotate;  /* wx.login itself displaces the session_key */
};

static const struct code *
code_issue(struct sandbox *s, const struct code_wish *w)
{
	_free_ char *fresh = user_new_openid(s, w->mini);
	struct slice openid = w->openid.len ? w->openid : slice_str(fresh);
	struct user *u = user_get(s, w->mini, openid);
	char name[CODE_LEN + 1];
	struct code *c;

	if (!u)
		return NULL;
	c = mem_new(struct code);
	c->mini = w->mini;
	c->openid = str_ndup(openid.ptr, openid.len);
	if (w->unionid.len)
		c->unionid = str_ndup(w->unionid.ptr, w->unionid.len);
	c->ends_s = clock_now_s() + CODE_TTL_S;
	c->blocked = w->blocked;
	c->keep = w->keep || w->rotate;
	if (w->rotate)
		user_key_make(u);
	random_letters(name, CODE_LEN, ALNUM);
	name[0] = '0'; /* as WeChat's do */
	store_add(&s->codes, &c->item, slice_str(name));
	return c;
}

static int
wish_parse(struct code_wish *ret, const json_t *ask, struct fault *why)
{
	struct slice no = SLICE("");
	int r = val_str_or(ask, "openid", OPENID_TOP, no, &ret->openid, why);

	if (r == 0)
		r = val_str_or(
			ask, "unionid", OPENID_TOP, no, &ret->unionid, why);
	if (r == 0)
		r = val_bool_or(ask, "blocked", false, &ret->blocked, why);
	if (r == 0)
		r = val_bool_or(ask, "keep", false, &ret->keep, why);
	if (r == 0)
		r = val_bool_or(ask, "rotate", false, &ret->rotate, why);
	return r;
}

void
control_code(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct code_wish w = {0};
	const struct code *c = NULL;
	struct fault why = {0};
	int r = control_parse(x, &ask, &why);

	if (r == 0) {
		w.mini = mini_named(s, ask, a);
		if (!w.mini)
			return;
		r = wish_parse(&w, ask, &why);
	}
	if (r == 0) {
		c = code_issue(s, &w);
		if (!c)
			(void)fault_set(&why, ERR_PARAM,
				"openid: it is a user of another app");
	}
	if (!c) {
		control_refuse(a, &why);
		return;
	}
	buf_printf(&a->body, "{\"code\":\"%s\",\"openid\":", c->item.name);
	buf_json(&a->body, slice_str(c->openid));
	buf_char(&a->body, '}');
}

/* ---- sns/jscode2session ---- */

/* A code that is refused for its age, its app or its user is not used up. */
static struct errcode
code_check(struct sandbox *s, const struct mini *m, struct code *c)
{
	struct user *u;
	int64_t now = clock_now_s();

	if (!c || c->ends_s <= now || c->mini != m)
		return (struct errcode){40029, "invalid code"};
	if (c->used)
		return (struct errcode){40163, "code been used"};
	if (c->blocked)
		return (struct errcode){40226, "code blocked"};
	u = user_get(s, c->mini, slice_str(c->openid));
	if (!u) /* forgotten, and another app's by now */
		return (struct errcode){40029, "invalid code"};
	if (u->minute != now / 60) {
		u->minute = now / 60;
		u->logins = 0;
	}
	if (u->logins++ >= LOGINS_A_MINUTE)
		return (struct errcode){45011, "api minute-quota reach limit"};
	return (struct errcode){0, NULL};
}

/* A user keeps his unionid; a login gives him another session_key. */
static void
code_spend(struct sandbox *s, struct code *c, struct answer *a)
{
	struct user *u = user_get(s, c->mini, slice_str(c->openid));

	assert(u);
	c->used = true;
	u->seen_s = clock_now_s();
	if (c->unionid) {
		mem_free(u->unionid);
		u->unionid = take(c->unionid);
	}
	if (!c->keep || !user_key(u, true))
		user_key_make(u);
	buf_printf(&a->body, "{\"session_key\":\"%s\",\"openid\":",
		user_key(u, false)->text);
	buf_json(&a->body, slice_str(c->openid));
	if (u->unionid) {
		buf_str(&a->body, ",\"unionid\":");
		buf_json(&a->body, slice_str(u->unionid));
	}
	buf_char(&a->body, '}');
}

static struct errcode
login_check(struct sandbox *s, struct exchange *x, struct code **ret)
{
	struct slice code = exchange_query(x, "js_code");
	struct item *found = store_find(&s->codes, code);
	struct mini *m = NULL;
	struct errcode e;

	e = mini_check(
		s, exchange_query(x, "appid"), exchange_query(x, "secret"), &m);
	if (e.code != 0)
		return e;
	if (code.len == 0)
		return (struct errcode){41008, "missing code"};
	if (!slice_is(exchange_query(x, "grant_type"), "authorization_code"))
		return (struct errcode){40002, "invalid grant_type"};
	*ret = found ? container_of(found, struct code, item) : NULL;
	return code_check(s, m, *ret);
}

void
login_code2session(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct code *c = NULL;
	struct errcode e = {43001, "require GET method"};

	a->type = "text/plain"; /* so it is, for JSON */
	if (api_armed(s, x, a))
		return;
	if (strcmp(exchange_method(x), "GET") == 0)
		e = login_check(s, x, &c);
	assert(e.code != 0 || c);
	if (e.code != 0)
		answer_errcode(a, e.code, e.text);
	else
		code_spend(s, c, a);
}
