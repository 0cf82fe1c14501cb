#pragma once

/*
 * The deployed functions on disk, under state_dir/functions:
 *   NAME/vN/…         the files of version N, as deployed
 *   NAME/vN.json      version N's entry of cloudbaserc.json (optional)
 *   NAME/active.json  fn_settings of the version that answers calls
 *   NAME/uid          the user id the function runs as, once it has one
 * Whoever deploys lays down vN and then asks the supervisor, which alone
 * writes active.json and uid.  All calls are short work on local files.
 */

#include "functions/settings.h"

struct registry {
	char *dir;       /* state_dir/functions, absolute */
	char *state_dir; /* absolute */
};

/* What a function gets whose entry does not say (the functions.* settings). */
struct registry_presets {
	int64_t timeout_ms, memory, idle_ms;
	unsigned workers, queue;
};

int registry_open(struct registry *ret, const char *state_dir,
	struct fault *why) _must_check_;
void registry_close(struct registry *r);

/* Sorted names of what has a folder, as an array of strings. */
int registry_names(
	const struct registry *r, json_t **ret, struct fault *why) _must_check_;
/* Version numbers with a folder, ascending, as an array of integers. */
int registry_versions(const struct registry *r, const char *name, json_t **ret,
	struct fault *why) _must_check_;

/* -ENOENT when no version is active.  fn_settings_done afterwards. */
int registry_active(const struct registry *r, const char *name,
	struct fn_settings *ret, struct fault *why) _must_check_;
int registry_activate(const struct registry *r, const struct fn_settings *s,
	struct fault *why) _must_check_;
/* The files stay: an older version can be deployed again.  Fine when none is
 * active. */
int registry_deactivate(const struct registry *r, const char *name,
	struct fault *why) _must_check_;

/* Settings of a version from its package.  `entry` is its entry of
 * cloudbaserc.json and is kept in vN.json; NULL: the kept one, else
 * vN/cloudbaserc.json, else nothing but presets. */
int registry_package(const struct registry *r, const char *name,
	unsigned version, const json_t *entry,
	const struct registry_presets *presets, struct fn_settings *ret,
	struct fault *why) _must_check_;

/* The user id of a function out of [first, first+count): its own for good, not
 * used by another. */
int registry_uid(const struct registry *r, const char *name, int64_t first,
	int64_t count, int64_t *ret, struct fault *why) _must_check_;
/* As root: only that user's group may enter the function's folder. */
int registry_confine(const struct registry *r, const char *name, int64_t uid,
	struct fault *why) _must_check_;
