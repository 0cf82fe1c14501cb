/*
 * What each operator makes of a value, as SQL.  The functions are in
 * routines/change.sql.
 */
#include "documents/query.h"
#include "documents/sql_from.h"
#include "documents/update_sql.h"

#include <stdio.h>

/* "FUNCTION(old, " */
static void
open_call(struct sql *s, const char *function, const char *old)
{
	sql_add(s, function);
	sql_add(s, old);
	sql_add(s, ", ");
}

/* ", the path for the error's sentence)" */
static void
close_call(struct sql *s, const struct update_item *i)
{
	sql_add(s, ", ");
	sql_param(s, i->name, "text");
	sql_add(s, ")");
}

static void
add_call(struct sql *s, const char *function, const char *old,
	const struct update_item *i)
{
	open_call(s, function, old);
	sql_param(s, i->value, "jsonb");
	close_call(s, i);
}

static void
add_extreme(struct sql *s, const char *function, const char *old,
	const struct update_item *i)
{
	open_call(s, function, old);
	sql_param(s, i->value, "jsonb");
	sql_add(s, ")");
}

/* One inside the other, the first innermost. */
static void
add_bits(struct sql *s, const char *old, const struct update_item *i)
{
	unsigned count = 0;

	while (i->bit[count].how)
		sql_add(s, "mpcloud.change_bit("), count++;
	sql_add(s, old);
	for (unsigned n = 0; n < count; n++) {
		sql_add(s, ", '");
		sql_add(s, i->bit[n].how);
		sql_add(s, "', ");
		sql_param_i64(s, i->bit[n].mask);
		close_call(s, i);
	}
}

static void
add_inserted(struct sql *s, const char *old, const struct update_item *i)
{
	if (!i->has_position) {
		add_call(s, "mpcloud.change_push(", old, i);
		return;
	}
	open_call(s, "mpcloud.change_insert(", old);
	sql_param(s, i->value, "jsonb");
	sql_add(s, ", ");
	sql_param_i64(s, i->position);
	close_call(s, i);
}

static void
add_sorted(struct sql *s, const char *old, const struct update_item *i)
{
	sql_add(s, "(SELECT coalesce(jsonb_agg(a.e ORDER BY ");
	for (const struct update_sort *by = i->sort; by; by = by->next) {
		sql_add(s, "mpcloud.key(a.e");
		if (by->by.count) {
			sql_add(s, " #> ");
			sql_param_path(s, &by->by);
		}
		sql_add(s, by->descends ? ") DESC, " : "), ");
	}
	sql_add(s, "a.n), '[]') FROM jsonb_array_elements(");
	add_inserted(s, old, i);
	sql_add(s, ") WITH ORDINALITY a(e, n))");
}

static void
add_push(struct sql *s, const char *old, const struct update_item *i)
{
	if (i->has_top)
		sql_add(s, "mpcloud.change_slice(");
	if (i->sort)
		add_sorted(s, old, i);
	else
		add_inserted(s, old, i);
	if (i->has_top) {
		sql_add(s, ", ");
		sql_param_i64(s, i->top);
		sql_add(s, ")");
	}
}

static void
add_pop(struct sql *s, const char *old, const struct update_item *i)
{
	open_call(s, "mpcloud.change_pop(", old);
	sql_add(s, i->position < 0 ? "-1" : "0");
	close_call(s, i);
}

/* The elements that do not fit a condition.  What is no array is refused
 * outside of the SELECT, which the planner may leave out. */
static void
add_pull_where(
	struct sql *s, const char *old, const struct update_item *i, unsigned n)
{
	char doc[UPDATE_WORD];
	const struct sql_from from = {.doc = doc};

	(void)snprintf(doc, sizeof(doc),
		i->is_object ? "e%u" : "jsonb_build_object('e', e%u)", n);
	buf_printf(&s->text,
		"CASE WHEN jsonb_typeof(%s) = 'array' THEN (SELECT coalesce("
		"jsonb_agg(e%u ORDER BY n%u), '[]') FROM jsonb_array_elements("
		"%s",
		old, n, n, old);
	buf_printf(
		&s->text, ") WITH ORDINALITY x%u(e%u, n%u) WHERE (", n, n, n);
	if (i->is_object)
		buf_printf(&s->text, "mpcloud.is_object(e%u) AND ", n);
	sql_query(s, i->where, &from);
	buf_printf(&s->text, ") IS NOT TRUE) WHEN %s IS NOT NULL THEN ", old);
	open_call(s, "mpcloud.change_list(", old);
	sql_add(s, "'$pull'");
	close_call(s, i);
	sql_add(s, " END");
}

static void
add_pull(struct sql *s, const char *old, const struct update_item *i,
	unsigned *numbers)
{
	if (i->where)
		add_pull_where(s, old, i, ++*numbers);
	else
		add_call(s, "mpcloud.change_pull(", old, i);
}

void
update_value(struct sql *s, const struct update_item *i, const char *old,
	unsigned *numbers)
{
	switch (i->op) {
	case UPDATE_SET:
		sql_param(s, i->value, "jsonb");
		break;
	case UPDATE_INC:
		add_call(s, "mpcloud.change_inc(", old, i);
		break;
	case UPDATE_MUL:
		add_call(s, "mpcloud.change_mul(", old, i);
		break;
	case UPDATE_MIN:
		add_extreme(s, "mpcloud.change_min(", old, i);
		break;
	case UPDATE_MAX:
		add_extreme(s, "mpcloud.change_max(", old, i);
		break;
	case UPDATE_BIT:
		add_bits(s, old, i);
		break;
	case UPDATE_PUSH:
		add_push(s, old, i);
		break;
	case UPDATE_POP:
		add_pop(s, old, i);
		break;
	case UPDATE_PULL:
		add_pull(s, old, i, numbers);
		break;
	case UPDATE_ADD_TO_SET:
		add_call(s, "mpcloud.change_add_to_set(", old, i);
		break;
	case UPDATE_UNSET:
	case UPDATE_MOVE:
	case UPDATE_EACH:
		break;
	}
}
