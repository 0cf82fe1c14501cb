#pragma once

/*
 * What the supervisor is allowed to do, and whom its children become.
 */

#include "base/err.h"

#include <sys/types.h>

enum { IDENTITY_GROUPS = 64 };

/* A user with all of its groups, looked up before it is needed: after fork
 * nothing may ask the name service. */
struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_GROUPS];
	int ngroups;
};

int identity_find(
	struct identity *ret, const char *user, struct fault *why) _must_check_;
/* In a child just forked: become it, for good. */
int identity_become(const struct identity *who) _must_check_;

/* Whether children can become other users. */
bool privilege_is_root(void);
/* Once listeners and directories stand: keep the few capabilities of
 * privilege.c, also for those we exec; no effect without root. */
int privilege_drop(struct fault *why) _must_check_;
