/*
 * Operators that bind variables: $let, $map, $filter, $reduce, $sortArray.
 *
 * Each is a correlated subselect; its rows' columns are the variables.  The
 * input is computed once, behind OFFSET 0, because its type is asked before it
 * is taken apart.
 */
#include "documents/expr_tree.h"

#include <stdio.h>

enum { VARS_TOP = 32, ALIAS_LEN = 24 };

static int
check_var(struct expr_parser *p, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 100 ||
		!(((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z') ||
			(name[0] & 0x80)) ||
		strpbrk(name, ".$"))
		return fault_set(p->why, ERR_DB_PARAM,
			"'%.60s' is not a valid name of a variable", name);
	return 0;
}

/* {"vars": {name: …}, "in": …}; the variables do not see one another. */
int
expr_read_let(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *vars = json_object_get(v, "vars");
	const json_t *in = json_object_get(v, "in");
	struct expr_scope scope[VARS_TOP];
	const struct expr_scope *outer = p->scope;
	const char *key;
	json_t *item;
	size_t n = 0;
	int r;

	if (!json_is_object(vars) || !in || json_object_size(v) != 2)
		return fault_set(p->why, ERR_DB_PARAM,
			"$let takes an object of 'vars' and 'in'");
	if (json_object_size(vars) > VARS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"$let may have %d variables", VARS_TOP);
	json_object_foreach ((json_t *)(uintptr_t)vars, key, item) {
		r = check_var(p, key);
		if (r == 0)
			r = expr_read_arg(p, item, e, key);
		if (r < 0)
			return r;
		scope[n] = (struct expr_scope){
			.name = key, .up = n ? &scope[n - 1] : outer};
		n++;
	}
	p->scope = n ? &scope[n - 1] : outer;
	r = expr_read_arg(p, in, e, NULL);
	p->scope = outer;
	return r;
}

/* The name under "as"; `this` when there is none. */
static int
read_as(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *as = json_object_get(v, "as");
	int r;

	if (as && !json_is_string(as))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s requires 'as' to be a string", e->op->name);
	e->name = as ? json_string_value(as) : "this";
	r = check_var(p, e->name);
	e->name = arena_str(p->arena, slice_str(e->name));
	return r;
}

static int
missing(struct expr_parser *p, const struct expr *e, const char *name)
{
	return fault_set(p->why, ERR_DB_PARAM, "Missing '%s' parameter to %s",
		name, e->op->name);
}

/* input, and an expression over each element of it. */
static int
read_over(struct expr_parser *p, const json_t *v, struct expr *e,
	const char *names, const char *inner)
{
	const json_t *input = json_object_get(v, "input");
	const json_t *in = json_object_get(v, inner);
	struct expr_scope scope = {.up = p->scope};
	int r;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s only supports an object as its argument",
			e->op->name);
	r = expr_check_names(p, v, e->op->name, names);
	if (r == 0)
		r = input ? expr_read_arg(p, input, e, "input")
			  : missing(p, e, "input");
	if (r == 0)
		r = read_as(p, v, e);
	if (r < 0)
		return r;
	if (!in)
		return missing(p, e, inner);
	scope.name = e->name;
	p->scope = &scope;
	r = expr_read_arg(p, in, e, inner);
	p->scope = scope.up;
	return r;
}

int
expr_read_map(struct expr_parser *p, const json_t *v, struct expr *e)
{
	return read_over(p, v, e, "input as in", "in");
}

int
expr_read_filter(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *limit = json_object_get(v, "limit");
	int r = read_over(p, v, e, "input as cond limit", "cond");

	return r == 0 && limit ? expr_read_arg(p, limit, e, "limit") : r;
}

int
expr_read_reduce(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *input = json_object_get(v, "input");
	const json_t *first = json_object_get(v, "initialValue");
	const json_t *in = json_object_get(v, "in");
	struct expr_scope this = {.name = "this", .up = p->scope};
	struct expr_scope value = {.name = "value", .up = &this};
	int r;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"$reduce requires an object as an argument");
	r = expr_check_names(p, v, "$reduce", "input initialValue in");
	if (r == 0 && (!input || !first || !in))
		return missing(p, e,
			!input   ? "input"
			: !first ? "initialValue"
				 : "in");
	if (r == 0)
		r = expr_read_arg(p, input, e, "input");
	if (r == 0)
		r = expr_read_arg(p, first, e, "initialValue");
	if (r < 0)
		return r;
	p->scope = &value;
	r = expr_read_arg(p, in, e, "in");
	p->scope = this.up;
	return r;
}

