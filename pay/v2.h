#pragma once

/*
 * One question to WeChat Pay's API v2: flat XML, signed with a shared key, the
 * answer's signature checked over every field that came.
 */

#include "base/fetch.h"
#include "base/val.h"
#include "pay/merchant.h"
#include "pay/wxpay.h"

/* Embedded in its owner. */
struct v2 {
	struct job job;
	/* answer, until v2_done */
	json_t *answer;            /* its fields, all strings; verified */
	char code[WXPAY_CODE_TOP]; /* of a refusal, in v3's spelling; "" */
	/* its own */
	struct loop *loop;
	struct fetcher *fetcher;
	struct merchant *merchant;
	const char *path, *base;
	json_t *fields;
	struct fetch fetch;
	size_t answer_top;
	bool is_bill, asked_backup, fetched;
};

/* job_init(&v->job, …) first.  `fields` (taken over): what is asked, without
 * mch_id, nonce_str, sign_type and sign, which are added.  `path` and
 * `merchant` are borrowed while it runs.  /secapi/ paths are asked with the
 * merchant's certificate.  Errors as wxpay_start's. */
void v2_start(struct v2 *v, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, json_t *fields);
/* /pay/downloadbill: text instead of XML, in v->fetch.body, at most `top`
 * bytes; neither signed nor with a sum. */
void v2_start_bill(struct v2 *v, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, json_t *fields, size_t top);
void v2_done(struct v2 *v);

/* "a=1&b=2&key=KEY": what is signed; fields that are empty and `sign` are left
 * out, the others stand by their names' bytes. */
int v2_text(struct buf *to, const json_t *fields, const char *key) _must_check_;
/* In upper-case hex. */
int v2_sign(struct buf *to, const json_t *fields, const char *key,
	enum merchant_sign how) _must_check_;
/* The field `sign`, over all others; its length says which way. */
int v2_verify(const json_t *fields, const char *key) _must_check_;
/* Seals req_info: opens it. */
int v2_open(
	struct buf *to, const char *key, struct slice req_info) _must_check_;
