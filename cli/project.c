/*
 * Reading a project's folder; nothing here changes anything.
 */
#include "cli/project.h"

#include "base/mem.h"
#include "base/paths.h"
#include "functions/package.h"
#include "functions/settings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TOP = 16 * 1024 * 1024 };

static int
read_json(const char *path, json_t **ret, struct fault *why)
{
	_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_TOP, &text, &len, why);

	if (r < 0)
		return r;
	r = val_parse(ret, slice_of(text, len), why);
	if (r < 0)
		return fault_prefix(why, r, "%s: ", path);
	if (!json_is_object(*ret))
		return fault_set(
			why, ERR_JSON, "%s: a JSON object is wanted", path);
	return 0;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Of a function's entry: what CloudBase's own tool knows, and ours. */
static const char *const entry_members[] = {"acl", "codeSecret", "description",
	"aclRule", "config", "dir", "envVariables", "environment", "exclude",
	"functionId", "functionPath", "handler", "ignore", "image",
	"imageConfig", "installDependency", "instanceConcurrencyConfig",
	"isWaitInstall", "l5", "layers", "memorySize", "mpcloud", "name",
	"params", "path", "protocolParams", "protocolType", "publicIp",
	"publicNetConfig", "role", "runtime", "timeout", "triggers", "type",
	"vpc", NULL};
static const char *const collection_members[] = {"permission", "aclTag",
	"rules", "rule", "showOpenid", "indexes", "documents", NULL};

/* The first member that is not in `known`, or NULL. */
static const char *
strange_member(json_t *v, const char *const *known)
{
	const char *key;
	json_t *member;

	json_object_foreach (v, key, member) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return key;
	}
	return NULL;
}

void
project_warn(const struct project *p)
{
	json_t *list = json_object_get(p->file, "functions"), *f;
	size_t at;

	if (!list && json_object_size(p->file))
		(void)fprintf(stderr,
			"cloudbaserc.json has no \"functions\": every folder "
			"of %s is one\n",
			p->root);
	json_array_foreach (list, at, f) {
		const char *key = strange_member(f, entry_members);

		if (key)
			(void)fprintf(stderr,
				"cloudbaserc.json: functions[%zu].%s means "
				"nothing here\n",
				at, key);
	}
}

/* A folder "common" is shared code, unless it is configured as a function. */
static bool
is_shared(const char *root, const char *name)
{
	_free_ char *config = str_printf("%s/%s/config.json", root, name);

	return !strcmp(name, "common") && access(config, F_OK) < 0;
}

/* Without a list in the file, every folder of the root is a function. */
static int
names_from_folders(struct project *p, struct fault *why)
{
	struct dirent **found = NULL;
	int n = scandir(p->root, &found, NULL, by_name);

	for (int i = 0; i < n; i++) {
		_free_ char *path =
			str_printf("%s/%s", p->root, found[i]->d_name);

		if (is_folder(path) && !is_shared(p->root, found[i]->d_name) &&
			fn_name_is_valid(slice_str(found[i]->d_name)))
			(void)json_array_append_new(
				p->names, json_string(found[i]->d_name));
		free(found[i]);
	}
	free(found);
	if (n < 0)
		return fault_set(why, -errno,
			"%s: %s; a project has its functions' folders in "
			"cloudfunctions/, or says in cloudbaserc.json where",
			p->root, strerror(errno));
	return 0;
}

static int
names_from_file(struct project *p, const json_t *list, struct fault *why)
{
	size_t at;
	json_t *f;

	json_array_foreach (list, at, f) {
		const char *name =
			json_string_value(json_object_get(f, "name"));

		if (!name || !fn_name_is_valid(slice_str(name)))
			return fault_set(why, ERR_PARAM,
				"%s/cloudbaserc.json: functions[%zu].name: a "
				"letter, then letters, digits, _ or -, 60 at "
				"the most",
				p->dir, at);
		(void)json_array_append_new(p->names, json_string(name));
	}
	return 0;
}

/* Each entry with what stands behind it. */
static void
complete_entries(struct project *p)
{
	json_t *list = json_object_get(p->file, "functions"), *whole, *f;
	_json_ json_t *all = json_array();
	size_t at;

	json_array_foreach (list, at, f) {
		whole = package_entry(
			p->file, json_string_value(json_object_get(f, "name")));
		(void)json_array_append_new(
			all, whole ? whole : json_incref(f));
	}
	if (json_is_array(list))
		(void)json_object_set(p->file, "functions", all);
}

