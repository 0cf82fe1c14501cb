/*
 * traceparent = version "-" trace-id "-" parent-id "-" trace-flags, in
 * lower-case hex.  A later version may have more behind it, version ff is none.
 */
#include "gateway/trace.h"

#include "base/util.h"

#include <string.h>

static bool
is_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789abcdef", s.ptr[i]) || !s.ptr[i])
			return false;
	return true;
}

static bool
is_zero(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '0')
			return false;
	return true;
}

static bool
has_dashes(struct slice h)
{
	return h.ptr[2] == '-' && h.ptr[35] == '-' && h.ptr[52] == '-';
}

/* Of version 00 the length is fixed; a later one may go on after a dash. */
static bool
ends_well(struct slice h, struct slice version)
{
	if (h.len == TRACE_PARENT)
		return true;
	return h.len > TRACE_PARENT && !is_zero(version) &&
	       h.ptr[TRACE_PARENT] == '-';
}

void
trace_parse(struct trace *ret, struct slice h)
{
	struct slice version, id, parent, flags;

	*ret = (struct trace){0};
	if (h.len < TRACE_PARENT || !has_dashes(h))
		return;
	version = slice_of(h.ptr, 2);
	id = slice_of(h.ptr + 3, TRACE_ID);
	parent = slice_of(h.ptr + 36, 16);
	flags = slice_of(h.ptr + 53, 2);
	if (!is_hex(version) || !is_hex(id) || !is_hex(parent) ||
		!is_hex(flags) || is_zero(id) || is_zero(parent) ||
		slice_eq(version, SLICE("ff")) || !ends_well(h, version))
		return;
	ret->id = id;
	/* of a later version only the lowest bit is known to us */
	memcpy(ret->flags, flags.ptr, 2);
}

const char *
trace_parent(const struct trace *t, struct arena *arena, const char *request_id)
{
	if (!t->id.len)
		return NULL;
	return arena_printf(arena, "00-%.*s-%s-%s", SLICE_ARG(t->id),
		request_id + 16, t->flags);
}
