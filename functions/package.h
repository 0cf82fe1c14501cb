#pragma once

/*
 * A function's entry of cloudbaserc.json, and what is found in its folder, as
 * settings.  The members are CloudBase's:
 *   handler  "index.main"      runtime  "Nodejs18.15" (any Node.js), "native"
 *   timeout  seconds           memorySize  MiB
 *   envVariables  object of strings
 *   instanceConcurrencyConfig  {maxConcurrency}
 * and of our own {"mpcloud": {network, workers, queue, idle (seconds)}}.
 * Members that mean nothing here (vpc, triggers, ignore …) are left alone.
 */

#include "functions/registry.h"

/* `ret`: name, version and code_dir are set already; the rest is filled. */
int package_parse(struct fn_settings *ret, const json_t *entry,
	const struct registry_presets *presets, struct fault *why) _must_check_;
/* The entry of `name` in a cloudbaserc.json, or the file's object itself when
 * it has no "functions".  Borrowed; NULL when it is not there. */
const json_t *package_entry(const json_t *file, const char *name);
/* What can be seen of the folder before its code runs: the handler's file is
 * there, config.json is JSON. */
int package_check(const struct fn_settings *s, struct fault *why) _must_check_;
