/*
 * What the endpoints of v2 have in common: the strict reading of the XML, the
 * signature of the request, the form of the answers.
 */

#include "v2.h"

#include "random.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdlib.h>

/* ---- the signature ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
value_put(struct buf *to, const json_t *value)
{
	if (json_is_integer(value))
		buf_i64(to, json_integer_value(value));
	else
		buf_str(to, json_string_value(value));
}

static bool
is_signed(const char *name, const json_t *value)
{
	return strcmp(name, "sign") != 0 &&
	       (json_is_integer(value) || json_string_length(value) > 0);
}

/* a=1&b=2&key=… in the order of the names' bytes. */
static void
text_build(struct buf *to, const json_t *fields, const char *key)
{
	size_t n = json_object_size(fields), count = 0;
	const char **names = mem_alloc_array(n + 1, sizeof(*names));
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)fields, name, value)
		if (is_signed(name, value))
			names[count++] = name;
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		buf_printf(to, "%s=", names[i]);
		value_put(to, json_object_get(fields, names[i]));
		buf_char(to, '&');
	}
	buf_printf(to, "key=%s", key);
	mem_free(names);
}

void
v2_sign(char ret[V2_SIGN + 1], const json_t *fields, const char *type,
	const char *key)
{
	_buf_ struct buf text, hex;
	uint8_t sum[DIGEST_TOP];
	int n;

	buf_init(&text, V2_TEXT_TOP);
	buf_init(&hex, 2 * DIGEST_TOP + 1);
	text_build(&text, fields, key);
	n = strcmp(type, "HMAC-SHA256") == 0
		    ? crypto_hmac("sha256", slice_str(key), buf_all(&text), sum)
		    : crypto_digest("md5", buf_all(&text), sum);
	text_hex(&hex, slice_of(sum, n > 0 ? (size_t)n : 0));
	for (size_t i = 0; i < hex.len; i++)
		if (hex.ptr[i] >= 'a')
			hex.ptr[i] -= 'a' - 'A';
	memcpy(ret, hex.ptr, min(hex.len, (size_t)V2_SIGN));
	ret[min(hex.len, (size_t)V2_SIGN)] = '\0';
}

/* ---- answers ---- */

void
v2_fail(struct answer *a, const char *text)
{
	buf_clear(&a->body);
	a->status = 200;
	a->type = "text/xml; charset=utf-8";
	buf_printf(&a->body,
		"<xml><return_code><![CDATA[FAIL]]></return_code>\n"
		"<return_msg><![CDATA[%s]]></return_msg>\n</xml>",
		text);
}

static void
answer_build(struct v2 *v, json_t *fields)
{
	_free_ char *nonce = random_name("", 16, ALNUM);
	char sign[V2_SIGN + 1];

	(void)json_object_update_new(fields,
		json_pack("{s:s,s:s,s:s,s:s,s:s}", "return_code", "SUCCESS",
			"return_msg", "OK", "appid", v2_word(v, "appid"),
			"mch_id", v->seller->mchid, "nonce_str", nonce));
	v2_sign(sign, fields, v->sign_type, v->seller->v2_key);
	(void)json_object_set_new(fields, "sign", json_string(sign));
	v->answer->type = "text/xml; charset=utf-8";
	if (xml_build(&v->answer->body, "xml", fields, NULL) < 0)
		v2_fail(v->answer, "系统错误");
	json_decref(fields);
}

void
v2_answer(struct v2 *v, json_t *fields)
{
	(void)json_object_set_new(
		fields, "result_code", json_string("SUCCESS"));
	answer_build(v, fields);
}

void
v2_refuse(struct v2 *v, const char *code, const char *text)
{
	answer_build(v, json_pack("{s:s,s:s,s:s}", "result_code", "FAIL",
				"err_code", code, "err_code_des", text));
}

/* ---- the request ---- */

const char *
v2_word(const struct v2 *v, const char *name)
{
	const char *word = json_string_value(json_object_get(v->fields, name));

	return word ? word : "";
}

bool
v2_needs(struct v2 *v, const char *const *names)
{
	for (; *names; names++) {
		_free_ char *text = NULL;

		if (*v2_word(v, *names))
			continue;
		text = str_printf("缺少参数%s", *names);
		v2_refuse(v, "LACK_PARAMS", text);
		return false;
	}
	return true;
}

int64_t
v2_fen(const struct v2 *v, const char *name)
{
	uint64_t n;

	if (slice_to_u64(slice_str(v2_word(v, name)), INT32_MAX, &n) < 0)
		return 0;
	return (int64_t)n;
}

static bool
is_flat(const json_t *fields)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)fields, name, value)
		if (!json_is_string(value))
			return false;
	return true;
}

/* NULL: the XML and the signature are in order. */
static const char *
trouble_find(struct v2 *v, struct exchange *x)
{
	char sign[V2_SIGN + 1];

	if (strcmp(exchange_method(x), "POST") != 0)
		return "请使用post方法";
	if (exchange_body(x).len == 0)
		return "post数据为空";
	if (xml_parse(&v->fields, "xml", exchange_body(x), NULL) < 0 ||
		!is_flat(v->fields))
		return "XML格式错误";
	v->seller = seller_find(v->sandbox, slice_str(v2_word(v, "mch_id")));
	if (!v->seller)
		return "商户号mch_id或sub_mch_id不存在";
	if (!*v2_word(v, "nonce_str") || strlen(v2_word(v, "nonce_str")) > 32)
		return "nonce_str参数长度有误";
	v->sign_type =
		*v2_word(v, "sign_type") ? v2_word(v, "sign_type") : "MD5";
	if (strcmp(v->sign_type, "MD5") != 0 &&
		strcmp(v->sign_type, "HMAC-SHA256") != 0)
		return "签名类型不支持";
	v2_sign(sign, v->fields, v->sign_type, v->seller->v2_key);
	if (!crypto_eq(slice_str(sign), slice_str(v2_word(v, "sign"))))
		return "签名错误";
	return NULL;
}

bool
v2_enter(
	struct v2 *ret, struct sandbox *s, struct exchange *x, struct answer *a)
{
	const char *trouble;

	*ret = (struct v2){.sandbox = s, .answer = a};
	trouble = trouble_find(ret, x);
	if (trouble) {
		v2_fail(a, trouble);
		return false;
	}
	if (seller_has_app(ret->seller, slice_str(v2_word(ret, "appid"))))
		return true;
	v2_refuse(ret, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配");
	return false;
}

void
v2_done(struct v2 *v)
{
	json_decref(v->fields);
	v->fields = NULL;
}
