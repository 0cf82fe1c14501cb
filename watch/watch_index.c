/*
 * A hash of its own secret, because strangers choose keys and texts.  It grows
 * only: it lives as long as a collection is watched.
 */
#include "watch/watch_index.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/sip.h"

enum { BUCKETS_LEAST = 64 };

static struct list *
make_buckets(size_t count)
{
	struct list *bucket = mem_array(count, struct list);

	for (size_t i = 0; i < count; i++)
		list_init(&bucket[i]);
	return bucket;
}

void
watch_index_init(struct watch_index *x)
{
	*x = (struct watch_index){.buckets = BUCKETS_LEAST};
	x->bucket = make_buckets(x->buckets);
	crypto_random(x->secret, sizeof(x->secret));
}

void
watch_index_done(struct watch_index *x)
{
	x->bucket = mem_free(x->bucket);
	x->buckets = 0;
}

uint64_t
watch_index_hash(const struct watch_index *x, unsigned by, struct slice text)
{
	const uint64_t key[2] = {x->secret[0] + by, x->secret[1]};

	return sip_hash(key, text.ptr, text.len);
}

static struct list *
bucket_of(const struct watch_index *x, uint64_t hash)
{
	return &x->bucket[hash & (x->buckets - 1)];
}

static void
grow(struct watch_index *x)
{
	struct list *old = x->bucket;
	size_t count = x->buckets;

	x->buckets *= 2;
	x->bucket = make_buckets(x->buckets);
	for (size_t i = 0; i < count; i++)
		list_for_each_safe (at, &old[i]) {
			struct watch_entry *e =
				container_of(at, struct watch_entry, on);

			list_del(at);
			list_add(bucket_of(x, e->hash), at);
		}
	(void)mem_free(old);
}

void
watch_index_put(struct watch_index *x, struct watch_entry *e, uint64_t hash,
	struct watch_one *one)
{
	if (x->count++ >= x->buckets)
		grow(x);
	e->hash = hash;
	e->one = one;
	list_add(bucket_of(x, hash), &e->on);
}

void
watch_index_del(struct watch_index *x, struct watch_entry *e)
{
	if (!e->one)
		return;
	x->count--;
	list_del(&e->on);
	e->one = NULL;
}

const struct list *
watch_index_find(const struct watch_index *x, uint64_t hash)
{
	return bucket_of(x, hash);
}
