/*
 * JSON read by two: our scanner, which only looks, and Jansson, which builds.
 * They must agree, but for what Jansson cannot hold.
 */
#include "base/val.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

/* Valid JSON that Jansson (with our flags) does not take. */
static bool
is_beyond_jansson(struct slice text)
{
	json_error_t err;
	json_t *v = json_loadb(text.ptr ? text.ptr : "", text.len,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &err);

	json_decref(v);
	if (v)
		return false;
	switch (json_error_code(&err)) {
	case json_error_numeric_overflow:
	case json_error_null_character:
	case json_error_null_byte_in_key:
	case json_error_duplicate_key:
		return true;
	default: /* half of a surrogate pair */
		return strstr(err.text, "Unicode") != NULL;
	}
}

/* Each member is found raw, and what is found is what was built. */
static void
check_members(struct slice text, json_t *obj)
{
	const char *key;
	json_t *want;

	json_object_foreach (obj, key, want) {
		_json_ json_t *got = NULL;
		struct slice raw;

		must(val_find_raw(text, key, &raw) == 0);
		must(val_check(raw) == 0);
		must(val_parse(&got, raw, NULL) == 0);
		must(json_equal(got, want));
	}
	if (!json_object_get(obj, "absent")) {
		struct slice raw;

		must(val_find_raw(text, "absent", &raw) == -ENOENT);
	}
}

static void
check_put(json_t *v, size_t size)
{
	_json_ json_t *again = NULL;
	_buf_ struct buf b;

	buf_init(&b, 64 * size + 64);
	val_put(&b, v);
	must(buf_check(&b) == 0);
	must(val_check(buf_all(&b)) == 0);
	must(val_parse(&again, buf_all(&b), NULL) == 0);
	must(json_equal(v, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size), raw;
	_json_ json_t *v = NULL;
	int checked = val_check(text);

	if (val_parse(&v, text, NULL) < 0) {
		must(checked < 0 || is_beyond_jansson(text));
		if (checked < 0)
			must(val_find_raw(text, "a", &raw) == ERR_JSON);
		return 0;
	}
	must(checked == 0);
	if (json_is_object(v))
		check_members(text, v);
	check_put(v, size);
	return 0;
}
