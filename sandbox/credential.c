/*
 * cgi-bin/stable_token and cgi-bin/token: two purses that do not see each
 * other, as WeChat's pages say (api_getstableaccesstoken, api_getaccesstoken).
 * A token that was ever given is remembered, so that a refusal can say what is
 * wrong with it: never given or displaced (40001), over (42001), mangled
 * (40014).
 *
 * The counts are what makes it worth having: how often was asked, how many were
 * good at one time.
 */

#include "credential.h"

#include "control.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"

enum {
	TOKENS_TOP = 20000,
	TOKEN_RANDOM = 136,
	TOKEN_TTL_S = 7200,
	STABLE_EARLY_S = 300,  /* this long before its end a new one is made */
	PLAIN_OVERLAP_S = 300, /* the one before is good for so long */
	FORCE_A_DAY = 20,
	FORCE_APART_S = 30,
	ARG_TOP = 512,
	STORM_TOP = 1000000,
};

#define TOKEN_HEAD "89_"

struct credential {
	struct item item; /* by the token */
	struct mini *mini;
	enum credential_kind kind;
	int64_t ends_s;
	bool refused; /* not the latest any more */
};

static void
credential_free(struct item *item)
{
	struct credential *c = container_of(item, struct credential, item);

	if (c->mini->now[c->kind] == c)
		c->mini->now[c->kind] = NULL;
	mem_free(c);
}

void
credential_init(struct sandbox *s)
{
	store_init(&s->tokens, TOKENS_TOP, credential_free);
}

void
credential_done(struct sandbox *s)
{
	store_done(&s->tokens);
}

static bool
is_live(const struct credential *c)
{
	return !c->refused && c->ends_s > clock_now_s();
}

static unsigned
live_count(const struct sandbox *s, const struct mini *m)
{
	unsigned n = 0;

	list_for_each (at, &s->tokens.age) {
		struct item *i = container_of(at, struct item, in_age);
		struct credential *c = container_of(i, struct credential, item);

		n += c->mini == m && is_live(c);
	}
	return n;
}

static void
credential_make(struct sandbox *s, struct mini *m, enum credential_kind kind)
{
	struct credential *c = mem_new(struct credential);
	_free_ char *name = random_name(TOKEN_HEAD, TOKEN_RANDOM, URL_SAFE);

	c->mini = m;
	c->kind = kind;
	c->ends_s = clock_now_s() + TOKEN_TTL_S;
	store_add(&s->tokens, &c->item, slice_str(name));
	m->now[kind] = c;
	m->issued++;
	m->live_top = max(m->live_top, live_count(s, m));
}

static void
credential_give(struct mini *m, enum credential_kind kind, struct answer *a)
{
	const struct credential *c = m->now[kind];

	m->fetches++;
	buf_printf(&a->body, "{\"access_token\":\"%s\",\"expires_in\":%lld}",
		c->item.name, (long long)(c->ends_s - clock_now_s()));
}

/* ---- stable_token ---- */

static struct errcode
force_check(struct mini *m, int64_t now)
{
	int64_t day = (now + 8 * 3600) / 86400;

	if (m->day != day) {
		m->day = day;
		m->forced = 0;
	}
	if (m->forced >= FORCE_A_DAY)
		return (struct errcode){45009, "reach max api daily quota"};
	if (m->forced_s && now - m->forced_s < FORCE_APART_S)
		return (struct errcode){45011, "api minute-quota reach limit"};
	m->forced++;
	m->forced_s = now;
	return (struct errcode){0, NULL};
}

static struct errcode
stable_ask(struct sandbox *s, struct slice body, struct mini **ret_mini,
	bool *ret_force)
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
	e = mini_check(s, appid, secret, ret_mini);
	if (e.code == 0 && *ret_force)
		e = force_check(*ret_mini, clock_now_s());
	return e;
}

static void
stable_give(struct sandbox *s, struct mini *m, bool force, struct answer *a)
{
	struct credential *c = m->now[CREDENTIAL_STABLE];

	if (c && force) {
		c->refused = true;
		c = NULL;
	}
	if (!c || c->ends_s - clock_now_s() <= STABLE_EARLY_S)
		credential_make(s, m, CREDENTIAL_STABLE);
	credential_give(m, CREDENTIAL_STABLE, a);
}

void
login_stable_token(struct sandbox *s, struct exchange *x, struct answer *a)
{
	bool force = false;
	struct errcode e = {43002, "require POST method"};
	struct mini *m = NULL;

	if (api_armed(s, x, a))
		return;
	if (strcmp(exchange_method(x), "POST") == 0)
		e = stable_ask(s, exchange_body(x), &m, &force);
	if (e.code != 0)
		answer_errcode(a, e.code, e.text);
	else
		stable_give(s, m, force, a);
}

/* ---- cgi-bin/token ---- */

void
login_token(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = NULL;
	struct credential *c;
	struct errcode e;

	if (api_armed(s, x, a))
		return;
	e = mini_check(
		s, exchange_query(x, "appid"), exchange_query(x, "secret"), &m);
	if (!slice_is(exchange_query(x, "grant_type"), "client_credential"))
		e = (struct errcode){40002, "invalid grant_type"};
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return;
	}
	c = m->now[CREDENTIAL_PLAIN];
	if (c)
		c->ends_s = min(c->ends_s, clock_now_s() + PLAIN_OVERLAP_S);
	credential_make(s, m, CREDENTIAL_PLAIN);
	credential_give(m, CREDENTIAL_PLAIN, a);
}

