/*
 * Keys: what stands in column _id.  Two values that are equal must have one
 * key, for it is what makes them unique: hence numbers without their kind and
 * members in order.
 */
#include "base/mem.h"
#include "documents/value_copy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { MARK = 1 };

static void put_plain(struct buf *to, const json_t *v);

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
put_object(struct buf *to, const json_t *v)
{
	size_t count = json_object_size(v), i = 0;
	const char **keys = mem_alloc((count + 1) * sizeof(keys[0]));
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item)
		keys[i++] = key;
	qsort(keys, count, sizeof(keys[0]), compare);
	buf_char(to, '{');
	for (i = 0; i < count; i++) {
		if (i)
			buf_char(to, ',');
		buf_json(to, slice_str(keys[i]));
		buf_char(to, ':');
		put_plain(to, json_object_get(v, keys[i]));
	}
	buf_char(to, '}');
	free(keys);
}

static void
put_real(struct buf *to, double d)
{
	if (trunc(d) == d && d > -9.2e18 && d < 9.2e18)
		buf_i64(to, (int64_t)d);
	else
		value_put_double(to, d);
}

/* `v` is a stored form. */
static void
put_plain(struct buf *to, const json_t *v)
{
	size_t i;
	json_t *item;

	if (json_is_object(v)) {
		put_object(to, v);
	} else if (json_is_real(v)) {
		put_real(to, json_real_value(v));
	} else if (json_is_array(v)) {
		buf_char(to, '[');
		json_array_foreach (v, i, item) {
			if (i)
				buf_char(to, ',');
			put_plain(to, item);
		}
		buf_char(to, ']');
	} else {
		val_put(to, v);
	}
}

static int
check(struct slice key, struct fault *why)
{
	if (key.len == 0 || key.len > VALUE_ID_TOP ||
		memchr(key.ptr, '\0', key.len))
		return fault_set(why, ERR_DB_PARAM,
			"_id must have 1 to %d bytes, none of them NUL",
			VALUE_ID_TOP);
	return 0;
}

static int
key_of_text(struct slice *ret, struct slice text, struct fault *why)
{
	if (text.len && text.ptr[0] == MARK)
		return fault_set(why, ERR_DB_PARAM,
			"_id may not begin with the character U+0001");
	*ret = text;
	return check(text, why);
}

static int
key_of_other(struct slice *ret, struct slice stored, struct arena *arena,
	struct fault *why)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf text = {0};
	int r = val_parse(&v, stored, why);

	if (r < 0)
		return r;
	buf_init(&text, VALUE_ID_TOP + 1);
	buf_char(&text, MARK);
	put_plain(&text, v);
	r = buf_check(&text);
	if (r == 0)
		r = check(buf_all(&text), why);
	if (r < 0)
		return fault_set(why, ERR_DB_PARAM,
			"_id may have %d bytes at most", VALUE_ID_TOP);
	*ret = slice_of(arena_str(arena, buf_all(&text)), text.len);
	return 0;
}

int
value_key(struct slice *ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	size_t head = strlen("{\"$oid\":\"");
	struct slice stored;
	int r;

	if (json_is_string(v))
		return key_of_text(ret, value_slice(v), why);
	if (json_is_array(v) || value_is_regex(v) || value_is_undefined(v))
		return fault_set(why, ERR_DB_PARAM,
			"_id cannot be a list, a regular expression or "
			"undefined");
	r = value_get(&stored, v, arena, now_ms, why);
	if (r < 0)
		return r;
	if (value_kind(stored) != VALUE_OID)
		return key_of_other(ret, stored, arena, why);
	*ret = slice_of(stored.ptr + head, 24);
	return 0;
}
