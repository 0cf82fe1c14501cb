/*
 * What takes part and what stayed as it was.  Contents are compared, not times:
 * a checkout or an unpacked archive has the times of today.
 */
#include "cli/tree_inside.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/slice.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, PARTS_TOP = 64 };

/* --- contents --- */

bool
tree_same(int a, int b)
{
	_free_ char *x = mem_alloc(CHUNK), *y = mem_alloc(CHUNK);

	for (;;) {
		ssize_t n = file_fill(a, x, CHUNK), m = file_fill(b, y, CHUNK);

		if (n < 0 || n != m || memcmp(x, y, (size_t)n) != 0)
			return false;
		if (n < CHUNK)
			return true;
	}
}

/* --- globs --- */

/* A path cut at its slashes; the copy holds the parts. */
struct parts {
	char *copy;
	const char *at[PARTS_TOP];
	size_t len;
};

static void
parts_done(struct parts *p)
{
	free(p->copy);
}

/* "" and "." say nothing, "**" twice no more than once. */
static void
parts_cut(struct parts *p, const char *path)
{
	char *rest, *part;

	*p = (struct parts){.copy = str_dup(path)};
	rest = p->copy;
	while ((part = strsep(&rest, "/")) && p->len < PARTS_TOP) {
		if (!*part || !strcmp(part, "."))
			continue;
		if (!strcmp(part, "**") && p->len &&
			!strcmp(p->at[p->len - 1], "**"))
			continue;
		p->at[p->len++] = part;
	}
}

static bool
fits(const struct parts *glob, size_t g, const struct parts *path, size_t at)
{
	for (; g < glob->len; g++, at++) {
		if (!strcmp(glob->at[g], "**")) {
			/* At the end: all that is inside, not the folder. */
			if (g + 1 == glob->len)
				return at < path->len;
			for (size_t i = at; i <= path->len; i++)
				if (fits(glob, g + 1, path, i))
					return true;
			return false;
		}
		if (at >= path->len ||
			fnmatch(glob->at[g], path->at[at], 0) != 0)
			return false;
	}
	return at == path->len;
}

/* Without a slash it is a name at any depth. */
static bool
glob_fits(const char *glob, const struct parts *path)
{
	_cleanup_(parts_done) struct parts parts = {0};

	parts_cut(&parts, glob);
	if (parts.len == 1 && path->len && strcmp(parts.at[0], "**") != 0 &&
		glob[0] != '/')
		return fnmatch(parts.at[0], path->at[path->len - 1], 0) == 0;
	return parts.len && fits(&parts, 0, path, 0);
}

bool
tree_ignores(const json_t *globs, const char *path)
{
	_cleanup_(parts_done) struct parts parts = {0};
	bool ignored = false;
	const json_t *glob;
	size_t i;

	if (!json_array_size(globs))
		return false;
	parts_cut(&parts, path);
	json_array_foreach (globs, i, glob) {
		const char *text = json_string_value(glob);
		bool back = text && *text == '!';

		if (text && glob_fits(text + back, &parts))
			ignored = !back;
	}
	return ignored;
}
