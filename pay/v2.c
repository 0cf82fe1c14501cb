/*
 * A question to API v2 and what may be believed of its answer (docs "signature
 * algorithm", "secure specification").  The answer's signature covers every
 * field that came, also those we do not know; an answer without one is believed
 * only as a refusal.
 *
 * As with v3 all questions here can be repeated: a lost one goes to the backup
 * host once.
 */
#include "pay/v2.h"

#include "base/event.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>

enum {
	TIMEOUT_MS = 10000,
	BILL_MS = 120000,
	CONNECT_MS = 3000,
	URL_TOP = 1024,
	BODY_TOP = 64 * 1024,
	ANSWER_TOP = 256 * 1024,
	NONCE = 32,
};

#define AGAIN "; the same number may safely be tried again"

static void
fail(struct v2 *v, int err, const char *words)
{
	(void)fault_set(&v->job.why, err, "%s", words);
	job_finish(&v->job, err);
}

static void
refused(struct v2 *v, const char *code, const char *words)
{
	int err = wxpay_code_error(code, 400);

	(void)snprintf(v->code, sizeof(v->code), "%.40s", wxpay_code(code));
	event(err == ERR_UPSTREAM_CONFIG ? EVENT_WECHAT_CONFIG
					 : EVENT_PAY_ERROR,
		"mchid", v->merchant->mchid, "path", v->path, "code", v->code,
		NULL);
	if (err == ERR_UPSTREAM_CONFIG)
		(void)fault_set(&v->job.why, err,
			"WeChat Pay refused this server's credentials (%s): "
			"the operator must check [pay] (mpcloud pay selftest)",
			v->code);
	else if (err == ERR_UPSTREAM_BUSY)
		(void)fault_set(&v->job.why, err,
			"WeChat Pay is busy (%s)" AGAIN, v->code);
	else
		(void)fault_set(&v->job.why, err, "WeChat Pay: %s: %.150s",
			v->code[0] ? v->code : "refused", words);
	job_finish(&v->job, err);
}

