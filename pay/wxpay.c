/*
 * A signed request and what may be believed of its answer.  A 2xx answer
 * counts only with a valid signature of WeChat Pay's, over the bytes as they
 * came, before anything is parsed; there is no setting to turn that off.
 * Refusals (4xx, 5xx) are not signed reliably: they are told to the caller,
 * and nothing is decided by them.
 *
 * WeChat Pay sometimes sends a deliberately wrong signature to see whether we
 * look (it begins with WECHATPAY/SIGNTEST/).  The order may have been placed;
 * as every request here can be repeated, it is asked once more.
 */
#include "pay/wxpay.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/text.h"
#include "pay/sign.h"

#include <inttypes.h>
#include <strings.h>

enum {
	TIMEOUT_MS = 10000,
	CONNECT_MS = 3000,
	TRIES = 2,
	NONCE = 32,
	HEAD_TOP = 2048,
	ANSWER_TOP = 256 * 1024,
};

#define AGAIN "; the same outTradeNo may safely be tried again"

/* WeChat's codes, without their underscores: older deployments leave them
 * out.  `err` as wxpay.h says. */
static const struct row {
	const char *code;
	int err;
} rows[] = {
	{"APPIDMCHIDNOTMATCH", ERR_UPSTREAM_CONFIG},
	{"MCHNOTEXISTS", ERR_UPSTREAM_CONFIG},
	{"SIGNERROR", ERR_UPSTREAM_CONFIG},
	{"NOAUTH", ERR_UPSTREAM_CONFIG},
	{"ACCOUNTERROR", ERR_UPSTREAM_CONFIG},
	{"FREQUENCYLIMITED", ERR_UPSTREAM_BUSY},
	{"RATELIMITEXCEEDED", ERR_UPSTREAM_BUSY},
	{"SYSTEMERROR", ERR_UPSTREAM_BUSY},
	{"BANKERROR", ERR_UPSTREAM_BUSY},
	{"PARAMERROR", ERR_PAY_REFUSED},
	{"INVALIDREQUEST", ERR_PAY_REFUSED},
	{"ORDERCLOSED", ERR_PAY_REFUSED},
	{"ORDERPAID", ERR_PAY_REFUSED},
	{"ORDERNOTEXIST", ERR_PAY_REFUSED},
	{"OUTTRADENOUSED", ERR_PAY_REFUSED},
	{"RULELIMIT", ERR_PAY_REFUSED},
	{"TRADEERROR", ERR_PAY_REFUSED},
	{"OPENIDMISMATCH", ERR_PAY_REFUSED},
	{"NOTENOUGH", ERR_PAY_REFUSED},
};

static bool
is_code(const char *code, const char *row)
{
	for (;; code++) {
		if (*code == '_')
			continue;
		if (*code != *row)
			return false;
		if (!*row++)
			return true;
	}
}

/* What the status says when the code is not known. */
static int
status_error(long status)
{
	if (status == 429 || status >= 500)
		return ERR_UPSTREAM_BUSY;
	if (status == 401)
		return ERR_UPSTREAM_CONFIG;
	return status >= 400 ? ERR_PAY_REFUSED : ERR_UPSTREAM;
}

static int
code_error(const char *code, long status)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (is_code(code, rows[i].code))
			return rows[i].err;
	return status_error(status);
}

static const char *
word_of(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s ? s : "";
}

static void
refused(struct wxpay *w)
{
	long status = w->fetch.status;
	_json_ json_t *v = NULL;
	const char *code, *words;
	int err;

	if (val_parse(&v, buf_all(&w->fetch.body), NULL) < 0)
		v = NULL;
	code = word_of(v, "code");
	words = word_of(v, "message");
	err = code_error(code, status);
	event(err == ERR_UPSTREAM_CONFIG ? EVENT_WECHAT_CONFIG
					 : EVENT_PAY_ERROR,
		"path", w->path, "status", EVENT_INT(status), "code", code,
		NULL);
	if (err == ERR_PAY_REFUSED)
		(void)fault_set(&w->job.why, err, "WeChat Pay: %s: %s",
			code[0] ? code : "refused", words);
	else if (err == ERR_UPSTREAM_CONFIG)
		(void)fault_set(&w->job.why, err,
			"WeChat Pay refused this server's credentials (%s): "
			"the operator must check [pay]",
			code[0] ? code : "401");
	else
		(void)fault_set(&w->job.why, err,
			"WeChat Pay is busy (%ld %s)" AGAIN, status, code);
	job_finish(&w->job, err);
}

/* Certificate serials are hex digits of either case; public key ids are not. */
static bool
is_our_key(const struct merchant *m, struct slice serial)
{
	if (slice_starts(slice_str(m->public_key_id), "PUB_KEY_ID_"))
		return slice_is(serial, m->public_key_id);
	return slice_is_nocase(serial, m->public_key_id);
}

