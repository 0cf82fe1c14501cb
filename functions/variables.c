/*
 * The variables that Tencent's SDKs read when they start (the names are those
 * of wx-server-sdk and @cloudbase/node-sdk: getCloudbaseContext).  Who called
 * is not here: that changes with every invocation and is the runner's business.
 */
#include "functions/variables.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct variables {
	char **list;
	size_t len, room;
};

static void
add(struct variables *v, const char *name, const char *value)
{
	if (!value)
		return;
	if (v->len + 2 > v->room) {
		v->room = v->room * 2 + 32;
		v->list = mem_resize(v->list, v->room * sizeof(char *));
	}
	v->list[v->len++] = str_printf("%s=%s", name, value);
	v->list[v->len] = NULL;
}

/* A cloud's own secrets have no meaning here; SDKs refuse to start without. */
static const struct {
	const char *name, *value;
} fixed[] = {
	{"TENCENTCLOUD_RUNENV", "SCF"},
	{"TENCENTCLOUD_REGION", "ap-shanghai"},
	{"TENCENTCLOUD_SECRETID", "mpcloud"},
	{"TENCENTCLOUD_SECRETKEY", "mpcloud"},
	{"TCB_CONTEXT_CNFG", "{\"URL\":\"http://mpcloud.internal/admin\"}"},
	{"_SCF_TCB_LOG", "1"},
};

/* Tencent's, with the version's folder for /var/user and its .opt for /opt:
 * what layers and shared code are found by. */
static char *
module_path(const struct fn_settings *fn)
{
	if (fn->runtime != RUNTIME_NODE)
		return NULL;
	return str_printf("%s:%s/node_modules:%s/.opt:%s/.opt/node_modules",
		fn->code_dir, fn->code_dir, fn->code_dir, fn->code_dir);
}

/* The author may set these, so ours come only where he did not. */
static void
add_defaults(struct variables *v, const struct fn_settings *fn)
{
	_free_ char *modules = module_path(fn);
	const json_t *environment = fn->environment;
	const char *presets[][2] = {
		{"PATH", "/usr/local/bin:/usr/bin:/bin"},
		{"HOME", "/tmp"},
		{"TZ", getenv("TZ")},
		{"NODE_PATH", modules},
	};

	for (size_t i = 0; i < array_size(presets); i++)
		if (!json_object_get(environment, presets[i][0]))
			add(v, presets[i][0], presets[i][1]);
}

static bool
is_fixed(const char *name)
{
	for (size_t i = 0; i < array_size(fixed); i++)
		if (slice_is(slice_str(name), fixed[i].name))
			return true;
	return false;
}

char **
variables_build(const struct host_setup *setup, const char *egress)
{
	json_t *environment = setup->function.environment;
	struct variables v = {0};
	const char *name;
	json_t *value;

	add_defaults(&v, &setup->function);
	for (size_t i = 0; i < array_size(fixed); i++)
		add(&v, fixed[i].name, fixed[i].value);
	add(&v, "TCB_ENV", setup->env);
	add(&v, "SCF_NAMESPACE", setup->env);
	add(&v, "WX_APPID", setup->appid);
	if (*egress)
		add(&v, "MPCLOUD_EGRESS", egress);
	json_object_foreach (environment, name, value)
		if (!is_fixed(name) && strcmp(name, "MPCLOUD_EGRESS") != 0)
			add(&v, name, json_string_value(value));
	return v.list;
}