/* return_code FAIL has no code, and words in either language. */
static const char *
communication_code(const char *words)
{
	static const struct {
		const char *has, *code;
	} rows[] = {
		{"签名", "SIGN_ERROR"},
		{"sign", "SIGN_ERROR"},
		{"No Bill Exist", "NO_STATEMENT_EXIST"},
		{"Bill Creating", "STATEMENT_CREATING"},
		{"appid and mch_id not match", "APPID_MCHID_NOT_MATCH"},
		{"mch_id", "MCH_NOT_EXISTS"},
		{"证书", "CERT_ERROR"},
		{"SYSTEMERROR", "SYSTEM_ERROR"},
		{"系统", "SYSTEM_ERROR"},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (strstr(words, rows[i].has))
			return rows[i].code;
	return "PARAM_ERROR";
}

static int
is_ours(const struct v2 *v, const json_t *answer)
{
	const char *mchid = val_text(answer, "mch_id");

	return !*mchid || strcmp(mchid, v->merchant->mchid) == 0;
}

static void
answer_take(struct v2 *v)
{
	const char *words = val_text(v->answer, "return_msg");
	const char *code = val_text(v->answer, "err_code");

	if (strcmp(val_text(v->answer, "return_code"), "SUCCESS") != 0) {
		if (!*code || strspn(code, "0123456789") == strlen(code))
			code = communication_code(words);
		refused(v, code, words);
		return;
	}
	if (v2_verify(v->answer, v->merchant->v2_key) < 0 ||
		!is_ours(v, v->answer)) {
		event(EVENT_PAY_FORGED, "mchid", v->merchant->mchid, "path",
			v->path, "what", "v2: the signature is wrong", NULL);
		fail(v, ERR_PAY_FORGED,
			"an answer in WeChat Pay's name did not verify: the v2 "
			"signature is wrong (is v2_key_file this merchant's?)");
		return;
	}
	if (strcmp(val_text(v->answer, "result_code"), "SUCCESS") != 0)
		refused(v, code, val_text(v->answer, "err_code_des"));
	else
		job_finish(&v->job, 0);
}

static void v2_try(struct v2 *v);

static void
unanswered(struct v2 *v, int err)
{
	event(EVENT_PAY_ERROR, "mchid", v->merchant->mchid, "path", v->path,
		"error", err_info(err)->name, "host", v->base, NULL);
	if (err == ERR_UPSTREAM && !v->asked_backup &&
		v->merchant->api_backup[0]) {
		v->asked_backup = true;
		v->base = v->merchant->api_backup;
		fetch_done(&v->fetch);
		v2_try(v);
		return;
	}
	fail(v,
		err == ERR_TIMEOUT || err == ERR_ANSWER_BIG ? err
							    : ERR_UPSTREAM,
		"WeChat Pay did not answer" AGAIN);
}

static void
on_fetch(struct job *job)
{
	struct v2 *v = container_of(job, struct v2, fetch.job);
	struct slice body = buf_all(&v->fetch.body);

	if (job->err < 0) {
		unanswered(v, job->err);
		return;
	}
	if (v->fetch.status != 200) {
		refused(v,
			v->fetch.status >= 500 ? "SYSTEM_ERROR" : "PARAM_ERROR",
			"an HTTP error");
		return;
	}
	if (v->is_bill && !slice_starts(slice_trim(body), "<xml")) {
		job_finish(&v->job, 0);
		return;
	}
	if (xml_parse(&v->answer, "xml", body, NULL) < 0)
		fail(v, ERR_UPSTREAM, "WeChat Pay's answer is not XML" AGAIN);
	else
		answer_take(v);
}

static int
body_make(struct v2 *v, struct buf *to)
{
	const struct merchant *m = v->merchant;
	char nonce[NONCE + 1];
	_buf_ struct buf sign;
	int r;

	buf_init(&sign, 2 * SHA256_LEN + 1);
	text_random_hex(nonce, NONCE / 2);
	(void)json_object_set_new(v->fields, "mch_id", json_string(m->mchid));
	(void)json_object_set_new(v->fields, "nonce_str", json_string(nonce));
	if (m->v2_sign == MERCHANT_HMAC_SHA256)
		(void)json_object_set_new(
			v->fields, "sign_type", json_string("HMAC-SHA256"));
	(void)json_object_del(v->fields, "sign");
	r = v2_sign(&sign, v->fields, m->v2_key, m->v2_sign);
	if (r < 0)
		return r;
	(void)json_object_set_new(v->fields, "sign", json_string(sign.ptr));
	return xml_build(to, "xml", v->fields, &v->job.why);
}

static void
v2_try(struct v2 *v)
{
	const struct merchant *m = v->merchant;
	bool is_secure = slice_starts(slice_str(v->path), "/secapi/");
	_buf_ struct buf url, body;

	buf_init(&url, URL_TOP);
	buf_init(&body, BODY_TOP);
	buf_printf(&url, "%s%s", v->base, v->path);
	job_init(&v->fetch.job, on_fetch);
	if (body_make(v, &body) < 0 || buf_check(&url) < 0) {
		job_fail_soon(&v->fetch.job, v->loop, ERR_INTERNAL);
		return;
	}
	fetch_start(v->fetcher, &v->fetch,
		&(struct fetch_ask){
			.method = "POST",
			.url = url.ptr,
			.headers =
				(const char *const[]){
					"Content-Type: text/xml; charset=utf-8",
					"User-Agent: mpcloud", NULL},
			.body = buf_all(&body),
			.timeout_ms = v->is_bill ? BILL_MS : TIMEOUT_MS,
			.connect_ms = CONNECT_MS,
			.answer_top = v->answer_top,
			.client_cert = is_secure ? slice_str(m->certificate_pem)
						 : slice_of(NULL, 0),
			.client_key = is_secure ? slice_str(m->private_key_pem)
						: slice_of(NULL, 0),
		});
	v->fetched = true;
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct v2, job)->fetch.job);
}

static void
begin(struct v2 *v, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, json_t *fields)
{
	bool is_secure = slice_starts(slice_str(path), "/secapi/");
	const char *what = NULL;

	v->loop = loop;
	v->fetcher = fetcher;
	v->merchant = merchant;
	v->path = path;
	v->fields = fields;
	v->base = merchant->api_base;
	v->asked_backup = false;
	v->code[0] = '\0';
	job_begin(&v->job, loop, 2 * (v->is_bill ? BILL_MS : TIMEOUT_MS) + 1000,
		on_drop);
	if (!merchant_has_v2(merchant))
		what = "v2_key_file";
	else if (is_secure && !merchant->certificate_pem[0])
		what = "v2_certificate_file (apiclient_cert.pem), which "
		       "refunds of v2 need";
	if (what) {
		(void)fault_set(&v->job.why, ERR_UPSTREAM_CONFIG,
			"[pay] %s has no %s", merchant->mchid, what);
		job_fail_soon(&v->job, loop, ERR_UPSTREAM_CONFIG);
		return;
	}
	v2_try(v);
}

void
v2_start(struct v2 *v, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, json_t *fields)
{
	v->is_bill = false;
	v->answer_top = ANSWER_TOP;
	begin(v, loop, fetcher, merchant, path, fields);
}

void
v2_start_bill(struct v2 *v, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, json_t *fields, size_t top)
{
	v->is_bill = true;
	v->answer_top = top;
	begin(v, loop, fetcher, merchant, "/pay/downloadbill", fields);
}

void
v2_done(struct v2 *v)
{
	job_cancel(&v->job);
	if (v->fetched)
		fetch_done(&v->fetch);
	v->fetched = false;
	json_decref(v->answer);
	json_decref(v->fields);
	v->answer = v->fields = NULL;
}
