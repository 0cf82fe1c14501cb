/*
 * The user ids of functions.  A function keeps its id for good: files that it
 * left behind must never become another's, so an id is not given again while
 * the folder of the function that had it is there.
 */
#include "functions/registry.h"

#include "base/mem.h"
#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UID_TEXT_TOP = 32 };

static int
uid_read(const struct registry *r, const char *name, int64_t *ret)
{
	_free_ char *path = str_printf("%s/%s/uid", r->dir, name);
	_free_ char *text = NULL;
	uint64_t n;
	size_t len;
	int err;

	if (access(path, F_OK) < 0)
		return -errno;
	err = file_read(path, UID_TEXT_TOP, &text, &len, NULL);
	if (err < 0)
		return err;
	while (len && text[len - 1] == '\n')
		len--;
	err = slice_to_u64(slice_of(text, len), INT32_MAX, &n);
	if (err < 0)
		return err;
	*ret = (int64_t)n;
	return 0;
}

static int
uid_choose(const struct registry *r, int64_t first, int64_t count, int64_t *ret,
	struct fault *why)
{
	bool *used = mem_array((size_t)count, bool);
	_json_ json_t *names = NULL;
	int err = registry_names(r, &names, why);
	int64_t uid, at = 0;
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		if (uid_read(r, json_string_value(name), &uid) == 0 &&
			uid >= first && uid < first + count)
			used[uid - first] = true;
	while (at < count && used[at])
		at++;
	free(used);
	if (err < 0)
		return err;
	if (at == count)
		return fault_set(why, ERR_CONFLICT,
			"functions.uid_count: all %lld user ids are in use",
			(long long)count);
	*ret = first + at;
	return 0;
}

int
registry_uid(const struct registry *r, const char *name, int64_t first,
	int64_t count, int64_t *ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/%s/uid", r->dir, name);
	char text[UID_TEXT_TOP];
	int64_t uid;
	int err, len;

	if (uid_read(r, name, &uid) == 0 && uid >= first &&
		uid < first + count) {
		*ret = uid;
		return 0;
	}
	err = uid_choose(r, first, count, &uid, why);
	if (err < 0)
		return err;
	len = snprintf(text, sizeof(text), "%lld\n", (long long)uid);
	err = file_write(path, text, (size_t)len, 0600, why);
	if (err == 0)
		*ret = uid;
	return err;
}

int
registry_confine(const struct registry *r, const char *name, int64_t uid,
	struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", r->dir, name);

	/* The owner keeps the folder; the function enters by its group. */
	if (chown(path, (uid_t)-1, (gid_t)uid) < 0 || chmod(path, 0750) < 0)
		return fault_set(why, -errno, "%s: %s", path, err_text(-errno));
	return 0;
}
