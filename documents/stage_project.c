/*
 * $project, $addFields, $unset, $replaceRoot: one tree of paths, and one way
 * to say it in SQL,
 *
 *   (what is kept of the document) || {each first step: its new value}
 *
 * The new value of a first step is a field as it is, an expression, or what
 * mpcloud.stage_pick, stage_omit and stage_set make of the field below it;
 * these go into arrays, as MongoDB does.
 */
#include "documents/expr_tree.h"
#include "documents/stage_tree.h"

/* From here on: the tree as expressions. */

static struct expr *
new_expr(struct pipe *p, enum expr_kind kind)
{
	struct expr *e = arena_new(p->arena, struct expr);

	e->kind = kind;
	return e;
}

static struct expr *
field_of(struct pipe *p, struct slice name)
{
	struct expr *e = new_expr(p, EXPR_FIELD);
	struct slice *step = arena_new(p->arena, struct slice);

	*step = name;
	e->path = (struct path){.text = name, .step = step, .count = 1};
	return e;
}

static struct expr *
literal_of(struct pipe *p, const struct buf *text)
{
	struct expr *e = new_expr(p, EXPR_LITERAL);

	e->value = slice_of(arena_str(p->arena, buf_all(text)), text->len);
	return e;
}

static const struct expr_op op_pick = {.name = "$project",
	.flags = EXPR_MAY_MISS,
	.sql = "mpcloud.stage_pick(%*)"};
static const struct expr_op op_omit = {.name = "$project",
	.flags = EXPR_MAY_MISS,
	.sql = "mpcloud.stage_omit(%*)"};
static const struct expr_op op_set = {
	.name = "$addFields", .sql = "mpcloud.stage_set(%*)"};

static struct expr *
call(struct pipe *p, const struct expr_op *op, struct expr *a, struct expr *b,
	struct expr *c)
{
	struct expr *e = new_expr(p, EXPR_OP);

	e->op = op;
	e->args = a;
	a->next = b;
	b->next = c;
	return e;
}

/* {"b": true, "c": {"d": true}}; computed leaves are not in it, but what leads
 * to them is. */
static void
put_tree(struct buf *to, const struct tree_node *node)
{
	bool first = true;

	buf_char(to, '{');
	for (; node; node = node->next) {
		if (node->expr)
			continue;
		buf_str(to, first ? "" : ",");
		first = false;
		buf_json(to, node->step);
		buf_char(to, ':');
		if (node->is_leaf)
			buf_str(to, "true");
		else
			put_tree(to, node->below);
	}
	buf_char(to, '}');
}

static struct expr *
tree_of(struct pipe *p, const struct tree_node *below)
{
	_buf_ struct buf text;

	buf_init(&text, 1 << 20);
	put_tree(&text, below);
	return literal_of(p, &text);
}

struct trail {
	struct slice step;
	const struct trail *up;
};

static void
put_trail(struct buf *to, const struct trail *t)
{
	if (t->up) {
		put_trail(to, t->up);
		buf_char(to, ',');
	}
	buf_json(to, t->step);
}

/* `base` with what is computed below it. */
static struct expr *
set_below(struct pipe *p, struct expr *base, const struct tree_node *node,
	const struct trail *up)
{
	for (; node; node = node->next) {
		const struct trail here = {.step = node->step, .up = up};
		_buf_ struct buf path = {0};

		if (!node->is_leaf) {
			base = set_below(p, base, node->below, &here);
			continue;
		}
		if (!node->expr)
			continue;
		buf_init(&path, 1 << 20);
		buf_char(&path, '[');
		put_trail(&path, &here);
		buf_char(&path, ']');
		base = call(p, &op_set, base, literal_of(p, &path), node->expr);
	}
	return base;
}

static struct expr *
value_of(struct tree *t, const struct tree_node *node)
{
	struct pipe *p = t->p;
	struct expr *base;

	if (node->expr)
		return node->expr;
	base = field_of(p, node->step);
	if (node->is_leaf)
		return base;
	if (t->mode == TREE_PICK)
		base = call(p, &op_pick, base, tree_of(p, node->below), NULL);
	if (t->mode == TREE_OMIT)
		base = call(p, &op_omit, base, tree_of(p, node->below), NULL);
	return set_below(p, base, node->below, NULL);
}

/* The members that are made, as an object; NULL when there are none. */
static struct expr *
members_of(struct tree *t)
{
	struct expr *all = new_expr(t->p, EXPR_OBJECT), **at = &all->args;

	for (const struct tree_node *n = t->top; n; n = n->next) {
		if (t->mode == TREE_OMIT && n->is_leaf)
			continue;
		*at = value_of(t, n);
		(*at)->key = n->step;
		at = &(*at)->next;
		*at = NULL;
	}
	return all->args ? all : NULL;
}

/* text[] of the first steps, which are cut or made anew. */
static void
put_names(struct sql *s, const struct tree *t)
{
	_buf_ struct buf list;
	bool first = true;

	buf_init(&list, 1 << 20);
	buf_char(&list, '{');
	for (const struct tree_node *n = t->top; n; n = n->next) {
		buf_str(&list, first ? "" : ",");
		sql_array_item(&list, n->step);
		first = false;
	}
	if (t->without_id)
		buf_str(&list, first ? "_id" : ",_id");
	buf_char(&list, '}');
	sql_param_buf(s, &list, "text[]");
}

static void
put_shape(struct tree *t, const struct sql_from *from)
{
	struct expr *members = members_of(t);
	struct sql *s = t->p->s;

	if (t->mode != TREE_PICK) {
		sql_add(s, "(");
		sql_add(s, from->doc);
		sql_add(s, " - ");
		put_names(s, t);
		sql_add(s, members ? ") || " : ")");
	}
	if (members)
		sql_expr(s, members, from);
	else if (t->mode == TREE_PICK)
		sql_add(s, "'{}'::jsonb");
}

