#pragma once

/*
 * What auth does from time to time, without being asked: sessions that ended
 * elsewhere (another daemon on the same database, or before a restart) are
 * recalled into shared memory, and expired families are swept away.
 */

#include "auth/family.h"

struct upkeep;
typedef void upkeep_fn(void *owner, int err);

/* `first` (with `owner`) is called once, when the ended sessions are known the
 * first time; before that no request may be let in.  A database that is down is
 * asked again. */
struct upkeep *upkeep_new(const struct family_home *home, upkeep_fn *first,
	void *owner) _returns_value_;
struct upkeep *upkeep_free(struct upkeep *u);
DEFINE_CLEANUP(struct upkeep *, upkeep_free)
