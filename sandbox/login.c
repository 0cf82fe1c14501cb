/*
 * api.weixin.qq.com as far as a login needs it: sns/jscode2session and
 * cgi-bin/stable_token, with the error numbers of WeChat's own pages
 * (api_code2session, api_getstableaccesstoken; 40163 is on no page, but is what
 * the real server says to a used code).
 *
 * An openid made here ends in a keyed sum of itself, so that a user is still
 * known after a restart, when the table of users is empty: `mpcloud dev` starts
 * again, the mini program's token is still good, and its order must not be
 * refused for an openid that nobody issued.
 */

#include "sandbox.h"

#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"

#include <stdio.h>

enum {
	USERS_TOP = 20000,
	CODES_TOP = 20000,
	CODE_LEN = 32,
	CODE_TTL_S = 5 * 60,
	LOGINS_A_MINUTE = 100,
	TOKEN_LEN = 136,
	TOKEN_TTL_S = 7200,
	TOKEN_EARLY_S = 300, /* this long before its end a new one is made */
	FORCE_A_DAY = 20,
	FORCE_APART_S = 30,
	ARG_TOP = 512,
	OPENID_RANDOM = 19, /* letters between the o and the sum */
	OPENID_SUM = 8,
};

struct user {
	struct item item; /* by openid */
	char *unionid;    /* NULL: the mini program is bound to no account */
	int64_t minute;   /* of the count below */
	unsigned logins;
};

struct code {
	struct item item;
	char *openid, *unionid;
	int64_t ends_s;
	bool used, blocked;
};

static void
user_free(struct item *item)
{
	struct user *u = container_of(item, struct user, item);

	mem_free(u->unionid);
	mem_free(u);
}

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
	store_init(&s->users, USERS_TOP, user_free);
	store_init(&s->codes, CODES_TOP, code_free);
}

void
login_done(struct sandbox *s)
{
	store_done(&s->codes);
	store_done(&s->users);
	s->token.now = mem_free(s->token.now);
}

/* The keyed sum that ends an openid of ours. */
static void
openid_sum(const struct sandbox *s, struct slice head, char ret[OPENID_SUM + 1])
{
	uint8_t sum[SHA256_LEN];

	crypto_hmac_sha256(slice_str(s->keys.apiv3_key), head, sum);
	for (size_t i = 0; i < OPENID_SUM; i++)
		ret[i] = ALNUM[sum[i] % (sizeof(ALNUM) - 1)];
	ret[OPENID_SUM] = '\0';
}

static char *
openid_new(const struct sandbox *s)
{
	_free_ char *head = random_name("o", OPENID_RANDOM, URL_SAFE);
	char sum[OPENID_SUM + 1];

	openid_sum(s, slice_str(head), sum);
	return str_printf("%s%s", head, sum);
}

bool
user_is_known(const struct sandbox *s, struct slice openid)
{
	struct slice head = slice_of(openid.ptr, 1 + OPENID_RANDOM);
	char sum[OPENID_SUM + 1];

	if (store_find(&s->users, openid))
		return true;
	if (openid.len != 1 + OPENID_RANDOM + OPENID_SUM)
		return false;
	openid_sum(s, head, sum);
	return slice_eq(
		slice_of(openid.ptr + head.len, OPENID_SUM), slice_str(sum));
}

static struct user *
user_get(struct sandbox *s, const char *openid)
{
	struct item *found = store_find(&s->users, slice_str(openid));
	struct user *u;

	if (found)
		return container_of(found, struct user, item);
	u = mem_new(struct user);
	store_add(&s->users, &u->item, slice_str(openid));
	return u;
}

const char *
code_issue(struct sandbox *s, struct slice openid, struct slice unionid,
	bool blocked)
{
	struct code *c = mem_new(struct code);
	char name[CODE_LEN + 1];

	c->openid =
		openid.len ? str_ndup(openid.ptr, openid.len) : openid_new(s);
	if (unionid.len)
		c->unionid = str_ndup(unionid.ptr, unionid.len);
	c->ends_s = clock_now_s() + CODE_TTL_S;
	c->blocked = blocked;
	(void)user_get(s, c->openid);
	random_letters(name, CODE_LEN, ALNUM);
	name[0] = '0'; /* as WeChat's do */
	store_add(&s->codes, &c->item, slice_str(name));
	return c->item.name;
}

/* WeChat puts a request id at the end of its sentences. */
void
answer_errcode(struct answer *a, int errcode, const char *errmsg)
{
	char rid[27];

	random_letters(rid, sizeof(rid) - 1, HEX);
	rid[8] = rid[17] = '-';
	buf_printf(&a->body, "{\"errcode\":%d,\"errmsg\":", errcode);
	if (errcode == 0)
		buf_json(&a->body, slice_str(errmsg));
	else
		buf_printf(&a->body, "\"%s, rid: %s\"", errmsg, rid);
	buf_char(&a->body, '}');
}

struct errcode {
	int code;
	const char *text;
};

