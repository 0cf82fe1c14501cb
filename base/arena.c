/*
 * A chain of blocks, the one that is being filled first; a large piece gets a
 * block of its own.
 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 - 64, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(ALIGN) char bytes[];
};

void
arena_init(struct arena *a, size_t ceiling)
{
	*a = (struct arena){.ceiling = ceiling};
}

void
arena_done(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->block; b; b = next) {
		next = b->next;
		free(b);
	}
	a->block = NULL;
	a->used = 0;
}

void
arena_clear(struct arena *a, size_t ceiling)
{
	struct arena_block *keep = NULL, *next;

	for (struct arena_block *b = a->block; b; b = next) {
		next = b->next;
		if (keep || b->size > BLOCK)
			free(b);
		else
			keep = b;
	}
	if (keep) {
		memset(keep->bytes, 0, keep->used);
		keep->used = 0;
		keep->next = NULL;
	}
	a->block = keep;
	a->used = 0;
	a->ceiling = ceiling;
}

/* Behind the newest, which small pieces go on filling, when it is for one large
 * piece alone. */
static struct arena_block *
block_add(struct arena *a, size_t size)
{
	struct arena_block **at =
		a->block && size > BLOCK ? &a->block->next : &a->block;
	size_t room = max(size, (size_t)BLOCK);
	struct arena_block *b = mem_alloc(sizeof(*b) + room);

	b->size = room;
	b->next = *at;
	*at = b;
	return b;
}

void *
arena_try(struct arena *a, size_t size)
{
	struct arena_block *b = a->block;
	void *p;

	if (size > a->ceiling || a->used > a->ceiling - size)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!b || b->size - b->used < size)
		b = block_add(a, size);
	p = b->bytes + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *
arena_get(struct arena *a, size_t size)
{
	void *p = arena_try(a, size);

	if (!p) {
		(void)fputs("arena: past its ceiling\n", stderr);
		abort();
	}
	return p;
}

bool
arena_holds(const struct arena *a, const void *p)
{
	uintptr_t at = (uintptr_t)p;

	for (const struct arena_block *b = a->block; b; b = b->next)
		if (at >= (uintptr_t)b->bytes &&
			at < (uintptr_t)(b->bytes + b->used))
			return true;
	return false;
}

char *
arena_str(struct arena *a, struct slice s)
{
	char *p = arena_get(a, s.len + 1);

	if (s.len)
		memcpy(p, s.ptr, s.len);
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_get(a, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
