#pragma once

/*
 * A ring of members embedded in their owners.  A member that is on no list
 * points at itself, so list_del is always safe after list_init.
 */

#include "base/util.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) \
	{ \
		&(name), &(name) \
	}

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* `m` before `at`: list_add(head, m) appends. */
static inline void
list_add(struct list *at, struct list *m)
{
	m->prev = at->prev;
	m->next = at;
	at->prev->next = m;
	at->prev = m;
}

static inline void
list_add_first(struct list *head, struct list *m)
{
	list_add(head->next, m);
}

static inline void
list_del(struct list *m)
{
	m->next->prev = m->prev;
	m->prev->next = m->next;
	list_init(m);
}

/* The first member's owner, or NULL. */
#define list_first(head, type, member) \
	(list_empty(head) ? NULL : container_of((head)->next, type, member))
/* The last one's. */
#define list_last(head, type, member) \
	(list_empty(head) ? NULL : container_of((head)->prev, type, member))

#define list_for_each(at, head) \
	for (struct list *at = (head)->next; at != (head); at = at->next)

/* The current member may be removed. */
#define list_for_each_safe(at, head) \
	for (struct list *at = (head)->next, *at##_next = at->next; \
		at != (head); at = at##_next, at##_next = at->next)
