/*
 * Two signatures come with a sealed message, and they cover different things:
 * `signature` covers the token only, so it proves nothing about the body;
 * `msg_signature` covers the sealed text.  So with a key only the sealed text
 * is believed, also when the console sends the plain members besides
 * ("compatible mode"), and the seal is not opened before its signature is
 * right: what is wrong with the padding is told to nobody who cannot sign.
 */
#include "wechat/push.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_LEN = 32,
	BLOCK = 16,
	PAD_TOP = 32, /* PKCS#7 with blocks of 32 */
	HEAD = 16,    /* random bytes before the length */
	LENGTH = 4,
	STRINGS = 4,
	VALUES_TOP = 20000,
};

static const char base64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	"0123456789+/";

/* ---- signatures ---- */

static int
compare(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	size_t n = min(x->len, y->len);
	int c = n ? memcmp(x->ptr, y->ptr, n) : 0;

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* SHA-1 over the strings in the order of their bytes, as lower-case hex. */
static bool
sum_is(struct slice *list, size_t count, struct slice wanted)
{
	_buf_ struct buf text, hex;
	uint8_t sum[SHA1_LEN];

	buf_init(&text, PUSH_BODY_TOP + 4096);
	buf_init(&hex, 2 * SHA1_LEN);
	qsort(list, count, sizeof(*list), compare);
	for (size_t i = 0; i < count; i++)
		buf_slice(&text, list[i]);
	if (buf_check(&text) < 0)
		return false;
	crypto_sha1(buf_all(&text), sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	return crypto_eq(buf_all(&hex), wanted);
}

static bool
signature_is_good(const struct push_home *home, const struct push_ask *ask)
{
	struct slice list[] = {
		slice_str(home->token), ask->timestamp, ask->nonce};

	return sum_is(list, array_size(list), ask->signature);
}

static bool
msg_signature_is_good(const struct push_home *home, const struct push_ask *ask,
	struct slice encrypt)
{
	struct slice list[] = {
		slice_str(home->token), ask->timestamp, ask->nonce, encrypt};

	return sum_is(list, array_size(list), ask->msg_signature);
}

int
push_check(const struct push_home *home, const struct push_ask *ask,
	struct fault *why)
{
	if (!ask->signature.len || !ask->timestamp.len || !ask->nonce.len)
		return fault_set(why, ERR_PUSH_UNSIGNED,
			"signature, timestamp and nonce are missing in the "
			"query: WeChat sends them, and a proxy in front must "
			"pass the query on");
	if (!signature_is_good(home, ask))
		return fault_set(why, ERR_PUSH_TOKEN,
			"the signature does not verify: the token here "
			"(wechat.push_token_file) is not the console's, or "
			"this is not WeChat");
	return 0;
}

int
push_fresh(const struct push_ask *ask, int64_t now_s, struct fault *why)
{
	uint64_t t;
	int64_t apart;

	if (slice_to_u64(ask->timestamp, INT64_MAX / 2, &t) < 0)
		return fault_set(why, ERR_PUSH_STALE,
			"the timestamp is not a number of seconds");
	apart = (int64_t)t - now_s;
	if (apart > PUSH_AGE_S || apart < -PUSH_AGE_S)
		return fault_set(why, ERR_PUSH_STALE,
			"the timestamp is more than a day off: an old message "
			"sent again, or this server's clock is wrong");
	return 0;
}

/* ---- the seal ---- */

/* The last character carries two bits too many, which WeChat's console sets at
 * random: they are cleared, as a strict decoder would refuse them. */
static int
key_read(struct slice key, struct buf *ret)
{
	char text[PUSH_KEY_TEXT + 2];
	const char *last;
	int r;

	if (key.len != PUSH_KEY_TEXT)
		return -EINVAL;
	memcpy(text, key.ptr, PUSH_KEY_TEXT);
	last = memchr(base64, text[PUSH_KEY_TEXT - 1], sizeof(base64) - 1);
	if (!last)
		return -EINVAL;
	text[PUSH_KEY_TEXT - 1] = base64[(last - base64) & 0x3c];
	text[PUSH_KEY_TEXT] = '=';
	r = text_unbase64(ret, slice_of(text, PUSH_KEY_TEXT + 1));
	mem_wipe(text, sizeof(text));
	return r;
}

int
push_key_check(struct slice key, struct fault *why)
{
	_buf_ struct buf bytes;
	int r;

	buf_init(&bytes, KEY_LEN + 1);
	r = key_read(key, &bytes);
	if (bytes.ptr)
		mem_wipe(bytes.ptr, bytes.len);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the EncodingAESKey has %d letters and digits, as the "
			"console shows it; this has %zu characters",
			PUSH_KEY_TEXT, key.len);
	return 0;
}

static int
bad_key(struct fault *why)
{
	return fault_set(why, ERR_PUSH_KEY,
		"the message is signed rightly but does not open: the "
		"EncodingAESKey here (wechat.push_key_file) is not the "
		"console's");
}

/* Off with the padding: 1 to 32 bytes that all say how many. */
static int
unpad(struct slice *plain)
{
	size_t pad = plain->len ? (uint8_t)plain->ptr[plain->len - 1] : 0;

	if (pad < 1 || pad > PAD_TOP || pad > plain->len)
		return ERR_PUSH_KEY;
	for (size_t i = plain->len - pad; i < plain->len; i++)
		if ((uint8_t)plain->ptr[i] != pad)
			return ERR_PUSH_KEY;
	plain->len -= pad;
	return 0;
}

/* 16 random bytes, the length, the message, the appid. */
static int
take_apart(const struct push_home *home, struct slice plain, struct slice *ret,
	struct fault *why)
{
	struct slice appid;
	uint32_t len = 0;

	if (unpad(&plain) < 0 || plain.len < HEAD + LENGTH)
		return bad_key(why);
	for (size_t i = 0; i < LENGTH; i++)
		len = len << 8 | (uint8_t)plain.ptr[HEAD + i];
	plain = slice_of(plain.ptr + HEAD + LENGTH, plain.len - HEAD - LENGTH);
	if (len > plain.len)
		return bad_key(why);
	appid = slice_of(plain.ptr + len, plain.len - len);
	if (!slice_is(appid, home->appid))
		return fault_set(why, ERR_PUSH_APPID,
			"the message is for another appid than %s: each app's "
			"own address is /v1/wechat/push/APPID",
			home->appid);
	*ret = slice_of(plain.ptr, len);
	return 0;
}

int
push_unseal(const struct push_home *home, struct slice encrypt,
	struct buf *plain, struct slice *ret, struct fault *why)
{
	_buf_ struct buf key, sealed;
	int r;

	buf_init(&key, KEY_LEN + 1);
	buf_init(&sealed, PUSH_BODY_TOP);
	r = key_read(slice_str(home->key), &key);
	if (r < 0)
		return push_key_check(slice_str(home->key), why);
	if (text_unbase64_lenient(&sealed, encrypt) < 0)
		r = fault_set(why, ERR_PUSH_FORMAT, "Encrypt: not base64");
	else if (crypto_cbc_raw_open(buf_all(&key), slice_of(key.ptr, BLOCK),
			 buf_all(&sealed), plain) < 0)
		r = bad_key(why);
	else
		r = take_apart(home, buf_all(plain), ret, why);
	mem_wipe(key.ptr, key.len);
	return r;
}

/* ---- the message ---- */

static int
bad_form(struct fault *why)
{
	char said[sizeof(why->text)];

	memcpy(said, why->text, sizeof(said));
	return fault_set(why, ERR_PUSH_FORMAT,
		"the message is neither JSON nor XML as WeChat writes it: %s",
		said);
}

/* By its first character. */
static int
text_parse(struct slice text, json_t **ret, struct fault *why)
{
	_json_ json_t *msg = NULL;
	size_t values = VALUES_TOP;
	int r;

	while (text.len && strchr(" \t\r\n", *text.ptr))
		text = slice_of(text.ptr + 1, text.len - 1);
	r = text.len && *text.ptr == '<'
		    ? xml_parse(&msg, "xml", text, why)
		    : val_parse_some(&msg, text, &values, why);
	if (r == 0 && !json_is_object(msg))
		r = fault_set(why, ERR_PUSH_FORMAT, "not an object");
	if (r < 0)
		return bad_form(why);
	*ret = take(msg);
	return 0;
}

static int
body_parse(struct slice body, json_t **ret, struct fault *why)
{
	struct fault own = {0};
	int r = text_parse(body, ret, why ? why : &own);

	return r;
}

/* XML's numbers are texts, JSON's are not: one shape for functions. */
static void
shape(json_t *msg)
{
	json_t *time = json_object_get(msg, "CreateTime");
	json_t *id = json_object_get(msg, "MsgId");
	uint64_t t;

	if (json_is_string(time) &&
		slice_to_u64(
			slice_str(json_string_value(time)), INT64_MAX, &t) == 0)
		(void)json_object_set_new(
			msg, "CreateTime", json_integer((json_int_t)t));
	if (json_is_integer(id)) {
		_free_ char *text =
			str_printf("%lld", (long long)json_integer_value(id));

		(void)json_object_set_new(msg, "MsgId", json_string(text));
	}
}

/* What was sealed, or NULL. */
static const char *
encrypt_of(const json_t *outer)
{
	return json_string_value(json_object_get(outer, "Encrypt"));
}

static int
sealed_open(const struct push_home *home, const struct push_ask *ask,
	struct slice encrypt, json_t **ret, struct fault *why)
{
	_buf_ struct buf plain;
	struct slice text;
	int r;

	buf_init(&plain, PUSH_BODY_TOP);
	if (!msg_signature_is_good(home, ask, encrypt))
		return fault_set(why,
			signature_is_good(home, ask) ? ERR_PUSH_ALTERED
						     : ERR_PUSH_TOKEN,
			signature_is_good(home, ask)
				? "msg_signature does not verify although "
				  "signature does: the body was changed on "
				  "its way, or is not WeChat's"
				: "msg_signature does not verify: the token "
				  "here (wechat.push_token_file) is not the "
				  "console's, or this is not WeChat");
	r = push_unseal(home, encrypt, &plain, &text, why);
	return r < 0 ? r : body_parse(text, ret, why);
}

/* Which of the console's modes a message came in, and what is set here. */
static int
mode_check(const struct push_home *home, const char *encrypt, struct fault *why)
{
	if (*home->key && !encrypt)
		return fault_set(why, ERR_PUSH_MODE,
			"a plain message, but wechat.push_key_file is set: "
			"choose the secure mode in the console, or leave the "
			"setting empty there and here");
	if (!*home->key && encrypt)
		return fault_set(why, ERR_PUSH_MODE,
			"a sealed message, but wechat.push_key_file is not "
			"set: put the console's EncodingAESKey there");
	return 0;
}

int
push_open(const struct push_home *home, const struct push_ask *ask,
	json_t **ret, struct fault *why)
{
	_json_ json_t *outer = NULL, *msg = NULL;
	const char *encrypt;
	int r;

	if (ask->body.len > PUSH_BODY_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"a message of more than %d bytes", PUSH_BODY_TOP);
	/* sealed: msg_signature is looked at, which covers more */
	if (!ask->msg_signature.len || !*home->key) {
		r = push_check(home, ask, why);
		if (r < 0)
			return r;
	}
	r = body_parse(ask->body, &outer, why);
	if (r < 0)
		return r;
	encrypt = encrypt_of(outer);
	r = mode_check(home, encrypt, why);
	if (r == 0 && encrypt)
		r = sealed_open(home, ask, slice_str(encrypt), &msg, why);
	else if (r == 0)
		msg = take(outer);
	if (r < 0)
		return r;
	shape(msg);
	*ret = take(msg);
	return 0;
}
