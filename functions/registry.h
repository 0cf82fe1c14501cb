#pragma once

/*
 * The deployed functions on disk, under state_dir/functions:
 *   NAME/vN/…         the files of version N, as deployed
 *   NAME/vN.json      version N's entry of cloudbaserc.json (optional)
 *   NAME/vN.error     why version N could not be loaded, when it could not
 *   NAME/.vN.gone     what is left of a version that was pruned
 *   NAME/active.json  which versions answer calls, and what went before
 *   NAME/uid          the user id the function runs as, once it has one
 * Whoever deploys lays down vN and then asks the supervisor, which alone
 * writes active.json and uid.  All calls are short work on local files.
 */

#include "functions/release.h"
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

/* active.json: fn_release's members, and
 *   previous  versions that were stable, the latest last
 *   trouble   {version, why, at (ms since 1970)}: the gray version that was
 *             taken back last */
struct registry_state {
	struct fn_release release;
	json_t *previous; /* array of integers; NULL: none */
	json_t *trouble;  /* object or NULL */
};

/* -ENOENT when the function is not deployed.  What an older mpcloud wrote,
 * fn_settings of one version, is that version as the stable one. */
int registry_read(const struct registry *r, const char *name,
	struct registry_state *ret, struct fault *why) _must_check_;
int registry_write(const struct registry *r, const struct registry_state *state,
	struct fault *why) _must_check_;
void registry_state_copy(
	struct registry_state *ret, const struct registry_state *from);
void registry_state_done(struct registry_state *state);
/* Removes active.json.  The files stay: an older version can be deployed again.
 * Fine when it is not there. */
int registry_forget(const struct registry *r, const char *name,
	struct fault *why) _must_check_;

bool registry_has(const struct registry *r, const char *name, unsigned version);
/* Why a version could not be loaded; NULL: it could, the file goes. */
void registry_blame(const struct registry *r, const char *name,
	unsigned version, const char *error);
/* The same read; the caller frees, NULL when there is nothing. */
char *registry_blamed(
	const struct registry *r, const char *name, unsigned version);
/* Puts versions aside that `state` does not name, but for the `keep` newest.
 * They become .vN.gone, which whoever deploys removes: a large tree takes
 * longer than the supervisor has. */
void registry_prune(const struct registry *r,
	const struct registry_state *state, unsigned keep);

/* Settings of a version from its package.  `entry` is its entry of
 * cloudbaserc.json and is kept in vN.json; NULL: the kept one, else
 * vN/cloudbaserc.json, else nothing but presets. */
int registry_package(const struct registry *r, const char *name,
	unsigned version, const json_t *entry,
	const struct registry_presets *presets, struct fn_settings *ret,
	struct fault *why) _must_check_;

/* Whether `entry`, or NULL, is what the version was deployed with. */
bool registry_entry_is(const struct registry *r, const char *name,
	unsigned version, const json_t *entry);

/* The user id of a function out of [first, first+count): its own for good, not
 * used by another. */
int registry_uid(const struct registry *r, const char *name, int64_t first,
	int64_t count, int64_t *ret, struct fault *why) _must_check_;
/* As root: only that user's group may enter the function's folder. */
int registry_confine(const struct registry *r, const char *name, int64_t uid,
	struct fault *why) _must_check_;
