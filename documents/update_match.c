/*
 * What an update takes from the condition that comes with it: which element of
 * an array `$` means, and what a document made by an upsert starts with.  Both
 * are read off the JSON, before it becomes a tree that no longer says what was
 * written.
 */
#include "base/buf.h"
#include "documents/query.h"
#include "documents/update_parse.h"

#include <string.h>

enum { DEPTH_TOP = 20, NAME_TOP = 1100 };

/* Takes `cond` over. */
static int
add(json_t *list, json_t *cond)
{
	return json_array_append_new(list, cond) < 0 ? ERR_TOO_BIG : 0;
}

/* "e" or "e.rest" */
static int
add_named(json_t *list, const char *rest, const json_t *v)
{
	char name[NAME_TOP];
	json_t *cond = json_object();

	if (snprintf(name, sizeof(name), "e%s%s", *rest ? "." : "", rest) >=
			(int)sizeof(name) ||
		json_object_set(cond, name, (json_t *)(uintptr_t)v) < 0) {
		json_decref(cond);
		return ERR_TOO_BIG;
	}
	return add(list, cond);
}

/* {a: 1, $or: [{b: 2}]} about an element that is an object, as conditions on
 * {"e": element}. */
static int
add_inside(json_t *list, const json_t *v, unsigned depth)
{
	const char *name;
	json_t *arg, *part;
	size_t i;
	int r = 0;

	if (depth > DEPTH_TOP)
		return ERR_TOO_BIG;
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		if (name[0] != '$') {
			r = add_named(list, name, arg);
		} else if (json_is_array(arg)) {
			json_t *parts = json_array();

			json_array_foreach (arg, i, part) {
				json_t *inner = json_array();

				if (r == 0)
					r = add_inside(inner, part, depth + 1);
				(void)add(parts,
					json_pack("{s:o}", "$and", inner));
			}
			if (r < 0 || json_array_size(parts) == 0)
				json_decref(parts);
			else
				r = add(list, json_pack("{s:o}", name, parts));
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Conditions on members are about elements that are objects. */
static int
add_is_object(json_t *list)
{
	return add(list, json_pack("{s:{s:s}}", "e", "$type", "object"));
}

static int
add_element(json_t *list, const json_t *v, unsigned depth)
{
	int r;

	if (update_is_operators(v))
		return add_named(list, "", v);
	r = add_is_object(list);
	return r < 0 ? r : add_inside(list, v, depth);
}

static int
add_all(json_t *list, const json_t *v, unsigned depth)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (v, i, item) {
		const json_t *inner = json_object_get(item, "$elemMatch");

		r = inner ? add_element(list, inner, depth + 1)
			  : add_named(list, "", item);
		if (r < 0)
			break;
	}
	return r;
}

/* {a: {$gt: 1, $elemMatch: {…}}}, where a is the array. */
static int
add_operators(json_t *list, const json_t *v, unsigned depth)
{
	_json_ json_t *rest = json_copy((json_t *)(uintptr_t)v);
	const json_t *match = json_object_get(v, "$elemMatch");
	const json_t *all = json_object_get(v, "$all");
	int r = 0;

	/* these are about the array, not one of its elements */
	(void)json_object_del(rest, "$elemMatch");
	(void)json_object_del(rest, "$all");
	(void)json_object_del(rest, "$size");
	(void)json_object_del(rest, "$exists");
	if (all)
		r = add_all(list, all, depth);
	if (r == 0 && json_object_size(rest))
		r = add_named(list, "", rest);
	if (r == 0 && match)
		r = add_element(list, match, depth + 1);
	return r;
}

/* One that says something of the array is enough. */
static int
add_or(json_t *list, const json_t *v, struct slice path, unsigned depth)
{
	_json_ json_t *parts = json_array();
	json_t *part;
	size_t i;

	json_array_foreach (v, i, part) {
		_json_ json_t *inner = json_array();
		int r = update_match(inner, part, path, depth + 1);

		if (r < 0)
			return r;
		if (json_array_size(inner) &&
			json_array_append_new(
				parts, json_pack("{s:O}", "$and", inner)) < 0)
			return ERR_TOO_BIG;
	}
	return json_array_size(parts)
		       ? add(list, json_pack("{s:O}", "$or", parts))
		       : 0;
}

static int
match_member(json_t *list, const char *name, const json_t *v, struct slice path,
	unsigned depth)
{
	json_t *part;
	size_t i;
	int r = 0;

	if (strcmp(name, "$and") == 0) {
		json_array_foreach (v, i, part)
			if (r == 0)
				r = update_match(list, part, path, depth + 1);
	} else if (strcmp(name, "$or") == 0) {
		r = add_or(list, v, path, depth);
	} else if (slice_is(path, name)) {
		r = update_is_operators(v) ? add_operators(list, v, depth)
					   : add_named(list, "", v);
	} else if (strncmp(name, path.ptr, path.len) == 0 &&
		   name[path.len] == '.') {
		r = add_is_object(list);
		if (r == 0)
			r = add_named(list, name + path.len + 1, v);
	}
	return r;
}

int
update_match(
	json_t *ret, const json_t *query, struct slice path, unsigned depth)
{
	const char *name;
	json_t *v;

	if (depth > DEPTH_TOP)
		return ERR_TOO_BIG;
	json_object_foreach ((json_t *)(uintptr_t)query, name, v) {
		int r = match_member(ret, name, v, path, depth);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The value that a member's condition demands, or NULL. */
static const json_t *
equal_to(const json_t *v)
{
	const json_t *in, *all;

	if (value_is_regex(v))
		return NULL;
	if (!update_is_operators(v))
		return v;
	in = json_object_get(v, "$in");
	all = json_object_get(v, "$all");
	if (json_object_get(v, "$eq"))
		return json_object_get(v, "$eq");
	if (json_array_size(in) == 1)
		return json_array_get(in, 0);
	return json_array_size(all) == 1 ? json_array_get(all, 0) : NULL;
}

struct start {
	json_t *doc;
	struct arena *arena;
	struct fault *why;
};

static int
twice(struct start *s, const char *name)
{
	return fault_set(s->why, ERR_DB_PARAM,
		"cannot infer query fields to set, path '%.80s' is matched "
		"twice",
		name);
}

static int
start_put(struct start *s, const char *name, const json_t *v)
{
	json_t *at = s->doc, *next;
	struct path path;
	int r = path_parse(&path, slice_str(name), s->arena, s->why);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < path.count; i++) {
		struct slice step = path.step[i];
		bool is_last = i + 1 == path.count;

		next = json_object_getn(at, step.ptr, step.len);
		/* made below, hence not one of the condition's own */
		if (next && (is_last || next->refcount != 1))
			return twice(s, name);
		if (next) {
			at = next;
			continue;
		}
		next = is_last ? json_incref((json_t *)(uintptr_t)v)
			       : json_object();
		if (json_object_setn_new(at, step.ptr, step.len, next) < 0)
			return twice(s, name);
		at = next;
	}
	return 0;
}

static bool
is_id(const char *name)
{
	return strcmp(name, "_id") == 0 || strncmp(name, "_id.", 4) == 0;
}

static int
start_read(struct start *s, const json_t *query, unsigned depth)
{
	const char *name;
	json_t *v, *part;
	size_t i;
	int r = 0;

	if (depth > DEPTH_TOP)
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)query, name, v) {
		bool is_all =
			strcmp(name, "$and") == 0 ||
			(strcmp(name, "$or") == 0 && json_array_size(v) == 1);

		json_array_foreach (v, i, part)
			if (is_all && r == 0)
				r = start_read(s, part, depth + 1);
		if (name[0] != '$' && !is_id(name) && equal_to(v))
			r = start_put(s, name, equal_to(v));
		if (r < 0)
			return r;
	}
	return 0;
}

int
update_start(json_t *ret, const json_t *query, struct arena *arena,
	struct fault *why)
{
	struct start s = {ret, arena, why};

	return start_read(&s, query, 0);
}

const json_t *
update_start_id(const json_t *query)
{
	const json_t *id = equal_to(json_object_get(query, "_id"));
	json_t *part;
	size_t i;

	json_array_foreach (json_object_get(query, "$and"), i, part)
		if (!id)
			id = update_start_id(part);
	return id;
}
