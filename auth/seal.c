/*
 * What the database keeps for us but may not read.  A sealed value is one
 * version byte, a random nonce, and AES-256-GCM's text with its tag; the name
 * of the place (`what`) is authenticated with it, so that a value copied into
 * another row or column does not open there.  The version byte is there for
 * the day when the master key is changed.
 */
#include "auth/seal.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>

enum { FORM = 1, HEAD = 1 + GCM_NONCE };

struct seal {
	uint8_t key[GCM_KEY];
	struct seal *brief; /* under a derived key; of that one: NULL */
};

static_assert(SHA256_LEN == GCM_KEY, "a sum is a key");

int
seal_new(struct seal **ret, struct slice hex_key, struct fault *why)
{
	_cleanup_(seal_freep) struct seal *seal = mem_new(struct seal);
	_buf_ struct buf key;
	int r;

	buf_init(&key, GCM_KEY);
	r = hex_key.len == 2 * GCM_KEY ? text_unhex(&key, hex_key) : -EINVAL;
	if (r < 0 || key.len != GCM_KEY) {
		mem_wipe(key.ptr, key.len);
		return fault_set(why, ERR_CONFIG,
			"the master key: 64 hex digits are wanted");
	}
	memcpy(seal->key, key.ptr, GCM_KEY);
	mem_wipe(key.ptr, key.len);
	seal->brief = mem_new(struct seal);
	crypto_hmac_sha256(slice_of((char *)seal->key, GCM_KEY),
		SLICE("mpcloud brief"), seal->brief->key);
	*ret = take(seal);
	return 0;
}

struct seal *
seal_free(struct seal *seal)
{
	if (!seal)
		return NULL;
	(void)seal_free(seal->brief);
	mem_wipe(seal, sizeof(*seal));
	return mem_free(seal);
}

struct seal *
seal_brief(struct seal *seal)
{
	return seal->brief;
}

int
seal_close(struct seal *seal, struct slice what, struct slice plain,
	struct buf *to)
{
	char head[HEAD] = {FORM};

	crypto_random(head + 1, GCM_NONCE);
	buf_add(to, head, sizeof(head));
	return crypto_gcm_seal(slice_of(seal->key, GCM_KEY),
		slice_of(head + 1, GCM_NONCE), what, plain, to);
}

int
seal_open(struct seal *seal, struct slice what, struct slice sealed,
	struct buf *to)
{
	if (sealed.len < HEAD + GCM_TAG || sealed.ptr[0] != FORM)
		return ERR_FORMAT;
	return crypto_gcm_open(slice_of(seal->key, GCM_KEY),
		slice_of(sealed.ptr + 1, GCM_NONCE), what,
		slice_of(sealed.ptr + HEAD, sealed.len - HEAD), to);
}

/* The key of the sums is derived: the sealing key itself signs nothing. */
void
seal_mark(struct seal *seal, struct slice what, struct slice plain,
	uint8_t ret[SEAL_MARK])
{
	uint8_t key[SHA256_LEN], place[SHA256_LEN], sum[SHA256_LEN];

	crypto_hmac_sha256(slice_of((char *)seal->key, GCM_KEY),
		SLICE("mpcloud mark"), key);
	crypto_hmac_sha256(slice_of((char *)key, sizeof(key)), what, place);
	crypto_hmac_sha256(slice_of((char *)place, sizeof(place)), plain, sum);
	memcpy(ret, sum, SEAL_MARK);
	mem_wipe(key, sizeof(key));
	mem_wipe(place, sizeof(place));
	mem_wipe(sum, sizeof(sum));
}
