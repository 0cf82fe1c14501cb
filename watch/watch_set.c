/*
 * A hash of its own secret, because strangers choose keys.  Key and text of a
 * document are one allocation.
 */
#include "watch/watch_set.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/sip.h"

enum { BUCKETS_LEAST = 16 };

void
watch_set_init(struct watch_set *s)
{
	*s = (struct watch_set){0};
	list_init(&s->all);
	crypto_random(s->secret, sizeof(s->secret));
}

static struct watch_doc *
doc_on(struct list *on)
{
	return container_of(on, struct watch_doc, on);
}

void
watch_set_follow(
	struct watch_set *s, struct watch_index *index, struct watch_one *one)
{
	s->index = index;
	s->one = one;
}

static void
enter(struct watch_set *s, struct watch_doc *d)
{
	if (s->index)
		watch_index_put(s->index, &d->held,
			watch_index_hash(s->index, WATCH_BY_HELD, d->key),
			s->one);
}

static void
doc_free(struct watch_set *s, struct watch_doc *d)
{
	if (s->index)
		watch_index_del(s->index, &d->held);
	(void)mem_free(d);
}

void
watch_set_done(struct watch_set *s)
{
	list_for_each_safe (at, &s->all)
		doc_free(s, doc_on(at));
	s->bucket = mem_free(s->bucket);
	s->count = s->bytes = s->buckets = 0;
	list_init(&s->all);
}

static struct watch_doc **
bucket_of(const struct watch_set *s, struct slice key)
{
	return &s->bucket[sip_hash(s->secret, key.ptr, key.len) &
			  (s->buckets - 1)];
}

static struct watch_doc **
place(const struct watch_set *s, struct slice key)
{
	struct watch_doc **at = bucket_of(s, key);

	while (*at && !slice_eq((*at)->key, key))
		at = &(*at)->next;
	return at;
}

struct watch_doc *
watch_set_find(const struct watch_set *s, struct slice key)
{
	return s->buckets ? *place(s, key) : NULL;
}

static void
grow(struct watch_set *s)
{
	size_t buckets = max(s->buckets * 2, (size_t)BUCKETS_LEAST);

	(void)mem_free(s->bucket);
	s->bucket = mem_array(buckets, struct watch_doc *);
	s->buckets = buckets;
	list_for_each (on, &s->all) {
		struct watch_doc *d = doc_on(on), **at = bucket_of(s, d->key);

		d->next = *at;
		*at = d;
	}
}

static size_t
size_of(const struct watch_doc *d)
{
	return sizeof(*d) + d->key.len + d->text.len;
}

static struct watch_doc *
make(struct slice key, struct slice text)
{
	struct watch_doc *d =
		mem_alloc(sizeof(struct watch_doc) + key.len + text.len + 1);
	char *room = (char *)(d + 1);

	d->held = (struct watch_entry){0};
	memcpy(room, key.ptr, key.len);
	memcpy(room + key.len, text.ptr, text.len);
	d->key = slice_of(room, key.len);
	d->text = slice_of(room + key.len, text.len);
	return d;
}

struct watch_doc *
watch_set_put(struct watch_set *s, struct slice key, struct slice text)
{
	struct watch_doc *d = make(key, text), **at, *old;

	if (s->count >= s->buckets)
		grow(s);
	at = place(s, key);
	old = *at;
	d->next = old ? old->next : NULL;
	*at = d;
	list_add(old ? &old->on : &s->all, &d->on);
	s->bytes += size_of(d);
	enter(s, d);
	if (!old) {
		s->count++;
		return d;
	}
	s->bytes -= size_of(old);
	list_del(&old->on);
	doc_free(s, old);
	return d;
}

void
watch_set_del(struct watch_set *s, struct watch_doc *d)
{
	struct watch_doc **at = place(s, d->key);

	*at = d->next;
	list_del(&d->on);
	s->count--;
	s->bytes -= size_of(d);
	doc_free(s, d);
}

void
watch_set_move(struct watch_set *s, struct watch_set *from)
{
	struct watch_index *index = s->index;
	struct watch_one *one = s->one;

	watch_set_done(s);
	*s = *from;
	list_init(&s->all);
	if (!list_empty(&from->all)) {
		list_add(from->all.next, &s->all);
		list_del(&from->all);
	}
	watch_set_init(from);
	watch_set_follow(s, index, one);
	list_for_each (at, &s->all)
		enter(s, doc_on(at));
}
