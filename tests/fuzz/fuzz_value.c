/*
 * Values: whatever JSON comes, the stored form is JSON that PostgreSQL can
 * hold, the stored form of itself, and keys have no NUL and a ceiling.
 */
#include "base/text.h"
#include "documents/value.h"
#include "tests/fuzz/fuzz.h"

static void
check_again(struct slice stored)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf again;

	must(val_check(stored) == 0);
	must(text_is_utf8(stored));
	must(val_parse(&v, stored, NULL) == 0);
	buf_init(&again, 64 << 20);
	must(value_put(&again, v, 1000, NULL) == 0);
	must(slice_eq(buf_all(&again), stored));
	(void)value_kind(stored);
}

static void
check_key(const json_t *v)
{
	struct arena arena;
	struct slice key;
	struct fault why = {0};
	int r;

	arena_init(&arena, 64 << 20);
	r = value_key(&key, v, &arena, 1000, &why);
	must(r == 0 ||
		((r == ERR_DB_PARAM || r == ERR_TOO_BIG) && why.text[0]));
	if (r == 0) {
		must(key.len > 0 && key.len <= VALUE_ID_TOP);
		must(!memchr(key.ptr, '\0', key.len));
	}
	arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;
	struct fault why = {0};
	_buf_ struct buf stored;
	int64_t n;
	double d;
	int r;

	buf_init(&stored, 64 << 20);
	if (val_parse(&v, slice_of(data, size), NULL) < 0)
		return 0;
	r = value_put(&stored, v, 1000, &why);
	must(r == 0 ||
		((r == ERR_DB_PARAM || r == ERR_TOO_BIG) && why.text[0]));
	if (r == 0)
		check_again(buf_all(&stored));
	check_key(v);
	must(value_int(v, INT64_MIN, INT64_MAX, &n, NULL) <= 0);
	must(value_double(v, &d, NULL) <= 0);
	(void)value_is_true(v);
	(void)value_is_regex(v);
	return 0;
}
