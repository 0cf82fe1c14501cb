/*
 * $project, $addFields and $unset from JSON into a tree of paths.
 */
#include "documents/stage_tree.h"

#include <assert.h>

static int
collide(struct tree *t, struct slice path)
{
	return stage_wrong(t->p,
		"Invalid %s :: caused by :: Path collision "
		"at %.*s",
		t->stage, (int)min(path.len, (size_t)100), path.ptr);
}

/* The place of a path in the tree. */
static int
place(struct tree *t, struct tree_node **list, const struct path *path,
	struct tree_node **ret)
{
	struct tree_node *node = NULL, **at = list;

	for (unsigned i = 0; i < path->count; i++) {
		while (*at && !slice_eq((*at)->step, path->step[i]))
			at = &(*at)->next;
		node = *at;
		if (node && (node->is_leaf || i + 1 == path->count))
			return collide(t, path->text);
		if (!node) {
			node = arena_new(t->p->arena, struct tree_node);
			node->step = path->step[i];
			*at = node;
		}
		at = &node->below;
	}
	assert(node); /* a path has steps */
	node->is_leaf = true;
	*ret = node;
	return 0;
}

static int
set_mode(struct tree *t, enum tree_mode mode, const char *name)
{
	if (t->has_mode && t->mode != mode)
		return stage_wrong(t->p,
			"Invalid %s :: caused by :: Cannot do %s on field "
			"%.60s in %s projection",
			t->stage, mode == TREE_PICK ? "inclusion" : "exclusion",
			name, mode == TREE_PICK ? "exclusion" : "inclusion");
	t->has_mode = true;
	t->mode = mode;
	return 0;
}

static bool
is_flag(const json_t *v)
{
	static const char *const tags[] = {
		"$numberInt", "$numberLong", "$numberDouble"};

	for (size_t i = 0; i < array_size(tags); i++)
		if (json_object_get(v, tags[i]))
			return true;
	return json_is_number(v) || json_is_boolean(v);
}

/* An object whose members are paths below this one. */
static bool
is_nested(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	return at && json_object_iter_key(at)[0] != '$' && !value_is_tagged(v);
}

static int add_members(
	struct tree *t, const struct path *prefix, const json_t *v);

static int
join_path(struct tree *t, const struct path *prefix, const char *name,
	struct path *ret)
{
	struct pipe *p = t->p;

	if (!prefix)
		return path_parse(ret, slice_str(name), p->arena, p->why);
	return path_parse(ret,
		slice_str(arena_printf(
			p->arena, "%.*s.%s", SLICE_ARG(prefix->text), name)),
		p->arena, p->why);
}

static bool
is_id(const struct path *path)
{
	return path->count == 1 && path_starts(path, "_id");
}

int
tree_add_flag(struct tree *t, const struct path *path, bool yes)
{
	struct tree_node *node;
	int r;

	if (is_id(path) && !yes) {
		t->without_id = true;
		return 0;
	}
	if (is_id(path)) {
		t->names_id = true;
		return 0;
	}
	r = set_mode(t, yes ? TREE_PICK : TREE_OMIT, path->text.ptr);
	return r < 0 ? r : place(t, &t->top, path, &node);
}

static int
add_expr(struct tree *t, const struct path *path, const json_t *v)
{
	struct tree_node *node;
	int r = 0;

	if (t->mode != TREE_ADD)
		r = set_mode(t, TREE_PICK, path->text.ptr);
	if (r == 0)
		r = place(t, &t->top, path, &node);
	if (r == 0 && path_starts(path, "_id"))
		t->names_id = true;
	return r < 0 ? r : stage_expr(t->p, v, &node->expr);
}

static int
add_member(struct tree *t, const struct path *prefix, const char *name,
	const json_t *v)
{
	struct path path;
	int r = join_path(t, prefix, name, &path);

	if (r == 0 && ++t->count > STAGE_FIELDS_TOP)
		return stage_wrong(t->p, "%s may name %d fields", t->stage,
			STAGE_FIELDS_TOP);
	if (r < 0)
		return r;
	if (is_nested(v))
		return add_members(t, &path, v);
	if (is_flag(v) && t->mode != TREE_ADD)
		return tree_add_flag(t, &path, value_is_true(v));
	if (json_is_object(v) && json_object_size(v) == 0 &&
		t->mode != TREE_ADD)
		return stage_wrong(t->p,
			"Invalid %s :: caused by :: An empty sub-projection is "
			"not a valid value. Found empty object at path %.100s",
			t->stage, path.text.ptr);
	return add_expr(t, &path, v);
}

static int
add_members(struct tree *t, const struct path *prefix, const json_t *v)
{
	const char *name;
	json_t *item;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		r = add_member(t, prefix, name, item);
		if (r < 0)
			return r;
	}
	return 0;
}

int
tree_read(struct tree *t, const json_t *v)
{
	return add_members(t, NULL, v);
}
