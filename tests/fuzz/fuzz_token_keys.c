/*
 * The token key file: bytes → keys, each of which must then sign and verify.
 */
#include "auth/token.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct caller who = {.uid = "u",
		.appid = "a",
		.openid = "o",
		.unionid = "",
		.sid = 1};
	_cleanup_(token_keys_freep) struct token_keys *keys = NULL;
	struct arena arena;
	struct caller back;
	struct fault why;
	_buf_ struct buf token;

	buf_init(&token, 4096);
	if (token_keys_parse(&keys, slice_of(data, size), &why) < 0) {
		must(!keys && why.text[0]);
		return 0;
	}
	arena_init(&arena, 65536);
	must(token_issue(keys, &who, 1700000000, 60, &token) == 0);
	must(token_check(keys, buf_all(&token), 1700000000, &arena, &back) ==
		0);
	arena_done(&arena);
	return 0;
}
