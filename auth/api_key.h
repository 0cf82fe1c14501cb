#pragma once

/*
 * API keys: of the operator's own programs, which are no users.  A key is shown
 * once, when it is made:
 *
 *   mpk_0123456789abcdef_<43 letters of base64url>
 *
 * What is kept is its SHA-256, and the key sealed (auth/seal.h), because a
 * signature (api_sign.h) cannot be checked without it.  It is for the declared
 * routes it names; a route's "auth" says whether it is shown as it is or signs.
 *
 * A gateway keeps keys it has looked up for a few seconds.  One that is revoked
 * is refused at once by all gateways of this machine, by other machines when
 * their seconds are over.
 */

#include "auth/family.h"
#include "auth/seal.h"

enum {
	API_KEY_ID = 16,
	API_KEY_TEXT = 4 + 16 + 1 + 43,
	API_KEY_NAME = 64,
	API_KEY_ROUTES = 100,
	API_KEY_KEEP_MS = 5000,
};

struct api_keys; /* those that were looked up; of one gateway */

/* Everything borrowed. */
struct api_keys *api_keys_new(
	const struct family_home *home, struct seal *seal) _returns_value_;
struct api_keys *api_keys_free(struct api_keys *keys);
DEFINE_CLEANUP(struct api_keys *, api_keys_free)

struct api_key {
	char id[API_KEY_ID + 1];
	char name[API_KEY_NAME + 1];
	char text[API_KEY_TEXT +
		  1]; /* a secret: what signatures are made with */
	uint8_t hash[32];
	char *routes; /* "shop-api admin-*": each between spaces; "": all */
	int64_t expires_ms; /* 0: never */
};

/* The id in "mpk_…"; false when it is none of that form. */
bool api_key_id(struct slice text, char ret[API_KEY_ID + 1]);
/* Constant time. */
bool api_key_is(const struct api_key *key, struct slice text);
/* May it use this route? */
bool api_key_may(const struct api_key *key, const char *route);

/* Embedded in its owner; job_init(&a->job, …) first. */
struct api_key_ask {
	struct job job;
	/* answer of api_key_find, valid in done until it returns */
	const struct api_key *key;
	/* of api_key_add: shown once, then wiped by api_key_done */
	char text[API_KEY_TEXT + 1];
	char id[API_KEY_ID + 1];
	int changed; /* of api_key_revoke: keys */
	/* its own */
	struct ask ask;
	struct api_keys *keys;
	struct defer defer;
};

/* ERR_API_KEY: there is none, it has expired or is revoked. */
void api_key_find(struct api_key_ask *a, struct api_keys *keys, const char *id);
/* ERR_PARAM; ERR_CONFLICT: a key of this name is in force. */
struct api_key_spec {
	struct slice name; /* letters, digits, - _ . */
	const struct slice *routes;
	size_t route_count;
	int64_t expires_ms; /* 0: never */
};
void api_key_add(struct api_key_ask *a, struct api_keys *keys,
	const struct api_key_spec *spec);
/* The name of what hangs on a key, as that of a session: revoked with it
 * (base/shm.h), on the machine that was told so. */
uint64_t api_key_sid(const char *id);
/* By id or name. */
void api_key_revoke(
	struct api_key_ask *a, struct api_keys *keys, struct slice which);
/* All, the newest first.  In done, ask_rows(&a->ask): id, name, routes (with
 * spaces between), created_at, expires_at, revoked_at. */
void api_key_list(struct api_key_ask *a, struct api_keys *keys);
/* The first time this nonce comes within the window of signatures; else
 * ERR_API_KEY.  Exact over all machines: it is a row. */
void api_key_nonce(struct api_key_ask *a, struct api_keys *keys, const char *id,
	struct slice nonce);
/* Cancels, wipes. */
void api_key_done(struct api_key_ask *a);