int
project_open(struct project *ret, const char *dir, struct fault *why)
{
	struct project p = {.dir = realpath(dir, NULL), .names = json_array()};
	_free_ char *path = str_printf("%s/cloudbaserc.json", dir);
	const char *root;
	json_t *list;
	int r = 0;

	if (!p.dir)
		r = fault_set(why, -errno, "%s: %s", dir, strerror(errno));
	if (r == 0 && access(path, F_OK) == 0)
		r = read_json(path, &p.file, why);
	if (!p.file)
		p.file = json_object();
	if (r == 0)
		r = project_fill(&p, why);
	root = json_string_value(json_object_get(p.file, "functionRoot"));
	p.root = str_printf("%s/%s", p.dir, root ? root : "cloudfunctions");
	list = json_object_get(p.file, "functions");
	if (r == 0)
		r = json_is_array(list) ? names_from_file(&p, list, why)
					: names_from_folders(&p, why);
	if (r == 0)
		complete_entries(&p);
	if (r < 0)
		project_close(&p);
	else
		*ret = p;
	return r;
}

void
project_close(struct project *p)
{
	free(p->dir);
	free(p->root);
	json_decref(p->file);
	json_decref(p->names);
	*p = (struct project){0};
}

json_t *
project_entry(const struct project *p, const char *name)
{
	size_t at;
	json_t *f;

	json_array_foreach (json_object_get(p->file, "functions"), at, f) {
		const char *its = json_string_value(json_object_get(f, "name"));

		if (its && !strcmp(its, name))
			return f;
	}
	return NULL;
}

char *
project_folder(const struct project *p, const char *name)
{
	const char *dir = json_string_value(
		json_object_get(project_entry(p, name), "dir"));

	if (!dir)
		return str_printf("%s/%s", p->root, name);
	if (dir[0] == '/')
		return str_dup(dir);
	return str_printf("%s/%s", p->dir, dir);
}

bool
project_has(const struct project *p, const char *name)
{
	json_t *v;
	size_t at;

	json_array_foreach (p->names, at, v)
		if (!strcmp(json_string_value(v), name))
			return true;
	return false;
}

char *
project_common(const struct project *p)
{
	char *path = str_printf("%s/common", p->dir);

	if (is_folder(path))
		return path;
	free(path);
	path = str_printf("%s/common", p->root);
	if (is_folder(path) && !project_has(p, "common"))
		return path;
	free(path);
	return NULL;
}

/* {"name", "version"} as CloudBase has it, or the name alone. */
static int
add_layer(const struct project *p, const json_t *layer, json_t *to,
	struct fault *why)
{
	const char *name =
		json_is_object(layer)
			? json_string_value(json_object_get(layer, "name"))
			: json_string_value(layer);
	_free_ char *path = NULL;

	if (!name || !*name || strchr(name, '/') || name[0] == '.')
		return fault_set(why, ERR_PARAM,
			"layers: {\"name\": \"…\"} is wanted, the name of a "
			"folder in the project's layers/");
	path = str_printf("%s/layers/%s", p->dir, name);
	if (!is_folder(path))
		return fault_set(why, ERR_PARAM,
			"layers: \"%s\": put what the layer holds into the "
			"folder layers/%s of the project",
			name, name);
	(void)json_array_append_new(to, json_string(path));
	return 0;
}

int
project_layers(const struct project *p, const char *name, json_t **ret,
	struct fault *why)
{
	const json_t *list = json_object_get(project_entry(p, name), "layers");
	_json_ json_t *all = json_array();
	const json_t *layer;
	size_t at;
	int r;

	if (list && !json_is_null(list) && !json_is_array(list))
		return fault_set(why, ERR_PARAM, "layers: not an array");
	json_array_foreach (list, at, layer) {
		r = add_layer(p, layer, all, why);
		if (r < 0)
			return r;
	}
	*ret = take(all);
	return 0;
}

static int
add_collection(const struct project *p, const char *file, json_t *to,
	struct fault *why)
{
	size_t len = strlen(file);
	_free_ char *path = str_printf("%s/database/%s", p->dir, file);
	_free_ char *name = NULL;
	const char *strange;
	json_t *content = NULL;
	int r;

	if (len < 6 || strcmp(file + len - 5, ".json") != 0)
		return 0;
	name = str_ndup(file, len - 5);
	r = read_json(path, &content, why);
	/* A misspelled "permission" would silently be the default one. */
	strange = r == 0 ? strange_member(content, collection_members) : NULL;
	if (strange)
		r = fault_set(why, ERR_PARAM,
			"%s: \"%s\" is not known here: permission, rules, "
			"showOpenid, indexes, documents",
			path, strange);
	if (r == 0)
		(void)json_object_set_new(to, name, content);
	else
		json_decref(content);
	return r;
}

int
project_collections(const struct project *p, json_t **ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/database", p->dir);
	_json_ json_t *all = json_object();
	struct dirent **found = NULL;
	int n = scandir(path, &found, NULL, by_name), r = 0;

	if (n < 0 && errno != ENOENT)
		return fault_set(why, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_collection(p, found[i]->d_name, all, why);
		free(found[i]);
	}
	free(found);
	if (r == 0)
		*ret = take(all);
	return r;
}

int
project_storage(const struct project *p, json_t **ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/storage/rules.json", p->dir);

	*ret = NULL;
	if (access(path, F_OK) < 0)
		return 0;
	return read_json(path, ret, why);
}
