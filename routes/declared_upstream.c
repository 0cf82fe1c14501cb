/*
 * The one place where routes and upstreams meet, so that the reading of files
 * does not depend on how programs behind us are reached.
 */
#include "routes/declared_inside.h"
#include "routes/upstream.h"

int
declared_upstream_new(struct upstream **ret, struct loop *loop,
	const char *name, const json_t *spec, bool trusted, struct fault *why)
{
	return upstream_new(ret, loop, name, spec, trusted, why);
}

void
declared_upstream_drop(struct upstream *u)
{
	(void)upstream_unref(u);
}
