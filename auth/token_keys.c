/*
 * The file of signing keys.  Several keys may stand in it so that they can be
 * changed under running clients: put a new one first, remove the old one when
 * its last tokens have expired (`mpcloud keys rotate` does both).  With several
 * machines a new key must be known to all before the first of them signs with
 * it: that is what "verify-only" is for.
 */
#include "auth/token_keys.h"

#include "base/mem.h"
#include "base/text.h"

enum { KID_TOP = 32, LEEWAY_S = 60 };

const char *const token_alg_names[TOKEN_ALGS] = {
	[TOKEN_HS256] = "HS256",
	[TOKEN_ES256] = "ES256",
};

/* The openid's key follows from the signing key, so that the operator has one
 * secret to keep; under another name, so that neither is used for both. */
static int
key_init(struct token_key *k, struct slice kid, struct slice secret)
{
	static const char what[] = "mpcloud token id";
	_buf_ struct buf json, head;

	buf_init(&json, sizeof(k->head));
	buf_init(&head, sizeof(k->head) - 1);
	if (k->alg == TOKEN_ES256) {
		int r = ec_load_private(&k->ec, secret);

		if (r < 0)
			return r;
	} else {
		k->hmac = hmac_new(secret);
	}
	crypto_hmac_sha256(secret, slice_str(what), k->seal);
	k->kid = str_ndup(kid.ptr, kid.len);
	buf_printf(&json, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		token_alg_names[k->alg], k->kid);
	text_base64url(&head, buf_all(&json));
	buf_char(&head, '.');
	memcpy(k->head, head.ptr, head.len);
	k->head_len = head.len;
	return 0;
}

static bool
is_kid(struct slice kid)
{
	for (size_t i = 0; i < kid.len; i++) {
		char c = kid.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
			    c == '.'))
			return false;
	}
	return kid.len > 0 && kid.len <= KID_TOP;
}

static int
key_add(struct token_keys *keys, struct slice kid, struct slice text,
	const struct token_key *form, int line, struct fault *why)
{
	struct token_key *k = &keys->key[keys->count];
	_buf_ struct buf secret;
	int r;

	buf_init(&secret, SHA256_LEN);
	if (keys->count == KEYS_TOP)
		return fault_set(why, ERR_CONFIG,
			"token keys: line %d: %d keys at most", line, KEYS_TOP);
	if (!is_kid(kid))
		return fault_set(why, ERR_CONFIG,
			"token keys: line %d: a key id is 1 to %d of "
			"[0-9A-Za-z._-]",
			line, KID_TOP);
	for (int i = 0; i < keys->count; i++)
		if (slice_is(kid, keys->key[i].kid))
			return fault_set(why, ERR_CONFIG,
				"token keys: line %d: key id %s stands twice",
				line, keys->key[i].kid);
	if (text_unbase64url(&secret, text) < 0 || secret.len != SHA256_LEN) {
		mem_wipe(secret.ptr, secret.len);
		return fault_set(why, ERR_CONFIG,
			"token keys: line %d: the key must be base64url of "
			"%d bytes",
			line, SHA256_LEN);
	}
	k->alg = form->alg;
	k->verify_only = form->verify_only;
	keys->count++; /* token_keys_free takes it from here */
	r = key_init(k, kid, buf_all(&secret));
	mem_wipe(secret.ptr, secret.len);
	return r < 0 ? fault_set(why, ERR_CONFIG,
			       "token keys: line %d: not a private key of "
			       "P-256",
			       line)
		     : 0;
}

/* One of the words before or behind the key; false: it is none of them. */
static bool
word_take(struct slice word, struct token_key *form)
{
	for (int i = 0; i < TOKEN_ALGS; i++)
		if (slice_is(word, token_alg_names[i])) {
			form->alg = (enum token_alg)i;
			return true;
		}
	form->verify_only = form->verify_only || slice_is(word, "verify-only");
	return slice_is(word, "verify-only");
}