/* _id stands for itself unless it is left out or computed. */
static void
include_id(struct tree *t)
{
	struct tree_node *node;

	for (const struct tree_node *n = t->top; n; n = n->next)
		if (slice_is(n->step, "_id"))
			return;
	if (t->without_id)
		return;
	node = arena_new(t->p->arena, struct tree_node);
	node->step = SLICE("_id");
	node->is_leaf = true;
	node->next = t->top;
	t->top = node;
}

void
stage_make_whole(struct pipe *p)
{
	bool scored = p->scored;
	unsigned n;

	if (p->whole)
		return;
	stage_settle(p);
	n = stage_open(p);
	sql_add(p->s, scored ? "SELECT score, mpcloud.whole(_id, doc) AS doc"
			     : "SELECT mpcloud.whole(_id, doc) AS doc");
	stage_from(p);
	sql_add(p->s, " OFFSET 0");
	stage_close(p, n);
	stage_made(p);
	p->scored = scored;
}

static int
put(struct tree *t)
{
	struct pipe *p = t->p;
	bool scored = p->scored;
	struct sql_from from;
	char alias[16];
	unsigned n;

	if (t->mode == TREE_PICK) {
		include_id(t);
	} else {
		stage_settle(p);
		if (t->names_id && t->mode == TREE_ADD)
			stage_make_whole(p);
	}
	from = stage_document(p);
	(void)snprintf(alias, sizeof(alias), "s%u", p->last);
	n = stage_open(p);
	sql_add(p->s, "SELECT ");
	p->whole |= t->mode == TREE_PICK || t->without_id;
	stage_put_id(p, alias);
	put_shape(t, &from);
	sql_add(p->s, " AS doc");
	stage_from(p);
	sql_add(p->s, " OFFSET 0");
	stage_close(p, n);
	p->info = NULL;
	if (t->mode == TREE_PICK || t->without_id) {
		stage_made(p);
		p->scored = scored;
	}
	return 0;
}

int
stage_put_project(struct pipe *p, const json_t *v)
{
	struct tree t = {.p = p, .stage = "$project"};
	int r;

	if (!json_is_object(v) || json_object_size(v) == 0)
		return stage_wrong(p, "$project specification must be an "
				      "object with at least one field");
	r = tree_read(&t, v);
	if (r < 0)
		return r;
	if (!t.has_mode)
		t.mode = t.names_id ? TREE_PICK : TREE_OMIT;
	return put(&t);
}

int
stage_put_add_fields(struct pipe *p, const json_t *v)
{
	struct tree t = {.p = p, .stage = "$addFields", .mode = TREE_ADD};
	int r;

	if (!json_is_object(v) || json_object_size(v) == 0)
		return stage_wrong(p, "$addFields specification stage must be "
				      "an object with at least one field");
	r = tree_read(&t, v);
	return r < 0 ? r : put(&t);
}

int
stage_put_unset(struct pipe *p, const json_t *v)
{
	struct tree t = {.p = p, .stage = "$unset", .mode = TREE_OMIT};
	_json_ json_t *list =
		json_is_array(v) ? json_deep_copy(v) : json_pack("[O]", v);
	struct path path;
	json_t *item;
	size_t i;
	int r = 0;

	if (json_array_size(list) == 0)
		return stage_wrong(p, "$unset specification must be a string "
				      "or an array with at least one field");
	json_array_foreach (list, i, item) {
		struct slice name = slice_str(
			arena_str(p->arena, slice_of(json_string_value(item),
						    json_string_length(item))));

		if (!json_is_string(item))
			return stage_wrong(p, "$unset specification must be a "
					      "string or an array of strings");
		r = path_parse(&path, name, p->arena, p->why);
		if (r == 0)
			r = tree_add_flag(&t, &path, false);
		if (r < 0)
			return r;
	}
	return put(&t);
}

static int
put_root(struct pipe *p, const json_t *v, const char *stage)
{
	struct sql_from from = stage_document(p);
	struct expr *e;
	unsigned n;
	int r = stage_expr(p, v, &e);

	if (r < 0)
		return r;
	n = stage_open(p);
	sql_add(p->s, "SELECT mpcloud.stage_root(");
	sql_expr(p->s, e, &from);
	buf_printf(&p->s->text, ", '%s') AS doc", stage);
	stage_from(p);
	sql_add(p->s, " OFFSET 0");
	stage_close(p, n);
	stage_made(p);
	return 0;
}

int
stage_put_replace_root(struct pipe *p, const json_t *v)
{
	const json_t *root = json_object_get(v, "newRoot");

	if (!root || json_object_size(v) != 1)
		return stage_wrong(p, "$replaceRoot takes an object with "
				      "'newRoot'");
	return put_root(p, root, "newRoot");
}

int
stage_put_replace_with(struct pipe *p, const json_t *v)
{
	return put_root(p, v, "replacement document");
}

/* One step is a member; more are a way through objects and arrays. */
void
stage_open_member(struct pipe *p, const char *doc, const struct path *path)
{
	struct sql *s = p->s;

	if (path->count == 1) {
		sql_add(s, doc);
		sql_add(s, " || jsonb_build_object(");
		sql_param_once(s, path->step[0], "text");
		sql_add(s, ", ");
		return;
	}
	sql_add(s, "mpcloud.stage_set(");
	sql_add(s, doc);
	sql_add(s, ", to_jsonb(");
	sql_param_path(s, path);
	sql_add(s, "), ");
}
