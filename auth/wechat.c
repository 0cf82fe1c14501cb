/*
 * Asking WeChat who a login code belongs to.  The one rule that shapes this
 * file: a code works once.  When a request may have reached WeChat and no
 * answer came, asking again would burn the code or be told that it is burnt,
 * so only two things are repeated, once, after a random pause: a request that
 * never left, and the answer -1 ("system busy, try again").
 *
 * The URL holds the AppSecret: it is in no message and no event.
 */
#include "auth/wechat.h"

#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"

enum {
	TIMEOUT_MS = 10000,
	CONNECT_MS = 3000,
	PAUSE_MS = 50,   /* at least, before asking again; */
	JITTER_MS = 200, /* and up to this much more */
	TRIES = 2,
	URL_TOP = 4096,
	ANSWER_TOP = 64 * 1024,
};

/* What WeChat's answers mean.  `operator`: it is not the caller's fault, the
 * operator must act, so an event of level error says so. */
static const struct row {
	int64_t errcode;
	int err;
	bool is_operators;
	const char *text;
} rows[] = {
	{-1, ERR_UPSTREAM_BUSY, false,
		"WeChat is busy: call wx.login again shortly"},
	{40029, ERR_CODE_BAD, false,
		"WeChat does not know this login code (older than five "
		"minutes, or of another appid): call wx.login again"},
	{CODE_USED, ERR_CODE_BAD, false,
		"this login code was used already: call wx.login again"},
	{45011, ERR_LIMITED, false,
		"WeChat allows 100 logins a minute of one user: wait"},
	{40226, ERR_USER_BLOCKED, false,
		"WeChat blocked this login as high-risk: the user's own WeChat "
		"account is restricted"},
	{45009, ERR_LIMITED, false,
		"this mini program has used up WeChat's calls of the day"},
	{40013, ERR_UPSTREAM_CONFIG, true,
		"WeChat does not know the appid: check appid"},
	{40125, ERR_UPSTREAM_CONFIG, true,
		"WeChat refused the AppSecret: check secret_file, or whether "
		"the secret was reset (mp.weixin.qq.com, Development)"},
	{40002, ERR_UPSTREAM_CONFIG, true,
		"WeChat refused the form of our question: check api_base"},
	{40164, ERR_UPSTREAM_CONFIG, true,
		"this server's address is not on the mini program's IP list: "
		"add it (mp.weixin.qq.com, Development, IP whitelist)"},
	{40243, ERR_UPSTREAM_CONFIG, true,
		"the AppSecret is frozen: thaw it (mp.weixin.qq.com, "
		"Development)"},
	{41002, ERR_UPSTREAM_CONFIG, true, "WeChat saw no appid: check appid"},
	{41004, ERR_UPSTREAM_CONFIG, true,
		"WeChat saw no AppSecret: check secret_file"},
	{41008, ERR_CODE_BAD, false,
		"WeChat saw no login code: call wx.login again"},
	{50002, ERR_UPSTREAM_CONFIG, true,
		"WeChat has restricted this mini program: its administrator "
		"finds why at mp.weixin.qq.com"},
	{89501, ERR_UPSTREAM_CONFIG, true,
		"this server's address waits for the mini program's "
		"administrator: he confirms it in WeChat"},
	{89503, ERR_UPSTREAM_CONFIG, true,
		"this server's address must be confirmed by the mini "
		"program's administrator, in WeChat"},
	{89506, ERR_UPSTREAM_CONFIG, true,
		"the administrator refused this server's address: no more "
		"for 24 hours"},
	{89507, ERR_UPSTREAM_CONFIG, true,
		"the administrator refused this server's address: no more "
		"for an hour"},
};

static const struct row *
row_find(int64_t errcode)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].errcode == errcode)
			return &rows[i];
	return NULL;
}

static void login_try(struct wechat *w);

static void
on_again(struct timer *timer)
{
	login_try(container_of(timer, struct wechat, again));
}

static bool
try_again(struct wechat *w)
{
	uint32_t n;

	if (w->tries >= TRIES)
		return false;
	crypto_random(&n, sizeof(n));
	timer_set(&w->again, w->loop, PAUSE_MS + n % JITTER_MS, on_again);
	return true;
}

static void
wechat_finish(struct wechat *w, int err, const char *text)
{
	if (err < 0 && text)
		(void)fault_set(&w->job.why, err, "%s", text);
	job_finish(&w->job, err);
}

/* The operator's own: the setting is named by its section. */
static void
config_finish(struct wechat *w, const struct row *row)
{
	const char *appid = w->conf->is_first ? "" : w->conf->appid;

	event(EVENT_WECHAT_CONFIG, "api", "jscode2session", "appid",
		w->conf->appid, "errcode", EVENT_INT(row->errcode), "do",
		row->text, NULL);
	(void)fault_set(&w->job.why, row->err, "[wechat%s%s] %s",
		*appid ? " " : "", appid, row->text);
	job_finish(&w->job, row->err);
}

