/*
 * Forms: a content type, a line end, a body.  What is accepted lies within the
 * body, in order, under names that differ; nothing of a part holds its divider.
 */
#include "http/multipart.h"
#include "tests/fuzz/fuzz.h"

static void
inside(struct slice s, struct slice body)
{
	if (!s.ptr)
		return;
	if (s.ptr < body.ptr || s.ptr + s.len > body.ptr + body.len)
		__builtin_trap();
}

static void
check(const struct multipart *m, struct slice body)
{
	const char *at = body.ptr;

	if (m->count > MULTIPART_PARTS)
		__builtin_trap();
	for (size_t i = 0; i < m->count; i++) {
		const struct part *p = &m->part[i];

		inside(p->name, body);
		inside(p->filename, body);
		inside(p->type, body);
		inside(p->body, body);
		if (!p->name.len || p->body.ptr < at)
			__builtin_trap();
		at = p->body.ptr + p->body.len;
		for (size_t k = 0; k < i; k++)
			if (slice_eq(m->part[k].name, p->name))
				__builtin_trap();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_of(data, size), type;
	static struct multipart m;

	if (!slice_split(&body, '\n', &type) || !body.ptr)
		return 0;
	(void)multipart_is(type);
	if (multipart_parse(&m, type, body, NULL) == 0)
		check(&m, body);
	return 0;
}
