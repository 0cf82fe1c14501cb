/*
 * A folder of files, one for each collection: our own exports, with
 * definitions in database/, and mongodump's, with NAME.metadata.json.
 * Permissions and rules are set before the data, so that no user sees it
 * earlier; indexes are made after it, because that is quicker.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "cli/collection_file.h"
#include "cli/importing.h"
#include "formats/archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { META_TOP = 16 << 20, NAME_TOP = 1024 };

/* {collection: {"path", "definition"}}, in the order of the names. */
struct folder {
	const char *path;
	json_t *collections;
};

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A JSON object from a file, compressed or not; NULL when there is none. */
static int
read_object(const char *path, json_t **ret)
{
	_cleanup_(input_freep) struct input *in = NULL;
	struct fault why = {0};
	struct slice s;
	int r;

	if (access(path, F_OK) < 0)
		return EXIT_OK;
	r = input_open(&in, path, &why);
	if (r == 0)
		r = input_peek(in, META_TOP, &s, &why);
	if (r == 0)
		r = val_parse(ret, s, &why);
	if (r == 0 && json_is_object(*ret))
		return EXIT_OK;
	return cli_fail(EXIT_FAILED, "%s: %s", path,
		r < 0 ? fault_text(&why, r) : "a JSON object is needed");
}

/* What mongodump says beside NAME.bson. */
static int
read_metadata(struct folder *f, const char *file, json_t *to)
{
	const char *end = strstr(file, ".bson");
	_free_ char *stem =
		str_ndup(file, end ? (size_t)(end - file) : strlen(file));
	_free_ char *path = str_printf("%s/%s.metadata.json", f->path, stem);
	_free_ char *packed = str_printf("%s.gz", path);
	_json_ json_t *v = NULL;
	int status = read_object(path, &v);

	if (status == EXIT_OK && !v)
		status = read_object(packed, &v);
	if (status == EXIT_OK && json_is_array(json_object_get(v, "indexes")))
		(void)json_object_set(
			to, "indexes", json_object_get(v, "indexes"));
	return status;
}

/* database/NAME.json, as an export or a project has it. */
static int
read_definition(struct folder *f, const char *name, json_t *to)
{
	_buf_ struct buf file = {0};
	_free_ char *path = NULL;
	_json_ json_t *v = NULL;
	int status;

	buf_init(&file, NAME_TOP);
	collection_put_file(&file, slice_str(name));
	path = str_printf("%s/database/%s.json", f->path, file.ptr);
	status = read_object(path, &v);
	if (v)
		(void)json_object_update(to, v);
	return status;
}

