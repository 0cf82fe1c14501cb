/*
 * An update as one expression: each operation wraps the one before,
 *
 *   mpcloud.doc_inc((doc || $1::jsonb) - $2::text[], $3::text[], $4::jsonb)
 *
 * evaluated inside one UPDATE, so that it is atomic.  The commonest ones, $set
 * and $unset of members of the document itself, are gathered into one || and
 * one -, which run at C's speed; order does not matter, because the parser
 * refused overlapping places.
 */
#include "db/sql.h"
#include "db/update.h"

static const char *
function_of(enum update_op op)
{
	static const char *const names[] = {
		[UPDATE_SET] = "mpcloud.doc_put(",
		[UPDATE_UNSET] = "mpcloud.doc_cut(",
		[UPDATE_INC] = "mpcloud.doc_inc(",
		[UPDATE_MUL] = "mpcloud.doc_mul(",
		[UPDATE_MIN] = "mpcloud.doc_min(",
		[UPDATE_MAX] = "mpcloud.doc_max(",
		[UPDATE_PUSH] = "mpcloud.doc_push(",
		[UPDATE_POP] = "mpcloud.doc_pop(",
		[UPDATE_PULL] = "mpcloud.doc_pull(",
		[UPDATE_ADD_TO_SET] = "mpcloud.doc_add_to_set(",
		[UPDATE_RENAME] = "mpcloud.doc_rename(",
	};

	return names[op];
}

static bool
is_short(const struct update_item *i, enum update_op op)
{
	return i->op == op && i->path.count == 1;
}

/* ' || {"a": …, "b": …}' */
static void
add_sets(struct sql *s, const struct update *u)
{
	_buf_ struct buf all;

	buf_init(&all, VALUE_SIZE_TOP);
	for (const struct update_item *i = u->items; i; i = i->next) {
		if (!is_short(i, UPDATE_SET))
			continue;
		buf_char(&all, all.len ? ',' : '{');
		buf_json(&all, i->path.text);
		buf_char(&all, ':');
		buf_slice(&all, i->value);
	}
	if (all.len == 0)
		return;
	buf_char(&all, '}');
	sql_add(s, " || ");
	sql_param_buf(s, &all, "jsonb");
}

/* ' - {a,b}' */
static void
add_unsets(struct sql *s, const struct update *u)
{
	_buf_ struct buf all;

	buf_init(&all, VALUE_SIZE_TOP);
	for (const struct update_item *i = u->items; i; i = i->next) {
		if (!is_short(i, UPDATE_UNSET))
			continue;
		buf_char(&all, all.len ? ',' : '{');
		sql_array_item(&all, i->path.text);
	}
	if (all.len == 0)
		return;
	buf_char(&all, '}');
	sql_add(s, " - ");
	sql_param_buf(s, &all, "text[]");
}

static void
add_number(struct sql *s, bool has, int64_t n)
{
	sql_add(s, ", ");
	if (has)
		sql_param_i64(s, n);
	else
		sql_add(s, "NULL");
}

static void
add_push(struct sql *s, const struct update_item *i)
{
	sql_add(s, ", ");
	sql_param(s, i->value, "jsonb");
	add_number(s, i->has_place, i->place);
	add_number(s, i->has_top, i->top);
	if (!i->has_sort)
		sql_add(s, ", NULL");
	else if (i->by.count == 0)
		sql_add(s, ", '{}'");
	else
		sql_add(s, ", "), sql_param_path(s, &i->by);
	sql_add(s, i->descends ? ", TRUE)" : ", FALSE)");
}

static void
add_arguments(struct sql *s, const struct update_item *i)
{
	sql_add(s, ", ");
	sql_param_path(s, &i->path);
	switch (i->op) {
	case UPDATE_UNSET:
		sql_add(s, ")");
		break;
	case UPDATE_PUSH:
		add_push(s, i);
		break;
	case UPDATE_POP:
		sql_add(s, i->place < 0 ? ", -1)" : ", 0)");
		break;
	case UPDATE_RENAME:
		sql_add(s, ", ");
		sql_param_path(s, &i->to);
		sql_add(s, ")");
		break;
	default:
		sql_add(s, ", ");
		sql_param(s, i->value, "jsonb");
		sql_add(s, i->op == UPDATE_SET ? ", 1)" : ")");
	}
}

static bool
is_gathered(const struct update_item *i)
{
	return is_short(i, UPDATE_SET) || is_short(i, UPDATE_UNSET);
}

/* The outermost function comes first in the text, its arguments last. */
static void
open_functions(struct sql *s, const struct update_item *i)
{
	if (!i)
		return;
	open_functions(s, i->next);
	if (!is_gathered(i))
		sql_add(s, function_of(i->op));
}

void
sql_update(struct sql *s, const struct update *u, const char *from)
{
	open_functions(s, u->items);
	sql_add(s, "((");
	sql_add(s, from);
	add_sets(s, u);
	sql_add(s, ")");
	add_unsets(s, u);
	sql_add(s, ")");
	for (const struct update_item *i = u->items; i; i = i->next)
		if (!is_gathered(i))
			add_arguments(s, i);
}
