/*
 * A call with a token that may turn out to be refused.
 *
 * Which errcodes mean that is on WeChat's page of the common errors; they come
 * with HTTP 200 like everything.  The refused token is dropped only if it is
 * still the one that is in use (access_token.h), so a storm of refusals costs
 * one fetch.  The next one may be what another gateway fetched a while ago, and
 * have ended too: then there is one more try.  Nothing else is asked twice: a
 * message would be sent twice.
 *
 * The token stands in the URL: it is in no message and no event.
 */
#include "wechat/wxapi.h"

#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
	TOKEN_LEAST = 16, /* shorter ones WeChat does not make */
	URL_TOP = 32 * 1024,
	ANSWER_TOP = 1024 * 1024,
	TIMEOUT_MS = 20 * 1000,
};

static const int64_t refusals[] = {40001, 40014, 41001, 42001};

static bool
is_refusal(int64_t errcode)
{
	for (size_t i = 0; i < array_size(refusals); i++)
		if (refusals[i] == errcode)
			return true;
	return false;
}

static void
answer_drop(struct wxapi *w)
{
	json_decref(w->json);
	w->json = NULL;
	w->errcode = 0;
	w->errmsg[0] = '\0';
	if (!w->tries)
		return;
	if (w->fetch.body.ptr)
		mem_wipe(w->fetch.body.ptr, w->fetch.body.len);
	fetch_done(&w->fetch);
}

/* JSON whatever it is called: WeChat sends it as text/plain too, and media
 * never begin with a brace. */
static int
answer_read(struct wxapi *w)
{
	const char *text;

	w->status = w->fetch.status;
	w->body = buf_all(&w->fetch.body);
	w->content_type = fetch_header(&w->fetch, "Content-Type");
	if (!w->body.len || !memchr("{[", w->body.ptr[0], 2))
		return 0;
	if (val_parse(&w->json, w->body, NULL) < 0) {
		w->json = NULL;
		return 0;
	}
	w->errcode = json_integer_value(json_object_get(w->json, "errcode"));
	text = json_string_value(json_object_get(w->json, "errmsg"));
	if (text)
		(void)snprintf(w->errmsg, sizeof(w->errmsg), "%s", text);
	return 0;
}

static void
api_finish(struct wxapi *w, int err, const char *text)
{
	event(EVENT_WECHAT_ERROR, "api", w->ask->path, "error",
		err_info(err)->name, "status", EVENT_INT(w->fetch.status),
		NULL);
	(void)fault_set(&w->job.why, err, "%s", text);
	job_finish(&w->job, err);
}

static void api_try(struct wxapi *w);

/* Whoever asked is told the answer, and may not know the token. */
static bool
answer_tells_token(const struct wxapi *w)
{
	size_t len = strlen(w->token.token);

	return len >= TOKEN_LEAST && w->fetch.body.len &&
	       memmem(w->fetch.body.ptr, w->fetch.body.len, w->token.token,
		       len);
}

/* The token was refused: drop it. */
static bool
is_worth_another(struct wxapi *w)
{
	struct slice token = slice_str(w->token.token);
	uint8_t sum[SHA256_LEN];

	access_token_drop(w->tokens, w->ask->app, w->token.token);
	crypto_sha256(token, sum);
	if (w->tries == 1)
		memcpy(w->refused, sum, sizeof(sum));
	return w->tries == 1 ||
	       (w->tries == 2 && memcmp(w->refused, sum, sizeof(sum)) != 0);
}

static void
on_fetch(struct job *job)
{
	struct wxapi *w = container_of(job, struct wxapi, fetch.job);

	if (job->err == ERR_ANSWER_BIG || job->err == ERR_TOO_BIG) {
		api_finish(w, job->err,
			job->err == ERR_TOO_BIG
				? "the query is longer than WeChat's takes"
				: "WeChat's answer is larger than this server "
				  "takes");
		return;
	}
	if (job->err < 0) {
		api_finish(w,
			job->err == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UPSTREAM,
			job->err == ERR_TIMEOUT
				? "WeChat did not answer in time; it may have "
				  "done what was asked"
				: "WeChat's server was not reached: try again");
		return;
	}
	if (w->fetch.status == 429 || w->fetch.status >= 500) {
		api_finish(w, ERR_UPSTREAM_BUSY,
			"WeChat's server is busy: try again");
		return;
	}
	if (answer_tells_token(w)) {
		api_finish(w, ERR_FORBIDDEN,
			"WeChat's answer holds the access_token, which stays "
			"in this server");
		return;
	}
	(void)answer_read(w);
	if (is_refusal(w->errcode) && is_worth_another(w)) {
		api_try(w);
		return;
	}
	job_finish(&w->job, 0);
}

static void
fetch_send(struct wxapi *w, const char *url)
{
	const struct wxapi_ask *a = w->ask;
	char type[160];
	const char *const headers[] = {type, NULL};
	struct fetch_ask ask = {
		.method = a->method,
		.url = url,
		.body = a->body,
		.timeout_ms = TIMEOUT_MS,
		.answer_top = a->answer_top ? a->answer_top : ANSWER_TOP,
		.once = strcmp(a->method, "GET") != 0,
	};

	(void)snprintf(type, sizeof(type), "Content-Type: %s",
		a->content_type ? a->content_type : "application/json");
	if (a->body.len)
		ask.headers = headers;
	fetch_start(w->fetcher, &w->fetch, &ask);
}

static void
on_token(struct job *job)
{
	struct wxapi *w = container_of(job, struct wxapi, token.job);
	const struct wxapi_ask *a = w->ask;
	_buf_ struct buf url;

	buf_init(&url, URL_TOP);
	if (job->err < 0) {
		w->job.why = job->why;
		job_finish(&w->job, job->err);
		return;
	}
	buf_str(&url, a->app->api_base);
	buf_str(&url, a->path);
	buf_str(&url, "?access_token=");
	text_url(&url, slice_str(w->token.token));
	if (a->query.len)
		buf_char(&url, '&');
	buf_slice(&url, a->query);
	w->tries++;
	job_init(&w->fetch.job, on_fetch);
	if (buf_check(&url) < 0)
		job_fail_soon(&w->fetch.job, w->loop, ERR_TOO_BIG);
	else
		fetch_send(w, url.ptr);
	if (url.ptr)
		mem_wipe(url.ptr, url.len);
}

static void
api_try(struct wxapi *w)
{
	answer_drop(w);
	job_init(&w->token.job, on_token);
	access_token_get(w->tokens, &w->token, w->ask->app);
}

static void
on_drop(struct job *job)
{
	struct wxapi *w = container_of(job, struct wxapi, job);

	token_ask_done(&w->token);
	if (w->tries)
		job_cancel(&w->fetch.job);
}

void
wxapi_start(struct wxapi *w, struct loop *loop, struct fetcher *fetcher,
	struct access_tokens *tokens, const struct wxapi_ask *ask)
{
	struct job job = w->job;

	*w = (struct wxapi){
		.job = job,
		.tokens = tokens,
		.fetcher = fetcher,
		.loop = loop,
		.ask = ask,
	};
	list_init(&w->job.soon.on);
	/* The token and the request have deadlines. */
	job_begin(&w->job, loop, 0, on_drop);
	api_try(w);
}

void
wxapi_done(struct wxapi *w)
{
	if (!w->ask)
		return;
	job_cancel(&w->job);
	token_ask_done(&w->token);
	answer_drop(w);
	w->tries = 0;
	w->ask = NULL;
}
