#pragma once

/*
 * Environment variables that are set from outside, for all functions and for
 * single ones, and secrets, which differ in how they are kept only:
 *   state_dir/env.json  {"global": {NAME: text}, "functions": {FN: {…}}}
 *   state_dir/secrets   the same with sealed texts (auth/seal.h)
 * Both are 0600 and the supervisor's.  A function's own variables of
 * cloudbaserc.json stand between the global ones and those set for it; a secret
 * goes before a variable of the same name on the same side.
 */

#include "functions/registry.h"

struct seal;

/* What a command changes: an object of texts, null to take one away.  All or
 * none.  `function` "": for all. */
int registry_env_set(const struct registry *r, const char *function,
	const json_t *values, struct fault *why) _must_check_;
/* `seal` NULL: ERR_CONFIG. */
int registry_secret_set(const struct registry *r, struct seal *seal,
	const char *function, const json_t *values,
	struct fault *why) _must_check_;

/* `own` (the function's envVariables) with what is set around it. */
int registry_env_merge(const struct registry *r, struct seal *seal,
	const char *function, const json_t *own, json_t **ret,
	struct fault *why) _must_check_;

/* {"variables": {"global": {…}, "functions": {…}}, "secrets": {"global":
 * [names], "functions": {FN: [names]}}} */
int registry_env_list(
	const struct registry *r, json_t **ret, struct fault *why) _must_check_;
