/*
 * Expressions, from JSON into a tree.
 *
 * What has no field and no operator in it is one literal in the stored form,
 * however deep it is; so a tree is no larger than what must be computed.  The
 * operators are rows of a table (expr_op.c); the few that bind variables or
 * choose between arguments have parsers of their own.
 */
#include "documents/expr.h"

#include "base/buf.h"
#include "documents/expr_tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { NODES_TOP = 4000, NESTING_TOP = 60 };

static int
too_big(struct expr_parser *p)
{
	(void)fault_set(p->why, ERR_TOO_BIG, "the request is too large");
	return ERR_TOO_BIG;
}

static struct slice
str(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

/* NULL when it cannot be, with the error in p->err. */
static struct expr *
make(struct expr_parser *p, enum expr_kind kind)
{
	struct expr *e = arena_try(p->arena, sizeof(*e));

	p->err = 0;
	if (++p->count > NODES_TOP)
		p->err = fault_set(p->why, ERR_DB_PARAM,
			"an expression may have %d parts", NODES_TOP);
	else if (!e)
		p->err = too_big(p);
	if (p->err || !e)
		return NULL;
	e->kind = kind;
	return e;
}

static int
read_literal(struct expr_parser *p, const json_t *v, struct expr **ret)
{
	struct expr *e = make(p, EXPR_LITERAL);

	if (!e)
		return p->err;
	*ret = e;
	return value_get(&e->value, v, p->arena, p->now_ms, p->why);
}

/* "a.b" after a $; nothing stands for the document itself. */
static int
read_path(struct expr_parser *p, struct slice text, struct expr *e)
{
	return text.len ? path_parse(&e->path, text, p->arena, p->why) : 0;
}

static int
read_now(struct expr_parser *p, struct expr *e)
{
	e->kind = EXPR_LITERAL;
	e->value = slice_str(
		arena_printf(p->arena, "{\"$date\":%" PRId64 "}", p->now_ms));
	return 0;
}

static bool
is_known(const struct expr_parser *p, struct slice name)
{
	for (const struct expr_scope *at = p->scope; at; at = at->up)
		if (slice_is(name, at->name))
			return true;
	if (!p->known)
		return true;
	for (const char *const *at = p->known; *at; at++)
		if (slice_is(name, *at))
			return true;
	return false;
}

/* "name.path" after $$ */
static int
read_var(struct expr_parser *p, struct slice text, struct expr **ret)
{
	struct slice rest = text, name = {0};
	struct expr *e = make(p, EXPR_VAR);

	if (!e)
		return p->err;
	(void)slice_split(&rest, '.', &name);
	*ret = e;
	if (slice_is(name, "NOW") && !rest.len)
		return read_now(p, e);
	if (slice_is(name, "REMOVE") && !rest.len) {
		e->kind = EXPR_MISSING;
		return 0;
	}
	if (slice_is(name, "CURRENT")) {
		e->kind = EXPR_FIELD;
		return read_path(p, rest, e);
	}
	if (name.len == 0 || name.len > 100 ||
		(!slice_is(name, "ROOT") && !is_known(p, name)))
		return fault_set(p->why, ERR_DB_PARAM,
			"use of an undefined variable: $$%.*s",
			(int)min(name.len, (size_t)60), name.ptr);
	e->name = arena_str(p->arena, name);
	return read_path(p, rest, e);
}

static int
read_string(struct expr_parser *p, const json_t *v, struct expr **ret)
{
	struct slice s = str(v);
	struct expr *e;

	if (!slice_starts(s, "$"))
		return read_literal(p, v, ret);
	if (slice_starts(s, "$$"))
		return read_var(p, slice_of(s.ptr + 2, s.len - 2), ret);
	if (s.len == 1)
		return fault_set(p->why, ERR_DB_PARAM,
			"'$' by itself is not a field's path");
	e = make(p, EXPR_FIELD);
	if (!e)
		return p->err;
	*ret = e;
	return read_path(p, slice_of(s.ptr + 1, s.len - 1), e);
}

int
expr_read_arg(struct expr_parser *p, const json_t *v, struct expr *e,
	const char *name)
{
	struct expr *arg = NULL, **at = &e->args;
	int r = expr_read(p, v, &arg);

	if (r < 0)
		return r;
	assert(arg);
	while (*at)
		at = &(*at)->next;
	*at = arg;
	arg->key = slice_str(name);
	return 0;
}

static const struct expr_op *
find_op(const char *name)
{
	for (size_t i = 0; i < expr_op_count; i++)
		if (strcmp(name, expr_ops[i].name) == 0)
			return &expr_ops[i];
	return NULL;
}

static int
read_op(struct expr_parser *p, const char *name, const json_t *v,
	struct expr **ret)
{
	const struct expr_op *op = find_op(name);
	struct expr *e = NULL;

	if (!op)
		return fault_set(p->why, ERR_DB_OPERATOR,
			"Unrecognized expression '%.60s'", name);
	e = make(p, EXPR_OP);
	if (!e)
		return p->err;
	*ret = e;
	e->op = op;
	if (op->parse)
		return op->parse(p, v, e);
	return expr_read_args(p, v, e);
}

static int
keep(struct expr_parser *p, const struct buf *text, struct expr *e)
{
	char *copy = arena_try(p->arena, text->len + 1);

	if (buf_check(text) < 0 || !copy)
		return too_big(p);
	memcpy(copy, text->ptr, text->len);
	e->kind = EXPR_LITERAL;
	e->value = slice_of(copy, text->len);
	return 0;
}

static bool
all_literal(const struct expr *e)
{
	for (const struct expr *at = e->args; at; at = at->next)
		if (at->kind != EXPR_LITERAL)
			return false;
	return true;
}

/* Nothing to compute: one value, put together from its parts. */
static int
fold(struct expr_parser *p, struct expr *e)
{
	bool is_array = e->kind == EXPR_ARRAY;
	_buf_ struct buf text = {0};

	if (!all_literal(e))
		return 0;
	buf_init(&text, VALUE_SIZE_TOP);
	buf_char(&text, is_array ? '[' : '{');
	for (const struct expr *at = e->args; at; at = at->next) {
		buf_str(&text, at == e->args ? "" : ",");
		if (!is_array) {
			buf_json(&text, at->key);
			buf_char(&text, ':');
		}
		buf_slice(&text, at->value);
	}
	buf_char(&text, is_array ? ']' : '}');
	return keep(p, &text, e);
}

/* An older dialect's expression and CloudBase's server date are values. */
static bool
is_value(const json_t *v)
{
	return value_is_tagged(v) || json_object_get(v, "$regex");
}

static int
read_members(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const char *key;
	json_t *item;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		if (key[0] == '$' || strchr(key, '.'))
			return fault_set(p->why, ERR_DB_PARAM,
				"an object in an expression has one operator, "
				"or names without $ and dots: %.60s",
				key);
		r = expr_read_arg(p, item, e, key);
		if (r < 0)
			return r;
	}
	return fold(p, e);
}

