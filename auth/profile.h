#pragma once

/*
 * What a user may be told about himself: how he came, his own names.  Never the
 * openid.
 */

#include "auth/member.h"

struct profile {
	struct job job;
	/* answer */
	char kind[KIND_TOP + 1]; /* of this session; "": it has gone */
	char username[MEMBER_NAME + 1], custom_id[CUSTOM_ID_TOP + 1];
	bool has_password, found;
	int64_t created_ms, last_login_ms;
	/* its own */
	struct ask ask;
};

/* job_init(&p->job, …) first. */
void profile_get(struct profile *p, const struct family_home *home,
	const struct caller *who);
/* p->found: somebody has this user name.  ERR_PARAM. */
void profile_by_name(
	struct profile *p, const struct family_home *home, struct slice name);
