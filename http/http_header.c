/*
 * The headers of a request, as everybody above sees them: in the order they
 * came, values trimmed, those on several lines mended (http_fold.c).
 *
 * They are written down once, by the walk that checks them.  A short request
 * is asked for half a dozen names, nearly all of which it does not have; so the
 * first look is at one word, in which each name that came has set a bit, and
 * the library, which would compare every name with every other, is not asked.
 */
#include "http/http_inside.h"

enum { ROOM_FIRST = 8 };

struct named {
	struct slice name, value;
};

/* Its length and first letter tell nearly all names apart. */
static uint64_t
mark_of(const char *name, size_t len)
{
	return 1ULL << ((len * 5 + (unsigned char)(name[0] | 0x20)) & 63);
}

static void
grow(struct exchange *x)
{
	size_t room = x->header_room ? x->header_room * 2 : ROOM_FIRST;
	size_t size = room * sizeof(struct named);
	struct named *all = arena_get(exchange_room(x, size), size);

	if (x->header_count)
		memcpy(all, x->named, x->header_count * sizeof(*all));
	x->named = all;
	x->header_room = (unsigned)room;
}

void
header_keep(struct exchange *x, struct slice name, struct slice value)
{
	if (x->header_count == x->header_room)
		grow(x);
	x->named[x->header_count++] = (struct named){name, value};
	x->header_marks |= mark_of(name.ptr, name.len);
}

struct slice
exchange_header(const struct exchange *x, const char *name)
{
	size_t len = strlen(name);

	if (!(x->header_marks & mark_of(name, len)))
		return (struct slice){NULL, 0};
	for (unsigned i = 0; i < x->header_count; i++)
		if (x->named[i].name.len == len &&
			strncasecmp(x->named[i].name.ptr, name, len) == 0)
			return x->named[i].value;
	return (struct slice){NULL, 0};
}

void
exchange_each_header(struct exchange *x, header_fn *fn, void *owner)
{
	for (unsigned i = 0; i < x->header_count; i++)
		fn(owner, x->named[i].name, x->named[i].value);
}
