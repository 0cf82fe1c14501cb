/*
 * The change stream's messages, each behind its length in two bytes.  What is
 * told is whole rows of the one schema and definitions of its collections,
 * between a begin and a commit.
 */
#include "db/pgoutput.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t *low, *high;
static int depth;

static bool
is_inside(struct slice s)
{
	return !s.ptr || ((const uint8_t *)s.ptr >= low &&
				 (const uint8_t *)s.ptr + s.len <= high);
}

static void
on_begin(void *owner, uint32_t xid, uint64_t lsn)
{
	(void)owner;
	(void)xid;
	(void)lsn;
	must(depth++ == 0);
}

static void
on_change(void *owner, const struct change *c)
{
	(void)owner;
	must(depth == 1);
	must(slice_is(c->schema, "env_x"));
	must(c->kind == CHANGE_TRUNCATE || c->id.ptr);
	must(!c->old_id.ptr || c->kind == CHANGE_UPDATE);
	must(!c->doc.ptr || c->kind == CHANGE_INSERT ||
		c->kind == CHANGE_UPDATE);
	must(is_inside(c->id) && is_inside(c->old_id) && is_inside(c->doc));
}

static void
on_define(void *owner, struct slice name, int64_t version)
{
	(void)owner;
	must(depth == 1);
	must(name.ptr && is_inside(name));
	must(version >= 0);
}

static void
on_message(void *owner, struct slice text)
{
	(void)owner;
	must(is_inside(text));
}

static void
on_commit(void *owner, uint64_t lsn)
{
	(void)owner;
	(void)lsn;
	must(depth-- == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct changes_ops ops = {.on_begin = on_begin,
		.on_change = on_change,
		.on_commit = on_commit,
		.on_define = on_define,
		.on_message = on_message};
	struct pgoutput p;

	depth = 0;
	pgoutput_init(&p, slice_str("env_x"), &ops);
	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		low = data;
		high = data + len;
		if (pgoutput_take(&p, slice_of(data, len)) < 0)
			break;
		data += len;
		size -= len;
	}
	pgoutput_done(&p);
	return 0;
}
