#pragma once

/*
 * Secrets at rest: AES-256-GCM under the master key, `what` bound as AAD so
 * that a sealed value cannot be moved to another column or row.
 */

#include "base/buf.h"
#include "base/err.h"

struct seal;
int seal_new(struct seal **ret, struct slice hex_key,
	struct fault *why) _must_check_;
struct seal *seal_free(struct seal *seal);
DEFINE_CLEANUP(struct seal *, seal_free)
int seal_close(struct seal *seal, struct slice what, struct slice plain,
	struct buf *to) _must_check_;
int seal_open(struct seal *seal, struct slice what, struct slice sealed,
	struct buf *to) _must_check_;
/* One under a key derived from that one's, for what strangers have made in any
 * number and show again soon: random nonces serve some 2^32 texts of one key,
 * and those of the secrets shall not be used up by it.  Lives as long as
 * `seal`. */
struct seal *seal_brief(struct seal *seal) _returns_value_;
/* A keyed sum of a secret: two are equal when their secrets are, and nobody
 * without the master key finds the secret by trying. */
enum { SEAL_MARK = 16 };
void seal_mark(struct seal *seal, struct slice what, struct slice plain,
	uint8_t ret[SEAL_MARK]);
