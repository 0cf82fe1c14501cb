/*
 * Decoders: strict ones have one spelling for each value, so that encoding
 * again gives the very same text; lenient ones agree with the strict.
 */
#include "base/err.h"
#include "base/quantity.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

typedef int get_fn(struct buf *to, struct slice in);
typedef void put_fn(struct buf *to, struct slice in);

static int
get_url(struct buf *to, struct slice in)
{
	return text_unurl(to, in, false);
}

/* `one_spelling`: what was decoded encodes to what it came from. */
static void
round_trip(struct slice in, get_fn *get, put_fn *put, bool one_spelling)
{
	_buf_ struct buf raw, text, again;

	buf_init(&raw, 2 * in.len + 8);
	buf_init(&text, 4 * in.len + 8);
	buf_init(&again, 4 * in.len + 8);
	if (get(&raw, in) < 0) {
		must(raw.len == 0);
		return;
	}
	put(&text, buf_all(&raw));
	must(buf_check(&text) == 0);
	if (one_spelling)
		must(slice_eq(buf_all(&text), in));
	must(get(&again, buf_all(&text)) == 0);
	must(slice_eq(buf_all(&again), buf_all(&raw)));
}

static void
check_time(struct slice in)
{
	_buf_ struct buf text = {0};
	int64_t ns, again;

	if (text_untime(in, &ns) < 0)
		return;
	buf_init(&text, 64);
	text_time(&text, ns);
	must(text_untime(buf_all(&text), &again) == 0);
	must(again <= ns && ns - again < 1000000);
}

static void
check_quantities(struct slice in)
{
	_buf_ struct buf text;
	int64_t n, again;

	buf_init(&text, 64);
	if (quantity_time(in, &n) == 0) {
		quantity_put_time(&text, n);
		must(quantity_time(buf_all(&text), &again) == 0 && n == again);
	}
	buf_clear(&text);
	if (quantity_bytes(in, &n) == 0) {
		quantity_put_bytes(&text, n);
		must(quantity_bytes(buf_all(&text), &again) == 0 && n == again);
	}
}

static void
check_json(struct slice in)
{
	_buf_ struct buf text;

	buf_init(&text, 6 * in.len + 8);
	buf_json(&text, in);
	must(buf_check(&text) == 0);
	must(text_is_utf8(buf_all(&text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	round_trip(in, text_unbase64, text_base64, true);
	round_trip(in, text_unbase64url, text_base64url, true);
	round_trip(in, text_unbase64_lenient, text_base64, false);
	round_trip(in, text_unhex, text_hex, false);
	round_trip(in, get_url, text_url, false);
	check_time(in);
	check_quantities(in);
	check_json(in);
	return 0;
}
