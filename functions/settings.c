/*
 * A function version as JSON, read and written.  One table names every number
 * with its range, so that the supervisor, the gateways and the keeper cannot
 * disagree about what a setting may be.
 */
#include "functions/settings.h"

#include "base/mem.h"
#include "functions/egress_rule.h"

#include <ctype.h>
#include <string.h>

enum {
	PATH_TOP = 4096,
	VARIABLES_TOP = 16 * 1024, /* bytes of all names and values */
	VARIABLE_NAME_TOP = 128
};

#define MIB (1024LL * 1024)

/* What is absent gets the preset.  The ranges are CloudBase's
 * (cloudbaserc.json: timeout, memorySize) where it has them. */
struct number {
	const char *key;
	size_t at, size;
	int64_t low, high, preset;
};

#define NUMBER(name, low, high, preset) \
	{ \
#name, offsetof(struct fn_settings, name), \
			sizeof(((struct fn_settings *)0)->name), low, high, \
			preset \
	}

static const struct number numbers[] = {
	NUMBER(version, 1, 1000000000, 1),
	NUMBER(timeout_ms, 1, 900000, 3000),
	NUMBER(memory, 16 * MIB, 16384 * MIB, 256 * MIB),
	NUMBER(tmp, MIB, 16384 * MIB, 64 * MIB),
	NUMBER(cpu, 0, 100000, 0),
	NUMBER(min_workers, 0, 10000, 0),
	NUMBER(workers, 1, 10000, 8),
	NUMBER(concurrency, 1, 1000, 1),
	NUMBER(calls, 0, 1000000000, 0),
	NUMBER(queue, 0, 1000000, 256),
	NUMBER(queue_ms, 1, 900000, 900000),
	NUMBER(idle_ms, 0, 86400000, 60000),
	NUMBER(retries, 0, 100, 2),
	NUMBER(inspect, 0, 65535, 0),
};

static const char *const runtimes[] = {
	[RUNTIME_NODE] = "node",
	[RUNTIME_NATIVE] = "native",
	[RUNTIME_SCRIPT] = "script",
};

static const char *const handlers[] = {
	[RUNTIME_NODE] = "index.main",
	[RUNTIME_NATIVE] = "index.so",
	[RUNTIME_SCRIPT] = "index.main",
};

const char *
fn_runtime_name(enum fn_runtime runtime)
{
	return runtimes[runtime];
}

