#pragma once

/*
 * A function's entry of cloudbaserc.json, and what is found in its folder, as
 * settings.  The members are CloudBase's:
 *   handler  "index.main"      runtime  "Nodejs18.15" (any Node.js), "native",
 *                              "script"
 *   timeout  seconds           memorySize  MiB
 *   envVariables  object of strings
 *   instanceConcurrencyConfig  {maxConcurrency}
 *   triggers  see package_triggers.h, with those of the folder's config.json
 *   config  an object with any of these (older files)
 * and of our own in "mpcloud": package_settings.c has the table.  Of
 * config.json permissions.openapi is taken, too.  Members that mean nothing
 * here (vpc, …) are left alone; ignore, installDependency and layers are the
 * deployer's.
 */

#include "functions/registry.h"

/* `ret`: name, version and code_dir are set already; the rest is filled. */
int package_parse(struct fn_settings *ret, const json_t *entry,
	const struct registry_presets *presets, struct fault *why) _must_check_;
/* The member "mpcloud" of an entry; NULL: all presets. */
int package_settings(struct fn_settings *ret, const json_t *ours,
	const struct registry_presets *presets, struct fault *why) _must_check_;
/* The entry of `name` in a cloudbaserc.json with the file's
 * functionDefaultConfig and its own "config" behind it, or the file's object
 * itself when it has no "functions".  A new reference; NULL when it is not
 * there. */
json_t *package_entry(const json_t *file, const char *name);
/* What can be seen of the folder before its code runs: the handler's file is
 * there. */
int package_check(const struct fn_settings *s, struct fault *why) _must_check_;