static int
read_object(struct expr_parser *p, const json_t *v, struct expr **ret)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	const char *first = at ? json_object_iter_key(at) : "";
	struct expr *e;

	if (is_value(v))
		return read_literal(p, v, ret);
	if (first[0] == '$') {
		if (json_object_size(v) != 1)
			return fault_set(p->why, ERR_DB_PARAM,
				"an object that stands for an expression must "
				"have exactly one field: %.60s",
				first);
		return read_op(p, first, json_object_iter_value(at), ret);
	}
	e = make(p, EXPR_OBJECT);
	if (!e)
		return p->err;
	*ret = e;
	return read_members(p, v, e);
}

static int
read_array(struct expr_parser *p, const json_t *v, struct expr **ret)
{
	struct expr *e = make(p, EXPR_ARRAY);
	int r;

	if (!e)
		return p->err;
	*ret = e;
	r = expr_read_list(p, v, e);
	return r < 0 ? r : fold(p, e);
}

int
expr_read(struct expr_parser *p, const json_t *v, struct expr **ret)
{
	int r;

	if (++p->depth > NESTING_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"an expression may be nested %d deep", NESTING_TOP);
	if (json_is_object(v)) {
		r = read_object(p, v, ret);
	} else if (json_is_array(v)) {
		r = read_array(p, v, ret);
	} else if (json_is_string(v)) {
		r = read_string(p, v, ret);
	} else {
		r = read_literal(p, v, ret);
	}
	p->depth--;
	return r;
}

int
expr_parse(struct expr **ret, const json_t *v, const char *const *vars,
	struct arena *arena, int64_t now_ms, struct fault *why)
{
	struct expr_parser p = {
		.arena = arena, .now_ms = now_ms, .why = why, .known = vars};
	struct expr *e = NULL;
	int r = expr_read(&p, v, &e);

	if (r == 0)
		*ret = e;
	return r;
}