static void
errcode_finish(struct wechat *w, int64_t errcode)
{
	const struct row *row = row_find(errcode);

	w->errcode = errcode;
	if (errcode == -1 && try_again(w))
		return;
	if (row && row->is_operators) {
		config_finish(w, row);
		return;
	}
	event(EVENT_WECHAT_ERROR, "api", "jscode2session", "appid",
		w->conf->appid, "errcode", EVENT_INT(errcode), NULL);
	if (row) {
		wechat_finish(w, row->err, row->text);
		return;
	}
	(void)fault_set(&w->job.why, ERR_UPSTREAM,
		"WeChat answered errcode %lld", (long long)errcode);
	job_finish(&w->job, ERR_UPSTREAM);
}

/* A member of the answer that is a plain word; no word, no answer. */
static bool
word_copy(const json_t *answer, const char *key, char *to, size_t top)
{
	const char *s = json_string_value(json_object_get(answer, key));
	size_t n = s ? strlen(s) : 0;

	if (!n || n > top)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
			return false;
	memcpy(to, s, n + 1);
	return true;
}

/* The content type has been text/plain for years: only the bytes count. */
static void
answer_take(struct wechat *w, struct slice body)
{
	_json_ json_t *answer = NULL;
	const json_t *errcode;

	if (val_parse(&answer, body, NULL) < 0 || !json_is_object(answer)) {
		wechat_finish(w, ERR_UPSTREAM, "WeChat's answer is not JSON");
		return;
	}
	errcode = json_object_get(answer, "errcode");
	if (json_integer_value(errcode) != 0) {
		errcode_finish(w, json_integer_value(errcode));
		return;
	}
	(void)word_copy(answer, "unionid", w->unionid, OPENID_TOP);
	if (!word_copy(answer, "openid", w->openid, OPENID_TOP) ||
		!word_copy(answer, "session_key", w->session_key,
			SESSION_KEY_TOP)) {
		wechat_finish(w, ERR_UPSTREAM,
			"WeChat's answer holds no openid or session_key");
		return;
	}
	job_finish(&w->job, 0);
}

static void
on_fetch(struct job *job)
{
	struct wechat *w = container_of(job, struct wechat, fetch.job);
	long status = w->fetch.status;

	if (job->err < 0) {
		if (!w->fetch.sent && try_again(w))
			return;
		event(EVENT_WECHAT_ERROR, "api", "jscode2session", "error",
			err_info(job->err)->name, NULL);
		wechat_finish(w,
			job->err == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UPSTREAM,
			w->fetch.sent ? "WeChat did not answer; the code may "
					"be used up: call wx.login again"
				      : NULL);
		return;
	}
	if (status == 200) {
		answer_take(w, buf_all(&w->fetch.body));
		return;
	}
	event(EVENT_WECHAT_ERROR, "api", "jscode2session", "status",
		EVENT_INT(status), NULL);
	wechat_finish(w,
		status == 429 || status >= 500 ? ERR_UPSTREAM_BUSY
					       : ERR_UPSTREAM,
		"WeChat did not answer; the code may be used up: "
		"call wx.login again");
}

static void
fetch_wipe(struct fetch *fetch)
{
	if (fetch->body.ptr)
		mem_wipe(fetch->body.ptr, fetch->body.len);
	fetch_done(fetch);
}

static void
login_try(struct wechat *w)
{
	struct fetch_ask ask = {
		.method = "GET",
		.timeout_ms =
			w->conf->timeout_ms ? w->conf->timeout_ms : TIMEOUT_MS,
		.connect_ms = CONNECT_MS,
		.answer_top = ANSWER_TOP,
		.once = true,
	};
	_buf_ struct buf url;

	if (w->tries++)
		fetch_wipe(&w->fetch);
	buf_init(&url, URL_TOP);
	buf_str(&url, w->conf->api_base);
	buf_str(&url, "/sns/jscode2session?appid=");
	text_url(&url, slice_str(w->conf->appid));
	buf_str(&url, "&secret=");
	text_url(&url, slice_str(w->conf->secret));
	buf_str(&url, "&js_code=");
	text_url(&url, slice_str(w->code));
	buf_str(&url, "&grant_type=authorization_code");
	job_init(&w->fetch.job, on_fetch);
	if (buf_check(&url) < 0) {
		job_fail_soon(&w->fetch.job, w->loop, ERR_TOO_BIG);
		return;
	}
	ask.url = url.ptr;
	fetch_start(w->fetcher, &w->fetch, &ask);
	mem_wipe(url.ptr, url.len);
}

static void
on_drop(struct job *job)
{
	struct wechat *w = container_of(job, struct wechat, job);

	timer_clear(&w->again);
	job_cancel(&w->fetch.job);
}

void
wechat_login(struct wechat *w, struct loop *loop, struct fetcher *fetcher,
	const struct wechat_conf *conf, const char *code)
{
	w->loop = loop;
	w->fetcher = fetcher;
	w->conf = conf;
	w->code = code;
	job_begin(&w->job, loop, TRIES * (TIMEOUT_MS + PAUSE_MS + JITTER_MS),
		on_drop);
	login_try(w);
}

void
wechat_done(struct wechat *w)
{
	if (w->tries)
		fetch_wipe(&w->fetch);
	w->tries = 0;
	mem_wipe(w->session_key, sizeof(w->session_key));
}
