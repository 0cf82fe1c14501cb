/*
 * One entry for each owner who is sending, found by going through them: there
 * are as many as users who send parts at this moment, and it is done once a
 * part.
 */
#include "storage/inflow.h"

#include "base/mem.h"

#include <string.h>

void
inflows_init(struct inflows *all)
{
	list_init(&all->list);
	all->bytes = 0;
}

struct inflow *
inflow_join(struct inflows *all, const char *owner)
{
	size_t len = strlen(owner);
	struct inflow *f;

	list_for_each (at, &all->list) {
		f = container_of(at, struct inflow, on);
		if (strcmp(f->owner, owner) == 0) {
			f->refs++;
			return f;
		}
	}
	f = mem_alloc(sizeof(*f) + len + 1);
	*f = (struct inflow){.refs = 1};
	memcpy(f->owner, owner, len + 1);
	list_init(&f->on);
	list_add(&all->list, &f->on);
	return f;
}

void
inflow_add(struct inflows *all, struct inflow *f, int64_t bytes)
{
	f->bytes += bytes;
	all->bytes += bytes;
}

struct inflow *
inflow_leave(struct inflows *all, struct inflow *f, int64_t bytes)
{
	if (!f)
		return NULL;
	inflow_add(all, f, -bytes);
	if (--f->refs)
		return NULL;
	list_del(&f->on);
	return mem_free(f);
}
