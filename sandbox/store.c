/*
 * Why not Jansson's objects: they have no order of age and no ceiling.
 * The hash is FNV-1a; nobody hostile speaks to a sandbox.
 */

#include "store.h"

#include "base/mem.h"

void
store_init(struct store *s, size_t top, item_free_fn *fn)
{
	for (size_t i = 0; i < STORE_BUCKETS; i++)
		list_init(&s->bucket[i]);
	list_init(&s->age);
	s->count = 0;
	s->top = top;
	s->free = fn;
}

void
store_done(struct store *s)
{
	while (!list_empty(&s->age))
		store_del(s, list_first(&s->age, struct item, in_age));
}

static size_t
place(struct slice name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (uint8_t)name.ptr[i]) * 16777619u;
	return h % STORE_BUCKETS;
}

struct item *
store_find(const struct store *s, struct slice name)
{
	const struct list *head = &s->bucket[place(name)];

	for (struct list *at = head->next; at != head; at = at->next) {
		struct item *i = container_of(at, struct item, in_bucket);

		if (slice_is(name, i->name))
			return i;
	}
	return NULL;
}

void
store_add(struct store *s, struct item *item, struct slice name)
{
	struct item *oldest = list_first(&s->age, struct item, in_age);

	if (s->count == s->top && oldest)
		store_del(s, oldest);
	item->name = str_ndup(name.ptr, name.len);
	list_add(&s->bucket[place(name)], &item->in_bucket);
	list_add(&s->age, &item->in_age);
	s->count++;
}

void
store_del(struct store *s, struct item *item)
{
	list_del(&item->in_bucket);
	list_del(&item->in_age);
	item->name = mem_free(item->name);
	s->count--;
	s->free(item);
}
