/*
 * Expressions, from the tree into SQL.
 *
 * No argument's SQL is repeated, or texts would grow without end: what needs
 * a value twice is a function (routines/expr_*.sql) or binds it in a subselect.
 * Exceptions are a field, a variable and a literal, which are a few words each.
 */
#include "documents/expr_tree.h"

enum { ARGS_TOP = 40 }; /* PostgreSQL: 100 arguments of a function */

unsigned
expr_depth(const struct sql_from *from)
{
	unsigned n = 1;

	for (const struct sql_var *at = from->vars; at; at = at->next)
		n++;
	return n;
}

static const char *
find_var(const struct sql_from *from, const char *name)
{
	for (const struct sql_var *at = from->vars; at; at = at->next)
		if (strcmp(at->name, name) == 0)
			return at->sql;
	return NULL;
}

/* The document as expressions see it. */
static void
put_document(struct sql *s, const struct sql_from *from)
{
	if (from->id) {
		sql_add(s, "mpcloud.whole(");
		sql_add(s, from->id);
		sql_add(s, ", ");
	}
	sql_add(s, from->hides_openid ? "(" : "");
	sql_add(s, from->doc);
	sql_add(s, from->hides_openid ? " - '_openid')" : "");
	if (from->id)
		sql_add(s, ")");
}

/* "_id" of a document whose key stands beside it. */
static void
put_id(struct sql *s, const struct sql_from *from)
{
	sql_add(s, "coalesce(");
	sql_add(s, from->doc);
	sql_add(s, " -> '_id', to_jsonb(");
	sql_add(s, from->id);
	sql_add(s, "))");
}

/* PostgreSQL would take it for the index of an array. */
static bool
has_number(const struct path *path)
{
	for (unsigned i = 0; i < path->count; i++)
		if (strchr("+- 0123456789\t\n\v\f\r", path->step[i].ptr[0]))
			return true;
	return false;
}

/* Arrays on the way give one value for each of their objects: what #> finds
 * had none on its way, except where a step could be the index of one. */
static void
put_steps(struct sql *s, const char *base, const struct path *path)
{
	bool direct = !has_number(path);

	if (direct) {
		sql_add(s, "coalesce(");
		sql_add(s, base);
		sql_add(s, " #> ");
		sql_param_path(s, path);
		sql_add(s, ", ");
	}
	sql_add(s, "mpcloud.path_get(");
	sql_add(s, base);
	sql_add(s, ", ");
	sql_param_path(s, path);
	sql_add(s, direct ? "))" : ")");
}

static void
put_key(struct sql *s, const char *base, struct slice key)
{
	sql_add(s, "(");
	sql_add(s, base);
	sql_add(s, " -> ");
	sql_param_once(s, key, "text");
	sql_add(s, ")");
}

static void
put_root_path(
	struct sql *s, const struct path *path, const struct sql_from *from)
{
	struct path rest = *path;

	if (from->hides_openid && path_starts(path, "_openid")) {
		sql_add(s, "NULL::jsonb");
	} else if (from->id && path_starts(path, "_id")) {
		if (path->count == 1) {
			put_id(s, from);
			return;
		}
		rest.step++;
		rest.count--;
		sql_add(s, "mpcloud.path_get(");
		put_id(s, from);
		sql_add(s, ", ");
		sql_param_path(s, &rest);
		sql_add(s, ")");
	} else if (path->count == 1) {
		put_key(s, from->doc, path->step[0]);
	} else {
		put_steps(s, from->doc, path);
	}
}

static void
put_var(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const char *var = find_var(from, e->name);

	if (!var && strcmp(e->name, "ROOT") == 0) {
		if (e->path.count)
			put_root_path(s, &e->path, from);
		else
			put_document(s, from);
	} else if (!var && strcmp(e->name, "$meta") == 0) {
		sql_add(s, "mpcloud.refuse('query requires text score "
			   "metadata, but it is not available: begin the "
			   "pipeline with a $match of $text')");
	} else if (!var) {
		sql_add(s,
			"mpcloud.refuse('use of an undefined variable: ' || ");
		sql_param(s, slice_str(e->name), "text");
		sql_add(s, ")");
	} else if (e->path.count) {
		sql_add(s, "mpcloud.path_get(");
		sql_add(s, var);
		sql_add(s, ", ");
		sql_param_path(s, &e->path);
		sql_add(s, ")");
	} else {
		sql_add(s, var);
	}
}

