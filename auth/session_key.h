#pragma once

/*
 * A user's session_keys as WeChat gave them: the newest, and those before it
 * that may still be needed.  wx.login displaces a key while data that was
 * encrypted under it is on its way here, so a displaced one opens for
 * KEY_KEEP_MS more.
 */

#include "auth/family.h"
#include "auth/seal.h"

enum { SESSION_KEYS = 16, SESSION_KEY_BYTES = 16, SESSION_KEY_TEXT = 24 };

/* WeChat uses a session_key in two ways that are easily mixed up: as the text
 * it came as, under SHA-1 and HMAC, and as its 16 bytes, for AES.  So both
 * stand here by name. */
struct session_key {
	char text[SESSION_KEY_TEXT + 1];
	uint8_t bytes[SESSION_KEY_BYTES];
};

/* Newest first. */
struct session_keys {
	int count;
	struct session_key key[SESSION_KEYS];
};

/* ERR_FORMAT: not the base64 of 16 bytes. */
int session_key_parse(struct session_key *ret, struct slice text) _must_check_;

/* Embedded in its owner. */
struct session_key_ask {
	struct job job;
	struct session_keys keys; /* the answer, secrets, until _done */
	/* its own */
	struct seal *seal;
	struct loop *loop;
	char place[2 * OPENID_TOP + 16];
	struct ask ask;
};

/* job_init(&a->job, …) first.  No key at all is no error: keys.count is 0.
 * ERR_CONFIG: there are some, sealed under another master key. */
void session_key_get(struct session_key_ask *a, struct loop *loop,
	struct pool *pool, struct seal *seal, struct slice appid,
	struct slice openid);
/* `text` is the newest from now on (resetusersessionkey gave it); a login puts
 * its key itself, in one statement with the family. */
void session_key_put(struct session_key_ask *a, struct loop *loop,
	struct pool *pool, struct seal *seal, struct slice appid,
	struct slice openid, struct slice text);
/* Cancels it when it still runs; wipes the keys. */
void session_key_done(struct session_key_ask *a);
