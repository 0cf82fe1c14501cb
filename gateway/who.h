#pragma once

/*
 * Who may: a set of caller roles, as route.def and call.def write it.
 */

#include "auth/caller.h"
#include "base/err.h"

enum who {
	WHO_NOBODY = 1 << CALLER_NOBODY,
	WHO_USER = 1 << CALLER_USER,
	WHO_FUNCTION = 1 << CALLER_FUNCTION,
	WHO_ADMIN = 1 << CALLER_ADMIN,
	WHO_PROGRAM = 1 << CALLER_PROGRAM, /* only declared routes say so */
	WHO_SERVER = WHO_FUNCTION | WHO_ADMIN,
	WHO_KNOWN = WHO_USER | WHO_SERVER,
	WHO_ANY = WHO_NOBODY | WHO_KNOWN,
};

/* 0, ERR_NO_LOGIN when a login might help, else ERR_DENIED. */
static inline _must_check_ int
who_check(unsigned who, const struct caller *caller)
{
	if (who & 1u << caller->role)
		return 0;
	return caller->role == CALLER_NOBODY ? ERR_NO_LOGIN : ERR_DENIED;
}
