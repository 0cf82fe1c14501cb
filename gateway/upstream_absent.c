/*
 * Until upstream.c is there: a routes.json with upstreams is refused.
 */
#include "gateway/upstream.h"

int
upstream_new(struct upstream **ret, struct loop *loop, const char *name,
	const json_t *spec, const char *where, struct fault *why)
{
	(void)ret, (void)loop, (void)name, (void)spec, (void)where;
	return fault_set(why, ERR_UNIMPLEMENTED, "no upstreams in this build");
}

struct upstream *
upstream_ref(struct upstream *u)
{
	return u;
}

struct upstream *
upstream_unref(struct upstream *u)
{
	(void)u;
	return NULL;
}

int
endpoint_upstream(struct request *r)
{
	(void)r;
	return ERR_UNIMPLEMENTED;
}
