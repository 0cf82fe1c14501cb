/*
 * Two functions cannot answer at one path: the gateways would have to choose,
 * and an author would wonder where his calls went.  So who comes second is
 * told.
 */
#include "src/deploy_inside.h"

#include "functions/http_path.h"
#include "src/host.h"
#include "src/supervisor.h"

#include <string.h>

static unsigned
methods_of(const json_t *trigger)
{
	const json_t *list = json_object_get(trigger, "methods"), *one;
	unsigned all = 0;
	size_t i;

	json_array_foreach (list, i, one)
		all |= http_method_bits(slice_str(json_string_value(one)));
	return all ? all : HTTP_ANY_METHOD;
}

static const char *
path_of(const json_t *trigger)
{
	const char *type = json_string_value(json_object_get(trigger, "type"));

	return type && !strcmp(type, "http")
		       ? json_string_value(json_object_get(trigger, "path"))
		       : NULL;
}

/* The trigger of `theirs` that wants what `trigger` wants, or NULL. */
static const json_t *
rival_of(const json_t *trigger, const json_t *theirs)
{
	const char *path = path_of(trigger), *its;
	const json_t *one;
	size_t i;

	json_array_foreach (theirs, i, one) {
		its = path_of(one);
		if (path && its && !strcmp(path, its) &&
			methods_of(trigger) & methods_of(one))
			return one;
	}
	return NULL;
}

static int
check_against(
	const json_t *triggers, const struct function *other, struct fault *why)
{
	const struct host *h =
		hosts_of(other, HOST_LIVE, other->state.release.stable);
	const json_t *one;
	size_t i;

	if (!h)
		return 0;
	json_array_foreach (triggers, i, one)
		if (rival_of(one, h->setup.function.triggers))
			return fault_set(why, ERR_CONFLICT,
				"triggers[%zu]: %s belongs to function %s: "
				"choose another path, or other methods",
				i, path_of(one), other->name);
	return 0;
}

int
deploy_check_paths(
	const struct supervisor *s, const struct function *f, struct fault *why)
{
	unsigned version = f->next.release.stable;
	const struct host *h = hosts_of(f, HOST_TRIED, version);
	int r = 0;

	if (!h)
		h = hosts_of(f, HOST_LIVE, version);
	list_for_each (at, &s->hosts.functions) {
		const struct function *other =
			container_of(at, struct function, on);

		if (h && other != f && r == 0)
			r = check_against(
				h->setup.function.triggers, other, why);
	}
	return r;
}
