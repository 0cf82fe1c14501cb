#pragma once

/*
 * /v1/database, the REST paths of js-sdk 3.x → the body of the cloud call that
 * means the same.  Pure: the request's parts in, JSON out.
 *
 *   …/instances/(default)/databases/(default)/collections/{name}/documents
 *
 * Source: the published @cloudbase/js-sdk 3.7.0 (its GATEWAY mode).
 */

#include "base/val.h"

struct db_rest {
	/* in, borrowed */
	unsigned method;    /* of enum route_method */
	struct slice path;  /* behind /v1/database/, decoded */
	const char *env;    /* its name is as good as (default) */
	const json_t *body; /* object, or NULL: none came */
	/* The value of a URL's parameter; len 0 when absent. */
	struct slice (*query)(void *owner, const char *name);
	void *owner;
	/* out, when the method was wrong: what the path takes */
	unsigned allowed;
};

/* A new reference: {"action":…, "collectionName":…, …}.  ERR_NOT_FOUND,
 * ERR_METHOD, ERR_PARAM, ERR_ACTION. */
int db_rest_call(
	struct db_rest *rest, json_t **ret, struct fault *why) _must_check_;
