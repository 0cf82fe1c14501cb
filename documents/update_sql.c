/*
 * An update as one expression, evaluated inside one UPDATE, so that it is
 * atomic:
 *
 *   mpcloud.change_put((doc || $1::jsonb || jsonb_build_object($2::text,
 *       mpcloud.change_inc((doc -> $2::text), …))) - $4::text[], $5::text[], …)
 *
 * Places do not overlap, so each operation reads what was there from the
 * document as it was ("doc", a short word), and only the writes wrap each
 * other.  The commonest, those of members of the document itself, are gathered
 * into one || and one -, which run at C's speed.  An array's element is where
 * another list of places begins, "e1".
 */
#include "documents/update_sql.h"

#include "documents/query.h"
#include "documents/sql_from.h"

#include <stdio.h>

/* Where a list of places begins. */
struct scope {
	const char *v;     /* SQL of the document or element */
	bool is_document;  /* an object, certainly */
	unsigned *numbers; /* see update_value */
};

static void add_scope(
	struct sql *s, const struct update_item *items, const struct scope *in);

static int
hold_path(struct sql *s, const struct path *path)
{
	_buf_ struct buf list;
	char *copy;

	buf_init(&list, 8192);
	for (unsigned i = 0; i < path->count; i++) {
		buf_char(&list, i ? ',' : '{');
		sql_array_item(&list, path->step[i]);
	}
	buf_char(&list, '}');
	copy = arena_try(s->arena, list.len + 1);
	if (!copy || buf_check(&list) < 0) {
		s->full = true;
		return s->count;
	}
	memcpy(copy, list.ptr, list.len);
	return sql_hold(s, slice_of(copy, list.len));
}

/* What #> would take for an index although MongoDB does not: "01", "-1". */
static bool
is_odd(const struct path *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct slice s = p->step[i];

		if (memchr("+- \t\n\v\f\r", s.ptr[0], 8) ||
			(s.ptr[0] == '0' && s.len > 1) ||
			(s.ptr[0] >= '0' && s.ptr[0] <= '9' && s.len > 9))
			return true;
	}
	return false;
}

/* A place and what stands there. */
struct place {
	int param; /* the path as text[], or the member's name as text */
	char old[UPDATE_WORD];
};

static void
find_place(struct sql *s, const struct update_item *i, const struct scope *in,
	struct place *ret)
{
	size_t room = sizeof(ret->old);

	if (i->path.count == 0) {
		ret->param = 0;
		(void)snprintf(ret->old, room, "%s", in->v);
	} else if (in->is_document && i->path.count == 1) {
		ret->param = sql_hold(s, i->path.step[0]);
		(void)snprintf(
			ret->old, room, "(%s -> $%d::text)", in->v, ret->param);
	} else if (is_odd(&i->path)) {
		ret->param = hold_path(s, &i->path);
		(void)snprintf(ret->old, room,
			"mpcloud.change_find(%s, $%d::text[])", in->v,
			ret->param);
	} else {
		ret->param = hold_path(s, &i->path);
		(void)snprintf(ret->old, room, "(%s #> $%d::text[])", in->v,
			ret->param);
	}
}

/* A condition on an array's element, "e" among its members. */
static void
add_condition(struct sql *s, const struct query *where, char letter, unsigned n)
{
	char doc[UPDATE_WORD];
	const struct sql_from from = {.doc = doc};

	(void)snprintf(
		doc, sizeof(doc), "jsonb_build_object('e', %c%u)", letter, n);
	sql_query(s, where, &from);
}

/* ", LATERAL (SELECT the number of the element that $ means AS m) m1" */
static void
add_matched(struct sql *s, const struct update_part *part,
	const struct update_item *i, const char *old, unsigned n)
{
	const struct query *const tries[] = {part->where, part->last};

	sql_add(s, ", LATERAL (SELECT mpcloud.change_matched(");
	for (size_t t = 0; t < array_size(tries); t++) {
		if (!tries[t]) {
			sql_add(s, "NULL, ");
			continue;
		}
		buf_printf(&s->text, "min(g%u) FILTER (WHERE ", n);
		add_condition(s, tries[t], 'f', n);
		sql_add(s, "), ");
	}
	sql_param(s, i->name, "text");
	buf_printf(&s->text,
		") AS m FROM jsonb_array_elements(CASE jsonb_typeof(%s) WHEN "
		"'array' THEN %s ELSE '[]' END) WITH ORDINALITY y%u(f%u, g%u) "
		"OFFSET 0) m%u",
		old, old, n, n, n, n);
}

