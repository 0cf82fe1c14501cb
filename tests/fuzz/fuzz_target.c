/*
 * Request targets and their queries: bytes → path, query, authority.
 */
#include "http/target.h"
#include "tests/fuzz/fuzz.h"

/* What was accepted decodes to a path that is one C string. */
static void
check(const struct target *t, struct slice raw)
{
	if (!t->path || (t->path[0] != '/' && strcmp(t->path, "*") != 0))
		__builtin_trap();
	if (strlen(t->path) > raw.len + 1)
		__builtin_trap();
	if (t->authority.ptr && !target_authority_is_valid(t->authority))
		__builtin_trap();
	if (t->query.len &&
		(t->query.ptr < raw.ptr ||
			t->query.ptr + t->query.len != raw.ptr + raw.len))
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice raw = slice_of(data, size), value;
	struct target t;
	struct arena a;

	arena_init(&a, 1 << 16);
	if (target_parse(&t, &a, raw, NULL) == 0) {
		check(&t, raw);
		value = target_query(&a, t.query, "q");
		if (value.len > t.query.len)
			__builtin_trap();
	}
	(void)target_query(&a, raw, "");
	(void)target_authority_is_valid(raw);
	arena_done(&a);
	return 0;
}
