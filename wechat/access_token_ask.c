/*
 * POST /cgi-bin/stable_token, by whoever has the lease.
 *
 * force_refresh is never true: it ends the token that others hold at that very
 * moment, and WeChat allows it twenty times a day.  What fails is told in words
 * that name what the operator can do, and is not asked again for a while.
 *
 * The body holds the AppSecret and the answer the token: neither is in any
 * message or event.
 */
#include "wechat/access_token_inside.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"

#include <stdio.h>
#include <string.h>

enum { URL_TOP = 2048, BODY_TOP = 2048, ANSWER_TOP = 64 * 1024 };
enum { IP_TOP = 64 };

/* What WeChat's pages (api_getstableaccesstoken.html, api_getaccesstoken.html)
 * say of each, for the operator; rest_ms: how long nobody asks after the first
 * of them in a row. */
static const struct row {
	int64_t errcode;
	int err;
	int64_t rest_ms;
	const char *text;
} rows[] = {
	{-1, ERR_UPSTREAM_BUSY, 1000, "WeChat is busy"},
	{40001, ERR_UPSTREAM_CONFIG, 5000,
		"WeChat refused the AppSecret: check secret_file in [wechat] "
		"(it may have been reset on mp.weixin.qq.com, Development)"},
	{40002, ERR_UPSTREAM, 5000,
		"WeChat refused the grant_type client_credential"},
	{40013, ERR_UPSTREAM_CONFIG, 5000,
		"WeChat does not know this appid: check appid in [wechat]"},
	{40125, ERR_UPSTREAM_CONFIG, 5000,
		"the AppSecret is not this appid's: check secret_file in "
		"[wechat]"},
	{40164, ERR_UPSTREAM_CONFIG, 5000,
		"this server's address is not on the mini program's IP list: "
		"add it on mp.weixin.qq.com, Development, IP whitelist"},
	{40243, ERR_UPSTREAM_CONFIG, 30000,
		"the AppSecret is frozen: thaw it on mp.weixin.qq.com, "
		"Development"},
	{41002, ERR_UPSTREAM_CONFIG, 5000,
		"WeChat saw no appid: set appid in [wechat]"},
	{41004, ERR_UPSTREAM_CONFIG, 5000,
		"WeChat saw no AppSecret: set secret_file in [wechat]"},
	{43002, ERR_UPSTREAM, 5000,
		"WeChat saw no POST: does something between here and api_base "
		"change requests?"},
	{45009, ERR_UPSTREAM_BUSY, 60000,
		"this mini program has used up WeChat's tokens of today: who "
		"else asks for them?  (clear_quota gives new ones)"},
	{45011, ERR_UPSTREAM_BUSY, 20000,
		"WeChat gives this mini program no more tokens this minute: "
		"who else asks for them?"},
	{50004, ERR_UPSTREAM_CONFIG, 60000,
		"WeChat forbids this mini program to ask for tokens: see its "
		"notices on mp.weixin.qq.com"},
	{50007, ERR_UPSTREAM_CONFIG, 60000,
		"the mini program's account is frozen: see its notices on "
		"mp.weixin.qq.com"},
	{89503, ERR_UPSTREAM_CONFIG, 10000,
		"WeChat wants the mini program's administrator to confirm this "
		"server's address: he has a message in WeChat"},
	{89506, ERR_UPSTREAM_CONFIG, 60000,
		"the mini program's administrator refused this server's "
		"address: it may be asked for again after 24 hours"},
	{89507, ERR_UPSTREAM_CONFIG, 60000,
		"the mini program's administrator refused this server's "
		"address: it may be asked for again after an hour"},
};

/* No answer, or none that says anything. */
static const struct row none = {0, ERR_UPSTREAM, 1000, NULL};

static const struct row *
row_find(int64_t errcode)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].errcode == errcode)
			return &rows[i];
	return NULL;
}

int
token_errcode(int64_t errcode, struct fault *why)
{
	const struct row *row = row_find(errcode);

	if (!row && errcode)
		return fault_set(why, ERR_UPSTREAM,
			"WeChat answered errcode %lld", (long long)errcode);
	if (!row)
		return ERR_UPSTREAM;
	return fault_set(why, row->err, "%s", row->text);
}

/* The address in "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist". */
static void
name_address(struct fault *why, const char *errmsg)
{
	static const char before[] = "invalid ip ";
	const char *at = errmsg ? strstr(errmsg, before) : NULL;
	char ip[IP_TOP];
	size_t n;

	if (!at)
		return;
	at += sizeof(before) - 1;
	n = strspn(at, "0123456789abcdefABCDEF.:");
	if (!n || n >= sizeof(ip))
		return;
	memcpy(ip, at, n);
	ip[n] = '\0';
	(void)fault_set(why, ERR_UPSTREAM_CONFIG,
		"this server's address %s is not on the mini program's IP "
		"list: "
		"add it on mp.weixin.qq.com, Development, IP whitelist",
		ip);
}

