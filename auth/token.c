/*
 * Access tokens.  The one idea: nothing in a token decides how it is checked.
 * The first part of every token that a key signs is the same text, made once
 * when the key is read; a token whose first part is not byte for byte that of
 * one of our keys is refused before anything is decoded.  So there is no
 * "alg" to confuse and no "kid" to inject.
 *
 * This runs on every request: the HMAC's pads are hashed once per key, the
 * decoded bytes go to buffers that stay (a process has one thread), and the
 * claims have a parser of their own.  tests/bench/bench_token.c measures it.
 */
#include "auth/token.h"

#include "auth/claims.h"
#include "auth/token_keys.h"
#include "base/text.h"
#include "base/val.h"

#include <inttypes.h>

enum { NAME_TOP = 128 }; /* uid, appid, openid, unionid, custom_id */

/* What claims_parse takes back as it is. */
static bool
is_plain(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
			return false;
	return n <= NAME_TOP;
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

/* keys->sealed: nonce and AES-GCM of "openid NUL unionid NUL custom_id" (the
 * last only when there is one), bound to the uid. */
static int
id_seal(struct token_keys *keys, const struct token_key *k,
	const struct caller *who)
{
	char nonce[GCM_NONCE];

	buf_clear(&keys->id);
	buf_add(&keys->id, who->openid, strlen(who->openid) + 1);
	buf_str(&keys->id, who->unionid);
	if (*or_empty(who->custom_id)) {
		buf_char(&keys->id, '\0');
		buf_str(&keys->id, who->custom_id);
	}
	buf_clear(&keys->sealed);
	crypto_random(nonce, sizeof(nonce));
	buf_add(&keys->sealed, nonce, sizeof(nonce));
	return crypto_gcm_seal(slice_of(k->seal, GCM_KEY),
		slice_of(nonce, sizeof(nonce)), slice_str(who->uid),
		buf_all(&keys->id), &keys->sealed);
}

static void
put_mac(struct token_keys *keys, const struct token_key *k, struct slice text)
{
	uint8_t mac[SHA256_LEN];

	hmac_sum(k->hmac, text, mac);
	buf_clear(&keys->mac);
	text_base64url(&keys->mac, slice_of(mac, sizeof(mac)));
}

/* The third part of a token into keys->mac. */
static int
sign(struct token_keys *keys, const struct token_key *k, struct slice text)
{
	uint8_t signature[EC_SIGNATURE];
	int r;

	if (k->alg == TOKEN_HS256) {
		put_mac(keys, k, text);
		return 0;
	}
	r = ec_sign(k->ec, text, signature);
	buf_clear(&keys->mac);
	text_base64url(&keys->mac, slice_of(signature, sizeof(signature)));
	return r;
}

/* A signature has one spelling here: base64url has several of the same bytes,
 * and an ECDSA signature has a twin (base/crypto_ec.h). */
static int
verify(struct token_keys *keys, const struct token_key *k, struct slice text,
	struct slice third)
{
	if (k->alg == TOKEN_HS256) {
		put_mac(keys, k, text);
		return crypto_eq(buf_all(&keys->mac), third) ? 0
							     : ERR_TOKEN_BAD;
	}
	buf_clear(&keys->sealed);
	buf_clear(&keys->mac);
	if (third.len > 2 * EC_SIGNATURE ||
		text_unbase64url(&keys->sealed, third) < 0 ||
		ec_verify(k->ec, text, buf_all(&keys->sealed)) < 0)
		return ERR_TOKEN_BAD;
	text_base64url(&keys->mac, buf_all(&keys->sealed));
	return slice_eq(buf_all(&keys->mac), third) ? 0 : ERR_TOKEN_BAD;
}

int
token_issue(struct token_keys *keys, const struct caller *who, int64_t now_s,
	int64_t ttl_s, struct buf *to)
{
	const struct token_key *k = &keys->key[keys->signer];
	size_t from = to->len;
	int r;

	if (!who->uid[0] || !is_plain(who->uid) || !is_plain(who->appid) ||
		!is_plain(who->openid) || !is_plain(who->unionid) ||
		!is_plain(or_empty(who->kind)) ||
		strlen(or_empty(who->custom_id)) > NAME_TOP)
		return ERR_PARAM;
	r = id_seal(keys, k, who);
	if (r < 0)
		return r;
	buf_clear(&keys->claims);
	buf_printf(&keys->claims,
		"{\"iss\":\"mpcloud\",\"sub\":\"%s\",\"app\":\"%s\","
		"\"sid\":\"%016" PRIx64 "\",\"iat\":%" PRId64
		",\"exp\":%" PRId64 ",\"id\":\"",
		who->uid, who->appid, who->sid, now_s, now_s + ttl_s);
	text_base64url(&keys->claims, buf_all(&keys->sealed));
	buf_char(&keys->claims, '"');
	if (*or_empty(who->kind))
		buf_printf(&keys->claims, ",\"k\":\"%s\"", who->kind);
	buf_char(&keys->claims, '}');
	buf_add(to, k->head, k->head_len);
	text_base64url(to, buf_all(&keys->claims));
	r = buf_check(to);
	if (r < 0)
		return r;
	r = sign(keys, k, slice_of(to->ptr + from, to->len - from));
	if (r < 0)
		return r;
	buf_char(to, '.');
	buf_slice(to, buf_all(&keys->mac));
	return buf_check(to);
}

static const struct token_key *
key_find(const struct token_keys *keys, struct slice token)
{
	for (int i = 0; i < keys->count; i++) {
		const struct token_key *k = &keys->key[i];

		if (token.len > k->head_len &&
			memcmp(token.ptr, k->head, k->head_len) == 0)
			return k;
	}
	return NULL;
}

/* The signed payload, decoded into keys->claims. */
static int
payload_open(
	struct token_keys *keys, const struct token_key *k, struct slice token)
{
	const char *dot = memrchr(token.ptr, '.', token.len);
	size_t len = (size_t)(dot - token.ptr);

	if (len < k->head_len)
		return ERR_TOKEN_BAD;
	if (verify(keys, k, slice_of(token.ptr, len),
		    slice_of(dot + 1, token.len - len - 1)) < 0)
		return ERR_TOKEN_BAD;
	buf_clear(&keys->claims);
	if (text_unbase64url(&keys->claims,
		    slice_of(token.ptr + k->head_len, len - k->head_len)) < 0)
		return ERR_TOKEN_BAD;
	return 0;
}

static int
sid_parse(struct slice text, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return ERR_TOKEN_BAD;
	}
	*ret = n;
	return text.len == 16 ? 0 : ERR_TOKEN_BAD;
}

