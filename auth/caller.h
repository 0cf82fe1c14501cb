#pragma once

/*
 * Who asks.  Passed by const pointer everywhere; the strings belong to whoever
 * made it (a request's arena, an invocation).
 */

#include "base/util.h"

#include <string.h>

enum caller_role {
	CALLER_NOBODY,   /* no token */
	CALLER_USER,     /* a mini program's user, by access token */
	CALLER_FUNCTION, /* a cloud function at work for that user: may all */
	CALLER_ADMIN,    /* the operator, on the ops socket */
	/* A program of the operator's, by an API key (api_key.h): nobody but
	 * where a declared route lets it in. */
	CALLER_PROGRAM,
};

struct caller {
	enum caller_role role;
	const char *uid; /* our user id; "" for nobody */
	const char *appid;
	const char *openid;  /* never leaves the server but to author's code */
	const char *unionid; /* "" when unknown */
	uint64_t sid;        /* session (token family), 0: none */
	int64_t expires_s;   /* of the access token, unix seconds */
	unsigned depth;      /* document triggers that led to this */
	uint64_t rate_key;   /* of his rate (gateway/admit.h); 0: not yet */
	/* How he logged in: a word of auth/family.h.  NULL, "": not known. */
	const char *kind;
	/* Of the developer's own accounts (custom login).  NULL, "": none. */
	const char *custom_id;
	/* CALLER_PROGRAM: the name of its API key.  NULL, "": none. */
	const char *key;
};

/* A visitor without an account; when it is not known how he came, one without
 * an openid. */
static inline bool
caller_is_visitor(const struct caller *c)
{
	if (c->kind && *c->kind)
		return strcmp(c->kind, "anonymous") == 0;
	return c->uid && *c->uid && !*c->openid;
}

/* CloudBase's word for how he logged in: rules and js-sdk know it. */
const char *caller_login_type(const struct caller *c);

static inline bool
caller_is_admin(const struct caller *c)
{
	return c->role == CALLER_FUNCTION || c->role == CALLER_ADMIN;
}
