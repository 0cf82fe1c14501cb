/*
 * Two documents as the database writes them, with a NUL between: what they are
 * cut into lies inside of them, and what is found twice is the same.  Text that
 * PostgreSQL would never write must do no harm, either.
 */
#include "watch/watch_text.h"

#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
must_lie_in(struct slice part, struct slice whole)
{
	must(part.ptr >= whole.ptr &&
		part.ptr + part.len <= whole.ptr + whole.len);
}

static void
look_at_elements(struct slice array)
{
	struct text_members all = text_members(array);
	struct slice value;

	while (text_element(&all, &value)) {
		must(value.len > 0);
		must_lie_in(value, array);
	}
}

static void
look_at_members(struct slice object)
{
	struct text_members all = text_members(object);
	struct slice name, value, found;
	int left = 16;

	while (text_member(&all, &name, &value)) {
		_free_ char *quoted = str_ndup(name.ptr, name.len);

		must_lie_in(name, object);
		must_lie_in(value, object);
		look_at_elements(value);
		if (left-- <= 0 || strlen(quoted) != name.len)
			continue;
		found = text_field(object, quoted);
		must(found.ptr != NULL); /* the first of its name */
		must_lie_in(found, object);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *copy = mem_dup(data, size);
	const char *nul = size ? memchr(copy, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - copy) : size;
	struct slice old = slice_of(copy, len);
	struct slice new = nul ? slice_of(nul + 1, size - len - 1) : old;
	_buf_ struct buf updated, removed, shown;

	buf_init(&updated, 1 << 20);
	buf_init(&removed, 1 << 20);
	buf_init(&shown, 1 << 20);
	look_at_members(old);
	look_at_members(new);
	text_shown(&shown, SLICE("key"), old, true);
	must(text_diff(&updated, &removed, old, old) == TEXT_SAME);
	buf_clear(&updated);
	buf_clear(&removed);
	(void)text_diff(&updated, &removed, old, new);
	return 0;
}
