#pragma once

/*
 * The text of token.key_file, and what a rotation makes of it.  Pure, so that
 * it can be tried without a file.
 */

#include "auth/token_keys.h"
#include "base/val.h"

struct keys_change {
	const char *kid; /* of the new key */
	/* NULL: that of the key that signs now */
	const char *algorithm;
	bool stage; /* the new key does not sign yet */
	int64_t now_s;
	int64_t keep_s; /* so long tokens of a key that signs no more live */
};

/* What was done. */
struct keys_done {
	char kid[33]; /* that signs (or, staged, will sign) */
	const char *algorithm;
	bool staged;     /* it is known and does not sign */
	bool activated;  /* one that was staged signs now */
	int dropped;     /* keys whose last tokens have ended */
	int64_t until_s; /* the one before is kept until then */
};

/* Appends the new text to `to`; it is checked as the daemon would.  A staged
 * key is activated instead of making another.  ERR_CONFIG: `text` is not a key
 * file; ERR_PARAM: an algorithm that is none; ERR_CONFLICT: one is staged
 * already. */
int keys_rotate(struct slice text, const struct keys_change *change,
	struct buf *to, struct keys_done *ret, struct fault *why) _must_check_;
/* [{kid, algorithm, state: "signs", "staged", "verifies", until?}] */
int keys_list(struct slice text, json_t **ret, struct fault *why) _must_check_;
