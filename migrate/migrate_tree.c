/*
 * A project's files, in the order of their names.  Symbolic links are not
 * followed and packages (node_modules) not read: they are not the project's
 * own code.
 */
#include "migrate/migrate.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FILE_TOP = 4 << 20,
	FILES_TOP = 20000,
	DEPTH_TOP = 32,
	BYTES_TOP = 256 << 20,
};

static const char *const left_out[] = {
	"node_modules", "miniprogram_npm", "miniprogram_dist", "mpcloud.js"};

enum kind { KIND_NONE, KIND_SCRIPT, KIND_MARKUP, KIND_JSON, KIND_STRANGE };

static const struct {
	const char *end;
	enum kind kind;
} kinds[] = {{".js", KIND_SCRIPT}, {".mjs", KIND_SCRIPT}, {".cjs", KIND_SCRIPT},
	{".ts", KIND_SCRIPT}, {".mts", KIND_SCRIPT}, {".cts", KIND_SCRIPT},
	{".wxs", KIND_SCRIPT}, {".wxml", KIND_MARKUP}, {".wxss", KIND_MARKUP},
	{".json", KIND_JSON}, {".vue", KIND_STRANGE}, {".tsx", KIND_STRANGE},
	{".jsx", KIND_STRANGE}};

struct walk {
	struct migrate *m;
	char *root; /* of the functions, as it is shown */
	size_t files, bytes, depth;
};

static enum kind
kind_of(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < array_size(kinds); i++) {
		size_t end = strlen(kinds[i].end);

		if (len > end && strcmp(name + len - end, kinds[i].end) == 0)
			return kinds[i].kind;
	}
	return KIND_NONE;
}

static bool
is_left_out(const char *name)
{
	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < array_size(left_out); i++)
		if (strcmp(name, left_out[i]) == 0)
			return true;
	return false;
}

/* What is wrong with one file is told and does not stop the others. */
static void
read_one(struct walk *w, const char *path, const char *name, enum kind kind)
{
	_free_ char *text = NULL;
	struct fault why = {0};
	struct slice all;
	size_t len = 0;
	int r = file_read(path, FILE_TOP, &text, &len, &why);

	all = slice_of(text ? text : "", len);
	w->bytes += len;
	if (r == 0 && kind == KIND_SCRIPT)
		r = migrate_scan(w->m, all, &why);
	else if (r == 0 && kind == KIND_JSON)
		r = migrate_json(w->m, name, all, &why);
	else if (r == 0)
		migrate_scan_text(w->m, all);
	if (r == 0 && kind != KIND_JSON)
		w->m->files++;
	if (r < 0) {
		const char *said = fault_text(&why, r);
		size_t skip = strlen(path);

		/* It says the path, which is told beside it. */
		if (strncmp(said, path, skip) == 0 &&
			strncmp(said + skip, ": ", 2) == 0)
			said += skip + 2;
		migrate_problem(w->m, said);
	}
}

/* The folder of the functions, as the project's own files have it. */
static char *
function_root(const char *folder)
{
	static const char *const says[][2] = {
		{"cloudbaserc.json", "functionRoot"},
		{"project.config.json", "cloudfunctionRoot"}};

	for (size_t i = 0; i < array_size(says); i++) {
		_free_ char *path = str_printf("%s/%s", folder, says[i][0]);
		_free_ char *text = NULL;
		_json_ json_t *file = NULL;
		const char *root;
		size_t len;

		if (file_read(path, FILE_TOP, &text, &len, NULL) < 0 ||
			val_parse(&file, slice_of(text, len), NULL) < 0)
			continue;
		root = val_text(file, says[i][1]);
		root += strncmp(root, "./", 2) == 0 ? 2 : 0;
		len = strlen(root);
		while (len && root[len - 1] == '/')
			len--;
		if (len)
			return str_ndup(root, len);
	}
	return str_dup("cloudfunctions");
}

static bool
is_inside(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static int walk(struct walk *w, const char *folder, const char *shown,
	struct fault *why);

static int
entry(struct walk *w, const char *folder, const char *shown, const char *name,
	struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", folder, name);
	_free_ char *as = str_printf("%s%s%s", shown, *shown ? "/" : "", name);
	enum kind kind = kind_of(name);
	struct stat st;

	if (is_left_out(name) || lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return walk(w, path, as, why);
	if (!S_ISREG(st.st_mode) || kind == KIND_NONE)
		return 0;
	if (kind == KIND_STRANGE) {
		w->m->strange++;
		return 0;
	}
	if (++w->files > FILES_TOP || w->bytes > BYTES_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"more than %d files or %d MiB: name the project's own "
			"folder",
			FILES_TOP, BYTES_TOP >> 20);
	w->m->file = as;
	w->m->in_function = is_inside(as, w->root);
	read_one(w, path, name, kind);
	w->m->file = NULL;
	return 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
walk(struct walk *w, const char *folder, const char *shown, struct fault *why)
{
	struct dirent **found = NULL;
	int n = scandir(folder, &found, NULL, by_name), r = 0;

	if (n < 0)
		return fault_set(
			why, -errno, "%s: %s", folder, strerror(errno));
	if (++w->depth > DEPTH_TOP)
		r = fault_set(why, ERR_TOO_BIG,
			"%s: folders %d deep; name the project's own folder",
			folder, DEPTH_TOP);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = entry(w, folder, shown, found[i]->d_name, why);
		free(found[i]);
	}
	free(found);
	w->depth--;
	return r;
}

int
migrate_tree(struct migrate *m, const char *folder, struct fault *why)
{
	_free_ char *root = function_root(folder);
	struct walk w = {.m = m, .root = root};

	return walk(&w, folder, "", why);
}
