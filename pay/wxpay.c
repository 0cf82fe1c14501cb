/*
 * A signed request and what may be believed of its answer.  A 2xx answer
 * counts only with a valid signature of WeChat Pay's, over the bytes as they
 * came, before anything is parsed; there is no setting to turn that off.
 * Refusals (4xx, 5xx) are not signed reliably: they are told to the caller,
 * and nothing is decided by them but what to ask next.
 *
 *   ask ─ no connection ─ ask the backup host ─┐
 *    └─ answer ────────────────────────────────┴─ 4xx, 5xx: refused
 *         ├─ a probe (WECHATPAY/SIGNTEST/) ─ ask again
 *         ├─ unknown serial ─ refresh certificates ─ look again
 *         └─ verified ─ parsed
 *
 * WeChat Pay sometimes sends a deliberately wrong signature to see whether we
 * look.  The request may have been carried out; as every request here can be
 * repeated, it is asked once more.
 */
#include "pay/wxpay.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/text.h"
#include "pay/address.h"
#include "pay/sign.h"
#include "pay/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	TIMEOUT_MS = 10000,
	DOWNLOAD_MS = 120000,
	CONNECT_MS = 3000,
	TRIES = 3,
	NONCE = 32,
	HEAD_TOP = 2048,
	ANSWER_TOP = 256 * 1024,
};

#define AGAIN "; the same number may safely be tried again"

static void
fail(struct wxpay *w, int err, const char *words)
{
	(void)fault_set(&w->job.why, err, "%s", words);
	job_finish(&w->job, err);
}