static struct errcode
appid_check(struct sandbox *s, struct slice appid, struct slice secret)
{
	if (appid.len == 0)
		return (struct errcode){41002, "appid missing"};
	if (secret.len == 0)
		return (struct errcode){41004, "appsecret missing"};
	if (!slice_is(appid, s->keys.appid))
		return (struct errcode){40013, "invalid appid"};
	if (!slice_is(secret, s->keys.secret))
		return (struct errcode){40125, "invalid appsecret"};
	return (struct errcode){0, NULL};
}

/* A code that is refused for its age or its user is not used up. */
static struct errcode
code_check(struct sandbox *s, struct code *c)
{
	struct user *u;
	int64_t now = clock_now_s();

	if (!c || c->ends_s <= now)
		return (struct errcode){40029, "invalid code"};
	if (c->used)
		return (struct errcode){40163, "code been used"};
	if (c->blocked)
		return (struct errcode){40226, "code blocked"};
	u = user_get(s, c->openid);
	if (u->minute != now / 60) {
		u->minute = now / 60;
		u->logins = 0;
	}
	if (u->logins++ >= LOGINS_A_MINUTE)
		return (struct errcode){45011, "api minute-quota reach limit"};
	return (struct errcode){0, NULL};
}

/* A user keeps his unionid; every login gives him another session_key. */
static void
code_spend(struct sandbox *s, struct code *c, struct answer *a)
{
	struct user *u = user_get(s, c->openid);
	uint8_t key[16];

	c->used = true;
	if (c->unionid) {
		mem_free(u->unionid);
		u->unionid = take(c->unionid);
	}
	crypto_random(key, sizeof(key));
	buf_str(&a->body, "{\"session_key\":\"");
	text_base64(&a->body, slice_of(key, sizeof(key)));
	buf_str(&a->body, "\",\"openid\":");
	buf_json(&a->body, slice_str(c->openid));
	if (u->unionid) {
		buf_str(&a->body, ",\"unionid\":");
		buf_json(&a->body, slice_str(u->unionid));
	}
	buf_char(&a->body, '}');
}

void
login_code2session(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct slice code = exchange_query(x, "js_code");
	struct item *found = store_find(&s->codes, code);
	struct code *c = found ? container_of(found, struct code, item) : NULL;
	struct errcode e;

	a->type = "text/plain"; /* so it is, for JSON */
	e = appid_check(
		s, exchange_query(x, "appid"), exchange_query(x, "secret"));
	if (e.code == 0 && code.len == 0)
		e = (struct errcode){41008, "missing code"};
	if (e.code == 0 && !slice_is(exchange_query(x, "grant_type"),
				   "authorization_code"))
		e = (struct errcode){40002, "invalid grant_type"};
	if (e.code == 0)
		e = code_check(s, c);
	if (e.code != 0)
		answer_errcode(a, e.code, e.text);
	else
		code_spend(s, c, a);
}

/* ---- stable_token ---- */

static struct errcode
force_check(struct sandbox *s, int64_t now)
{
	int64_t day = (now + 8 * 3600) / 86400;

	if (s->token.day != day) {
		s->token.day = day;
		s->token.forced = 0;
	}
	if (s->token.forced >= FORCE_A_DAY)
		return (struct errcode){45009, "reach max api daily quota"};
	if (s->token.forced_s && now - s->token.forced_s < FORCE_APART_S)
		return (struct errcode){45011, "api minute-quota reach limit"};
	s->token.forced++;
	s->token.forced_s = now;
	return (struct errcode){0, NULL};
}

static void
token_give(struct sandbox *s, struct answer *a, bool force, int64_t now)
{
	if (force || !s->token.now || s->token.ends_s - now <= TOKEN_EARLY_S) {
		mem_free(s->token.now);
		s->token.now = random_name("89_", TOKEN_LEN, URL_SAFE);
		s->token.ends_s = now + TOKEN_TTL_S;
	}
	buf_printf(&a->body, "{\"access_token\":\"%s\",\"expires_in\":%lld}",
		s->token.now, (long long)(s->token.ends_s - now));
}

static struct errcode
token_ask(struct sandbox *s, struct slice body, bool *ret_force)
{
	_json_ json_t *ask = NULL;
	struct slice appid, secret, grant, no = SLICE("");
	struct errcode e;

	if (val_parse(&ask, body, NULL) < 0 || !json_is_object(ask) ||
		val_str_or(ask, "appid", ARG_TOP, no, &appid, NULL) < 0 ||
		val_str_or(ask, "secret", ARG_TOP, no, &secret, NULL) < 0 ||
		val_str_or(ask, "grant_type", ARG_TOP, no, &grant, NULL) < 0 ||
		val_bool_or(ask, "force_refresh", false, ret_force, NULL) < 0)
		return (struct errcode){47001, "data format error"};
	if (!slice_is(grant, "client_credential"))
		return (struct errcode){40002, "invalid grant_type"};
	e = appid_check(s, appid, secret);
	if (e.code == 0 && *ret_force)
		e = force_check(s, clock_now_s());
	return e;
}

void
login_stable_token(struct sandbox *s, struct exchange *x, struct answer *a)
{
	bool force = false;
	struct errcode e = {43002, "require POST method"};

	if (strcmp(exchange_method(x), "POST") == 0)
		e = token_ask(s, exchange_body(x), &force);
	if (e.code != 0)
		answer_errcode(a, e.code, e.text);
	else
		token_give(s, a, force, clock_now_s());
}
