/*
 * Callbacks of v2.  A payment is signed over every field that came; a refund
 * is not signed at all, but sealed with the key, and names the merchant only
 * outside the seal, so that this is compared with the address it came to.
 */
#include "pay/notify.h"

#include "base/text.h"
#include "base/xml.h"
#include "pay/trade.h"
#include "pay/v2.h"

#include <string.h>

static int
event_id(struct notify *n, struct slice body, struct arena *arena)
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf hex;
	char *p;

	buf_init(&hex, 2 * SHA256_LEN);
	crypto_sha256(body, sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	p = arena_try(arena, hex.len + 1);
	if (!p)
		return ERR_TOO_BIG;
	memcpy(p, hex.ptr, hex.len + 1);
	n->event_id = p;
	return 0;
}

static int
paid_read(struct notify *n, const struct merchant *m, const json_t *v,
	struct arena *arena, struct fault *why)
{
	if (!*val_text(v, "sign"))
		return fault_set(
			why, ERR_PAY_UNSIGNED, "the callback has no sign");
	if (v2_verify(v, m->v2_key) < 0)
		return fault_set(why, ERR_PAY_FORGED_NOTIFY,
			"the callback's signature does not verify: it is "
			"forged, or v2_key_file is not the key of merchant %s",
			m->mchid);
	if (strcmp(val_text(v, "result_code"), "SUCCESS") != 0)
		return fault_set(why, ERR_FORMAT,
			"the callback is about a payment that failed: %.60s",
			val_text(v, "err_code"));
	return trade_read_v2(n, v, arena, why);
}

static int
refund_read(struct notify *n, const struct merchant *m, const json_t *v,
	struct arena *arena, struct fault *why)
{
	_json_ json_t *inner = NULL;
	_buf_ struct buf text;
	int r;

	buf_init(&text, NOTIFY_BODY_TOP);
	if (strcmp(val_text(v, "mch_id"), m->mchid) != 0 ||
		!merchant_has_app(m, slice_str(val_text(v, "appid"))))
		return fault_set(why, ERR_PAY_FORGED_NOTIFY,
			"the callback's mch_id and appid are not those of "
			"merchant %s, at whose address it came",
			m->mchid);
	if (v2_open(&text, m->v2_key, slice_str(val_text(v, "req_info"))) < 0)
		return fault_set(why, ERR_PAY_DECRYPT,
			"the callback did not open: v2_key_file is not the key "
			"of merchant %s",
			m->mchid);
	r = xml_parse(&inner, "root", buf_all(&text), why);
	if (r < 0)
		return fault_prefix(
			why, ERR_FORMAT, "the callback's req_info: ");
	if (!*val_text(inner, "refund_status"))
		return fault_set(why, ERR_FORMAT,
			"the callback's req_info has no refund_status");
	return trade_read_refund_v2(n, inner, m->mchid,
		merchant_own_app(m, val_text(v, "appid")), NULL, arena, why);
}

int
notify_read_v2(struct notify *ret, const struct merchant *m,
	const struct notify_in *in, struct arena *arena, struct fault *why)
{
	_json_ json_t *v = NULL;
	struct notify n = {0};
	int r;

	if (in->body.len > NOTIFY_BODY_TOP)
		return fault_set(
			why, ERR_TOO_BIG, "a callback has 64 KiB at most");
	if (!merchant_has_v2(m))
		return fault_set(why, ERR_UPSTREAM_CONFIG,
			"[pay] %s has no v2_key_file", m->mchid);
	r = xml_parse(&v, "xml", in->body, why);
	if (r < 0)
		return fault_prefix(why, ERR_FORMAT, "the callback: ");
	if (strcmp(val_text(v, "return_code"), "SUCCESS") != 0)
		return fault_set(why, ERR_FORMAT,
			"the callback's return_code is not SUCCESS");
	r = json_object_get(v, "req_info") ? refund_read(&n, m, v, arena, why)
					   : paid_read(&n, m, v, arena, why);
	if (r == 0)
		r = event_id(&n, in->body, arena);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}