/* ", LATERAL (SELECT the element as this part changes it OFFSET 0) z2(e2)":
 * from what the parts before made of it, e1, if element `each` fits. */
static void
add_part(struct sql *s, const struct update_part *part, unsigned each,
	unsigned n, unsigned *numbers)
{
	char before[UPDATE_WORD];
	const struct scope in = {.v = before, .numbers = numbers};

	(void)snprintf(before, sizeof(before), "e%u", n - 1);
	sql_add(s, ", LATERAL (SELECT ");
	if (part->which == UPDATE_WHERE) {
		sql_add(s, "CASE WHEN ");
		add_condition(s, part->where, 'e', each);
		sql_add(s, " THEN ");
	} else if (part->which == UPDATE_MATCHED) {
		buf_printf(&s->text, "CASE WHEN n%u = m%u.m THEN ", each, each);
	}
	add_scope(s, part->items, &in);
	if (part->which != UPDATE_ALL)
		buf_printf(&s->text, " ELSE e%u END", n - 1);
	buf_printf(&s->text, " OFFSET 0) z%u(e%u)", n, n);
}

static const char *
elements_of(const struct update_item *i)
{
	return i->parts->which == UPDATE_MATCHED ? "mpcloud.change_matchable("
						 : "mpcloud.change_elements(";
}

/* The array with its elements changed; NULL, so that it stays, when it has
 * none. */
static void
add_each(struct sql *s, const struct update_item *i, const char *old,
	unsigned *numbers)
{
	unsigned each = *numbers + 1, count = 0;
	const struct update_part *part;

	for (part = i->parts; part; part = part->next)
		count++;
	*numbers += 1 + count;
	buf_printf(&s->text,
		"(SELECT jsonb_agg(e%u ORDER BY n%u) FROM jsonb_array_elements("
		"%s%s, ",
		each + count, each, elements_of(i), old);
	sql_param(s, i->name, "text");
	buf_printf(
		&s->text, ")) WITH ORDINALITY x%u(e%u, n%u)", each, each, each);
	for (part = i->parts, count = 1; part; part = part->next, count++) {
		if (part->which == UPDATE_MATCHED)
			add_matched(s, part, i, old, each);
		add_part(s, part, each, each + count, numbers);
	}
	sql_add(s, ")");
}

static void
add_value(struct sql *s, const struct update_item *i, const char *old,
	unsigned *numbers)
{
	if (i->op == UPDATE_EACH)
		add_each(s, i, old, numbers);
	else
		update_value(s, i, old, numbers);
}

/* Members of the document that certainly get a value, or lose it. */
static bool
is_gathered(const struct update_item *i, const struct scope *in)
{
	return in->is_document && i->path.count == 1 && i->op != UPDATE_POP &&
	       i->op != UPDATE_PULL && i->op != UPDATE_MOVE &&
	       i->op != UPDATE_EACH;
}

