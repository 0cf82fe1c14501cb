/*
 * From CloudBase's own project files to our settings, so that an unchanged
 * folder can be deployed.  Values are checked here, where the author can still
 * be told which member of which file is wrong.
 */
#include "functions/package.h"

#include "base/mem.h"
#include "base/paths.h"
#include "functions/package_triggers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	TIMEOUT_TOP_S = 900,
	MEMORY_LOW_MB = 16,
	MEMORY_TOP_MB = 16384,
	CONCURRENCY_TOP = 1000,
	ENV_TOP = 4096, /* bytes, CloudBase's own limit */
	CONFIG_TOP = 256 * 1024,
};

/* What is absent in `to`. */
static void
put_behind(json_t *to, const json_t *from)
{
	if (json_is_object(from))
		(void)json_object_update_missing(to, (json_t *)(uintptr_t)from);
}

static json_t *
whole_entry(const json_t *file, const json_t *entry)
{
	json_t *all = json_copy((json_t *)(uintptr_t)entry);

	put_behind(all, json_object_get(entry, "config"));
	put_behind(all, json_object_get(file, "functionDefaultConfig"));
	(void)json_object_del(all, "config");
	return all;
}

json_t *
package_entry(const json_t *file, const char *name)
{
	const json_t *list = json_object_get(file, "functions");
	const json_t *one;
	size_t i;

	if (!list)
		return json_is_object(file) ? whole_entry(NULL, file) : NULL;
	json_array_foreach (list, i, one) {
		const char *its =
			json_string_value(json_object_get(one, "name"));

		if (its && !strcmp(its, name))
			return whole_entry(file, one);
	}
	return NULL;
}

static bool
has_file(const struct fn_settings *s, const char *name)
{
	_free_ char *path = str_printf("%s/%s", s->code_dir, name);

	return access(path, F_OK) == 0;
}

/* "Nodejs18.15" is CloudBase's way, of any version. */
static const struct {
	const char *name;
	enum fn_runtime runtime;
} runtimes[] = {
	{"node", RUNTIME_NODE},
	{"native", RUNTIME_NATIVE},
	{"script", RUNTIME_SCRIPT},
	{"javascriptcore", RUNTIME_SCRIPT},
};

static int
find_runtime(struct slice text, enum fn_runtime *ret, struct fault *why)
{
	if (text.len >= 6 && slice_is_nocase(slice_of(text.ptr, 6), "nodejs")) {
		*ret = RUNTIME_NODE;
		return 0;
	}
	for (size_t i = 0; i < array_size(runtimes); i++)
		if (slice_is_nocase(text, runtimes[i].name)) {
			*ret = runtimes[i].runtime;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"runtime: \"%.*s\" is not known here: Nodejs18.15 or another "
		"Nodejs, script, or native",
		SLICE_ARG(text));
}

/* mpcloud.runtime goes before: the same file serves CloudBase. */
static int
parse_runtime(struct fn_settings *ret, const json_t *entry, struct fault *why)
{
	const json_t *ours = json_object_get(entry, "mpcloud");
	struct slice text;
	int r = val_str_or(json_object_get(ours, "runtime") ? ours : entry,
		"runtime", 64, SLICE(""), &text, why);

	if (r < 0)
		return r;
	if (text.len)
		return find_runtime(text, &ret->runtime, why);
	ret->runtime = !has_file(ret, "index.js") && has_file(ret, "index.so")
			       ? RUNTIME_NATIVE
			       : RUNTIME_NODE;
	return 0;
}

/* What would be deployed and then do nothing. */
static int
check_kind(const json_t *entry, struct fault *why)
{
	const char *type = json_string_value(json_object_get(entry, "type"));

	if (type && strcmp(type, "Event") != 0)
		return fault_set(why, ERR_PARAM,
			"type: \"%.40s\": here functions export main and "
			"answer events; for HTTP give it a trigger {\"type\": "
			"\"http\", \"path\": \"/api\"}",
			type);
	return 0;
}

static int
parse_handler(struct fn_settings *ret, const json_t *entry, struct fault *why)
{
	struct slice preset = ret->runtime == RUNTIME_NATIVE
				      ? SLICE("index.so")
				      : SLICE("index.main");
	struct slice text;
	int r = val_str_or(
		entry, "handler", sizeof(ret->handler) - 1, preset, &text, why);

	if (r < 0)
		return r;
	if (!text.len || text.ptr[0] == '/' || memchr(text.ptr, 0, text.len) ||
		memmem(text.ptr, text.len, "..", 2))
		return fault_set(why, ERR_PARAM,
			"handler: \"%.*s\" is not a file of the function's "
			"folder and its export, as index.main",
			SLICE_ARG(text));
	memcpy(ret->handler, text.ptr, text.len);
	ret->handler[text.len] = '\0';
	return 0;
}

static int
parse_limits(struct fn_settings *ret, const json_t *entry,
	const struct registry_presets *presets, struct fault *why)
{
	int64_t seconds, mb;
	int r = val_int_or(
		entry, "timeout", 1, TIMEOUT_TOP_S, 0, &seconds, why);

	if (r < 0)
		return r;
	r = val_int_or(
		entry, "memorySize", MEMORY_LOW_MB, MEMORY_TOP_MB, 0, &mb, why);
	if (r < 0)
		return r;
	ret->timeout_ms = seconds ? seconds * 1000 : presets->timeout_ms;
	ret->memory = mb ? mb * 1024 * 1024 : presets->memory;
	return 0;
}

static int
parse_concurrency(
	struct fn_settings *ret, const json_t *entry, struct fault *why)
{
	json_t *conf = json_object_get(entry, "instanceConcurrencyConfig");
	int64_t n = 1;
	int r;

