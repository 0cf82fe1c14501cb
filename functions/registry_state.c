/*
 * active.json, and the marks of versions beside it.  The file is the truth
 * about who answers: it is replaced in one step once the code of all that it
 * names has been loaded, so a crash at any point leaves versions that load.
 */
#include "functions/registry_inside.h"

#include "base/mem.h"
#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ERROR_TOP = 16 * 1024 };

static char *
active_path(const struct registry *r, const char *name)
{
	return str_printf("%s/%s/active.json", r->dir, name);
}

/* fn_settings of the one version that answered. */
static int
read_old(struct fn_release *ret, const json_t *v, struct fault *why)
{
	_json_ json_t *as = json_object();

	(void)json_object_set(as, "name", json_object_get(v, "name"));
	(void)json_object_set(as, "stable", json_object_get(v, "version"));
	return release_parse(ret, as, why);
}

static json_t *
copy_of(const json_t *v, const char *key, json_type type)
{
	const json_t *member = json_object_get(v, key);

	return member && json_typeof(member) == type ? json_deep_copy(member)
						     : NULL;
}

int
registry_read(const struct registry *r, const char *name,
	struct registry_state *ret, struct fault *why)
{
	_free_ char *path = active_path(r, name);
	_json_ json_t *v = NULL;
	struct registry_state state = {0};
	int err = registry_read_json(path, &v, why);

	if (err < 0)
		return err;
	err = json_object_get(v, "code_dir")
		      ? read_old(&state.release, v, why)
		      : release_parse(&state.release, v, why);
	if (err < 0)
		return fault_prefix(why, err, "%s: ", path);
	if (strcmp(state.release.name, name) != 0) {
		release_done(&state.release);
		return fault_set(
			why, ERR_FORMAT, "%s: of another function", path);
	}
	state.previous = copy_of(v, "previous", JSON_ARRAY);
	state.trouble = copy_of(v, "trouble", JSON_OBJECT);
	*ret = state;
	return 0;
}

static json_t *
build(const struct registry_state *state)
{
	json_t *v = release_build(&state->release);

	if (state->previous)
		(void)json_object_set_new(
			v, "previous", json_deep_copy(state->previous));
	if (state->trouble)
		(void)json_object_set_new(
			v, "trouble", json_deep_copy(state->trouble));
	return v;
}

int
registry_write(const struct registry *r, const struct registry_state *state,
	struct fault *why)
{
	_free_ char *path = active_path(r, state->release.name);
	_json_ json_t *v = build(state);

	return registry_write_json(path, v, why);
}

void
registry_state_copy(
	struct registry_state *ret, const struct registry_state *from)
{
	_json_ json_t *v = release_build(&from->release);

	*ret = (struct registry_state){0};
	/* What was built parses; a name alone is a release of nothing. */
	if (release_parse(&ret->release, v, NULL) < 0)
		memcpy(ret->release.name, from->release.name,
			sizeof(ret->release.name));
	ret->previous = from->previous ? json_deep_copy(from->previous) : NULL;
	ret->trouble = from->trouble ? json_deep_copy(from->trouble) : NULL;
}

void
registry_state_done(struct registry_state *state)
{
	release_done(&state->release);
	json_decref(state->previous);
	json_decref(state->trouble);
	*state = (struct registry_state){0};
}

int
registry_forget(const struct registry *r, const char *name, struct fault *why)
{
	_free_ char *path = active_path(r, name);

	if (unlink(path) < 0 && errno != ENOENT)
		return fault_set(why, -errno, "%s: %s", path, err_text(-errno));
	return 0;
}

bool
registry_has(const struct registry *r, const char *name, unsigned version)
{
	_free_ char *path = str_printf("%s/%s/v%u", r->dir, name, version);

	return access(path, F_OK) == 0;
}

static char *
error_path(const struct registry *r, const char *name, unsigned version)
{
	return str_printf("%s/%s/v%u.error", r->dir, name, version);
}

void
registry_blame(const struct registry *r, const char *name, unsigned version,
	const char *error)
{
	_free_ char *path = error_path(r, name, version);

	if (!error)
		(void)unlink(path);
	else if (file_write(path, error, strlen(error), 0600, NULL) < 0)
		return; /* only told to people: no reason to fail */
}

char *
registry_blamed(const struct registry *r, const char *name, unsigned version)
{
	_free_ char *path = error_path(r, name, version);
	char *text = NULL;
	size_t len;

	if (access(path, F_OK) < 0 ||
		file_read(path, ERROR_TOP, &text, &len, NULL) < 0)
		return NULL;
	return text;
}

static void
put_aside(const struct registry *r, const char *name, unsigned version)
{
	_free_ char *from = str_printf("%s/%s/v%u", r->dir, name, version);
	_free_ char *to = str_printf("%s/%s/.v%u.gone", r->dir, name, version);
	_free_ char *entry =
		str_printf("%s/%s/v%u.json", r->dir, name, version);

	if (rename(from, to) < 0)
		return;
	(void)unlink(entry);
	registry_blame(r, name, version, NULL);
}

void
registry_prune(const struct registry *r, const struct registry_state *state,
	unsigned keep)
{
	const char *name = state->release.name;
	_json_ json_t *versions = NULL;
	size_t count, i;
	json_t *v;

	if (registry_versions(r, name, &versions, NULL) < 0)
		return;
	count = json_array_size(versions);
	json_array_foreach (versions, i, v) {
		unsigned version = (unsigned)json_integer_value(v);

		if (i + keep < count &&
			!release_names(&state->release, version))
			put_aside(r, name, version);
	}
}
