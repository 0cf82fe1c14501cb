/*
 * Extended JSON: a batch is read whatever its lines are, and a value that can
 * be stored comes back from its canonical form as it was.
 */
#include "documents/bulk.h"
#include "documents/value.h"
#include "tests/fuzz/fuzz.h"

enum { TOP = 64 << 20 };

static void
check_batch(struct slice text)
{
	struct bulk_batch b;
	size_t lines = 1;

	bulk_batch_init(&b);
	bulk_read(&b, text.len % 2 ? BULK_INSERT : BULK_UPSERT, text, 1, 1);
	for (size_t i = 0; i < b.docs.len; i++)
		lines += b.docs.ptr[i] == '\n';
	must(b.refused_count || b.count == 0 || lines == b.count);
	must((b.refused_count == 0) == (b.refused.len == 0));
	bulk_batch_done(&b);
}

/* stored → canonical → stored */
static void
check_value(struct slice stored)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf canonical, relaxed, again;

	buf_init(&canonical, TOP);
	buf_init(&relaxed, TOP);
	buf_init(&again, TOP);
	ejson_put(&canonical, stored, EJSON_CANONICAL);
	ejson_put(&relaxed, stored, EJSON_RELAXED);
	must(val_check(buf_all(&canonical)) == 0);
	must(val_check(buf_all(&relaxed)) == 0);
	must(!memchr(canonical.ptr, '\n', canonical.len));
	must(val_parse(&v, buf_all(&canonical), NULL) == 0);
	must(ejson_renew(&v, NULL) == 0);
	must(value_put(&again, v, 1, NULL) == 0);
	must(slice_eq(buf_all(&again), stored));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	_json_ json_t *v = NULL;
	_buf_ struct buf stored = {0};

	check_batch(text);
	if (val_parse(&v, text, NULL) < 0)
		return 0;
	buf_init(&stored, TOP);
	if (ejson_renew(&v, NULL) == 0 && value_put(&stored, v, 1, NULL) == 0)
		check_value(buf_all(&stored));
	return 0;
}