static int
add_file(struct folder *f, const char *file)
{
	_buf_ struct buf name = {0};
	_free_ char *path = str_printf("%s/%s", f->path, file);
	json_t *definition, *old;
	int status;

	buf_init(&name, NAME_TOP);
	if (is_folder(path) || collection_of_file(&name, file) < 0)
		return EXIT_OK;
	old = json_object_get(f->collections, name.ptr);
	if (old)
		return cli_fail(EXIT_USAGE,
			"%s and %s would both be collection %s: leave one in "
			"the folder",
			json_string_value(json_object_get(old, "path")), path,
			name.ptr);
	definition = json_object();
	(void)json_object_set_new(f->collections, name.ptr,
		json_pack("{s:s,s:o}", "path", path, "definition", definition));
	status = read_metadata(f, file, definition);
	return status == EXIT_OK ? read_definition(f, name.ptr, definition)
				 : status;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
scan(struct folder *f)
{
	struct dirent **found = NULL;
	int n = scandir(f->path, &found, NULL, by_name), status = EXIT_OK;

	if (n < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", f->path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (status == EXIT_OK)
			status = add_file(f, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return status;
}

/* mongodump's own folder has one for each database. */
static int
look_inside(const struct folder *f, char **ret)
{
	_buf_ struct buf names = {0};
	struct dirent **found = NULL;
	int n = scandir(f->path, &found, NULL, by_name), count = 0;

	buf_init(&names, 1 << 20);
	for (int i = 0; i < n; i++) {
		_free_ char *path =
			str_printf("%s/%s", f->path, found[i]->d_name);

		if (found[i]->d_name[0] != '.' && is_folder(path)) {
			buf_printf(&names, "%s%s", count++ ? ", " : "", path);
			(void)mem_free(*ret);
			*ret = take(path);
		}
		free(found[i]);
	}
	free(found);
	if (count == 1)
		return EXIT_OK;
	return cli_fail(EXIT_USAGE,
		"%s: no file of a collection is here (NAME.jsonl, .json, .csv, "
		".bson)%s%s",
		f->path, count ? "; name one of the folders in it: " : "",
		count ? names.ptr : "");
}

/* An index as people say it: its name, or its keys. */
static const char *
index_name(const json_t *v)
{
	const char *name = json_string_value(json_object_get(v, "name"));

	return name ? name : "without a name";
}

static bool
is_of_id(const json_t *v)
{
	const json_t *key = json_object_get(v, "key");

	return json_object_size(key) == 1 && json_object_get(key, "_id");
}

static void
make_indexes(struct importing *g, const json_t *list)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		_json_ json_t *one = json_pack("{s:[O]}", "indexes", v);

		if (is_of_id(v) || importing_define(g, one) == EXIT_OK)
			continue;
		(void)fprintf(stderr,
			"%s: index %s was not made, for the reason above\n",
			g->conf.collection, index_name(v));
		g->failed++;
	}
}

static int
import_data(struct importing *g, const struct folder *f)
{
	const char *name;
	json_t *v;
	int status = EXIT_OK;

	json_object_foreach (f->collections, name, v) {
		_json_ json_t *before =
			json_copy(json_object_get(v, "definition"));

		(void)json_object_del(before, "indexes");
		(void)json_object_del(before, "documents");
		g->conf.collection = name;
		g->conf.path = json_string_value(json_object_get(v, "path"));
		status = importing_define(g, before);
		if (status == EXIT_OK)
			status = importing_file(g);
		if (status != EXIT_OK)
			return status;
	}
	json_object_foreach (f->collections, name, v) {
		g->conf.collection = name;
		make_indexes(
			g, json_object_get(json_object_get(v, "definition"),
				   "indexes"));
	}
	return EXIT_OK;
}

int
importing_archive(struct importing *g, const char *path)
{
	struct folder f = {.path = path, .collections = json_object()};
	_cleanup_(input_freep) struct input *in = NULL;
	_json_ json_t *all = NULL;
	struct fault why = {0};
	const char *name;
	json_t *definition;
	int status = EXIT_OK, r = input_open(&in, path, &why);

	if (r == 0)
		r = archive_read_head(in, &all, &why);
	if (r < 0)
		status = cli_fail(
			EXIT_FAILED, "%s: %s", path, fault_text(&why, r));
	json_object_foreach (all, name, definition)
		(void)json_object_set_new(f.collections, name,
			json_pack("{s:s,s:O}", "path", path, "definition",
				definition));
	g->conf.format = &format_archive;
	if (status == EXIT_OK)
		status = import_data(g, &f);
	json_decref(f.collections);
	return status;
}

static int
import_folder(struct importing *g, const char *path, unsigned depth)
{
	struct folder f = {.path = path, .collections = json_object()};
	_free_ char *inside = NULL;
	int status = scan(&f);

	if (status == EXIT_OK && json_object_size(f.collections) == 0) {
		status = look_inside(&f, &inside);
		if (status == EXIT_OK && depth == 0)
			status = cli_fail(EXIT_USAGE,
				"%s: no file of a collection is here", path);
		if (status == EXIT_OK)
			status = import_folder(g, inside, depth - 1);
	} else if (status == EXIT_OK) {
		status = import_data(g, &f);
	}
	json_decref(f.collections);
	return status;
}

int
importing_folder(struct importing *g, const char *path)
{
	_free_ char *project = str_printf("%s/cloudbaserc.json", path);

	if (access(project, F_OK) == 0)
		return cli_fail(EXIT_USAGE,
			"%s is a project: `mpcloud deploy %s` takes up its "
			"database/; a folder for import holds NAME.jsonl, "
			".json, .csv or .bson",
			path, path);
	return import_folder(g, path, 1);
}
