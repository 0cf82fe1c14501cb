#pragma once

/*
 * The documents of one followed result, by key, in the order in which the
 * database told them.
 */

#include "base/list.h"
#include "base/slice.h"
#include "watch/watch_index.h"

struct watch_doc {
	struct list on;          /* the set's */
	struct watch_doc *next;  /* of its bucket */
	struct slice key, text;  /* as column _id has it; as clients read it */
	struct watch_entry held; /* in the set's index */
};

struct watch_set {
	struct list all;
	struct watch_doc **bucket;
	size_t buckets, count, bytes;
	uint64_t secret[2];
	struct watch_index *index; /* NULL: none */
	struct watch_one *one;     /* whose set it is, to the index */
};

void watch_set_init(struct watch_set *s);
void watch_set_done(struct watch_set *s);
/* An empty one whose documents are to be found in `index`, too. */
void watch_set_follow(
	struct watch_set *s, struct watch_index *index, struct watch_one *one);
struct watch_doc *watch_set_find(const struct watch_set *s, struct slice key);
/* At the end, or in place of the one that is there.  Both are copied. */
struct watch_doc *watch_set_put(
	struct watch_set *s, struct slice key, struct slice text);
void watch_set_del(struct watch_set *s, struct watch_doc *d);
/* `from`, which has no index, in its place; `from` is empty then. */
void watch_set_move(struct watch_set *s, struct watch_set *from);