/* ' || {"a": …, "b": …}' */
static void
add_sets(struct sql *s, const struct update_item *i, const struct scope *in)
{
	_buf_ struct buf all;

	buf_init(&all, VALUE_SIZE_TOP);
	for (; i; i = i->next) {
		if (!is_gathered(i, in) || i->op != UPDATE_SET || i->is_idle)
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

/* ' || jsonb_build_object($1::text, change(doc -> $1::text), …)' */
static void
add_members(struct sql *s, const struct update_item *i, const struct scope *in)
{
	enum { AT_ONCE = 40 }; /* a function takes 100 arguments */
	unsigned count = 0;

	for (; i; i = i->next) {
		struct place at;

		if (!is_gathered(i, in) || i->op == UPDATE_SET ||
			i->op == UPDATE_UNSET)
			continue;
		if (count && count % AT_ONCE == 0)
			sql_add(s, ")");
		find_place(s, i, in, &at);
		buf_printf(&s->text, "%s$%d::text, ",
			count % AT_ONCE ? ", " : " || jsonb_build_object(",
			at.param);
		update_value(s, i, at.old, in->numbers);
		count++;
	}
	if (count)
		sql_add(s, ")");
}

/* ' - {a,b}' */
static void
add_unsets(struct sql *s, const struct update_item *i, const struct scope *in)
{
	_buf_ struct buf all;

	buf_init(&all, VALUE_SIZE_TOP);
	for (; i; i = i->next) {
		if (!is_gathered(i, in) || i->op != UPDATE_UNSET)
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

/* A $set that mpcloud.change_put_all does together with its like. */
static bool
is_listed(const struct update_item *i, const struct scope *in)
{
	return i->op == UPDATE_SET && !is_gathered(i, in) && !is_odd(&i->path);
}

static void
put_listed(struct buf *to, const struct update_item *i)
{
	buf_str(to, to->len ? ",[[" : "[[[");
	for (unsigned n = 0; n < i->path.count; n++) {
		if (n)
			buf_char(to, ',');
		buf_json(to, i->path.step[n]);
	}
	buf_str(to, "],");
	buf_slice(to, i->value);
	buf_char(to, ']');
}

/* ', [[["a", "b"], value], …])' */
static void
add_listed(struct sql *s, const struct update_item *i, const struct scope *in)
{
	_buf_ struct buf all;

	buf_init(&all, VALUE_SIZE_TOP);
	for (; i; i = i->next)
		if (is_listed(i, in) && !i->is_idle)
			put_listed(&all, i);
	buf_char(&all, ']');
	sql_add(s, ", ");
	sql_param_buf(s, &all, "jsonb");
	sql_add(s, ")");
}

static bool
has_listed(const struct update_item *i, const struct scope *in)
{
	while (i && (!is_listed(i, in) || i->is_idle))
		i = i->next;
	return i != NULL;
}

/* What gets a function of its own around the document. */
static bool
is_wrapped(const struct update_item *i, const struct scope *in)
{
	return !i->is_idle && !is_gathered(i, in) && !is_listed(i, in);
}

/* The outermost function comes first in the text, its arguments last. */
static void
open_functions(
	struct sql *s, const struct update_item *i, const struct scope *in)
{
	if (!i)
		return;
	open_functions(s, i->next, in);
	if (is_wrapped(i, in))
		sql_add(s, i->op == UPDATE_UNSET ? "mpcloud.change_cut("
			   : is_odd(&i->path)    ? "mpcloud.change_put_odd("
						 : "mpcloud.change_put(");
}

/* ', $1::text[], value)' */
static void
close_function(
	struct sql *s, const struct update_item *i, const struct scope *in)
{
	struct place at;

	if (i->op == UPDATE_UNSET || i->op == UPDATE_MOVE) {
		sql_add(s, ", ");
		sql_param_path(s, &i->path);
	} else {
		struct scope deep = *in;

		deep.is_document = false;
		find_place(s, i, &deep, &at);
		buf_printf(&s->text, ", $%d::text[], ", at.param);
		add_value(s, i, at.old, in->numbers);
	}
	if (i->op == UPDATE_MOVE) {
		sql_add(s, ", mpcloud.change_moved(");
		sql_add(s, in->v);
		sql_add(s, ", ");
		sql_param_path(s, &i->moved);
		sql_add(s, ", ");
		sql_param_path(s, &i->path);
		sql_add(s, ")");
	}
	sql_add(s, ")");
}

/* An element as a whole. */
static void
add_whole(struct sql *s, const struct update_item *i, const struct scope *in)
{
	if (i->op == UPDATE_UNSET)
		sql_add(s, "'null'::jsonb");
	else
		add_value(s, i, in->v, in->numbers);
}

static void
add_scope(
	struct sql *s, const struct update_item *items, const struct scope *in)
{
	if (items->path.count == 0) {
		add_whole(s, items, in);
		return;
	}
	open_functions(s, items, in);
	if (has_listed(items, in))
		sql_add(s, "mpcloud.change_put_all(");
	sql_add(s, "((");
	sql_add(s, in->v);
	add_sets(s, items, in);
	add_members(s, items, in);
	sql_add(s, ")");
	add_unsets(s, items, in);
	sql_add(s, ")");
	if (has_listed(items, in))
		add_listed(s, items, in);
	for (const struct update_item *i = items; i; i = i->next)
		if (is_wrapped(i, in))
			close_function(s, i, in);
}

void
sql_update(struct sql *s, const struct update *u, const char *from)
{
	unsigned numbers = 0;
	const struct scope in = {
		.v = from, .is_document = true, .numbers = &numbers};

	if (u->items)
		add_scope(s, u->items, &in);
	else
		sql_add(s, from); /* only its _id is set */
}
