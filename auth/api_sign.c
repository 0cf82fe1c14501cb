/*
 * Reading and checking a signature.
 *
 * Parts may come in any order, quoted or not, and each once; a part that is not
 * known is refused, so that nobody relies on what is not looked at.  The time
 * is looked at after the signature, so that a stranger learns nothing of our
 * clock.
 */
#include "auth/api_sign.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define SCHEME "MPCLOUD-HMAC-SHA256"

enum { SIGNED_TOP = 128 * 1024, KEY_ID = 16 };

static int
refuse(struct fault *why, const char *what)
{
	return fault_set(why, ERR_API_KEY, "signature: %s", what);
}

bool
api_sign_is(struct slice a)
{
	size_t n = sizeof(SCHEME) - 1;

	return a.len > n && slice_is_nocase(slice_of(a.ptr, n), SCHEME) &&
	       a.ptr[n] == ' ';
}

static int
read_key(struct api_sign *s, struct slice v)
{
	if (v.len != KEY_ID)
		return -EINVAL;
	for (size_t i = 0; i < v.len; i++)
		if (!((v.ptr[i] >= '0' && v.ptr[i] <= '9') ||
			    (v.ptr[i] >= 'a' && v.ptr[i] <= 'f')))
			return -EINVAL;
	memcpy(s->key_id, v.ptr, KEY_ID);
	return 0;
}

static int
read_time(struct api_sign *s, struct slice v)
{
	uint64_t n;

	if (slice_to_u64(v, 99999999999ULL, &n) < 0)
		return -EINVAL;
	s->timestamp_s = (int64_t)n;
	return 0;
}

static int
read_nonce(struct api_sign *s, struct slice v)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
			return -EINVAL;
	}
	s->nonce = v;
	return v.len >= API_NONCE_LEAST && v.len <= API_NONCE_TOP ? 0 : -EINVAL;
}

static int
read_signature(struct api_sign *s, struct slice v)
{
	struct buf b _buf_;

	buf_init(&b, SHA256_LEN);
	if (v.len != 2 * SHA256_LEN || text_unhex(&b, v) < 0)
		return -EINVAL;
	memcpy(s->signature, b.ptr, SHA256_LEN);
	return 0;
}

static const struct {
	const char *name, *what;
	int (*read)(struct api_sign *s, struct slice v);
} parts[] = {
	{"key", "key must be the 16 characters after mpk_", read_key},
	{"timestamp", "timestamp must be seconds since 1970", read_time},
	{"nonce", "nonce must be 16 to 64 letters, digits, - and _",
		read_nonce},
	{"signature", "signature must be 64 hex digits", read_signature},
};

static int
read_part(
	struct api_sign *s, struct slice one, unsigned *seen, struct fault *why)
{
	struct slice value = one, name;

	if (!slice_split(&value, '=', &name))
		return refuse(why, "parts must be like key=\"…\"");
	name = slice_trim(name);
	value = slice_trim(value);
	if (value.len >= 2 && value.ptr[0] == '"' &&
		value.ptr[value.len - 1] == '"')
		value = slice_of(value.ptr + 1, value.len - 2);
	for (size_t i = 0; i < array_size(parts); i++) {
		if (!slice_is_nocase(name, parts[i].name))
			continue;
		if (*seen & 1u << i)
			return refuse(why, "a part comes twice");
		*seen |= 1u << i;
		if (parts[i].read(s, value) < 0)
			return refuse(why, parts[i].what);
		return 0;
	}
	return refuse(why, "has a part that is not known here");
}

int
api_sign_parse(struct api_sign *ret, struct slice a, struct fault *why)
{
	struct slice rest, one;
	struct api_sign s = {0};
	unsigned seen = 0;

	if (!api_sign_is(a))
		return refuse(why, "Authorization: " SCHEME " is needed");
	rest = slice_of(a.ptr + sizeof(SCHEME), a.len - sizeof(SCHEME));
	while (slice_split(&rest, ',', &one)) {
		int e = read_part(&s, one, &seen, why);

		if (e < 0)
			return e;
	}
	if (seen != (1u << array_size(parts)) - 1)
		return refuse(
			why, "key, timestamp, nonce and signature are needed");
	*ret = s;
	return 0;
}

static void
put_signed(
	struct buf *to, const struct api_sign *s, const struct api_signed *what)
{
	uint8_t body[SHA256_LEN];
	const char *mark = what->target.len ? memchr(what->target.ptr, '?',
						      what->target.len)
					    : NULL;
	size_t path =
		mark ? (size_t)(mark - what->target.ptr) : what->target.len;
	size_t query = mark ? path + 1 : path;

	buf_str(to, SCHEME "\n");
	buf_slice(to, what->method);
	buf_char(to, '\n');
	buf_add(to, what->target.ptr, path);
	buf_char(to, '\n');
	buf_add(to, what->target.ptr + query, what->target.len - query);
	buf_char(to, '\n');
	buf_i64(to, s->timestamp_s);
	buf_char(to, '\n');
	buf_slice(to, s->nonce);
	buf_char(to, '\n');
	crypto_sha256(what->body, body);
	text_hex(to, slice_of(body, sizeof(body)));
}

int
api_sign_check(const struct api_sign *s, const struct api_signed *what,
	struct slice key_text, int64_t now_s, struct fault *why)
{
	struct buf text _buf_;
	uint8_t sum[SHA256_LEN];

	buf_init(&text, SIGNED_TOP);
	put_signed(&text, s, what);
	if (buf_check(&text) < 0)
		return refuse(why, "the address is too long to be signed");
	crypto_hmac_sha256(key_text, buf_all(&text), sum);
	if (!crypto_eq(slice_of(sum, sizeof(sum)),
		    slice_of(s->signature, sizeof(s->signature))))
		return refuse(why,
			"does not verify: it must be over the method, the path "
			"and the query as they are sent, the timestamp, the "
			"nonce and the body's SHA-256, under the whole key");
	if (s->timestamp_s < now_s - API_SIGN_WINDOW_S ||
		s->timestamp_s > now_s + API_SIGN_WINDOW_S)
		return refuse(why,
			"the timestamp is more than five minutes off: one of "
			"the clocks is wrong, or the request was sent again");
	return 0;
}