	if (conf && !json_is_null(conf)) {
		r = val_int_or(
			conf, "maxConcurrency", 1, CONCURRENCY_TOP, 1, &n, why);
		if (r < 0)
			return fault_prefix(
				why, r, "instanceConcurrencyConfig.");
	}
	ret->concurrency = (unsigned)n;
	return 0;
}

static int
parse_environment(
	struct fn_settings *ret, const json_t *entry, struct fault *why)
{
	json_t *from = json_object_get(entry, "envVariables");
	_json_ json_t *to = json_object();
	const char *key;
	json_t *value;
	size_t size = 0;

	if (from && !json_is_null(from) && !json_is_object(from))
		return fault_set(
			why, ERR_PARAM, "envVariables: must be an object");
	json_object_foreach (from, key, value) {
		if (!json_is_string(value) || !*key || strchr(key, '='))
			return fault_set(why, ERR_PARAM,
				"envVariables.%.60s: must be a string", key);
		size += strlen(key) + json_string_length(value);
		(void)json_object_set(to, key, value);
	}
	if (size > ENV_TOP)
		return fault_set(why, ERR_PARAM,
			"envVariables: %d bytes at the most", (int)ENV_TOP);
	ret->environment = take(to);
	return 0;
}

/* {} when there is none. */
static int
read_config(const struct fn_settings *s, json_t **ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/config.json", s->code_dir);
	_free_ char *text = NULL;
	json_t *v = NULL;
	size_t len;
	int r;

	if (access(path, F_OK) < 0) {
		*ret = json_object();
		return 0;
	}
	r = file_read(path, CONFIG_TOP, &text, &len, why);
	if (r < 0)
		return r;
	r = val_parse(&v, slice_of(text, len), why);
	if (r < 0)
		return fault_prefix(why, ERR_PARAM, "config.json: ");
	if (!json_is_object(v)) {
		json_decref(v);
		return fault_set(
			why, ERR_PARAM, "config.json: a JSON object is wanted");
	}
	*ret = v;
	return 0;
}

static int
parse_openapi(struct fn_settings *ret, const json_t *config, struct fault *why)
{
	const json_t *list = json_object_get(
		json_object_get(config, "permissions"), "openapi");
	const json_t *one;
	size_t i;

	ret->openapi = json_array();
	if (!list || json_is_null(list))
		return 0;
	json_array_foreach (list, i, one)
		if (!json_is_string(one) || !json_string_length(one))
			return fault_set(why, ERR_PARAM,
				"config.json: permissions.openapi[%zu]: the "
				"name of an API is wanted, as "
				"\"subscribeMessage.send\"",
				i);
	if (!json_is_array(list))
		return fault_set(why, ERR_PARAM,
			"config.json: permissions.openapi: an array is wanted");
	json_decref(ret->openapi);
	ret->openapi = json_deep_copy(list);
	return 0;
}

static int
parse_config(struct fn_settings *ret, const json_t *entry, struct fault *why)
{
	_json_ json_t *config = NULL;
	int r = read_config(ret, &config, why);

	if (r == 0)
		r = package_triggers(json_object_get(config, "triggers"),
			json_object_get(entry, "triggers"), &ret->triggers,
			why);
	return r == 0 ? parse_openapi(ret, config, why) : r;
}

int
package_parse(struct fn_settings *ret, const json_t *entry,
	const struct registry_presets *presets, struct fault *why)
{
	int r;

	if (!json_is_object(entry))
		return fault_set(why, ERR_PARAM,
			"the function's entry must be an object");
	r = parse_runtime(ret, entry, why);
	if (r == 0)
		r = check_kind(entry, why);
	if (r == 0)
		r = parse_handler(ret, entry, why);
	if (r == 0)
		r = parse_limits(ret, entry, presets, why);
	if (r == 0)
		r = parse_concurrency(ret, entry, why);
	if (r == 0)
		r = package_settings(
			ret, json_object_get(entry, "mpcloud"), presets, why);
	if (r == 0)
		r = parse_environment(ret, entry, why);
	return r == 0 ? parse_config(ret, entry, why) : r;
}

/* "lib/index.main" is export main of lib/index.js (or .mjs, .cjs). */
static bool
has_handler(const struct fn_settings *s)
{
	static const char *const ends[] = {".js", ".mjs", ".cjs"};
	const char *dot = strrchr(s->handler, '.');

	if (s->runtime == RUNTIME_NATIVE || !dot)
		return has_file(s, s->handler);
	for (size_t i = 0; i < array_size(ends); i++) {
		_free_ char *name = str_printf(
			"%.*s%s", (int)(dot - s->handler), s->handler, ends[i]);

		if (has_file(s, name))
			return true;
	}
	return false;
}

/* What was looked for, and what is usually wrong. */
static int
no_handler(const struct fn_settings *s, struct fault *why)
{
	const char *dot = strrchr(s->handler, '.');

	if (s->runtime == RUNTIME_NATIVE)
		return fault_set(why, ERR_PARAM,
			"handler %s: there is no such file in the function's "
			"folder; build it before it is deployed",
			s->handler);
	if (!dot)
		return fault_set(why, ERR_PARAM,
			"handler %s: the file and its export are wanted, as "
			"index.main",
			s->handler);
	return fault_set(why, ERR_PARAM,
		"handler %s: there is no %.*s.js in the function's folder",
		s->handler, (int)(dot - s->handler), s->handler);
}

int
package_check(const struct fn_settings *s, struct fault *why)
{
	if (access(s->code_dir, F_OK) < 0)
		return fault_set(why, ERR_FN_NOT_FOUND,
			"there are no files of %s version %u: %s", s->name,
			s->version, s->code_dir);
	return has_handler(s) ? 0 : no_handler(s, why);
}