/* NULL, or what is wrong with the answer's signature. */
static const char *
distrust(const struct wxpay *w)
{
	struct slice timestamp = fetch_header(&w->fetch, "Wechatpay-Timestamp");
	struct slice nonce = fetch_header(&w->fetch, "Wechatpay-Nonce");
	struct slice serial = fetch_header(&w->fetch, "Wechatpay-Serial");
	struct slice sign = fetch_header(&w->fetch, "Wechatpay-Signature");

	if (!timestamp.len || !nonce.len || !serial.len || !sign.len)
		return "a Wechatpay header is missing";
	if (!is_our_key(w->merchant, serial))
		return "signed with another key than [pay] public_key_id";
	if (sign_verify(w->merchant->public_key, timestamp, nonce,
		    buf_all(&w->fetch.body), sign, clock_now_s()) < 0)
		return "the signature is wrong or five minutes off";
	return NULL;
}

static void wxpay_try(struct wxpay *w);

static bool
is_probe(const struct wxpay *w)
{
	return slice_starts(fetch_header(&w->fetch, "Wechatpay-Signature"),
		"WECHATPAY/SIGNTEST/");
}

static void
distrusted(struct wxpay *w, const char *what)
{
	char serial[80];

	if (is_probe(w)) {
		if (w->tries < TRIES) {
			fetch_done(&w->fetch);
			wxpay_try(w);
			return;
		}
		(void)fault_set(&w->job.why, ERR_UPSTREAM_BUSY,
			"WeChat Pay tested our signature check" AGAIN);
		job_finish(&w->job, ERR_UPSTREAM_BUSY);
		return;
	}
	(void)snprintf(serial, sizeof(serial), "%.*s",
		SLICE_ARG(fetch_header(&w->fetch, "Wechatpay-Serial")));
	event(EVENT_PAY_FORGED, "path", w->path, "what", what, "serial", serial,
		NULL);
	(void)fault_set(&w->job.why, ERR_PAY_FORGED,
		"an answer in WeChat Pay's name did not verify: %s", what);
	job_finish(&w->job, ERR_PAY_FORGED);
}

static void
answer_take(struct wxpay *w)
{
	const char *what = distrust(w);

	if (what) {
		distrusted(w, what);
		return;
	}
	if (val_parse(&w->answer, buf_all(&w->fetch.body), NULL) < 0) {
		(void)fault_set(&w->job.why, ERR_UPSTREAM,
			"WeChat Pay's answer is not JSON" AGAIN);
		job_finish(&w->job, ERR_UPSTREAM);
		return;
	}
	job_finish(&w->job, 0);
}

static void
on_fetch(struct job *job)
{
	struct wxpay *w = container_of(job, struct wxpay, fetch.job);
	int err = job->err == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UPSTREAM;

	if (job->err < 0) {
		event(EVENT_PAY_ERROR, "path", w->path, "error",
			err_info(job->err)->name, NULL);
		(void)fault_set(
			&w->job.why, err, "WeChat Pay did not answer" AGAIN);
		job_finish(&w->job, err);
		return;
	}
	if (w->fetch.status >= 200 && w->fetch.status < 300)
		answer_take(w);
	else
		refused(w);
}

static int
authorization(struct wxpay *w, struct buf *to)
{
	char timestamp[24], nonce[NONCE + 1];

	(void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_now_s());
	text_random_hex(nonce, NONCE / 2);
	buf_str(to, "Authorization: ");
	return sign_authorization(to, w->merchant->private_key,
		w->merchant->mchid, w->merchant->serial, "POST",
		slice_str(w->path), slice_str(timestamp), slice_str(nonce),
		w->body);
}

/* Signed as late as this: WeChat refuses what is five minutes old. */
static void
wxpay_try(struct wxpay *w)
{
	_buf_ struct buf url, sign, serial;
	int r;

	w->tries++;
	buf_init(&url, HEAD_TOP);
	buf_init(&sign, HEAD_TOP);
	buf_init(&serial, HEAD_TOP);
	buf_printf(&url, "%s%s", w->merchant->api_base, w->path);
	buf_printf(&serial, "Wechatpay-Serial: %s", w->merchant->public_key_id);
	r = authorization(w, &sign);
	job_init(&w->fetch.job, on_fetch);
	if (r < 0 || buf_check(&url) < 0 || buf_check(&serial) < 0) {
		job_fail_soon(&w->fetch.job, w->loop, ERR_INTERNAL);
		return;
	}
	fetch_start(w->fetcher, &w->fetch,
		&(struct fetch_ask){
			.method = "POST",
			.url = url.ptr,
			.headers = (const char *const[]){sign.ptr, serial.ptr,
				"Accept: application/json",
				"Content-Type: application/json",
				"User-Agent: mpcloud", NULL},
			.body = w->body,
			.timeout_ms = TIMEOUT_MS,
			.connect_ms = CONNECT_MS,
			.answer_top = ANSWER_TOP,
		});
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct wxpay, job)->fetch.job);
}

void
wxpay_post(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, struct slice body)
{
	w->loop = loop;
	w->fetcher = fetcher;
	w->merchant = merchant;
	w->path = path;
	w->body = body;
	w->tries = 0;
	job_begin(&w->job, loop, TRIES * TIMEOUT_MS + 1000, on_drop);
	wxpay_try(w);
}

void
wxpay_done(struct wxpay *w)
{
	job_cancel(&w->job);
	if (w->tries)
		fetch_done(&w->fetch);
	w->tries = 0;
	json_decref(w->answer);
	w->answer = NULL;
}