/* ---- what asks with one ---- */

static bool
form_is_good(struct slice token)
{
	size_t head = sizeof(TOKEN_HEAD) - 1;

	if (!slice_starts(token, TOKEN_HEAD) ||
		token.len != head + TOKEN_RANDOM)
		return false;
	for (size_t i = head; i < token.len; i++)
		if (!memchr(URL_SAFE, token.ptr[i], sizeof(URL_SAFE) - 1))
			return false;
	return true;
}

static struct errcode
not_latest(struct mini *m)
{
	if (m)
		m->refused++;
	return (struct errcode){40001,
		"invalid credential, access_token is invalid or not latest, "
		"could get access_token by getStableAccessToken, more details "
		"at https://mmbizurl.cn/s/JtxxFh33r"};
}

static struct errcode
credential_check(struct sandbox *s, struct slice token, struct mini **ret)
{
	struct item *found = store_find(&s->tokens, token);
	struct credential *c =
		found ? container_of(found, struct credential, item) : NULL;

	if (token.len == 0)
		return (struct errcode){41001, "access_token missing"};
	if (!form_is_good(token))
		return (struct errcode){40014, "invalid access_token"};
	if (!c)
		return not_latest(NULL);
	if (c->mini->storm > 0) {
		c->mini->storm--;
		return not_latest(c->mini);
	}
	if (c->refused)
		return not_latest(c->mini);
	if (c->ends_s <= clock_now_s()) {
		c->mini->refused++;
		/* a plain one that another has displaced says so */
		if (c->kind == CREDENTIAL_PLAIN && c->mini->now[c->kind] != c)
			return (struct errcode){40001,
				"invalid credential, "
				"access_token is invalid "
				"or not latest"};
		return (struct errcode){42001, "access_token expired"};
	}
	c->mini->accepted++;
	*ret = c->mini;
	return (struct errcode){0, NULL};
}

static struct errcode
method_check(const struct exchange *x, const char *wanted)
{
	if (!wanted || strcmp(exchange_method(x), wanted) == 0)
		return (struct errcode){0, NULL};
	if (strcmp(wanted, "GET") == 0)
		return (struct errcode){43001, "require GET method"};
	return (struct errcode){43002, "require POST method"};
}

struct mini *
api_enter(struct sandbox *s, struct exchange *x, struct answer *a,
	const char *method)
{
	struct mini *m = NULL;
	struct errcode e = method_check(x, method);

	if (e.code == 0)
		e = credential_check(s, exchange_query(x, "access_token"), &m);
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return NULL;
	}
	return api_armed(s, x, a) ? NULL : m;
}

json_t *
api_body(struct exchange *x, struct answer *a)
{
	_json_ json_t *body = NULL;

	if (exchange_body(x).len == 0)
		answer_errcode(a, 44002, "empty post data");
	else if (val_parse(&body, exchange_body(x), NULL) < 0 ||
		 !json_is_object(body))
		answer_errcode(a, 47001, "data format error");
	else
		return take(body);
	return NULL;
}

/* ---- POST /sandbox/token, GET /sandbox/tokens ---- */

/* What is good now is so no more; whoever fetches gets another. */
static void
now_end(struct mini *m, bool expire)
{
	for (size_t i = 0; i < CREDENTIAL_KINDS; i++) {
		struct credential *c = m->now[i];

		if (!c)
			continue;
		if (expire)
			c->ends_s = min(c->ends_s, clock_now_s());
		else
			c->refused = true;
		/* an expired plain one stays the latest: 42001 */
		if (!expire || i == CREDENTIAL_STABLE)
			m->now[i] = NULL;
	}
}

void
control_token(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct slice action;
	struct fault why = {0};
	struct mini *m;
	int64_t count;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str(ask, "action", ARG_TOP, &action, &why);
	if (r == 0)
		r = val_int_or(ask, "count", 0, STORM_TOP, 5, &count, &why);
	if (r == 0 && !slice_is(action, "expire") &&
		!slice_is(action, "invalidate") && !slice_is(action, "storm"))
		r = fault_set(
			&why, ERR_PARAM, "action: expire, invalidate or storm");
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	m = mini_named(s, ask, a);
	if (!m)
		return;
	if (slice_is(action, "storm"))
		m->storm = (unsigned)count;
	else
		now_end(m, slice_is(action, "expire"));
	buf_str(&a->body, "{}");
}

static void
put_counts(const struct sandbox *s, struct buf *to, const struct mini *m)
{
	buf_printf(to,
		"{\"appid\":\"%s\",\"fetches\":%llu,\"issued\":%llu,"
		"\"live\":%u,\"liveTop\":%u,\"accepted\":%llu,"
		"\"refused\":%llu,\"storm\":%u}",
		m->appid, (unsigned long long)m->fetches,
		(unsigned long long)m->issued, live_count(s, m), m->live_top,
		(unsigned long long)m->accepted, (unsigned long long)m->refused,
		m->storm);
}

void
control_tokens(struct sandbox *s, struct exchange *x, struct answer *a)
{
	bool first = true;

	(void)x;
	buf_str(&a->body, "{\"apps\":[");
	list_for_each (at, &s->minis.age) {
		struct item *i = container_of(at, struct item, in_age);

		buf_str(&a->body, first ? "" : ",");
		put_counts(s, &a->body, container_of(i, struct mini, item));
		first = false;
	}
	buf_str(&a->body, "]}");
}