/* Twice as long each time, to a minute. */
static int64_t
rest_of(struct entry *e, const struct row *row)
{
	int64_t ms = row->rest_ms;

	for (unsigned i = 0; i < e->failures && ms < TOKEN_REST_MS; i++)
		ms *= 2;
	e->failures++;
	return min(ms, (int64_t)TOKEN_REST_MS);
}

static void
errcode_take(struct entry *e, int64_t errcode, const char *errmsg)
{
	const struct row *row = row_find(errcode);
	struct fault why = {0};
	int err = token_errcode(errcode, &why);

	if (errcode == 40164)
		name_address(&why, errmsg);
	event(err == ERR_UPSTREAM_CONFIG ? EVENT_WECHAT_CONFIG
					 : EVENT_WECHAT_ERROR,
		"api", "stable_token", "appid", e->app->appid, "errcode",
		EVENT_INT(errcode), "text", why.text, NULL);
	entry_store_failure(e, errcode, &why, rest_of(e, row ? row : &none));
}

static void
silence_take(struct entry *e, const char *text)
{
	struct fault why = {0};

	(void)fault_set(&why, ERR_UPSTREAM, "%s", text);
	event(EVENT_WECHAT_ERROR, "api", "stable_token", "appid", e->app->appid,
		"text", text, NULL);
	entry_store_failure(e, 0, &why, rest_of(e, &none));
}

static bool
token_is_word(struct slice token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.ptr[i] <= 0x20 || token.ptr[i] > 0x7e)
			return false;
	return token.len > 0 && token.len <= ACCESS_TOKEN_TOP;
}

static void
answer_take(struct entry *e, struct slice body)
{
	_json_ json_t *answer = NULL;
	int64_t errcode, expires_s;
	const json_t *v;
	struct slice token;

	if (val_parse(&answer, body, NULL) < 0 || !json_is_object(answer)) {
		silence_take(e, "WeChat's answer is not JSON");
		return;
	}
	errcode = json_integer_value(json_object_get(answer, "errcode"));
	if (errcode) {
		errcode_take(e, errcode,
			json_string_value(json_object_get(answer, "errmsg")));
		return;
	}
	v = json_object_get(answer, "access_token");
	token = slice_of(json_string_value(v), json_string_length(v));
	expires_s = json_integer_value(json_object_get(answer, "expires_in"));
	if (!token_is_word(token) || expires_s <= 0 || expires_s > 86400)
		silence_take(e, "WeChat's answer holds no access_token");
	else
		entry_store(e, token, expires_s);
	if (token.ptr)
		mem_wipe((char *)(uintptr_t)token.ptr, token.len);
}

static void
on_fetch(struct job *job)
{
	struct entry *e = container_of(job, struct entry, fetch.job);
	char text[64];

	if (job->err < 0) {
		silence_take(e, job->err == ERR_TIMEOUT
					? "WeChat did not answer in time"
					: "WeChat's server was not reached");
	} else if (e->fetch.status != 200) {
		(void)snprintf(text, sizeof(text),
			"WeChat's server answered status %ld", e->fetch.status);
		silence_take(e, text);
	} else {
		answer_take(e, buf_all(&e->fetch.body));
	}
	entry_fetch_done(e);
}

void
entry_fetch_done(struct entry *e)
{
	if (!e->fetched)
		return;
	e->fetched = false;
	job_cancel(&e->fetch.job);
	if (e->fetch.body.ptr)
		mem_wipe(e->fetch.body.ptr, e->fetch.body.len);
	fetch_done(&e->fetch);
}

static void
body_put(struct buf *to, const struct app *app)
{
	buf_str(to, "{\"grant_type\":\"client_credential\",\"appid\":");
	buf_json(to, slice_str(app->appid));
	buf_str(to, ",\"secret\":");
	buf_json(to, slice_str(app->secret));
	buf_str(to, ",\"force_refresh\":false}");
}

void
entry_ask(struct entry *e)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL};
	struct fetch_ask ask = {
		.method = "POST",
		.headers = headers,
		.timeout_ms = TOKEN_FETCH_MS,
		.answer_top = ANSWER_TOP,
	};
	_buf_ struct buf url, body;

	e->state = ENTRY_ASKING;
	buf_init(&url, URL_TOP);
	buf_init(&body, BODY_TOP);
	buf_printf(&url, "%s/cgi-bin/stable_token", e->app->api_base);
	body_put(&body, e->app);
	if (buf_check(&url) < 0 || buf_check(&body) < 0) {
		silence_take(e, "api_base, appid or the AppSecret is too long");
		return;
	}
	ask.url = url.ptr;
	ask.body = buf_all(&body);
	job_init(&e->fetch.job, on_fetch);
	e->fetched = true;
	fetch_start(e->all->fetcher, &e->fetch, &ask);
	mem_wipe(body.ptr, body.len);
}
