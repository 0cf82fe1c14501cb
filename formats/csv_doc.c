/*
 * Dotted names are a tree, built once from the first record; each record is a
 * walk over it.  Members of an object that has none are left out with it, and
 * "tags.0", "tags.1" … make an array.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/csv.h"
#include "formats/csv_type.h"

#include <stdio.h>

enum { TABLE_TOP = 16 << 20, CELL_TOP = 64 << 20, DEPTH_TOP = 50 };

struct node {
	struct slice name;
	struct node *child, *last, *next;
	size_t column; /* of one without children */
	bool is_array;
};

struct csv_table {
	struct arena arena;
	struct node root;
	size_t count;
	struct slice *names;
	const struct csv_type **types;
};

static int
bad_name(size_t column, struct slice name, struct fault *why, const char *what)
{
	return fault_set(why, ERR_FORMAT,
		"the first line: column %zu%s%.*s%s "
		"%s",
		column + 1, name.len ? " (\"" : "",
		(int)min(name.len, (size_t)60), name.ptr, name.len ? "\")" : "",
		what);
}

static struct node *
find_child(const struct node *n, struct slice name)
{
	for (struct node *c = n->child; c; c = c->next)
		if (slice_eq(c->name, name))
			return c;
	return NULL;
}

static struct node *
add_child(struct csv_table *t, struct node *n, struct slice name)
{
	struct node *c = arena_new(&t->arena, struct node);

	c->name = name;
	if (n->last)
		n->last->next = c;
	else
		n->child = c;
	n->last = c;
	return c;
}

static int
add_column(struct csv_table *t, size_t column, struct slice name,
	struct fault *why)
{
	struct slice rest = name, step;
	struct node *n = &t->root;
	unsigned depth = 0;

	if (!name.len)
		return bad_name(column, name, why, "has no name");
	if (name.ptr[0] == '.' || name.ptr[name.len - 1] == '.' ||
		memmem(name.ptr, name.len, "..", 2))
		return bad_name(column, name, why,
			"has a dot at an end, or two together");
	while (slice_split(&rest, '.', &step)) {
		struct node *c = find_child(n, step);

		if (++depth > DEPTH_TOP)
			return bad_name(
				column, name, why, "is nested too deep");
		if (c && (!c->child || !rest.len))
			return bad_name(column, name, why,
				"comes twice, or once as a value and once as "
				"an object");
		n = c ? c : add_child(t, n, step);
	}
	n->column = column;
	return 0;
}

/* All its names are 0, 1, 2 … */
static void
mark_arrays(struct node *n)
{
	size_t i = 0;
	bool all = n->child != NULL;

	for (struct node *c = n->child; c; c = c->next) {
		char number[24];

		(void)snprintf(number, sizeof(number), "%zu", i++);
		all = all && slice_is(c->name, number);
		mark_arrays(c);
	}
	n->is_array = all;
}

/* "name:type" */
static int
set_type(struct csv_table *t, struct slice given, struct fault *why)
{
	const char *colon = memrchr(given.ptr, ':', given.len);
	struct slice name = given, word = SLICE("");
	const struct csv_type *type;
	size_t i = 0;

	if (colon) {
		name.len = (size_t)(colon - given.ptr);
		word = slice_of(colon + 1, given.len - name.len - 1);
	}
	type = csv_type_find(word);
	if (!type)
		return fault_set(why, ERR_FORMAT,
			"--types: \"%.*s\" is not NAME:TYPE with one of auto, "
			"string, int, long, double, decimal, bool, date, oid, "
			"json",
			SLICE_ARG(given));
	while (i < t->count && !slice_eq(t->names[i], name))
		i++;
	if (i == t->count)
		return fault_set(why, ERR_FORMAT,
			"--types: no column is named \"%.*s\"",
			SLICE_ARG(name));
	t->types[i] = type;
	return 0;
}

static int
set_types(struct csv_table *t, const char *text, struct fault *why)
{
	struct slice rest = slice_str(text), one;
	int r = 0;

	while (r == 0 && text && slice_split(&rest, ',', &one))
		r = set_type(t, one, why);
	return r;
}

static int
take_names(
	struct csv_table *t, const struct csv_record *head, struct fault *why)
{
	_buf_ struct buf name = {0};
	int r = 0;

