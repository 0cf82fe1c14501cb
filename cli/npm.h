#pragma once

/*
 * A function's npm packages: installed once for each package.json, kept in
 * state_dir/npm, copied into each version that needs them.
 */

#include "base/err.h"

/* Nothing happens when `folder` has node_modules, or no package.json that
 * names dependencies.  Packages of the folder itself ("file:…") are copied. */
int npm_install(const char *state_dir, const char *folder,
	struct fault *why) _must_check_;
