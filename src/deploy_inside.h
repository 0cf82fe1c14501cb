#pragma once

/* Between the files of deploy. */

#include "src/deploy.h"
#include "src/hosts.h"

/* Tries what `next` needs, and takes it up; stale hosts are replaced.  Takes
 * `next` in either case.  `d` NULL: nobody waits. */
int deploy_change(struct supervisor *s, struct function *f,
	struct registry_state *next, struct deploy *d,
	struct fault *why) _must_check_;
/* `next` at once, of versions that are live: written, told, the others go. */
int deploy_take_up(struct supervisor *s, struct function *f,
	struct registry_state *next, struct fault *why) _must_check_;

/* Hosts of versions that nobody names any more finish what they have. */
void deploy_let_go(struct supervisor *s, struct function *f);

/* A refresh of this function did not work: the waiters are told. */
void deploy_refresh_failed(
	struct supervisor *s, const struct function *f, const char *text);
/* HTTP paths of the version that is to be stable are nobody else's. */
int deploy_check_paths(const struct supervisor *s, const struct function *f,
	struct fault *why) _must_check_;
/* Without a gray version. */
void deploy_drop_gray(struct fn_release *release);
struct registry_presets deploy_presets(const struct supervisor *s);