/* keys->id: the openid, NUL, the unionid, perhaps NUL and the custom_id, and
 * buf's own NUL. */
static int
id_open(struct token_keys *keys, const struct token_key *k,
	const struct claims *c)
{
	buf_clear(&keys->sealed);
	if (text_unbase64url(&keys->sealed, c->id) < 0 ||
		keys->sealed.len < GCM_NONCE + GCM_TAG)
		return ERR_TOKEN_BAD;
	buf_clear(&keys->id);
	if (crypto_gcm_open(slice_of(k->seal, GCM_KEY),
		    slice_of(keys->sealed.ptr, GCM_NONCE), c->sub,
		    slice_of(keys->sealed.ptr + GCM_NONCE,
			    keys->sealed.len - GCM_NONCE),
		    &keys->id) < 0)
		return ERR_TOKEN_BAD;
	return keys->id.len && memchr(keys->id.ptr, '\0', keys->id.len)
		       ? 0
		       : ERR_TOKEN_BAD;
}

/* What follows a text of keys->id; "" past the end of all. */
static const char *
next_part(const char *part, const char *end)
{
	const char *next = part + strlen(part);

	return next < end ? next + 1 : next;
}

/* All strings in one piece of the arena. */
static int
caller_fill(const struct token_keys *keys, const struct claims *c, uint64_t sid,
	struct arena *arena, struct caller *ret)
{
	size_t id = keys->id.len + 1;
	char *p = arena_try(
		arena, id + c->sub.len + 1 + c->app.len + 1 + c->kind.len + 1);
	char *uid, *app, *kind;
	const char *unionid;

