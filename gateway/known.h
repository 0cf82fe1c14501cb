#pragma once

/*
 * Tokens that were found good a moment ago, so that a busy client's is not
 * decoded, verified and unsealed again for each of its requests.  Expiry and
 * revocation are asked every time.
 */

#include "auth/caller.h"
#include "base/arena.h"
#include "base/shm.h"
#include "base/slice.h"

struct known;

struct known *known_new(const struct shm *shm) _returns_value_;
struct known *known_free(struct known *k);
DEFINE_CLEANUP(struct known *, known_free)
/* After a change of keys. */
void known_forget(struct known *k);

/* The caller of this Authorization value when it is known, not expired and not
 * revoked; strings go to the arena. */
bool known_find(struct known *k, struct slice value, int64_t now_s,
	struct arena *arena, struct caller *ret);
/* auth_know said so. */
void known_keep(
	struct known *k, struct slice value, const struct caller *caller);
