#pragma once

/*
 * A proof that somebody has just said his password: for what must not happen on
 * a screen that was left open (another password).  Sealed, so nothing is kept.
 */

#include "auth/caller.h"
#include "auth/seal.h"

enum { SUDO_S = 5 * 60 };

/* Appends it, base64url. */
int sudo_make(struct seal *seal, const struct caller *who, int64_t now_s,
	struct buf *to) _must_check_;
/* Made for this user and session, within SUDO_S.  ERR_PASSWORD_BAD. */
int sudo_check(struct seal *seal, const struct caller *who, struct slice token,
	int64_t now_s, struct fault *why) _must_check_;
