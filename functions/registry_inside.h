#pragma once

/* What the files of the registry share. */

#include "functions/registry.h"

/* -ENOENT without a word when there is no such file. */
int registry_read_json(
	const char *path, json_t **ret, struct fault *why) _must_check_;
/* Nobody else may read it. */
int registry_write_json(
	const char *path, const json_t *v, struct fault *why) _must_check_;
