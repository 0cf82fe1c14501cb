/*
 * A function's entry of cloudbaserc.json, its triggers, and a release: bytes →
 * JSON → what the daemon goes by.  What is taken is taken again when it was
 * written.
 */
#include "functions/package.h"
#include "functions/package_triggers.h"
#include "functions/registry.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
try_release(const json_t *v)
{
	struct fn_release r, again;
	struct fault why = {0};
	json_t *built;

	if (release_parse(&r, v, &why) < 0) {
		if (!why.text[0])
			__builtin_trap(); /* nobody would know why */
		return;
	}
	built = release_build(&r);
	if (release_parse(&again, built, NULL) < 0)
		__builtin_trap();
	json_decref(built);
	release_done(&again);
	release_done(&r);
}

static void
try_triggers(const json_t *v)
{
	json_t *got = NULL, *again = NULL;
	struct fault why = {0};

	if (package_triggers(json_object_get(v, "config"),
		    json_object_get(v, "triggers"), &got, &why) < 0) {
		if (!why.text[0])
			__builtin_trap();
		return;
	}
	if (package_triggers(NULL, got, &again, NULL) < 0 ||
		!json_equal(got, again))
		__builtin_trap();
	json_decref(got);
	json_decref(again);
}

static void
try_entry(const json_t *v)
{
	static const struct registry_presets presets = {.timeout_ms = 1000,
		.memory = 1 << 28,
		.idle_ms = 1000,
		.workers = 4,
		.queue = 10};
	struct fn_settings s = {0};
	struct fault why = {0};

	fn_settings_preset(&s);
	(void)strcpy(s.name, "f");
	s.code_dir = strdup("/nowhere");
	if (package_parse(&s, v, &presets, &why) < 0 && !why.text[0])
		__builtin_trap();
	fn_settings_done(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *v = NULL;

	if (val_parse(&v, slice_of(data, size), NULL) < 0)
		return 0;
	try_release(v);
	try_triggers(v);
	try_entry(v);
	json_decref(v);
	return 0;
}