	buf_init(&name, 1 << 20);
	for (size_t i = 0; i < head->count && r == 0; i++) {
		struct slice s;

		buf_clear(&name);
		csv_unquote(&name, &head->cell[i]);
		s = slice_trim(buf_all(&name));
		if (!text_is_utf8(s) || memchr(s.ptr, '\0', s.len))
			return bad_name(i, slice_of("", 0), why,
				"is not UTF-8: save the file in that encoding");
		t->names[i] = slice_of(arena_str(&t->arena, s), s.len);
		t->types[i] = csv_type_find(SLICE("auto"));
		r = add_column(t, i, t->names[i], why);
	}
	return r;
}

int
csv_table_new(struct csv_table **ret, const struct csv_record *head,
	const char *given, struct fault *why)
{
	struct csv_table *t = mem_new(struct csv_table);
	int r;

	arena_init(&t->arena, TABLE_TOP);
	t->count = head->count;
	t->names = arena_get(&t->arena, t->count * sizeof(t->names[0]));
	t->types = arena_get(&t->arena, t->count * sizeof(t->types[0]));
	r = take_names(t, head, why);
	if (r == 0)
		r = set_types(t, given, why);
	if (r < 0) {
		(void)csv_table_free(t);
		return r;
	}
	mark_arrays(&t->root);
	t->root.is_array = false;
	*ret = t;
	return 0;
}

struct csv_table *
csv_table_free(struct csv_table *t)
{
	if (t)
		arena_done(&t->arena);
	return mem_free(t);
}

/* 1: put; 0: there is nothing to put. */
static int
put_cell(struct buf *to, const struct csv_table *t, size_t column,
	const struct csv_cell *cell, struct fault *why)
{
	_buf_ struct buf text = {0};
	struct slice s = cell->text;
	int r;

	if (!cell->quoted && !s.len)
		return 0;
	buf_init(&text, CELL_TOP);
	if (cell->quoted) {
		csv_unquote(&text, cell);
		s = buf_all(&text);
	}
	r = csv_put_typed(to, t->types[column], s, cell->quoted, why);
	if (r < 0)
		return fault_prefix(why, r, "column %.*s: ",
			(int)min(t->names[column].len, (size_t)80),
			t->names[column].ptr);
	return 1;
}

static int put_node(struct buf *to, const struct csv_table *t,
	const struct node *n, const struct csv_record *record,
	struct fault *why);

/* An array keeps its places as long as something follows. */
static int
put_children(struct buf *to, const struct csv_table *t, const struct node *n,
	const struct csv_record *record, struct fault *why)
{
	size_t from = to->len, put = 0, missing = 0;

	buf_char(to, n->is_array ? '[' : '{');
	for (const struct node *c = n->child; c; c = c->next) {
		size_t before = to->len;
		int r;

		for (size_t i = 0; n->is_array && i < missing; i++)
			buf_str(to, put + i ? ",null" : "null");
		if (put + (n->is_array ? missing : 0))
			buf_char(to, ',');
		if (!n->is_array) {
			buf_json(to, c->name);
			buf_char(to, ':');
		}
		r = put_node(to, t, c, record, why);
		if (r < 0)
			return r;
		if (r == 0) {
			to->len = before;
			missing++;
			continue;
		}
		put += 1 + (n->is_array ? missing : 0);
		missing = 0;
	}
	buf_char(to, n->is_array ? ']' : '}');
	if (put == 0)
		to->len = from;
	return put > 0;
}

static int
put_node(struct buf *to, const struct csv_table *t, const struct node *n,
	const struct csv_record *record, struct fault *why)
{
	if (n->child)
		return put_children(to, t, n, record, why);
	if (n->column >= record->count)
		return 0;
	return put_cell(to, t, n->column, &record->cell[n->column], why);
}

int
csv_put_doc(struct buf *to, const struct csv_table *t,
	const struct csv_record *record, struct fault *why)
{
	size_t from = to->len;
	int r;

	if (record->count > t->count)
		return fault_set(why, ERR_PARAM,
			"has %zu values, but the first line names %zu columns",
			record->count, t->count);
	r = put_children(to, t, &t->root, record, why);
	if (r < 0)
		to->len = from;
	else if (r == 0)
		buf_str(to, "{}");
	return r < 0 ? r : 0;
}