static void
put_array(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	int n = 0;

	sql_add(s, "(jsonb_build_array(");
	for (const struct expr *at = e->args; at; at = at->next, n++) {
		if (n)
			sql_add(s, n % ARGS_TOP ? ", "
						: ") || jsonb_build_array(");
		sql_expr(s, at, from);
	}
	sql_add(s, "))");
}

/* Members that are always there, in one object. */
static int
put_present(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	int n = 0;

	for (const struct expr *at = e->args; at; at = at->next) {
		if (!expr_is_total(at))
			continue;
		if (n % ARGS_TOP == 0)
			sql_add(s, n ? ") || jsonb_build_object("
				     : "jsonb_build_object(");
		else
			sql_add(s, ", ");
		sql_param_once(s, at->key, "text");
		sql_add(s, ", ");
		sql_expr(s, at, from);
		n++;
	}
	if (n)
		sql_add(s, ")");
	return n;
}

/* jsonb_set is strict: a missing value makes no member. */
static void
put_members(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	bool first;

	sql_add(s, "(");
	first = put_present(s, e, from) == 0;
	for (const struct expr *at = e->args; at; at = at->next) {
		if (expr_is_total(at))
			continue;
		sql_add(s, first ? "" : " || ");
		sql_add(s, "coalesce(jsonb_set('{}', ARRAY[");
		sql_param_once(s, at->key, "text");
		sql_add(s, "], ");
		sql_expr(s, at, from);
		sql_add(s, "), '{}')");
		first = false;
	}
	sql_add(s, first ? "'{}'::jsonb)" : ")");
}

static void
put_args(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	for (const struct expr *at = e->args; at; at = at->next) {
		if (at != e->args)
			sql_add(s, ", ");
		if (at->key.len) {
			sql_add(s, "p_");
			buf_slice(&s->text, at->key);
			sql_add(s, " => ");
		}
		sql_expr(s, at, from);
	}
}

static const struct expr *
nth(const struct expr *e, char digit)
{
	const struct expr *at = e->args;

	for (; at && digit > '1'; digit--)
		at = at->next;
	return at;
}

/* One % of a template; returns what follows. */
static const char *
put_place(struct sql *s, const char *at, const struct expr *e,
	const struct sql_from *from)
{
	if (*at == '*') {
		put_args(s, e, from);
	} else if (*at == 'n') {
		sql_add(s, "'");
		sql_add(s, e->op->name);
		sql_add(s, "'");
	} else if (*at == 't') {
		sql_expr_truth(s, nth(e, *++at), from);
	} else {
		sql_expr(s, nth(e, *at), from);
	}
	return at + 1;
}

static void
put_op(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const char *at = e->op->sql, *mark;

	if (e->op->put) {
		e->op->put(s, e, from);
		return;
	}
	while ((mark = strchr(at, '%'))) {
		buf_add(&s->text, at, (size_t)(mark - at));
		at = put_place(s, mark + 1, e, from);
	}
	sql_add(s, at);
}

static bool
is_bool(const struct expr *e)
{
	return e->kind == EXPR_OP && e->op->flags & EXPR_IS_BOOL;
}

void
sql_expr(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	switch (e->kind) {
	case EXPR_LITERAL:
		sql_param(s, e->value, "jsonb");
		break;
	case EXPR_FIELD:
		if (e->path.count)
			put_root_path(s, &e->path, from);
		else
			put_document(s, from);
		break;
	case EXPR_VAR:
		put_var(s, e, from);
		break;
	case EXPR_MISSING:
		sql_add(s, "NULL::jsonb");
		break;
	case EXPR_ARRAY:
		put_array(s, e, from);
		break;
	case EXPR_OBJECT:
		put_members(s, e, from);
		break;
	case EXPR_OP:
		sql_add(s, is_bool(e) ? "to_jsonb(" : "");
		put_op(s, e, from);
		sql_add(s, is_bool(e) ? ")" : "");
		break;
	}
}

void
sql_expr_truth(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	if (is_bool(e)) {
		put_op(s, e, from);
		return;
	}
	sql_add(s, "mpcloud.truth(");
	sql_expr(s, e, from);
	sql_add(s, ")");
}