static void
word_copy(char *to, size_t room, struct slice from)
{
	size_t n = min(from.len, room - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = from.ptr[i] > 0x20 && from.ptr[i] < 0x7f ? from.ptr[i]
								 : '?';
	to[n] = '\0';
}

static void
refused(struct wxpay *w)
{
	_json_ json_t *v = NULL;
	const char *words;
	int err;

	if (val_parse(&v, buf_all(&w->fetch.body), NULL) < 0)
		v = NULL;
	word_copy(w->code, sizeof(w->code),
		slice_str(wxpay_code(val_text(v, "code"))));
	words = val_text(v, "message");
	(void)snprintf(w->message, sizeof(w->message), "%s", words);
	err = wxpay_code_error(w->code, w->status);
	if (strstr(words, "Wechatpay-Serial")) /* public_key_id is none */
		err = ERR_UPSTREAM_CONFIG;
	event(err == ERR_UPSTREAM_CONFIG ? EVENT_WECHAT_CONFIG
					 : EVENT_PAY_ERROR,
		"mchid", w->merchant->mchid, "path", w->path, "status",
		EVENT_INT(w->status), "code", w->code, "request", w->request_id,
		NULL);
	if (err == ERR_PAY_REFUSED)
		(void)fault_set(&w->job.why, err, "WeChat Pay: %s: %s",
			w->code[0] ? w->code : "refused", words);
	else if (err == ERR_UPSTREAM_CONFIG)
		(void)fault_set(&w->job.why, err,
			"WeChat Pay refused this server's credentials (%s): "
			"the operator must check [pay] (mpcloud pay selftest)",
			w->code[0] ? w->code : "401");
	else
		(void)fault_set(&w->job.why, err,
			"WeChat Pay is busy (%ld %s)" AGAIN, w->status,
			w->code);
	job_finish(&w->job, err);
}

static void wxpay_try(struct wxpay *w);

static void
try_again(struct wxpay *w)
{
	fetch_done(&w->fetch);
	wxpay_try(w);
}

static bool
is_probe(const struct wxpay *w)
{
	return slice_starts(fetch_header(&w->fetch, "Wechatpay-Signature"),
		"WECHATPAY/SIGNTEST/");
}

static void
probed(struct wxpay *w)
{
	event(EVENT_PAY_PROBE, "mchid", w->merchant->mchid, "path", w->path,
		NULL);
	if (w->tries < TRIES)
		try_again(w);
	else
		fail(w, ERR_UPSTREAM_BUSY,
			"WeChat Pay tested our signature check" AGAIN);
}

static void
distrusted(struct wxpay *w, const char *what)
{
	event(EVENT_PAY_FORGED, "mchid", w->merchant->mchid, "path", w->path,
		"what", what, "serial", w->serial, "request", w->request_id,
		NULL);
	(void)fault_set(&w->job.why, ERR_PAY_FORGED,
		"an answer in WeChat Pay's name did not verify: %s", what);
	job_finish(&w->job, ERR_PAY_FORGED);
}

static void
answer_take(struct wxpay *w)
{
	struct slice body = buf_all(&w->fetch.body);

	if (w->status == 204 || !body.len) {
		job_finish(&w->job, 0);
		return;
	}
	if (val_parse(&w->answer, body, NULL) < 0) {
		fail(w, ERR_UPSTREAM, "WeChat Pay's answer is not JSON" AGAIN);
		return;
	}
	job_finish(&w->job, 0);
}

static const char *
unknown_key(const struct wxpay *w)
{
	bool is_id = slice_starts(slice_str(w->serial), "PUB_KEY_ID_");

	if (!is_id && w->merchant->public_key && !w->merchant->certs)
		return "signed with a platform certificate although the public "
		       "key was asked for: open the public key in the merchant "
		       "platform, or set pay.certificates = yes meanwhile";
	return is_id ? "signed with another public key than [pay] public_key_id"
		     : "signed with a certificate that is not known here";
}

static void
answer_verify(struct wxpay *w, struct rsa *key)
{
	struct slice timestamp = fetch_header(&w->fetch, "Wechatpay-Timestamp");
	struct slice nonce = fetch_header(&w->fetch, "Wechatpay-Nonce");
	struct slice sign = fetch_header(&w->fetch, "Wechatpay-Signature");
	int r = sign_verify(key, timestamp, nonce, buf_all(&w->fetch.body),
		sign, clock_now_s());

	if (r == ERR_PAY_STALE)
		distrusted(w, "its time is five minutes off: this server's "
			      "clock or WeChat Pay's is wrong");
	else if (r < 0)
		distrusted(w, "the signature is wrong");
	else
		answer_take(w);
}

static void
on_certs(struct job *job)
{
	struct wxpay *w = container_of(job, struct wxpay, certs.job);
	struct rsa *key = w->key_of(w, slice_str(w->serial));

	if (key)
		answer_verify(w, key);
	else
		distrusted(w, unknown_key(w));
}

static void
answer_look(struct wxpay *w)
{
	struct rsa *key;

	if (!fetch_header(&w->fetch, "Wechatpay-Timestamp").len ||
		!fetch_header(&w->fetch, "Wechatpay-Nonce").len ||
		!w->serial[0] ||
		!fetch_header(&w->fetch, "Wechatpay-Signature").len) {
		distrusted(w, "a Wechatpay header is missing");
		return;
	}
	if (is_probe(w)) {
		probed(w);
		return;
	}
	watch_serial(w->merchant, slice_str(w->serial));
	key = w->key_of(w, slice_str(w->serial));
	if (key || w->asked_certs) {
		if (key)
			answer_verify(w, key);
		else
			distrusted(w, unknown_key(w));
		return;
	}
	w->asked_certs = true;
	job_init(&w->certs.job, on_certs);
	certs_refresh(w->merchant, w->loop, &w->certs, slice_str(w->serial));
}

static bool
has_backup(const struct wxpay *w)
{
	return !w->asked_backup && w->merchant->api_backup[0] &&
	       !w->is_download && w->tries < TRIES;
}

static void
unanswered(struct wxpay *w, int err)
{
	event(EVENT_PAY_ERROR, "mchid", w->merchant->mchid, "path", w->path,
		"error", err_info(err)->name, "host", w->base, NULL);
	if (err == ERR_UPSTREAM && has_backup(w)) {
		w->asked_backup = true;
		w->base = w->merchant->api_backup;
		try_again(w);
		return;
	}
	if (err == ERR_ANSWER_BIG)
		fail(w, err, "WeChat Pay's answer is larger than expected");
	else
		fail(w, err == ERR_TIMEOUT ? err : ERR_UPSTREAM,
			"WeChat Pay did not answer" AGAIN);
}

static void
on_fetch(struct job *job)
{
	struct wxpay *w = container_of(job, struct wxpay, fetch.job);

	if (job->err < 0) {
		unanswered(w, job->err);
		return;
	}
	w->status = w->fetch.status;
	word_copy(w->request_id, sizeof(w->request_id),
		fetch_header(&w->fetch, "Request-ID"));
	word_copy(w->serial, sizeof(w->serial),
		fetch_header(&w->fetch, "Wechatpay-Serial"));
	w->skew_s = watch_clock(w->merchant, &w->fetch);
	if (w->status < 200 || w->status >= 300)
		refused(w);
	else if (w->is_download)
		job_finish(&w->job, 0);
	else
		answer_look(w);
}

static int
authorization(struct wxpay *w, struct buf *to)
{
	char timestamp[24], nonce[NONCE + 1];

	(void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_now_s());
	text_random_hex(nonce, NONCE / 2);
	buf_str(to, "Authorization: ");
	return sign_authorization(to, w->merchant->private_key,
		w->merchant->mchid, w->merchant->serial, w->method,
		slice_str(w->path), slice_str(timestamp), slice_str(nonce),
		w->body);
}

static void
ask_send(struct wxpay *w, const char *url, const char *sign, const char *serial)
{
	const char *headers[8];
	size_t n = 0;

	headers[n++] = sign;
	headers[n++] = "User-Agent: mpcloud";
	headers[n++] =
		w->is_download ? "Accept: */*" : "Accept: application/json";
	if (serial)
		headers[n++] = serial;
	if (w->body.len)
		headers[n++] = "Content-Type: application/json";
	headers[n] = NULL;
	fetch_start(w->fetcher, &w->fetch,
		&(struct fetch_ask){
			.method = w->method,
			.url = url,
			.headers = headers,
			.body = w->body,
			.timeout_ms = w->is_download ? DOWNLOAD_MS : TIMEOUT_MS,
			.connect_ms = CONNECT_MS,
			.answer_top = w->answer_top,
		});
}

/* Signed as late as this: WeChat refuses what is five minutes old. */
static void
wxpay_try(struct wxpay *w)
{
	const char *wanted = merchant_wants_serial(w->merchant);
	_buf_ struct buf url, sign, serial;
	int r;

	w->tries++;
	buf_init(&url, HEAD_TOP);
	buf_init(&sign, HEAD_TOP);
	buf_init(&serial, HEAD_TOP);
	buf_printf(&url, "%s%s", w->base, w->path);
	buf_printf(&serial, "Wechatpay-Serial: %s", wanted);
	r = authorization(w, &sign);
	job_init(&w->fetch.job, on_fetch);
	if (r < 0 || buf_check(&url) < 0 || buf_check(&serial) < 0) {
		job_fail_soon(&w->fetch.job, w->loop, ERR_INTERNAL);
		return;
	}
	ask_send(w, url.ptr, sign.ptr, *wanted ? serial.ptr : NULL);
}

static void
on_drop(struct job *job)
{
	struct wxpay *w = container_of(job, struct wxpay, job);

	job_cancel(&w->fetch.job);
	job_cancel(&w->certs.job);
}

static struct rsa *
key_of_merchant(struct wxpay *w, struct slice serial)
{
	return merchant_key(w->merchant, serial);
}

static void
begin(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant)
{
	uint64_t ms = w->is_download ? DOWNLOAD_MS : TRIES * TIMEOUT_MS;

	w->loop = loop;
	w->fetcher = fetcher;
	w->merchant = merchant;
	w->base = merchant->api_base;
	w->tries = 0;
	w->asked_backup = false;
	w->asked_certs = w->key_of != NULL;
	w->code[0] = w->message[0] = w->request_id[0] = w->serial[0] = '\0';
	w->status = 0;
	w->skew_s = 0;
	if (!w->key_of)
		w->key_of = key_of_merchant;
	job_begin(&w->job, loop, ms + 1000, on_drop);
}

void
wxpay_start(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *method, const char *path,
	struct slice body)
{
	w->method = method;
	w->path = path;
	w->body = body;
	w->is_download = false;
	w->answer_top = ANSWER_TOP;
	begin(w, loop, fetcher, merchant);
	if (!merchant_has_v3(merchant)) {
		(void)fault_set(&w->job.why, ERR_UPSTREAM_CONFIG,
			"[pay] %s has no keys of API v3: set serial, "
			"private_key_file and apiv3_key_file",
			merchant->mchid);
		job_fail_soon(&w->job, loop, ERR_UPSTREAM_CONFIG);
		return;
	}
	wxpay_try(w);
}

void
wxpay_post(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, struct slice body)
{
	wxpay_start(w, loop, fetcher, merchant, "POST", path, body);
}

void
wxpay_download(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *url, size_t top)
{
	struct slice at = slice_str(url);
	bool main = address_same_origin(at, slice_str(merchant->api_base));

	w->method = "GET";
	w->path = address_path(at).ptr;
	w->body = slice_of(NULL, 0);
	w->is_download = true;
	w->answer_top = top;
	begin(w, loop, fetcher, merchant);
	if (!main &&
		!address_same_origin(at, slice_str(merchant->api_backup))) {
		(void)fault_set(&w->job.why, ERR_PAY_FORGED,
			"a bill's address is not one of WeChat Pay's");
		job_fail_soon(&w->job, loop, ERR_PAY_FORGED);
		return;
	}
	if (!main)
		w->base = merchant->api_backup;
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
	w->key_of = NULL;
}
