/*
 * A sorted array of paths.  A request's path is looked for whole, then with one
 * segment less each time, so it costs as many looks as it has segments, however
 * many functions there are.
 *
 * Two functions may have one path when their methods differ.  Where they do
 * not, deploying the second was refused; if it is here nevertheless (two nodes
 * with different functions on one database), all gateways must come to the
 * same answer: the name that sorts first has it, and the log says so.
 */
#include "routes/http_paths.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"
#include "functions/http_path.h"

#include <stdlib.h>

struct http_paths {
	struct http_path *list;
	size_t len, room;
};

struct http_paths *
http_paths_new(void)
{
	return mem_new(struct http_paths);
}

static void
entry_done(struct http_path *p)
{
	p->path = mem_free(p->path);
	p->function = mem_free(p->function);
}

struct http_paths *
http_paths_free(struct http_paths *paths)
{
	if (!paths)
		return NULL;
	for (size_t i = 0; i < paths->len; i++)
		entry_done(&paths->list[i]);
	free(paths->list);
	return mem_free(paths);
}

size_t
http_paths_count(const struct http_paths *paths)
{
	return paths->len;
}

static int
compare(const void *a, const void *b)
{
	const struct http_path *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : strcmp(x->function, y->function);
}

static void
drop(struct http_paths *paths, const char *function)
{
	size_t kept = 0;

	for (size_t i = 0; i < paths->len; i++) {
		if (strcmp(paths->list[i].function, function) == 0)
			entry_done(&paths->list[i]);
		else
			paths->list[kept++] = paths->list[i];
	}
	paths->len = kept;
}

static unsigned
methods_of(const json_t *trigger)
{
	const json_t *list = json_object_get(trigger, "methods"), *v;
	unsigned methods = 0;
	size_t i;

	json_array_foreach (list, i, v)
		methods |= http_method_bits(
			slice_of(json_string_value(v), json_string_length(v)));
	return methods ? methods : HTTP_ANY_METHOD;
}

static void
add(struct http_paths *paths, const char *function, const json_t *trigger)
{
	struct http_path p = {0};
	struct slice path;

	if (val_str(trigger, "path", HTTP_PATH_TOP, &path, NULL) < 0 ||
		http_path_check(path, NULL) < 0 ||
		val_bool_or(trigger, "auth", false, &p.auth, NULL) < 0)
		return;
	p.path = str_ndup(path.ptr, path.len);
	p.function = str_dup(function);
	p.methods = methods_of(trigger);
	if (paths->len == paths->room) {
		paths->room = paths->room * 2 + 16;
		paths->list = mem_resize(
			paths->list, paths->room * sizeof(*paths->list));
	}
	paths->list[paths->len++] = p;
}

static void
tell_conflicts(const struct http_paths *paths, const char *function)
{
	for (size_t i = 1; i < paths->len; i++) {
		const struct http_path *a = &paths->list[i - 1], *b = a + 1;

		if (strcmp(a->path, b->path) != 0 ||
			!(a->methods & b->methods) ||
			strcmp(a->function, b->function) == 0 ||
			(strcmp(a->function, function) != 0 &&
				strcmp(b->function, function) != 0))
			continue;
		event(EVENT_HTTP_PATH, "path", a->path, "function", a->function,
			"other", b->function, NULL);
	}
}

void
http_paths_set(
	struct http_paths *paths, const char *function, const json_t *triggers)
{
	const json_t *t;
	size_t i;

	drop(paths, function);
	json_array_foreach (triggers, i, t) {
		const char *type =
			json_string_value(json_object_get(t, "type"));

		if (type && strcmp(type, "http") == 0)
			add(paths, function, t);
	}
	if (paths->len)
		qsort(paths->list, paths->len, sizeof(*paths->list), compare);
	tell_conflicts(paths, function);
}

/* The first entry that is not before `path`. */
static size_t
place_of(const struct http_paths *paths, struct slice path)
{
	size_t low = 0, top = paths->len;

	while (low < top) {
		size_t mid = (low + top) / 2;
		const char *at = paths->list[mid].path;
		int r = strncmp(at, path.ptr, path.len);

		/* The same beginning: the longer one is behind. */
		if (r < 0)
			low = mid + 1;
		else
			top = mid;
	}
	return low;
}

/* Entries of exactly this path: one that takes the method, or the methods that
 * are taken. */
static bool
find_exact(const struct http_paths *paths, struct slice path, unsigned bits,
	const struct http_path **ret, unsigned *allowed)
{
	size_t i = place_of(paths, path);

	for (; i < paths->len; i++) {
		const struct http_path *p = &paths->list[i];

		if (!slice_is(path, p->path))
			return *allowed != 0;
		*allowed |= p->methods;
		if (p->methods & bits) {
			*ret = p;
			return true;
		}
	}
	return *allowed != 0;
}

int
http_paths_find(const struct http_paths *paths, struct slice path,
	struct slice method, const struct http_path **ret, unsigned *allowed)
{
	/* HEAD has a bit of its own here: it is asked for, not offered. */
	unsigned bits = slice_is(method, "GET") ? 1 : http_method_bits(method);

	*allowed = 0;
	*ret = NULL;
	if (!paths->len || http_path_is_ours(path))
		return ERR_NOT_FOUND;
	/* "/a/" is below "/a". */
	while (path.len > 0) {
		if (find_exact(paths, path, bits, ret, allowed))
			return *ret ? 0 : ERR_METHOD;
		if (path.len == 1)
			break;
		do
			path.len--;
		while (path.len > 1 && path.ptr[path.len] != '/');
	}
	return ERR_NOT_FOUND;
}
