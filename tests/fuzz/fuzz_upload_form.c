/*
 * Forms that come piece by piece: how they are cut, and when their owner makes
 * them wait, changes nothing; and where multipart.c reads the same form whole,
 * it sees the same file.
 */
#include "base/buf.h"
#include "http/upload_form.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

struct heard {
	struct buf all, file;
	unsigned waits, every;
};

static bool
waits(struct heard *h)
{
	return h->every && ++h->waits % h->every == 0;
}

static int
on_text(void *owner, struct slice name, struct slice value)
{
	struct heard *h = owner;

	buf_str(&h->all, "t:");
	buf_slice(&h->all, name);
	buf_slice(&h->all, value);
	return 0;
}

static int
on_begin(void *owner, const struct part *head)
{
	struct heard *h = owner;

	if (waits(h))
		return UPLOAD_FORM_WAIT;
	buf_str(&h->all, "b:");
	buf_slice(&h->all, head->name);
	return 0;
}

static int
on_data(void *owner, struct slice bytes)
{
	struct heard *h = owner;

	if (waits(h))
		return UPLOAD_FORM_WAIT;
	buf_slice(&h->file, bytes);
	return 0;
}

static int
run(struct slice type, struct slice body, size_t piece, struct heard *h)
{
	static const struct upload_form_ops ops = {on_text, on_begin, on_data};
	struct upload_form *f;
	struct arena arena;
	int e;

	arena_init(&arena, 8 << 20);
	buf_init(&h->all, 8 << 20);
	buf_init(&h->file, 8 << 20);
	e = upload_form_new(&f, &arena, type, &ops, h, NULL);
	while (e == 0 && body.len) {
		size_t n = min(piece, body.len);

		do
			e = upload_form_take(f, slice_of(body.ptr, n), NULL);
		while (e == UPLOAD_FORM_WAIT);
		body = slice_of(body.ptr + n, body.len - n);
	}
	if (e == 0)
		e = upload_form_end(f, NULL);
	arena_done(&arena);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body, type;
	struct heard whole = {.every = 0}, cut = {.every = 3};
	static struct multipart m;
	size_t piece;
	int e, other;

	if (size < 2)
		return 0;
	piece = data[0] % 17 + 1;
	body = slice_of((const char *)data + 1, size - 1);
	if (!slice_split(&body, '\n', &type) || !body.ptr)
		return 0;
	e = run(type, body, body.len + 1, &whole);
	other = run(type, body, piece, &cut);
	must(e == other);
	must(slice_eq(buf_all(&whole.file), buf_all(&cut.file)) || e < 0);
	must(slice_eq(buf_all(&whole.all), buf_all(&cut.all)) || e < 0);
	if (e == 0 && multipart_parse(&m, type, body, NULL) == 0)
		for (size_t i = 0; i < m.count; i++)
			if (m.part[i].filename.ptr ||
				slice_is(m.part[i].name, "file"))
				must(slice_eq(
					m.part[i].body, buf_all(&whole.file)));
	buf_done(&whole.all);
	buf_done(&whole.file);
	buf_done(&cut.all);
	buf_done(&cut.file);
	return 0;
}
