#pragma once

/*
 * What a client of watch() carries for us, sealed, so that any gateway can go
 * on where another stopped: who he is, for the minutes between
 * auth.wsWebSign and LOGIN; and what a watch follows, for as long as it lives.
 */

#include "auth/caller.h"
#include "auth/seal.h"
#include "base/arena.h"

enum { WATCH_SIGN_LIFE_S = 300 };

/* Appends the signStr that LOGIN shows. */
int watch_sign_put(struct seal *seal, const struct caller *who, int64_t now_s,
	struct buf *to) _must_check_;
/* ERR_TOKEN_BAD, ERR_TOKEN_EXPIRED.  Strings go to the arena. */
int watch_sign_open(struct seal *seal, struct slice sign, int64_t now_s,
	struct arena *arena, struct caller *ret) _must_check_;

/* What a queryID holds. */
struct watch_place {
	struct slice uid; /* whose it is */
	struct slice collection, query, order;
	int64_t limit;
	uint64_t epoch;
};
/* Appends the queryID. */
int watch_place_put(struct seal *seal, const struct watch_place *place,
	struct buf *to) _must_check_;
/* ERR_PARAM.  Slices go to the arena. */
int watch_place_open(struct seal *seal, struct slice query_id,
	struct arena *arena, struct watch_place *ret) _must_check_;
