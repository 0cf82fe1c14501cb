#pragma once

/*
 * Declared limits as they are written: so many requests in a time, so many at
 * once.  gateway/limit.h asks them.
 */

#include "base/err.h"
#include "base/gcra.h"

#include <jansson.h>

enum limit_by {
	/* asked with the head */
	LIMIT_IP,
	LIMIT_HEADER,
	/* asked when the caller is known */
	LIMIT_USER,
	LIMIT_OPENID,
	LIMIT_APIKEY,
	/* what all share, asked last: whom his own limit refuses takes nothing
	 * of it */
	LIMIT_ROUTE,
	LIMIT_FUNCTION,
	LIMIT_BYS_
};

enum { LIMIT_RULES = 32, LIMIT_VALUE = 256 };

struct limit_rule {
	uint64_t id; /* the same on all machines */
	enum limit_by by;
	char *header;             /* LIMIT_HEADER: its name */
	char *name, *policy;      /* for the headers; policy NULL: no rate */
	bool named;               /* its name was chosen by somebody */
	struct gcra_take take;    /* interval 0: no rate */
	int64_t concurrent;       /* 0: as many as like */
	bool fine;                /* finer than the coarse clock ticks */
	char *path;               /* a prefix, or NULL */
	const char *const *class; /* the same, several; or NULL */
	bool declared;            /* class "declared": routes.json's alone */
};

struct limit_rules {
	size_t count;
	struct limit_rule rule[];
};

/* `rules`: the "limits" of routes.json or of one route. */
int limit_rules_new(struct limit_rules **ret, const json_t *rules,
	const char *where, struct fault *why) _must_check_;
struct limit_rules *limit_rules_free(struct limit_rules *rules);
