#pragma once

/*
 * What gateways share: one memfd made by the supervisor, inherited by all.
 * Lock-free atomics only; a process that dies in the middle harms nobody.
 */

#include "base/err.h"
#include "base/gcra.h"
#include "base/mark.h"
#include "base/place.h"
#include "base/series.h"
#include "base/slice.h"

enum { SHM_GATEWAYS = 256, SHM_REVOKED = 1 << 16, SHM_WRITES = 1 << 16 };
enum { SHM_PAID = 1 << 14 };
enum { SHM_NOTIFIED = 16, SHM_NOTIFY_KEYS = 4 };

/* Counters of one gateway, written by it alone, read by all. */
struct shm_gateway {
	uint64_t requests, answered_2xx, answered_4xx, answered_5xx, limited,
		refused, logins, orders, calls, calls_failed, cold_starts,
		db_asks, connections;
	/* refused by load shedding and by breakers; answers repeated for an
	 * Idempotency-Key; limits that were to be counted in Valkey and were
	 * counted here */
	uint64_t shed, circuit, replayed, counted_here;
	uint64_t hot; /* downloads answered from what is kept */
	/* WeChat Pay's callbacks, as gateway/pay_metrics.h says */
	uint64_t notified[SHM_NOTIFIED], notify_keys[SHM_NOTIFY_KEYS], polls;
	int64_t routes; /* version of the project's that it answers by, + 1 */
	int64_t beat;   /* clock_mono of its last turn */
};

struct shm;
int shm_create(int *ret_fd) _must_check_; /* supervisor */
/* The descriptor stays the caller's. */
int shm_open_fd(struct shm **ret, int fd) _must_check_;
struct shm *shm_close(struct shm *shm);
DEFINE_CLEANUP(struct shm *, shm_close)

/* 32 random bytes: what gateways know and nobody else. */
struct slice shm_secret(const struct shm *shm);
struct gcra_table *shm_gcra(struct shm *shm) _returns_value_;
struct shm_gateway *shm_gateway(
	struct shm *shm, unsigned index) _returns_value_;

/* What a gateway counts by route, by host asked, by database line. */
struct series_table *shm_series(
	struct shm *shm, unsigned index) _returns_value_;

/* Places of limits "at once": a table for each gateway that ever started.
 * shm_places_start empties its own (see place.h). */
struct place_table *shm_places(struct shm *shm) _returns_value_;
unsigned shm_places_count(const struct shm *shm);
void shm_places_start(struct shm *shm, unsigned index);

/* Of stored files, by path (storage/hot.h). */
struct mark_table *shm_files(struct shm *shm) _returns_value_;

/* Sessions (token families) that ended before their access tokens do.
 * `sid` is its 64-bit name, not 0; kept until `until_s` (unix seconds). */
void shm_revoke(struct shm *shm, uint64_t sid, int64_t until_s, int64_t now_s);
bool shm_is_revoked(const struct shm *shm, uint64_t sid);
/* How many so far: while it stays, nobody has been revoked since. */
uint64_t shm_revocations(const struct shm *shm);

/* When a session (openid, uid …) last wrote, in ns of clock_mono: a table of
 * many cells, where two sessions that share a cell both count as the later.
 * 0: not in living memory. */
void shm_wrote(struct shm *shm, struct slice session, int64_t now);
int64_t shm_last_write(const struct shm *shm, struct slice session);

/* When a user last made an order, in the same way: who shares his cell counts
 * as having done so too. */
void shm_paid(struct shm *shm, struct slice uid, int64_t now);
int64_t shm_last_paid(const struct shm *shm, struct slice uid);

/* Short notes from one gateway to the others, by a name of 128 bits that none
 * guesses: kept until another note needs the place, whole or not at all. */
enum { SHM_NOTE_TOP = 288, SHM_NOTES = 512 };
void shm_note_put(struct shm *shm, const uint64_t name[2], struct slice value,
	int64_t now);
/* How many bytes of `ret` it is, and when it was put; -ENOENT. */
int shm_note_get(const struct shm *shm, const uint64_t name[2],
	char ret[SHM_NOTE_TOP], int64_t *when) _must_check_;