bool
fn_name_is_valid(struct slice name)
{
	if (name.len == 0 || name.len > 60)
		return false;
	if (!isalpha((unsigned char)name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++) {
		char c = name.ptr[i];

		if (!isalnum((unsigned char)c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* A handler stays inside the code's folder. */
static bool
handler_is_valid(struct slice s)
{
	if (s.len == 0 || s.ptr[0] == '/' || memmem(s.ptr, s.len, "..", 2))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) &&
			!strchr("._/-", s.ptr[i]))
			return false;
	return true;
}

static int
parse_runtime(struct fn_settings *s, const json_t *from, struct fault *why)
{
	struct slice text;
	int r = val_str(from, "runtime", 16, &text, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < array_size(runtimes); i++)
		if (slice_is(text, runtimes[i])) {
			s->runtime = (enum fn_runtime)i;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"runtime: node, native or script, not \"%.*s\"",
		SLICE_ARG(text));
}

static int
parse_names(struct fn_settings *s, const json_t *from, struct fault *why)
{
	struct slice text;
	int r = val_str(from, "name", 60, &text, why);

	if (r < 0)
		return r;
	if (!fn_name_is_valid(text))
		return fault_set(why, ERR_PARAM,
			"name: a letter, then letters, digits, - and _, "
			"60 at most");
	memcpy(s->name, text.ptr, text.len);
	r = val_str_or(from, "handler", sizeof(s->handler) - 1,
		slice_str(handlers[s->runtime]), &text, why);
	if (r < 0)
		return r;
	if (!handler_is_valid(text))
		return fault_set(why, ERR_PARAM,
			"handler: a file of the function's own folder");
	memcpy(s->handler, text.ptr, text.len);
	return 0;
}

static int
parse_code_dir(struct fn_settings *s, const json_t *from, struct fault *why)
{
	struct slice text;
	int r = val_str(from, "code_dir", PATH_TOP, &text, why);

	if (r < 0)
		return r;
	if (text.len == 0 || text.ptr[0] != '/' ||
		memchr(text.ptr, '\0', text.len))
		return fault_set(why, ERR_PARAM, "code_dir: an absolute path");
	s->code_dir = str_ndup(text.ptr, text.len);
	return 0;
}

static void
set_number(struct fn_settings *s, const struct number *n, int64_t value)
{
	char *at = (char *)s + n->at;

	if (n->size == sizeof(unsigned))
		*(unsigned *)(void *)at = (unsigned)value;
	else
		*(int64_t *)(void *)at = value;
}

void
fn_settings_preset(struct fn_settings *s)
{
	for (size_t i = 0; i < array_size(numbers); i++)
		set_number(s, &numbers[i], numbers[i].preset);
}

static int
parse_numbers(struct fn_settings *s, const json_t *from, struct fault *why)
{
	for (size_t i = 0; i < array_size(numbers); i++) {
		const struct number *n = &numbers[i];
		int64_t value;
		int r = val_int_or(
			from, n->key, n->low, n->high, n->preset, &value, why);

		if (r < 0)
			return r;
		set_number(s, n, value);
	}
	return 0;
}

static bool
variable_name_is_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return strlen(name) <= VARIABLE_NAME_TOP;
}

static int
check_environment(json_t *variables, struct fault *why)
{
	const char *name;
	json_t *value;
	size_t sum = 0;

	json_object_foreach (variables, name, value) {
		if (!variable_name_is_valid(name))
			return fault_set(why, ERR_PARAM,
				"environment: \"%.64s\" is not a name", name);
		if (!json_is_string(value) ||
			strlen(json_string_value(value)) !=
				json_string_length(value))
			return fault_set(why, ERR_PARAM,
				"environment.%.64s: not a text", name);
		sum += strlen(name) + json_string_length(value);
	}
	if (sum > VARIABLES_TOP)
		return fault_set(why, ERR_PARAM,
			"environment: %d bytes at most", VARIABLES_TOP);
	return 0;
}

static int
parse_environment(struct fn_settings *s, const json_t *from, struct fault *why)
{
	json_t *variables = json_object_get(from, "environment");
	int r;

	if (!variables || json_is_null(variables)) {
		s->environment = json_object();
		return 0;
	}
	if (!json_is_object(variables))
		return fault_set(why, ERR_PARAM, "environment: not an object");
	r = check_environment(variables, why);
	if (r < 0)
		return r;
	s->environment = json_deep_copy(variables);
	return 0;
}

/* A copy; an empty one when there is none. */
static int
parse_array(
	const json_t *from, const char *key, json_t **ret, struct fault *why)
{
	json_t *v = json_object_get(from, key);

	if (v && !json_is_null(v) && !json_is_array(v))
		return fault_set(why, ERR_PARAM, "%s: not an array", key);
	*ret = json_is_array(v) ? json_deep_copy(v) : json_array();
	return 0;
}

/* false and true are what older versions were deployed with. */
static int
parse_network(struct fn_settings *s, const json_t *from, struct fault *why)
{
	const json_t *v = json_object_get(from, "network");
	const char *text = json_string_value(v);
	const json_t *host;
	size_t i;

	if (!v || json_is_null(v) || json_is_false(v) ||
		(text && !strcmp(text, "none")))
		s->network = NETWORK_NONE;
	else if (json_is_true(v) || (text && !strcmp(text, "internet")))
		s->network = NETWORK_INTERNET;
	else if (json_is_array(v))
		s->network = NETWORK_HOSTS;
	else
		return fault_set(why, ERR_PARAM,
			"network: none, internet, or an array of hosts");
	s->hosts = json_array();
	json_array_foreach (v, i, host) {
		(void)json_array_append_new(s->hosts, json_deep_copy(host));
	}
	return egress_rules_check(s->hosts, why);
}

static json_t *
build_network(const struct fn_settings *s)
{
	if (s->network == NETWORK_HOSTS)
		return json_deep_copy(s->hosts);
	return json_string(s->network == NETWORK_NONE ? "none" : "internet");
}

/* Never NULL in what is built. */
static json_t *
copy_or(const json_t *v, json_t *empty)
{
	if (!v)
		return empty;
	json_decref(empty);
	return json_deep_copy(v);
}

static int
parse_all(struct fn_settings *s, const json_t *from, struct fault *why)
{
	int r = parse_runtime(s, from, why);

	if (r == 0)
		r = parse_names(s, from, why);
	if (r == 0)
		r = parse_numbers(s, from, why);
	if (r == 0)
		r = parse_network(s, from, why);
	if (r == 0)
		r = parse_code_dir(s, from, why);
	if (r == 0)
		r = parse_environment(s, from, why);
	if (r == 0)
		r = parse_array(from, "triggers", &s->triggers, why);
	if (r == 0)
		r = parse_array(from, "openapi", &s->openapi, why);
	return r;
}

int
fn_settings_parse(
	struct fn_settings *ret, const json_t *from, struct fault *why)
{
	struct fn_settings s = {0};
	int r;

	if (!json_is_object(from))
		return fault_set(why, ERR_PARAM, "function: not an object");
	r = parse_all(&s, from, why);
	if (r < 0) {
		fn_settings_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

json_t *
fn_settings_build(const struct fn_settings *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "runtime", json_string(runtimes[s->runtime]));
	json_object_set_new(o, "handler", json_string(s->handler));
	for (size_t i = 0; i < array_size(numbers); i++) {
		const struct number *n = &numbers[i];
		const char *at = (const char *)s + n->at;
		int64_t value =
			n->size == sizeof(unsigned)
				? (int64_t) * (const unsigned *)(const void *)at
				: *(const int64_t *)(const void *)at;

		json_object_set_new(o, n->key, json_integer(value));
	}
	json_object_set_new(o, "network", build_network(s));
	json_object_set_new(o, "code_dir", json_string(s->code_dir));
	json_object_set_new(
		o, "environment", copy_or(s->environment, json_object()));
	json_object_set_new(o, "triggers", copy_or(s->triggers, json_array()));
	json_object_set_new(o, "openapi", copy_or(s->openapi, json_array()));
	return o;
}

void
fn_settings_done(struct fn_settings *s)
{
	s->code_dir = mem_free(s->code_dir);
	json_decref(s->environment);
	json_decref(s->triggers);
	json_decref(s->openapi);
	json_decref(s->hosts);
	s->environment = s->triggers = s->openapi = s->hosts = NULL;
}
