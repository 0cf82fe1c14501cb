/*
 * A projection as two trees: what to pick and what to omit.  Dotted names
 * become branches; the broader of two that overlap wins.
 */
#include "db/doc_sql.h"

enum { FIELDS_TOP = 200, TREE_TOP = 64 << 10 };

static int
add(json_t *tree, const struct path *path)
{
	for (unsigned i = 0; i < path->count; i++) {
		struct slice s = path->step[i];
		bool last = i + 1 == path->count;
		json_t *next = json_object_getn(tree, s.ptr, s.len);

		if (json_is_true(next))
			return 0;
		if (!next || last) {
			next = last ? json_true() : json_object();
			if (json_object_setn_new(tree, s.ptr, s.len, next) < 0)
				return ERR_DB_PARAM;
		}
		tree = next;
	}
	return 0;
}

static int
add_field(json_t *pick, json_t *omit, struct project *p, const char *name,
	const json_t *v, struct arena *arena, struct fault *why)
{
	struct path path;
	int r;

	if (json_is_object(v) && !value_is_tagged(v))
		return fault_set(why, ERR_DB_PARAM,
			"operator %.60s in a projection is not supported yet",
			json_object_size(v)
				? json_object_iter_key(json_object_iter(
					  (json_t *)(uintptr_t)v))
				: "{}");
	if (strcmp(name, "_id") == 0) {
		p->without_id = !value_is_true(v);
		p->has_pick |= !p->without_id;
		return 0;
	}
	r = path_parse(&path, slice_str(name), arena, why);
	if (r < 0)
		return r;
	p->has_pick |= value_is_true(v);
	return add(value_is_true(v) ? pick : omit, &path);
}

static int
keep(struct slice *ret, const json_t *tree, struct arena *arena)
{
	_buf_ struct buf text;
	char *copy;

	buf_init(&text, TREE_TOP);
	val_put(&text, tree);
	copy = arena_try(arena, text.len + 1);
	if (buf_check(&text) < 0 || !copy)
		return ERR_TOO_BIG;
	memcpy(copy, text.ptr, text.len);
	*ret = slice_of(copy, text.len);
	return 0;
}

int
project_parse(struct project *ret, const json_t *v, struct arena *arena,
	struct fault *why)
{
	_json_ json_t *pick = json_object();
	_json_ json_t *omit = json_object();
	struct project p = {0};
	const char *name;
	json_t *arg;
	int r = 0;

	if (!json_is_object(v) || json_object_size(v) > FIELDS_TOP)
		return fault_set(why, ERR_DB_PARAM,
			"a projection is an object of %d fields at most",
			FIELDS_TOP);
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = add_field(pick, omit, &p, name, arg, arena, why);
		if (r < 0)
			return r;
	}
	if (p.has_pick)
		r = keep(&p.pick, pick, arena);
	if (r == 0 && json_object_size(omit))
		r = keep(&p.omit, omit, arena);
	if (r == 0)
		*ret = p;
	return r;
}
