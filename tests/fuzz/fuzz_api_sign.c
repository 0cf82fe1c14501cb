/*
 * An Authorization header as a signature, and a shown API key.  What was read
 * is of the form that is promised, and a forged one never verifies.
 */
#include "auth/api_key.h"
#include "auth/api_sign.h"
#include "tests/fuzz/fuzz.h"

#define KEY "mpk_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
check(const struct api_sign *s)
{
	if (strlen(s->key_id) != 16 || s->nonce.len < API_NONCE_LEAST ||
		s->nonce.len > API_NONCE_TOP || s->timestamp_s < 0)
		__builtin_trap();
	for (size_t i = 0; i < s->nonce.len; i++)
		if (s->nonce.ptr[i] <= ' ' || s->nonce.ptr[i] == '"')
			__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = slice_of(data, size);
	/* The input is the body too, so that nobody can have signed it. */
	const struct api_signed what = {
		.method = SLICE("POST"), .target = in, .body = in};
	char id[API_KEY_ID + 1];
	struct api_sign s;
	struct fault why;

	if (api_sign_parse(&s, in, &why) == 0) {
		check(&s);
		if (api_sign_check(
			    &s, &what, SLICE(KEY), s.timestamp_s, &why) == 0)
			__builtin_trap();
	}
	if (api_key_id(in, id) && strlen(id) != API_KEY_ID)
		__builtin_trap();
	return 0;
}
