/*
 * A number and a unit.  Units are two small tables, the largest first, which
 * serves both directions.
 */
#include "base/quantity.h"

#include <errno.h>

struct unit {
	const char *name;
	int64_t size;
};

static const struct unit times[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {
	{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}};

static int
quantity(struct slice in, const struct unit *units, size_t count, int64_t *ret)
{
	size_t digits = 0;
	uint64_t n;
	int r;

	while (digits < in.len && in.ptr[digits] >= '0' &&
		in.ptr[digits] <= '9')
		digits++;
	r = slice_to_u64(slice_of(in.ptr, digits), INT64_MAX, &n);
	if (r < 0)
		return r;
	in = slice_of(in.ptr + digits, in.len - digits);
	for (size_t i = 0; i < count; i++) {
		int64_t all;

		if (!slice_is_nocase(in, units[i].name))
			continue;
		if (__builtin_mul_overflow((int64_t)n, units[i].size, &all))
			return -ERANGE;
		*ret = all;
		return 0;
	}
	return -EINVAL;
}

int
quantity_time(struct slice in, int64_t *ret)
{
	if (slice_is(in, "0")) {
		*ret = 0;
		return 0;
	}
	return quantity(in, times, array_size(times), ret);
}

int
quantity_bytes(struct slice in, int64_t *ret)
{
	return quantity(in, sizes, array_size(sizes), ret);
}

static void
put(struct buf *to, int64_t n, const struct unit *units, const char *zero)
{
	if (n == 0) {
		buf_str(to, zero);
		return;
	}
	while (n % units->size)
		units++;
	buf_i64(to, n / units->size);
	buf_str(to, units->name);
}

void
quantity_put_time(struct buf *to, int64_t ms)
{
	put(to, ms, times, "0s");
}

void
quantity_put_bytes(struct buf *to, int64_t bytes)
{
	put(to, bytes, sizes, "0");
}
