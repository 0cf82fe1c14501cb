/*
 * Bearer tokens: bytes → a caller.  The first byte chooses what is fed: whole
 * tokens, the claims of a token that was signed (which no fuzzer can forge),
 * or a JWS under a known key.
 */
#include "auth/claims.h"
#include "auth/token.h"
#include "tests/fuzz/fuzz.h"

static const char keys_text[] =
	"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";

static void
feed_token(struct slice in)
{
	static struct token_keys *keys;
	struct arena arena;
	struct caller who;

	if (!keys)
		must(token_keys_parse(&keys, slice_str(keys_text), NULL) == 0);
	arena_init(&arena, 65536);
	/* the corpus' good token is of 2023-11-14T22:13:20Z */
	if (token_check(keys, in, 1700000000, &arena, &who) == 0)
		must(who.role == CALLER_USER && who.uid[0] &&
			who.expires_s > 1700000000);
	arena_done(&arena);
}

static void
feed_claims(struct slice in)
{
	struct claims c;

	if (claims_parse(in, &c) < 0)
		return;
	must(c.iat >= 0 && c.exp >= 0);
	must(!memchr(c.sub.ptr, '"', c.sub.len) &&
		!memchr(c.sub.ptr, '\0', c.sub.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data + 1, size - 1);

	if (!size)
		return 0;
	if (data[0] == 'c')
		feed_claims(in);
	else if (data[0] == 'r')
		(void)!token_verify_raw(SLICE("key"), in);
	else
		feed_token(in);
	return 0;
}
