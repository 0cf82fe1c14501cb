/*
 * JavaScript of strangers: the tokenizer moves on and ends, its tokens are
 * pieces of the text in their order, and the search through them ends, too.
 */
#include "migrate/js_token.h"
#include "migrate/migrate.h"
#include "tests/fuzz/fuzz.h"

static void
check_tokens(struct slice text)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	struct js_lexer lexer;
	struct js_token t;
	unsigned line = 1;

	js_begin(&lexer, text);
	while (js_next(&lexer, &t, NULL) == 0 && t.kind != JS_END) {
		must(t.text.ptr >= at && t.text.ptr + t.text.len <= end);
		must(t.line >= line);
		must(lexer.rest.ptr >= t.text.ptr + t.text.len);
		must(t.kind == JS_STRING || t.kind == JS_TEMPLATE ||
			t.text.len);
		at = t.text.ptr + t.text.len;
		line = t.line;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct migrate m;
	json_t *item;
	const char *key;

	check_tokens(slice_of(data, size));
	migrate_init(&m);
	m.file = "a.js";
	(void)!migrate_scan(&m, slice_of(data, size), NULL);
	(void)!migrate_json(&m, "cloudbaserc.json", slice_of(data, size), NULL);
	(void)!migrate_json(&m, "config.json", slice_of(data, size), NULL);
	json_object_foreach (m.apis, key, item)
		must(json_is_array(json_object_get(item, "places")));
	migrate_done(&m);
	return 0;
}