	if (!p)
		return ERR_TOO_BIG;
	memcpy(p, keys->id.ptr, id);
	uid = memcpy(p + id, c->sub.ptr, c->sub.len);
	uid[c->sub.len] = '\0';
	app = memcpy(uid + c->sub.len + 1, c->app.ptr, c->app.len);
	app[c->app.len] = '\0';
	kind = app + c->app.len + 1;
	if (c->kind.len)
		memcpy(kind, c->kind.ptr, c->kind.len);
	kind[c->kind.len] = '\0';
	unionid = next_part(p, p + id - 1);
	*ret = (struct caller){
		.role = CALLER_USER,
		.uid = uid,
		.appid = app,
		.openid = p,
		.unionid = unionid,
		.custom_id = next_part(unionid, p + id - 1),
		.kind = kind,
		.sid = sid,
		.expires_s = c->exp,
	};
	return 0;
}

int
token_check(struct token_keys *keys, struct slice token, int64_t now_s,
	struct arena *arena, struct caller *ret)
{
	const struct token_key *k;
	struct claims c;
	uint64_t sid;
	int r;

	if (token.len > TOKEN_TOP)
		return ERR_TOKEN_BAD;
	k = key_find(keys, token);
	if (!k)
		return ERR_TOKEN_BAD;
	r = payload_open(keys, k, token);
	if (r < 0)
		return r;
	if (claims_parse(buf_all(&keys->claims), &c) < 0 ||
		!slice_is(c.iss, "mpcloud") || !c.sub.len ||
		c.iat > now_s + keys->leeway_s || sid_parse(c.sid, &sid) < 0)
		return ERR_TOKEN_BAD;
	if (c.exp <= now_s)
		return ERR_TOKEN_EXPIRED;
	r = id_open(keys, k, &c);
	if (r < 0)
		return r;
	return caller_fill(keys, &c, sid, arena, ret);
}

/* RFC 7515 5.2, as far as HS256 goes: an extension that must be understood
 * ("crit") is not. */
static int
raw_head_check(struct slice head)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf text;
	struct slice alg = {0};
	int r;

	buf_init(&text, TOKEN_TOP);
	r = text_unbase64url(&text, head);
	if (r == 0)
		r = val_parse(&v, buf_all(&text), NULL);
	if (r == 0)
		r = val_str(v, "alg", NAME_TOP, &alg, NULL);
	if (r < 0 || !slice_is(alg, "HS256") || json_object_get(v, "crit"))
		return ERR_TOKEN_BAD;
	return 0;
}

int
token_verify_raw(struct slice key, struct slice jws)
{
	const char *dot = jws.len ? memrchr(jws.ptr, '.', jws.len) : NULL;
	uint8_t mac[SHA256_LEN];
	struct slice head, rest;
	_buf_ struct buf text;

	buf_init(&text, TOKEN_TOP);
	if (!dot || jws.len > TOKEN_TOP)
		return ERR_TOKEN_BAD;
	rest = slice_of(jws.ptr, (size_t)(dot - jws.ptr));
	crypto_hmac_sha256(key, rest, mac);
	text_base64url(&text, slice_of(mac, sizeof(mac)));
	if (!crypto_eq(
		    buf_all(&text), slice_of(dot + 1, jws.len - rest.len - 1)))
		return ERR_TOKEN_BAD;
	if (!slice_split(&rest, '.', &head) || !rest.len ||
		memchr(rest.ptr, '.', rest.len))
		return ERR_TOKEN_BAD;
	return raw_head_check(head);
}
