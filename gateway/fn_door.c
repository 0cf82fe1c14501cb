/*
 * The names are gathered when a table of routes comes into force, so that a
 * call costs one look, and none where no route has such a door.
 */
#include "gateway/fn_door.h"

#include "auth/caller.h"
#include "gateway/gateway.h"
#include "routes/declared.h"

json_t *
fn_door_all(const struct declared_table *t)
{
	json_t *all = NULL;

	for (size_t i = 0; t && i < declared_count(t); i++) {
		const struct declared_route *d = declared_at(t, i);

		if (d->target != DECLARED_FUNCTION ||
			!declared_auth_is_key(d->auth))
			continue;
		if (!all)
			all = json_object();
		(void)json_object_set_new(all, d->function, json_true());
	}
	return all;
}

int
fn_door_check(const struct gateway *g, const struct caller *who,
	const char *function, struct fault *why)
{
	if (!g->fn_doors || caller_is_admin(who) ||
		who->role == CALLER_FUNCTION ||
		!json_object_get(g->fn_doors, function))
		return 0;
	return fault_set(why, ERR_DENIED,
		"the function %s is behind a route that asks programs for an "
		"API key, so users do not call it by its name: declare a route "
		"for users, too, or call it from a function",
		function);
}
