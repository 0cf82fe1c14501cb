/*
 * One allocation holds the struct, the parameters and, where it must be kept,
 * the text.
 */
#include "db/flight.h"

#include "base/mem.h"

#include <libpq-fe.h>
#include <stdlib.h>

static char *
put(char **to, struct slice s)
{
	char *at = *to;

	if (s.len)
		memcpy(at, s.ptr, s.len);
	at[s.len] = '\0';
	*to += s.len + 1;
	return at;
}

struct flight *
flight_new(struct ask *ask, struct slice sql, bool copy,
	const struct slice *params, int count)
{
	size_t size = sizeof(struct flight) + (size_t)count * sizeof(char *);
	struct flight *f;
	char *to;

	for (int i = 0; i < count; i++)
		size += params[i].len + 1;
	f = mem_alloc(size + (copy ? sql.len + 1 : 0));
	list_init(&f->on);
	f->ask = ask;
	f->count = count;
	f->params = (const char **)(void *)(f + 1);
	to = (char *)(f->params + count);
	for (int i = 0; i < count; i++)
		f->params[i] = params[i].ptr ? put(&to, params[i]) : NULL;
	f->sql = copy ? slice_of(put(&to, sql), sql.len) : sql;
	return f;
}

struct flight *
flight_free(struct flight *f)
{
	if (!f)
		return NULL;
	list_del(&f->on);
	PQclear(f->result);
	return mem_free(f);
}
