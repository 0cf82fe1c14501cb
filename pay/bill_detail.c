/*
 * The members of an order that are objects of their own (docs "JSAPI order":
 * detail, scene_info, settle_info), by a table: WeChat refuses what it does not
 * know, and an order that it would refuse for its form never gets a row.
 */
#include "pay/bill.h"

#include "base/text.h"

#include <string.h>

enum { DETAIL_TOP = 6144 };

struct member {
	const char *name;
	json_type type; /* JSON_TRUE: a boolean */
	size_t top;     /* of a string, in characters */
	bool is_needed;
	const struct member *inside; /* of an object, or of a list's objects */
};

static const struct member goods[] = {
	{"merchant_goods_id", JSON_STRING, 32, true, NULL},
	{"wechatpay_goods_id", JSON_STRING, 32, false, NULL},
	{"goods_name", JSON_STRING, 256, false, NULL},
	{"quantity", JSON_INTEGER, 0, true, NULL},
	{"unit_price", JSON_INTEGER, 0, true, NULL},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member detail[] = {
	{"cost_price", JSON_INTEGER, 0, false, NULL},
	{"invoice_id", JSON_STRING, 32, false, NULL},
	{"goods_detail", JSON_ARRAY, 0, false, goods},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member store[] = {
	{"id", JSON_STRING, 32, true, NULL},
	{"name", JSON_STRING, 256, false, NULL},
	{"area_code", JSON_STRING, 32, false, NULL},
	{"address", JSON_STRING, 512, false, NULL},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member scene[] = {
	{"payer_client_ip", JSON_STRING, 45, true, NULL},
	{"device_id", JSON_STRING, 32, false, NULL},
	{"store_info", JSON_OBJECT, 0, false, store},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member settle[] = {
	{"profit_sharing", JSON_TRUE, 0, false, NULL},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member all[] = {
	{"detail", JSON_OBJECT, 0, false, detail},
	{"scene_info", JSON_OBJECT, 0, false, scene},
	{"settle_info", JSON_OBJECT, 0, false, settle},
	{NULL, JSON_NULL, 0, false, NULL},
};

static const struct member *
find(const struct member *among, const char *name)
{
	for (; among->name; among++)
		if (strcmp(among->name, name) == 0)
			return among;
	return NULL;
}

static int
check_string(const struct member *m, const json_t *v, struct fault *why)
{
	const char *s = json_string_value(v);
	size_t n = 0;

	for (; *s; s++) {
		if ((unsigned char)*s < 0x20)
			return fault_set(why, ERR_PARAM,
				"%s: no control characters", m->name);
		n += ((unsigned char)*s & 0xc0) != 0x80;
	}
	return n <= m->top
		       ? 0
		       : fault_set(why, ERR_PARAM, "%s: at most %zu characters",
				 m->name, m->top);
}

static int check_members(
	const struct member *m, const json_t *v, struct fault *why);

static int
check(const struct member *m, const json_t *v, struct fault *why)
{
	static const char *const types[] = {[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number",
		[JSON_TRUE] = "true or false"};
	const json_t *one;
	size_t i;
	int r = 0;

	if (m->type == JSON_TRUE ? !json_is_boolean(v)
				 : json_typeof(v) != m->type)
		return fault_set(why, ERR_PARAM, "%s: must be %s", m->name,
			types[m->type]);
	if (m->type == JSON_STRING)
		return check_string(m, v, why);
	if (m->type == JSON_OBJECT)
		return check_members(m, v, why);
	if (m->type != JSON_ARRAY)
		return 0;
	json_array_foreach (v, i, one) {
		if (!json_is_object(one))
			return fault_set(why, ERR_PARAM,
				"%s: must hold objects", m->name);
		r = check_members(m, one, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
check_members(const struct member *m, const json_t *v, struct fault *why)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)v, key, value) {
		const struct member *inner = find(m->inside, key);
		int r;

		if (!inner)
			return fault_set(why, ERR_PARAM,
				"%s: WeChat Pay knows no member %.40s there",
				m->name, key);
		r = check(inner, value, why);
		if (r < 0)
			return fault_prefix(why, r, "%s.", m->name);
	}
	for (const struct member *i = m->inside; i->name; i++)
		if (i->is_needed && !json_object_get(v, i->name))
			return fault_set(why, ERR_PARAM, "%s.%s: is needed",
				m->name, i->name);
	return 0;
}

int
bill_detail_check(const char *name, const json_t *v, struct fault *why)
{
	_buf_ struct buf text;

	buf_init(&text, DETAIL_TOP);
	val_put(&text, v);
	if (buf_check(&text) < 0)
		return fault_set(why, ERR_PARAM, "%s: at most %d bytes", name,
			DETAIL_TOP);
	return check(find(all, name), v, why);
}
