/*
 * What lies on disk, and the variables of functions: commands that read files
 * of the registry, and the two that write them.
 */
#include "src/admin_call.h"

#include "base/mem.h"
#include "functions/registry_env.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static json_t *
on_disk(const struct registry *r, const char *name)
{
	json_t *one = json_pack("{s:s}", "name", name);
	struct registry_state state;
	json_t *versions, *stable = json_null();

	if (registry_read(r, name, &state, NULL) == 0) {
		if (state.release.stable)
			stable = json_integer(state.release.stable);
		registry_state_done(&state);
	}
	(void)json_object_set_new(one, "active", stable);
	if (registry_versions(r, name, &versions, NULL) == 0)
		(void)json_object_set_new(one, "versions", versions);
	return one;
}

void
admin_functions(struct admin_call *call)
{
	const struct registry *r = &call->sup->registry;
	_json_ json_t *names = NULL;
	struct fault why = {0};
	int err = registry_names(r, &names, &why);
	json_t *list, *name, *v;
	size_t i;

	if (err < 0) {
		call->answer(call, admin_error(err, &why, NULL));
		return;
	}
	list = json_array();
	json_array_foreach (names, i, name)
		(void)json_array_append_new(
			list, on_disk(r, json_string_value(name)));
	v = admin_okay();
	(void)json_object_set_new(v, "functions", list);
	call->answer(call, v);
}

/* --- the versions of one --- */

/* When its files were laid down. */
static json_int_t
laid_down_at(const struct registry *r, const char *name, unsigned version)
{
	_free_ char *path = str_printf("%s/%s/v%u", r->dir, name, version);
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return (json_int_t)st.st_mtim.tv_sec * 1000 +
	       st.st_mtim.tv_nsec / 1000000;
}

static json_t *
version_on_disk(const struct registry *r, const struct fn_release *release,
	const char *name, unsigned version)
{
	_free_ char *error = registry_blamed(r, name, version);
	json_t *one = json_pack("{s:I, s:I}", "version", (json_int_t)version,
		"at", laid_down_at(r, name, version));

	if (version == release->stable)
		(void)json_object_set_new(one, "state", json_string("stable"));
	else if (version == release->gray)
		(void)json_object_set_new(one, "state", json_string("gray"));
	else if (release_names(release, version))
		(void)json_object_set_new(one, "state", json_string("alias"));
	else if (error)
		(void)json_object_set_new(one, "state", json_string("bad"));
	if (error)
		(void)json_object_set_new(one, "error", words_json(error));
	return one;
}

static void
put_versions(const struct registry *r, const struct registry_state *state,
	const char *name, const json_t *versions, json_t *to)
{
	json_t *list = json_array(), *v;
	size_t i;

	json_array_foreach (versions, i, v)
		(void)json_array_append_new(
			list, version_on_disk(r, &state->release, name,
				      (unsigned)json_integer_value(v)));
	(void)json_object_set_new(to, "versions", list);
	(void)json_object_set_new(
		to, "release", release_build(&state->release));
	(void)json_object_set_new(to, "previous",
		state->previous ? json_deep_copy(state->previous)
				: json_array());
	if (state->trouble)
		(void)json_object_set_new(
			to, "trouble", json_deep_copy(state->trouble));
}

void
admin_versions(struct admin_call *call)
{
	const struct registry *r = &call->sup->registry;
	const char *name = call->ask.name;
	struct registry_state state = {0};
	_json_ json_t *versions = NULL;
	struct fault why = {0};
	int err = registry_versions(r, name, &versions, &why);
	json_t *v;

	if (err == -ENOENT)
		err = fault_set(&why, ERR_FN_NOT_FOUND,
			"no function \"%s\" was ever deployed here", name);
	if (err == 0) {
		err = registry_read(r, name, &state, &why);
		if (err == -ENOENT) /* deleted, or never loaded */
			err = 0;
	}
	if (err < 0) {
		call->answer(call, admin_error(err, &why, NULL));
		return;
	}
	v = admin_okay();
	(void)json_object_set_new(v, "name", json_string(name));
	put_versions(r, &state, name, versions, v);
	registry_state_done(&state);
	call->answer(call, v);
}

/* --- variables --- */

void
admin_env(struct admin_call *call)
{
	struct fault why = {0};
	json_t *list = NULL, *v;
	int err = registry_env_list(&call->sup->registry, &list, &why);

	if (err < 0) {
		call->answer(call, admin_error(err, &why, NULL));
		return;
	}
	v = admin_okay();
	(void)json_object_update(v, list);
	json_decref(list);
	call->answer(call, v);
}

static void
on_refreshed(struct job *job)
{
	struct admin_call *call =
		container_of(job, struct admin_call, deploy.job);
	json_t *failed = call->deploy.failed, *v = admin_okay();

	(void)json_object_set_new(
		v, "failed", failed ? json_copy(failed) : json_array());
	call->answer(call, v);
}

void
admin_env_set(struct admin_call *call)
{
	struct supervisor *s = call->sup;
	const struct admin_ask *ask = &call->ask;
	struct fault why = {0};
	int err = supervisor_check(s, &why);

	if (err == 0 && ask->command->index == ADMIN_SECRET_SET_COMMAND)
		err = registry_secret_set(
			&s->registry, s->seal, ask->name, ask->values, &why);
	else if (err == 0)
		err = registry_env_set(
			&s->registry, ask->name, ask->values, &why);
	if (err < 0) {
		call->answer(call, admin_error(err, &why, NULL));
		return;
	}
	deploy_refresh(s, *ask->name ? ask->name : NULL);
	job_init(&call->deploy.job, on_refreshed);
	deploy_wait(s, &call->deploy);
}