static int
key_parse(
	struct token_keys *keys, struct slice text, int line, struct fault *why)
{
	struct slice kid, word, key = {0}, rest = text;
	struct token_key form = {.alg = TOKEN_HS256};
	bool one = slice_split(&rest, ' ', &kid) && rest.len;

	while (one && slice_split(&rest, ' ', &word)) {
		if (!word.len || word_take(word, &form))
			continue;
		one = !key.ptr;
		key = word;
	}
	if (!one || !key.ptr)
		return fault_set(why, ERR_CONFIG,
			"token keys: line %d: \"KID KEY\" or \"KID ES256 "
			"KEY\" is wanted, then \"verify-only\" or nothing",
			line);
	return key_add(keys, kid, key, &form, line, why);
}

int
token_keys_parse(struct token_keys **ret, struct slice text, struct fault *why)
{
	_cleanup_(token_keys_freep) struct token_keys *keys =
		mem_new(struct token_keys);
	struct slice row;
	int r, line = 0;

	keys->leeway_s = LEEWAY_S;
	buf_init(&keys->claims, TOKEN_TOP);
	buf_init(&keys->sealed, TOKEN_TOP);
	buf_init(&keys->id, TOKEN_TOP);
	buf_init(&keys->mac, TOKEN_TOP);
	while (slice_split(&text, '\n', &row)) {
		line++;
		if (row.len && row.ptr[row.len - 1] == '\r')
			row.len--;
		row = slice_trim(row);
		if (!row.len || row.ptr[0] == '#')
			continue;
		r = key_parse(keys, row, line, why);
		if (r < 0)
			return r;
	}
	if (!keys->count)
		return fault_set(why, ERR_CONFIG,
			"token keys: the file holds no key; "
			"`mpcloud token key` makes one");
	while (keys->signer < keys->count &&
		keys->key[keys->signer].verify_only)
		keys->signer++;
	if (keys->signer == keys->count)
		return fault_set(why, ERR_CONFIG,
			"token keys: every line says verify-only: one key must "
			"sign");
	*ret = take(keys);
	return 0;
}

void
token_keys_set_leeway(struct token_keys *keys, int64_t leeway_s)
{
	keys->leeway_s = leeway_s;
}

/* RFC 7518, 6.2.1. */
static void
put_public(const struct token_key *k, struct buf *to)
{
	uint8_t x[EC_NUMBER], y[EC_NUMBER];

	ec_point(k->ec, x, y);
	buf_printf(to,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\","
		"\"alg\":\"ES256\",\"kid\":\"%s\",\"x\":\"",
		k->kid);
	text_base64url(to, slice_of(x, sizeof(x)));
	buf_str(to, "\",\"y\":\"");
	text_base64url(to, slice_of(y, sizeof(y)));
	buf_str(to, "\"}");
}

int
token_keys_put_set(const struct token_keys *keys, struct buf *to)
{
	bool first = true;

	buf_str(to, "{\"keys\":[");
	for (int i = 0; i < keys->count; i++) {
		if (keys->key[i].alg != TOKEN_ES256)
			continue;
		if (!first)
			buf_char(to, ',');
		first = false;
		put_public(&keys->key[i], to);
	}
	buf_str(to, "]}");
	return buf_check(to);
}

struct token_keys *
token_keys_free(struct token_keys *k)
{
	if (!k)
		return NULL;
	for (int i = 0; i < k->count; i++) {
		k->key[i].hmac = hmac_free(k->key[i].hmac);
		k->key[i].ec = ec_free(k->key[i].ec);
		k->key[i].kid = mem_free(k->key[i].kid);
	}
	buf_done(&k->claims);
	buf_done(&k->sealed);
	buf_done(&k->id);
	buf_done(&k->mac);
	mem_wipe(k, sizeof(*k));
	return mem_free(k);
}