void
expr_put_let(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	unsigned depth = expr_depth(from), n = 0;
	char names[VARS_TOP][ALIAS_LEN];
	struct sql_var vars[VARS_TOP];
	struct sql_from inner = *from;
	const struct expr *at = e->args;

	for (; at->next; at = at->next, n++) {
		(void)snprintf(names[n], ALIAS_LEN, "xl%u.v%u", depth, n);
		vars[n] = (struct sql_var){.name = arena_str(s->arena, at->key),
			.sql = names[n],
			.next = inner.vars};
		inner.vars = &vars[n];
	}
	if (n == 0) {
		sql_expr(s, at, from);
		return;
	}
	sql_add(s, "(SELECT ");
	sql_expr(s, at, &inner);
	sql_add(s, " FROM (SELECT ");
	n = 0;
	for (at = e->args; at->next; at = at->next, n++) {
		sql_add(s, n ? ", " : "");
		sql_expr(s, at, from);
		buf_printf(&s->text, " AS v%u", n);
	}
	buf_printf(&s->text, " OFFSET 0) xl%u)", depth);
}

/* "(SELECT mpcloud.op_list('$map', input) AS a OFFSET 0) xm3" */
static void
put_input(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	sql_add(s, "(SELECT mpcloud.op_list('");
	sql_add(s, e->op->name);
	sql_add(s, "', ");
	sql_expr(s, e->args, from);
	buf_printf(&s->text, ") AS a OFFSET 0) xm%u", expr_depth(from));
}

static void
open_elements(struct sql *s, const struct sql_from *from)
{
	buf_printf(&s->text,
		"(SELECT CASE WHEN xm%u.a IS NULL THEN 'null'::jsonb ELSE "
		"(SELECT coalesce(jsonb_agg(",
		expr_depth(from));
}

static void
close_elements(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	sql_add(s, ") END FROM ");
	put_input(s, e, from);
	sql_add(s, ")");
}

/* Where an element is seen from, under the name that `e` gives it. */
static struct sql_from
element(const struct expr *e, const struct sql_from *from, struct sql_var *var,
	char room[ALIAS_LEN])
{
	struct sql_from inner = *from;

	(void)snprintf(room, ALIAS_LEN, "xe%u.v", expr_depth(from));
	*var = (struct sql_var){
		.name = e->name, .sql = room, .next = from->vars};
	inner.vars = var;
	return inner;
}

static void
put_elements(struct sql *s, const struct sql_from *from)
{
	unsigned depth = expr_depth(from);

	buf_printf(&s->text, " FROM jsonb_array_elements(xm%u.a) xe%u(v)",
		depth, depth);
}

void
expr_put_map(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	char room[ALIAS_LEN];
	struct sql_var var;
	struct sql_from inner = element(e, from, &var, room);

	open_elements(s, from);
	sql_expr(s, expr_arg(e, "in"), &inner);
	sql_add(s, "), '[]')");
	put_elements(s, from);
	close_elements(s, e, from);
}

void
expr_put_filter(
	struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const struct expr *limit = expr_arg(e, "limit");
	char room[ALIAS_LEN];
	struct sql_var var;
	struct sql_from inner = element(e, from, &var, room);

	sql_add(s, limit ? "mpcloud.op_filter_limit(" : "");
	open_elements(s, from);
	sql_add(s, room);
	sql_add(s, "), '[]')");
	put_elements(s, from);
	sql_add(s, " WHERE ");
	sql_expr_truth(s, expr_arg(e, "cond"), &inner);
	close_elements(s, e, from);
	if (!limit)
		return;
	sql_add(s, ", ");
	sql_expr(s, limit, from);
	sql_add(s, ")");
}

/* A row for each element, holding the value so far. */
void
expr_put_reduce(
	struct sql *s, const struct expr *e, const struct sql_from *from)
{
	unsigned depth = expr_depth(from);
	char item[2 * ALIAS_LEN], value[ALIAS_LEN];
	struct sql_var vars[2] = {
		{.name = "this", .sql = item, .next = from->vars},
		{.name = "value", .sql = value, .next = &vars[0]},
	};
	struct sql_from inner = *from;

	(void)snprintf(item, sizeof(item), "(xr%u.a -> xr%u.i)", depth, depth);
	(void)snprintf(value, sizeof(value), "xr%u.v", depth);
	inner.vars = &vars[1];
	buf_printf(&s->text,
		"(WITH RECURSIVE xr%u(i, a, v) AS (SELECT 0, "
		"mpcloud.op_list('$reduce', ",
		depth);
	sql_expr(s, e->args, from);
	sql_add(s, "), ");
	sql_expr(s, expr_arg(e, "initialValue"), from);
	buf_printf(&s->text, " UNION ALL SELECT xr%u.i + 1, xr%u.a, ", depth,
		depth);
	sql_expr(s, expr_arg(e, "in"), &inner);
	buf_printf(&s->text,
		" FROM xr%u WHERE xr%u.i < jsonb_array_length(xr%u.a)) "
		"SELECT CASE WHEN xr%u.a IS NULL THEN 'null'::jsonb ELSE "
		"xr%u.v END FROM xr%u ORDER BY xr%u.i DESC LIMIT 1)",
		depth, depth, depth, depth, depth, depth, depth);
}
