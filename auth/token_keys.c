/*
 * The file of signing keys.  Several keys may stand in it so that they can be
 * changed under running clients: put a new one first, remove the old one when
 * its last tokens have expired.
 */
#include "auth/token_keys.h"

#include "base/mem.h"
#include "base/text.h"

enum { KID_TOP = 32 };

/* The openid's key follows from the signing key, so that the operator has one
 * secret to keep; under another name, so that neither is used for both. */
static void
key_init(struct token_key *k, struct slice kid, struct slice secret)
{
	static const char what[] = "mpcloud token id";
	_buf_ struct buf json, head;

	buf_init(&json, sizeof(k->head));
	buf_init(&head, sizeof(k->head) - 1);
	k->hmac = hmac_new(secret);
	crypto_hmac_sha256(secret, slice_str(what), k->seal);
	k->kid = str_ndup(kid.ptr, kid.len);
	buf_printf(&json, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		k->kid);
	text_base64url(&head, buf_all(&json));
	buf_char(&head, '.');
	memcpy(k->head, head.ptr, head.len);
	k->head_len = head.len;
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
key_add(struct token_keys *keys, struct slice kid, struct slice text, int line,
	struct fault *why)
{
	_buf_ struct buf secret;

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
	key_init(&keys->key[keys->count++], kid, buf_all(&secret));
	mem_wipe(secret.ptr, secret.len);
	return 0;
}

static int
key_parse(
	struct token_keys *keys, struct slice text, int line, struct fault *why)
{
	struct slice kid, rest = text;

	if (!slice_split(&rest, ' ', &kid) || !rest.len)
		return fault_set(why, ERR_CONFIG,
			"token keys: line %d: \"KID KEY\" is wanted", line);
	return key_add(keys, kid, slice_trim(rest), line, why);
}

int
token_keys_parse(struct token_keys **ret, struct slice text, struct fault *why)
{
	_cleanup_(token_keys_freep) struct token_keys *keys =
		mem_new(struct token_keys);
	struct slice row;
	int r, line = 0;

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
	*ret = take(keys);
	return 0;
}

struct token_keys *
token_keys_free(struct token_keys *k)
{
	if (!k)
		return NULL;
	for (int i = 0; i < k->count; i++) {
		k->key[i].hmac = hmac_free(k->key[i].hmac);
		k->key[i].kid = mem_free(k->key[i].kid);
	}
	buf_done(&k->claims);
	buf_done(&k->sealed);
	buf_done(&k->id);
	buf_done(&k->mac);
	mem_wipe(k, sizeof(*k));
	return mem_free(k);
}
