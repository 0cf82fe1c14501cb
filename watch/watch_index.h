#pragma once

/*
 * Which followed queries a changed document may concern: entries under hashes.
 * Different things may have the same hash, so what is found is looked at once
 * more; what is not found is not concerned.
 */

#include "base/list.h"
#include "base/slice.h"

struct watch_one;

struct watch_entry {
	struct list on;
	uint64_t hash;
	struct watch_one *one;
};

struct watch_index {
	struct list *bucket;
	size_t buckets, count;
	uint64_t secret[2];
};

/* What is hashed: the key of a document that a result holds; the key that a
 * query demands; from WATCH_BY_FIELD on the text that it demands in one of the
 * collection's fields. */
enum { WATCH_BY_HELD, WATCH_BY_KEY, WATCH_BY_FIELD };

void watch_index_init(struct watch_index *x);
/* No entry is on it any more. */
void watch_index_done(struct watch_index *x);
uint64_t watch_index_hash(
	const struct watch_index *x, unsigned by, struct slice text);
void watch_index_put(struct watch_index *x, struct watch_entry *e,
	uint64_t hash, struct watch_one *one);
/* Idle ones, all zero, are fine, too. */
void watch_index_del(struct watch_index *x, struct watch_entry *e);
/* Entries with this hash among others. */
const struct list *watch_index_find(const struct watch_index *x, uint64_t hash);
