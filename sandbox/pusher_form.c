/*
 * The bytes of message push (page "消息推送", and the published WXBizMsgCrypt
 * demo): sums over sorted strings, AES-256-CBC with blocks of 32, the appid at
 * the end. Written by the page and apart from the daemon's reader, which it
 * tests.
 */

#include "pusher.h"

#include "random.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdlib.h>

enum {
	AES_KEY_TEXT = 43,
	PUSH_BLOCK = 32,
	RANDOM_HEAD = 16,
	NONCE_LEN = 10,
	BODY_TOP = 1 << 20,
};

#define BASE64 \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

void
push_form_done(struct push_form *f)
{
	mem_free(f->url);
	mem_free(f->token);
	mem_free(f->aes_key);
	mem_free(f->appid);
	json_decref(f->msg);
	*f = (struct push_form){0};
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* SHA-1 over the strings in the order of their bytes. */
static void
put_sum(struct buf *to, const char **list, size_t count)
{
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf text;

	buf_init(&text, 2 * BODY_TOP);
	qsort(list, count, sizeof(*list), compare);
	for (size_t i = 0; i < count; i++)
		buf_str(&text, list[i]);
	crypto_sha1(buf_all(&text), sum);
	text_hex(to, slice_of(sum, sizeof(sum)));
}

/* The last of the 43 characters holds two bits too many: any will do. */
static int
key_read(const char *text, struct buf *ret)
{
	_free_ char *whole = str_printf("%s=", text);
	const char *last;

	if (strlen(text) != AES_KEY_TEXT)
		return ERR_PARAM;
	last = strchr(BASE64, text[AES_KEY_TEXT - 1]);
	if (!last)
		return ERR_PARAM;
	whole[AES_KEY_TEXT - 1] = BASE64[(last - BASE64) & 0x3c];
	return text_unbase64(ret, slice_str(whole)) < 0 ? ERR_PARAM : 0;
}

static int
seal(const struct push_form *f, struct slice msg, struct buf *to,
	struct fault *why)
{
	_buf_ struct buf key = {0}, plain = {0}, sealed = {0};
	char head[RANDOM_HEAD + 1];
	uint32_t len = (uint32_t)msg.len;
	size_t pad;
	int r;

	buf_init(&key, PUSH_BLOCK + 1);
	if (!f->aes_key || key_read(f->aes_key, &key) < 0)
		return fault_set(why, ERR_PARAM,
			"aesKey: the 43 characters of EncodingAESKey");
	buf_init(&plain, BODY_TOP);
	buf_init(&sealed, BODY_TOP + PUSH_BLOCK);
	random_letters(head, RANDOM_HEAD, ALNUM);
	buf_add(&plain, head, RANDOM_HEAD);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(&plain, (char)(len >> shift));
	buf_slice(&plain, msg);
	buf_str(&plain, f->appid);
	pad = PUSH_BLOCK - plain.len % PUSH_BLOCK;
	for (size_t i = 0; i < pad; i++)
		buf_char(&plain, (char)pad);
	r = buf_check(&plain);
	if (r == 0)
		r = crypto_cbc_raw_seal(buf_all(&key), slice_of(key.ptr, 16),
			buf_all(&plain), &sealed);
	text_base64(to, buf_all(&sealed));
	return r < 0 ? fault_set(why, r, "msg: too large") : 0;
}

static int
msg_write(const struct push_form *f, const json_t *msg, struct buf *to,
	struct fault *why)
{
	if (f->xml)
		return xml_build(to, "xml", msg, why);
	val_put(to, msg);
	return 0;
}

/* The body as it is sent; `encrypt` keeps what was sealed. */
static int
body_write(const struct push_form *f, struct buf *body, struct buf *encrypt,
	struct fault *why)
{
	_json_ json_t *outer = NULL;
	_buf_ struct buf plain;
	int r;

	buf_init(&plain, BODY_TOP);
	r = msg_write(f, f->msg, &plain, why);
	if (r == 0 && f->safe)
		r = seal(f, buf_all(&plain), encrypt, why);
	if (r < 0)
		return r;
	if (!f->safe) {
		buf_slice(body, buf_all(&plain));
		return buf_check(body);
	}
	outer = f->plain_too ? json_copy(f->msg)
			     : json_pack("{s:O}", "ToUserName",
				       json_object_get(f->msg, "ToUserName"));
	(void)json_object_set_new(outer, "Encrypt", json_string(encrypt->ptr));
	return msg_write(f, outer, body, why);
}

static void
put_address(const struct push_form *f, struct buf *url, struct slice openid,
	const char *encrypt)
{
	char nonce[NONCE_LEN + 1];
	_free_ char *timestamp = str_printf("%lld", (long long)clock_now_s());
	const char *three[] = {f->token, timestamp, nonce};
	const char *four[] = {f->token, timestamp, nonce, encrypt};

	random_letters(nonce, NONCE_LEN, DIGITS);
	buf_printf(
		url, "%s%csignature=", f->url, strchr(f->url, '?') ? '&' : '?');
	put_sum(url, three, array_size(three));
	buf_printf(url, "&timestamp=%s&nonce=%s", timestamp, nonce);
	if (openid.len) {
		buf_str(url, "&openid=");
		text_url(url, openid);
	}
	if (encrypt) {
		buf_str(url, "&encrypt_type=aes&msg_signature=");
		put_sum(url, four, array_size(four));
	}
}

int
push_form_write(const struct push_form *f, struct buf *url, struct buf *body,
	struct fault *why)
{
	const json_t *from = json_object_get(f->msg, "FromUserName");
	_buf_ struct buf encrypt;
	int r;

	buf_init(&encrypt, 2 * BODY_TOP);
	r = body_write(f, body, &encrypt, why);
	if (r < 0)
		return r;
	put_address(f, url, slice_str(json_string_value(from)),
		f->safe ? encrypt.ptr : NULL);
	return buf_check(url);
}

int
push_form_check(const struct push_form *f, struct slice echostr,
	struct buf *url, struct fault *why)
{
	put_address(f, url, SLICE(""), NULL);
	buf_str(url, "&echostr=");
	text_url(url, echostr);
	return buf_check(url) < 0 ? fault_set(why, ERR_PARAM, "url: too long")
				  : 0;
}
