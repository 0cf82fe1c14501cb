/*
 * Picked and omitted fields are two trees; dotted names become branches, and
 * the broader of two that overlap wins.  What is made of fields comes after:
 *
 *   made(… sliced(omitted(picked(doc))))
 *
 * MongoDB refuses to pick and omit at once, but for _id; CloudBase's SDKs let
 * authors say it, and it has one sensible meaning.
 */
#include "documents/project.h"

#include "base/buf.h"
#include "documents/project_tree.h"
#include "documents/update.h"

enum { FIELDS_TOP = 200, TREE_TOP = 64 << 10, SLICE_TOP = 1 << 30 };

struct parse {
	const struct project_ask *ask;
	struct project *p;
	struct project_made **end;
	json_t *pick, *omit;
	struct fault *why;
	unsigned count;
	bool asks_id; /* {"_id": 1} */
};

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
				return ERR_TOO_BIG;
		}
		tree = next;
	}
	return 0;
}

static int
add_made(struct parse *p, enum project_kind kind, const struct path *path,
	struct project_made **ret)
{
	struct project_made *m = arena_try(p->ask->arena, sizeof(*m));

	if (!m) { /* so that gcc's analyzer sees an error */
		(void)fault_set(
			p->why, ERR_TOO_BIG, "the request is too large");
		return ERR_TOO_BIG;
	}
	m->kind = kind;
	m->path = *path;
	*p->end = m;
	p->end = &m->next;
	*ret = m;
	return 0;
}

/* n, or [skip, n] */
static int
put_slice(struct parse *p, const struct path *path, const json_t *v)
{
	const json_t *many = json_is_array(v) ? json_array_get(v, 1) : v;
	struct project_made *m = NULL;
	int r = add_made(p, MADE_SLICE, path, &m);

	if (r < 0)
		return r;
	m->has_skip = json_is_array(v);
	if ((m->has_skip && (json_array_size(v) != 2 ||
				    value_int(json_array_get(v, 0), -SLICE_TOP,
					    SLICE_TOP, &m->skip, NULL) < 0)) ||
		value_int(many, m->has_skip ? 1 : -SLICE_TOP, SLICE_TOP,
			&m->many, NULL) < 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"$slice takes a number of elements, or [skip, number]");
	return 0;
}

static int
check_top(struct parse *p, const struct path *path, const char *what)
{
	if (path->count == 1)
		return 0;
	return fault_set(p->why, ERR_DB_PARAM,
		"%s in a projection takes a field of the document itself, not "
		"%.*s",
		what, (int)min(path->text.len, (size_t)80), path->text.ptr);
}

static int
put_elem(struct parse *p, const struct path *path, const json_t *v)
{
	struct project_made *m = NULL;
	int r = check_top(p, path, "$elemMatch");

	if (r == 0)
		r = add_made(p, MADE_ELEM, path, &m);
	if (r < 0)
		return r;
	p->p->has_pick = true;
	return query_parse_elem(
		&m->elem, v, p->ask->arena, p->ask->now_ms, p->why);
}

/* "list.$": the first element that the condition's part about the list, or
 * "list.x", fits. */
static int
put_position(struct parse *p, const char *name)
{
	_json_ json_t *list = json_array();
	_json_ json_t *all = json_pack("{s:O}", "$and", list);
	struct path path;
	struct project_made *m = NULL;
	int r = path_parse(&path, slice_of(name, strlen(name) - strlen(".$")),
		p->ask->arena, p->why);

	if (r == 0)
		r = check_top(p, &path, "$");
	if (r == 0)
		r = update_match(list, p->ask->query, path.text, 0);
	if (r == 0 && json_array_size(list) == 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"%.80s in a projection shows what the query found "
			"there: the query must have a condition on that list",
			name);
	if (r == 0)
		r = add_made(p, MADE_ELEM, &path, &m);
	if (r < 0)
		return r;
	p->p->has_pick = true;
	m->is_wrapped = true;
	return query_parse(
		&m->elem, all, p->ask->arena, p->ask->now_ms, p->why);
}

