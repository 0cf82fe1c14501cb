/*
 * Callbacks of v3 (docs "payment notification", "refund notification"): the
 * signature over the bytes as they came, before anything is parsed, then the
 * seal, then the fields.  Each step that fails has its own error, since each
 * has another cause: a proxy, a clock, a key, a wrong key file.
 */
#include "pay/notify.h"

#include "base/event.h"
#include "pay/sign.h"
#include "pay/trade.h"
#include "pay/watch.h"

#include <stdio.h>
#include <string.h>

enum { ID_TOP = 64, WORD_TOP = 64, SEALED_TOP = NOTIFY_BODY_TOP };

static int
headers_check(const struct notify_in *in, struct fault *why)
{
	const struct {
		struct slice value;
		const char *name;
	} rows[] = {
		{in->timestamp, "Wechatpay-Timestamp"},
		{in->nonce, "Wechatpay-Nonce"},
		{in->serial, "Wechatpay-Serial"},
		{in->signature, "Wechatpay-Signature"},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (!rows[i].value.len)
			return fault_set(why, ERR_PAY_UNSIGNED,
				"the header %s is missing: a proxy in front "
				"must pass all Wechatpay-* headers on",
				rows[i].name);
	if (in->signature_type.len &&
		!slice_is(in->signature_type, "WECHATPAY2-SHA256-RSA2048"))
		return fault_set(why, ERR_PAY_FORGED_NOTIFY,
			"the Wechatpay-Signature-Type is not "
			"WECHATPAY2-SHA256-RSA2048");
	return 0;
}

static int
time_check(
	const struct merchant *m, const struct notify_in *in, struct fault *why)
{
	uint64_t their;

	/* milliseconds and signs are nobody's */
	if (in->timestamp.len > 11 ||
		slice_to_u64(in->timestamp, INT64_MAX, &their) < 0)
		return fault_set(why, ERR_PAY_STALE,
			"the Wechatpay-Timestamp is not a time in seconds");
	if ((int64_t)their > in->now_s - NOTIFY_SKEW_S &&
		(int64_t)their < in->now_s + NOTIFY_SKEW_S)
		return 0;
	(void)m;
	return fault_set(why, ERR_PAY_STALE,
		"the callback's time is %lld s away from this server's: its "
		"clock is wrong, or the callback is a replay",
		(long long)((int64_t)their - in->now_s));
}

static int
key_find(struct rsa **ret, const struct merchant *m, const struct notify_in *in,
	struct fault *why)
{
	*ret = merchant_key(m, in->serial);
	if (*ret)
		return 0;
	return fault_set(why, ERR_PAY_UNKNOWN_KEY,
		"no key of the serial number %.*s is here%s",
		SLICE_ARG(slice_of(in->serial.ptr, min(in->serial.len, 80UL))),
		slice_starts(in->serial, "PUB_KEY_ID_") || m->certs
			? ""
			: " (a platform certificate's: set pay.certificates = "
			  "yes while WeChat Pay changes over)");
}

static int
signature_check(
	const struct merchant *m, const struct notify_in *in, struct fault *why)
{
	struct rsa *key;
	int r = headers_check(in, why);

	if (r == 0 && slice_starts(in->signature, "WECHATPAY/SIGNTEST/"))
		return ERR_PAY_PROBE;
	if (r == 0)
		r = time_check(m, in, why);
	if (r == 0)
		r = key_find(&key, m, in, why);
	if (r < 0)
		return r;
	if (sign_verify(key, in->timestamp, in->nonce, in->body, in->signature,
		    in->now_s) < 0)
		return fault_set(why, ERR_PAY_FORGED_NOTIFY,
			"the callback's signature does not verify: it is "
			"forged, or its body was changed on its way");
	watch_serial(m, in->serial);
	return 0;
}

/* What is sealed must be what the envelope says. */
static int
kind_read(struct notify *n, const json_t *v, const json_t *resource,
	struct arena *arena, struct fault *why)
{
	static const struct {
		const char *event, *type;
		enum notify_kind kind;
	} rows[] = {
		{"TRANSACTION.SUCCESS", "transaction", NOTIFY_PAID},
		{"REFUND.SUCCESS", "refund", NOTIFY_REFUND},
		{"REFUND.ABNORMAL", "refund", NOTIFY_REFUND},
		{"REFUND.CLOSED", "refund", NOTIFY_REFUND},
	};
	const char *type;
	int r = trade_text(
		v, "event_type", WORD_TOP, &n->event_type, arena, why);

	if (r == 0)
		r = trade_text(
			resource, "original_type", WORD_TOP, &type, arena, why);
	for (size_t i = 0; i < array_size(rows) && r == 0; i++)
		if (strcmp(n->event_type, rows[i].event) == 0) {
			n->kind = rows[i].kind;
			if (type[0] && strcmp(type, rows[i].type) != 0)
				break;
			return 0;
		}
	return r < 0 ? r
		     : fault_set(why, ERR_FORMAT,
			       "callbacks of the event_type %.40s are not "
			       "understood here",
			       n->event_type);
}

static int
resource_open(struct buf *to, const struct merchant *m, const json_t *resource,
	struct fault *why)
{
	struct slice how, nonce, aad, text;
	int r = val_str(resource, "algorithm", WORD_TOP, &how, why);

	if (r == 0)
		r = val_str(resource, "nonce", WORD_TOP, &nonce, why);
	if (r == 0)
		r = val_str_or(resource, "associated_data", WORD_TOP, SLICE(""),
			&aad, why);
	if (r == 0)
		r = val_str(resource, "ciphertext", SEALED_TOP, &text, why);
	if (r < 0)
		return fault_prefix(
			why, ERR_FORMAT, "the callback's resource: ");
	if (!slice_is(how, "AEAD_AES_256_GCM"))
		return fault_set(why, ERR_FORMAT,
			"the callback's algorithm is not AEAD_AES_256_GCM");
	if (sign_open_resource(
		    to, slice_str(m->apiv3_key), how, nonce, aad, text) < 0)
		return fault_set(why, ERR_PAY_DECRYPT,
			"the callback did not open: apiv3_key_file is not the "
			"APIv3 key of merchant %s (it was set anew in the "
			"merchant platform?)",
			m->mchid);
	return 0;
}

static int
fields_read(struct notify *n, struct slice text, struct arena *arena,
	struct fault *why)
{
	_json_ json_t *v = NULL;
	struct notify told;
	int r = val_parse(&v, text, why);

	if (r < 0)
		return fault_prefix(
			why, ERR_FORMAT, "the callback's sealed part: ");
	r = n->kind == NOTIFY_PAID
		    ? trade_read(&told, v, arena, why)
		    : trade_read_refund(&told, v, NULL, arena, why);
	if (r < 0)
		return r;
	if (strcmp(told.event_type, n->event_type) != 0)
		return fault_set(why, ERR_FORMAT,
			"a callback of %.40s says %.40s inside", n->event_type,
			told.event_type);
	told.event_id = n->event_id;
	*n = told;
	return 0;
}

int
notify_read_body(struct notify *ret, const struct merchant *m,
	struct slice body, struct arena *arena, struct fault *why)
{
	struct notify read = {0}, *n = &read;
	_json_ json_t *v = NULL;
	const json_t *resource;
	_buf_ struct buf text;
	int r = val_parse(&v, body, why);

	buf_init(&text, SEALED_TOP);
	if (r < 0)
		return fault_prefix(why, ERR_FORMAT, "the callback: ");
	resource = json_object_get(v, "resource");
	if (!json_is_object(resource))
		return fault_set(
			why, ERR_FORMAT, "the callback has no resource");
	r = trade_text(v, "id", ID_TOP, &n->event_id, arena, why);
	if (r == 0 && !n->event_id[0])
		r = fault_set(why, ERR_FORMAT, "the callback has no id");
	if (r == 0)
		r = kind_read(n, v, resource, arena, why);
	if (r == 0)
		r = resource_open(&text, m, resource, why);
	if (r == 0)
		r = fields_read(n, buf_all(&text), arena, why);
	if (r == 0)
		*ret = read;
	return r;
}

bool
notify_is_sealed(
	const struct merchant *m, struct slice body, struct arena *arena)
{
	struct notify n;

	return notify_read_body(&n, m, body, arena, NULL) == 0;
}

int
notify_read(struct notify *ret, const struct merchant *m,
	const struct notify_in *in, struct arena *arena, struct fault *why)
{
	struct notify n = {0};
	int r;

	if (in->body.len > NOTIFY_BODY_TOP)
		return fault_set(
			why, ERR_TOO_BIG, "a callback has 64 KiB at most");
	if (!merchant_has_v3(m))
		return fault_set(why, ERR_UPSTREAM_CONFIG,
			"[pay] %s has no keys of API v3", m->mchid);
	r = signature_check(m, in, why);
	if (r == 0)
		r = notify_read_body(&n, m, in->body, arena, why);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}
