#pragma once

/*
 * API v2 of WeChat Pay: XML, signed with the merchant's v2 key, MD5 or
 * HMAC-SHA256.  Orders and refunds are the same as v3's (trade.h).
 */

#include "pay.h"

enum { V2_SIGN = 64, V2_TEXT_TOP = 64 * 1024 };

/* The signature over the members that are not empty, but for "sign", in
 * capitals.  `type`: "HMAC-SHA256", else it is MD5. */
void v2_sign(char ret[V2_SIGN + 1], const json_t *fields, const char *type,
	const char *key);

/* A request under way. */
struct v2 {
	struct sandbox *sandbox;
	struct answer *answer;
	struct seller *seller;
	json_t *fields;        /* as they came */
	const char *sign_type; /* "MD5", "HMAC-SHA256" */
};

/* False: the answer is there.  v2_done after use. */
bool v2_enter(struct v2 *ret, struct sandbox *s, struct exchange *x,
	struct answer *a);
void v2_done(struct v2 *v);
/* A member that came; "" when it did not. */
const char *v2_word(const struct v2 *v, const char *name);
/* All of them (NULL-ended) must be there; else the answer says which is not. */
bool v2_needs(struct v2 *v, const char *const *names);
/* Decimal, 1 to 2^31-1; 0: it is not. */
int64_t v2_fen(const struct v2 *v, const char *name);
/* result_code SUCCESS with these fields; takes them. */
void v2_answer(struct v2 *v, json_t *fields);
/* result_code FAIL. */
void v2_refuse(struct v2 *v, const char *code, const char *text);
/* return_code FAIL, unsigned. */
void v2_fail(struct answer *a, const char *text);
/* What a query and a callback say of a paid order. */
json_t *v2_paid_fields(const struct trade *t);
const char *v2_refund_status(enum refund_state state);