static int
put_expr(struct parse *p, const struct path *path, const json_t *v)
{
	static const char *const none[] = {NULL};
	struct project_made *m = NULL;
	int r = add_made(p, MADE_EXPR, path, &m);

	if (r < 0)
		return r;
	if (path_starts(path, "_id"))
		return fault_set(
			p->why, ERR_DB_PARAM, "_id in a projection is 1 or 0");
	p->p->has_pick = true;
	return expr_parse(
		&m->expr, v, none, p->ask->arena, p->ask->now_ms, p->why);
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

static int
put_flag(struct parse *p, const struct path *path, const json_t *v)
{
	bool yes = value_is_true(v);

	if (path->count == 1 && path_starts(path, "_id")) {
		p->p->without_id = !yes;
		p->asks_id = yes;
		return 0;
	}
	p->p->has_pick |= yes;
	return add(yes ? p->pick : p->omit, path);
}

static int put_members(
	struct parse *p, const struct path *prefix, const json_t *v);

/* {"$slice": ["$list", 2]} is an expression. */
static bool
is_slice(const json_t *v)
{
	return json_is_array(v) ? is_flag(json_array_get(v, 0)) : is_flag(v);
}

static int
put_field(struct parse *p, const struct path *path, const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	const char *first = at ? json_object_iter_key(at) : "";

	if (is_flag(v))
		return put_flag(p, path, v);
	if (strcmp(first, "$slice") == 0 &&
		is_slice(json_object_iter_value(at)))
		return put_slice(p, path, json_object_iter_value(at));
	if (strcmp(first, "$elemMatch") == 0)
		return put_elem(p, path, json_object_iter_value(at));
	if (at && first[0] != '$')
		return put_members(p, path, v);
	if (json_is_object(v) && !at)
		return fault_set(p->why, ERR_DB_PARAM,
			"%.*s: a projection cannot be an empty object",
			(int)min(path->text.len, (size_t)80), path->text.ptr);
	return put_expr(p, path, v);
}

static bool
is_position(const char *name)
{
	size_t len = strlen(name);

	return len > 2 && strcmp(name + len - 2, ".$") == 0;
}

static int
put_member(struct parse *p, const struct path *prefix, const char *name,
	const json_t *v)
{
	struct slice text = slice_str(name);
	struct path path;
	int r;

	if (++p->count > FIELDS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"a projection may name %d fields", FIELDS_TOP);
	if (!prefix && is_position(name) && is_flag(v))
		return put_position(p, name);
	if (prefix)
		text = slice_str(arena_printf(p->ask->arena, "%.*s.%s",
			SLICE_ARG(prefix->text), name));
	r = path_parse(&path, text, p->ask->arena, p->why);
	return r < 0 ? r : put_field(p, &path, v);
}

static int
put_members(struct parse *p, const struct path *prefix, const json_t *v)
{
	const char *name;
	json_t *arg;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = put_member(p, prefix, name, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

/* _id alone is a pick, _id beside what is left out is not.  What is made of a
 * field needs the field; an expression makes its own. */
static int
pick_rest(struct parse *p)
{
	int r = 0;

	p->p->has_pick |= p->asks_id && json_object_size(p->omit) == 0;

	for (struct project_made *m = p->p->made; m && r == 0; m = m->next)
		if (m->kind == MADE_SLICE && p->p->has_pick)
			r = add(p->pick, &m->path);
	return r;
}

/* The _id that a document holds itself stays unless it is left out. */
static int
mind_id(struct parse *p)
{
	static struct slice step = {"_id", 3};
	const struct path id = {.text = {"_id", 3}, .step = &step, .count = 1};

	if (p->p->has_pick)
		return p->p->without_id ? 0 : add(p->pick, &id);
	return p->p->without_id ? add(p->omit, &id) : 0;
}

static int
keep(struct parse *p, struct slice *ret, const json_t *tree)
{
	_buf_ struct buf text;
	char *copy;

	buf_init(&text, TREE_TOP);
	val_put(&text, tree);
	copy = arena_try(p->ask->arena, text.len + 1);
	if (buf_check(&text) < 0 || !copy)
		return fault_set(
			p->why, ERR_TOO_BIG, "the projection is too large");
	memcpy(copy, text.ptr, text.len);
	*ret = slice_of(copy, text.len);
	return 0;
}

int
project_parse(
	struct project **ret, const struct project_ask *ask, struct fault *why)
{
	_json_ json_t *pick = json_object();
	_json_ json_t *omit = json_object();
	struct parse p = {.ask = ask, .pick = pick, .omit = omit, .why = why};
	int r;

	if (!json_is_object(ask->v))
		return fault_set(
			why, ERR_DB_PARAM, "a projection must be an object");
	p.p = arena_new(ask->arena, struct project);
	p.p->hides_openid = ask->hides_openid;
	p.end = &p.p->made;
	r = put_members(&p, NULL, ask->v);
	if (r == 0)
		r = pick_rest(&p);
	if (r == 0)
		r = mind_id(&p);
	p.p->cuts_openid = ask->hides_openid &&
			   (!p.p->has_pick || json_object_get(pick, "_openid"));
	if (r == 0 && p.p->has_pick)
		r = keep(&p, &p.p->pick, pick);
	if (r == 0 && json_object_size(omit))
		r = keep(&p, &p.p->omit, omit);
	if (r == 0)
		*ret = p.p;
	return r;
}

bool
project_without_id(const struct project *p)
{
	return p->without_id;
}
