/*
 * Most queries demand a text of some field, or a key.  By that it is known
 * which queries a change can concern at all, and of those that demand nothing
 * else whether it fits: then nobody need be asked.  Texts are compared as the
 * database writes them, in documents and here alike.
 */
#include "base/mem.h"
#include "watch/watch_inside.h"
#include "watch/watch_text.h"

#include <string.h>

enum { SCRATCH_TOP = 512 << 20 };

/* A text as PostgreSQL writes it in a jsonb's text form. */
static char *
database_json(struct slice text)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	_buf_ struct buf b;

	buf_init(&b, 64 << 10);
	buf_char(&b, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		const char *at = c ? strchr(special, c) : NULL;

		if (at)
			buf_printf(&b, "\\%c", letters[at - special]);
		else if (c < 0x20)
			buf_printf(&b, "\\u%04x", c);
		else
			buf_char(&b, (char)c);
	}
	buf_char(&b, '"');
	return buf_check(&b) < 0 ? NULL : str_ndup(b.ptr, b.len);
}

/* The collection's place for a field; -1: there is no room. */
static int
place_of(struct watch_coll *coll, const char *quoted)
{
	for (int i = 0; i < WATCH_FIELDS; i++) {
		if (coll->field[i] && strcmp(coll->field[i], quoted) == 0)
			return i;
		if (!coll->field[i]) {
			coll->field[i] = str_dup(quoted);
			return i;
		}
	}
	return -1;
}

static bool
take_text(struct watch_one *one, const struct query *q)
{
	_free_ char *quoted = NULL;
	char *text;
	int field;

	if (one->hints == WATCH_HINTS || q->kind != VALUE_STRING ||
		q->path.count != 1 || q->path.has_index)
		return false;
	quoted = database_json(q->path.step[0]);
	text = quoted ? database_json(q->text) : NULL;
	field = text ? place_of(one->coll, quoted) : -1;
	if (field < 0) {
		(void)mem_free(text);
		return false;
	}
	one->hint[one->hints++] = (struct watch_hint){field, slice_str(text)};
	return true;
}

static bool
take_key(struct watch_one *one, const struct query *q)
{
	if (q->path.count != 1 || !q->text.ptr)
		return false;
	if (one->key)
		return slice_is(q->text, one->key);
	one->key = str_ndup(q->text.ptr, q->text.len);
	return true;
}

/* True: what it demands is all in the hints. */
static bool
take_in(struct watch_one *one, const struct query *q)
{
	bool all = true;

	switch (q->op) {
	case QUERY_ALL:
		return true;
	case QUERY_AND:
		for (const struct query *at = q->parts; at; at = at->next)
			all &= take_in(one, at);
		return all;
	case QUERY_EQ:
		return path_starts(&q->path, "_id") ? take_key(one, q)
						    : take_text(one, q);
	default:
		return false;
	}
}

static void
enter(struct watch_one *one)
{
	struct watch_index *x = &one->coll->index;
	const struct watch_hint *h = &one->hint[0];

	if (one->key)
		watch_index_put(x, &one->wanted,
			watch_index_hash(x, WATCH_BY_KEY, slice_str(one->key)),
			one);
	else if (one->hints)
		watch_index_put(x, &one->wanted,
			watch_index_hash(x, WATCH_BY_FIELD + (unsigned)h->field,
				h->text),
			one);
	else
		list_add(&one->coll->loose, &one->loose);
}

/* What the permission demands comes first: it parts users from each other. */
void
watch_hint_make(struct watch_one *one, const struct coll_info *info)
{
	const struct query *where, *allowed;
	struct sql s;

	sql_init(&s, &one->w->scratch);
	if (watch_sql_parts(one->w, one->want, info, &s, &where, &allowed) ==
		0) {
		one->exact = take_in(one, allowed);
		one->exact &= take_in(one, where);
		one->want->ordered |= query_near(where) != NULL;
	}
	sql_done(&s);
	arena_clear(&one->w->scratch, SCRATCH_TOP);
	enter(one);
}

void
watch_hint_free(struct watch_one *one)
{
	watch_index_del(&one->coll->index, &one->wanted);
	list_del(&one->loose);
	one->key = mem_free(one->key);
	while (one->hints)
		(void)mem_free(
			(char *)(uintptr_t)one->hint[--one->hints].text.ptr);
}

static struct slice
field_of(const struct watch_coll *coll, struct watch_row *row, int i)
{
	if (!row->found[i]) {
		row->found[i] = true;
		row->field[i] = text_field(row->doc, coll->field[i]);
	}
	return row->field[i];
}

/* An element of an array is meant, too: of these the database is asked. */
static enum watch_fit
judge_hint(const struct watch_one *one, struct watch_row *row,
	const struct watch_hint *h)
{
	struct slice value = field_of(one->coll, row, h->field);

	if (value.len && value.ptr[0] == '"')
		return slice_eq(value, h->text) ? WATCH_FITS : WATCH_FITS_NOT;
	if (value.len && value.ptr[0] == '[' &&
		memmem(value.ptr, value.len, h->text.ptr, h->text.len))
		return WATCH_FITS_MAYBE;
	return WATCH_FITS_NOT;
}

enum watch_fit
watch_hint_judge(const struct watch_one *one, struct watch_row *row)
{
	enum watch_fit fit = one->exact ? WATCH_FITS : WATCH_FITS_MAYBE;

	if (one->key && !slice_is(row->key, one->key))
		return WATCH_FITS_NOT;
	for (unsigned i = 0; i < one->hints && fit != WATCH_FITS_NOT; i++)
		fit = min(fit, judge_hint(one, row, &one->hint[i]));
	return fit;
}

void
watch_hint_look(struct watch_one *one, struct watch_commit *c)
{
	if (one->looked == one->w->look)
		return;
	one->looked = one->w->look;
	watch_one_commit(one, c);
}

static void
offer_to(struct watch_coll *coll, struct watch_commit *c, unsigned by,
	struct slice text)
{
	uint64_t hash = watch_index_hash(&coll->index, by, text);
	const struct list *all = watch_index_find(&coll->index, hash);

	list_for_each (at, all) {
		struct watch_entry *e =
			container_of(at, struct watch_entry, on);

		if (e->hash == hash)
			watch_hint_look(e->one, c);
	}
}

static void
offer_value(struct watch_coll *coll, struct watch_commit *c, unsigned by,
	struct slice value)
{
	struct text_members all;
	struct slice one;

	if (value.len && value.ptr[0] == '"')
		offer_to(coll, c, by, value);
	if (value.len == 0 || value.ptr[0] != '[')
		return;
	all = text_members(value);
	while (text_element(&all, &one))
		if (one.ptr[0] == '"')
			offer_to(coll, c, by, one);
}

void
watch_hint_offer(
	struct watch_coll *coll, struct watch_commit *c, struct watch_row *row)
{
	offer_to(coll, c, WATCH_BY_HELD, row->key);
	if (row->kind == CHANGE_DELETE)
		return;
	offer_to(coll, c, WATCH_BY_KEY, row->key);
	for (int i = 0; i < WATCH_FIELDS && coll->field[i]; i++)
		offer_value(coll, c, WATCH_BY_FIELD + (unsigned)i,
			field_of(coll, row, i));
}
