/*
 * v2's signature: a shared key behind the sorted fields.  MD5 is WeChat's
 * choice and still its default; HMAC-SHA256 is the setting pay.v2_sign.
 */
#include "base/mem.h"
#include "base/text.h"
#include "pay/v2.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_TOP = 256 * 1024, MD5 = 16, FIELDS_TOP = 1000, SEALED_TOP = 65536 };

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "12" of a number, so that what we send may be either. */
static void
value_put(struct buf *to, const json_t *v)
{
	if (json_is_integer(v))
		buf_i64(to, json_integer_value(v));
	else
		buf_str(to, json_string_value(v));
}

static bool
is_signed(const char *name, const json_t *v)
{
	if (strcmp(name, "sign") == 0)
		return false;
	return json_is_integer(v) ||
	       (json_is_string(v) && json_string_length(v) > 0);
}

int
v2_text(struct buf *to, const json_t *fields, const char *key)
{
	size_t n = 0, count = json_object_size(fields);
	const char **names, *name;
	json_t *v;

	if (count > FIELDS_TOP)
		return ERR_TOO_BIG;
	names = mem_array(count + 1, const char *);
	json_object_foreach ((json_t *)(uintptr_t)fields, name, v)
		if (is_signed(name, v))
			names[n++] = name;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		buf_str(to, names[i]);
		buf_char(to, '=');
		value_put(to, json_object_get(fields, names[i]));
		buf_char(to, '&');
	}
	mem_free(names);
	buf_str(to, "key=");
	buf_str(to, key);
	return buf_check(to);
}

int
v2_sign(struct buf *to, const json_t *fields, const char *key,
	enum merchant_sign how)
{
	uint8_t sum[DIGEST_TOP];
	_buf_ struct buf text;
	size_t at = to->len;
	int n;

	buf_init(&text, TEXT_TOP);
	n = v2_text(&text, fields, key);
	if (n < 0)
		return n;
	if (how == MERCHANT_MD5) {
		n = crypto_digest("md5", buf_all(&text), sum);
	} else {
		crypto_hmac_sha256(slice_str(key), buf_all(&text), sum);
		n = SHA256_LEN;
	}
	mem_wipe(text.ptr, text.len);
	if (n < 0)
		return n;
	text_hex(to, slice_of(sum, (size_t)n));
	for (; at < to->len; at++)
		to->ptr[at] = (char)toupper((unsigned char)to->ptr[at]);
	return buf_check(to);
}

/* A name that came twice is an array: nobody knows which was signed. */
static bool
is_flat(const json_t *fields)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)fields, name, v)
		if (!json_is_string(v))
			return false;
	return true;
}

int
v2_verify(const json_t *fields, const char *key)
{
	const json_t *theirs = json_object_get(fields, "sign");
	struct slice sign = {
		json_string_value(theirs), json_string_length(theirs)};
	_buf_ struct buf ours;
	int r;

	buf_init(&ours, DIGEST_TOP * 2);
	if (!is_flat(fields) ||
		(sign.len != 2 * MD5 && sign.len != 2 * SHA256_LEN))
		return ERR_FORMAT;
	r = v2_sign(&ours, fields, key,
		sign.len == 2 * MD5 ? MERCHANT_MD5 : MERCHANT_HMAC_SHA256);
	if (r < 0)
		return r;
	return crypto_eq(sign, buf_all(&ours)) ? 0 : ERR_FORMAT;
}

/* The key's MD5 as hex digits, of which the text itself is the AES key. */
int
v2_open(struct buf *to, const char *key, struct slice req_info)
{
	uint8_t sum[DIGEST_TOP];
	_buf_ struct buf sealed, aes;
	int r;

	buf_init(&sealed, SEALED_TOP);
	buf_init(&aes, 2 * MD5);
	r = crypto_digest("md5", slice_str(key), sum);
	if (r < 0)
		return r;
	text_hex(&aes, slice_of(sum, MD5));
	r = text_unbase64(&sealed, req_info) < 0
		    ? ERR_FORMAT
		    : crypto_ecb_open(buf_all(&aes), buf_all(&sealed), to);
	mem_wipe(aes.ptr, aes.len);
	mem_wipe(sum, sizeof(sum));
	return r;
}
