/*
 * Functions on disk.  Files are the truth and the supervisor their only writer,
 * each replaced in one step (file_write), so a crash at any point leaves either
 * the old version active or the new one.
 */
#include "functions/registry.h"

#include "base/mem.h"
#include "base/paths.h"
#include "functions/package.h"
#include "functions/registry_inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_TOP = 10000, ACTIVE_TOP = 4 * 1024 * 1024 };

static void
closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

int
registry_open(struct registry *ret, const char *state_dir, struct fault *why)
{
	_free_ char *dir = str_printf("%s/functions", state_dir);
	char *real;
	int r = dir_make(dir, 0755, why);

	if (r < 0)
		return r;
	real = realpath(state_dir, NULL);
	if (!real)
		return fault_set(
			why, -errno, "%s: %s", state_dir, err_text(-errno));
	ret->state_dir = real;
	ret->dir = str_printf("%s/functions", real);
	return 0;
}

void
registry_close(struct registry *r)
{
	r->dir = mem_free(r->dir);
	r->state_dir = mem_free(r->state_dir);
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static json_t *
sorted(char **names, size_t count)
{
	json_t *list = json_array();

	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		(void)json_array_append_new(list, json_string(names[i]));
		free(names[i]);
	}
	return list;
}

int
registry_names(const struct registry *r, json_t **ret, struct fault *why)
{
	_cleanup_(closedirp) DIR *dir = opendir(r->dir);
	char **names = NULL;
	size_t count = 0, room = 0;
	const struct dirent *e;

	if (!dir)
		return fault_set(
			why, -errno, "%s: %s", r->dir, err_text(-errno));
	while ((e = readdir(dir)) && count < NAMES_TOP) {
		if (!fn_name_is_valid(slice_str(e->d_name)))
			continue;
		if (count == room) {
			room = room ? room * 2 : 16;
			names = mem_resize(names, room * sizeof(names[0]));
		}
		names[count++] = str_dup(e->d_name);
	}
	*ret = count ? sorted(names, count) : json_array();
	free(names);
	return 0;
}

/* "v12" */
static unsigned
version_of(const char *name)
{
	uint64_t n;

	if (name[0] != 'v' || name[1] == '0' ||
		slice_to_u64(slice_str(name + 1), 1000000000, &n) < 0)
		return 0;
	return (unsigned)n;
}

static int
compare_versions(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int
registry_versions(const struct registry *r, const char *name, json_t **ret,
	struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", r->dir, name);
	_cleanup_(closedirp) DIR *dir = opendir(path);
	unsigned *found = NULL;
	size_t count = 0, room = 0;
	const struct dirent *e;

	if (!dir)
		return fault_set(why, -errno, "%s: %s", path, err_text(-errno));
	while ((e = readdir(dir)) && count < NAMES_TOP) {
		if (!version_of(e->d_name))
			continue;
		if (count == room) {
			room = room ? room * 2 : 16;
			found = mem_resize(found, room * sizeof(found[0]));
		}
		found[count++] = version_of(e->d_name);
	}
	if (count)
		qsort(found, count, sizeof(found[0]), compare_versions);
	*ret = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(*ret, json_integer(found[i]));
	free(found);
	return 0;
}

int
registry_read_json(const char *path, json_t **ret, struct fault *why)
{
	_free_ char *text = NULL;
	size_t len;
	int r;

	if (access(path, F_OK) < 0)
		return -errno;
	r = file_read(path, ACTIVE_TOP, &text, &len, why);
	if (r < 0)
		return r;
	r = val_parse(ret, slice_of(text, len), why);
	return r < 0 ? fault_prefix(why, r, "%s: ", path) : 0;
}

int
registry_write_json(const char *path, const json_t *v, struct fault *why)
{
	_buf_ struct buf b;
	int r;

	buf_init(&b, ACTIVE_TOP);
	val_put(&b, v);
	buf_char(&b, '\n');
	r = buf_check(&b);
	if (r < 0)
		return fault_set(why, r, "%s: larger than %d bytes", path,
			(int)ACTIVE_TOP);
	/* Environment variables may be secrets: nobody else reads it. */
	return file_write(path, b.ptr, b.len, 0600, why);
}

/* vN.json, else vN/cloudbaserc.json, else an empty entry; a new reference. */
static int
find_entry(const struct registry *r, const char *name, unsigned version,
	json_t **ret, struct fault *why)
{
	_free_ char *kept = str_printf("%s/%s/v%u.json", r->dir, name, version);
	_free_ char *inside =
		str_printf("%s/%s/v%u/cloudbaserc.json", r->dir, name, version);
	_json_ json_t *file = NULL;
	json_t *entry;
	int err = registry_read_json(kept, ret, why);

	if (err != -ENOENT)
		return err;
	err = registry_read_json(inside, &file, why);
	if (err < 0 && err != -ENOENT)
		return err;
	entry = file ? package_entry(file, name) : NULL;
	*ret = entry ? entry : json_object();
	return 0;
}

bool
registry_entry_is(const struct registry *r, const char *name, unsigned version,
	const json_t *entry)
{
	_free_ char *path = str_printf("%s/%s/v%u.json", r->dir, name, version);
	_json_ json_t *kept = NULL;
	int err = registry_read_json(path, &kept, NULL);

	if (!entry)
		return err == -ENOENT;
	return err == 0 && json_equal(kept, entry);
}

static int
keep_entry(const struct registry *r, const struct fn_settings *s,
	const json_t *entry, struct fault *why)
{
	_free_ char *path =
		str_printf("%s/%s/v%u.json", r->dir, s->name, s->version);

	return registry_write_json(path, entry, why);
}

static int
read_package(const struct registry *r, const json_t *entry,
	const struct registry_presets *presets, struct fn_settings *s,
	struct fault *why)
{
	_json_ json_t *found = NULL;
	int err;

	if (!entry) {
		err = find_entry(r, s->name, s->version, &found, why);
		if (err < 0)
			return err;
	}
	err = package_parse(s, entry ? entry : found, presets, why);
	if (err == 0)
		err = package_check(s, why);
	return err;
}

/* By the way everybody else will read it: what they would refuse is refused
 * while the author is here. */
static int
take_settings(
	const struct fn_settings *s, struct fn_settings *ret, struct fault *why)
{
	_json_ json_t *v = fn_settings_build(s);

	return fn_settings_parse(ret, v, why);
}

int
registry_package(const struct registry *r, const char *name, unsigned version,
	const json_t *entry, const struct registry_presets *presets,
	struct fn_settings *ret, struct fault *why)
{
	struct fn_settings s = {0};
	int err;

	fn_settings_preset(&s);
	s.version = version;
	if (!fn_name_is_valid(slice_str(name)))
		return fault_set(why, ERR_PARAM,
			"name: a letter, then letters, digits, - and _; 60 "
			"characters at most");
	(void)snprintf(s.name, sizeof(s.name), "%s", name);
	s.code_dir = str_printf("%s/%s/v%u", r->dir, name, version);
	err = read_package(r, entry, presets, &s, why);
	if (err == 0)
		err = take_settings(&s, ret, why);
	if (err == 0 && entry) {
		err = keep_entry(r, &s, entry, why);
		if (err < 0)
			fn_settings_done(ret);
	}
	fn_settings_done(&s);
	return err;
}
