/*
 * The decoder: bytes in, callbacks out, nothing else; so it can be fuzzed.  A
 * table is described once, before its first row; what is described is kept by
 * its number.  Tables of other schemas are kept, too, so that their rows are
 * known to be nobody's.
 */
#include "db/pgoutput.h"

#include "base/mem.h"

#include <string.h>

/* The columns that we know: of collections, and of the table that defines them.
 */
enum column {
	COLUMN_ID,
	COLUMN_DOC,
	COLUMN_ENV,
	COLUMN_NAME,
	COLUMN_VERSION,
	COLUMNS
};

struct pgoutput_table {
	struct pgoutput_table *next;
	uint32_t number;
	struct slice schema, name;
	unsigned columns;
	int at[COLUMNS]; /* which it is; -1: none */
	bool ours, defines;
};

/* Left {NULL, 0}: null, or not sent because it did not change (TOAST). */
struct row {
	struct slice value[COLUMNS];
};

/* What is left of a message; big-endian as all of PostgreSQL's. */
struct bytes {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t
get(struct bytes *b, size_t count)
{
	uint64_t n = 0;

	if ((size_t)(b->end - b->at) < count) {
		b->bad = true;
		b->at = b->end;
		return 0;
	}
	while (count--)
		n = n << 8 | *b->at++;
	return n;
}

/* Ended by NUL. */
static struct slice
get_text(struct bytes *b)
{
	const uint8_t *nul =
		b->at < b->end ? memchr(b->at, 0, (size_t)(b->end - b->at))
			       : NULL;
	struct slice s = {(const char *)b->at, 0};

	if (!nul) {
		b->bad = true;
		return SLICE("");
	}
	s.len = (size_t)(nul - b->at);
	b->at = nul + 1;
	return s;
}

static struct slice
get_some(struct bytes *b, size_t len)
{
	struct slice s = {(const char *)b->at, len};

	if ((size_t)(b->end - b->at) < len) {
		b->bad = true;
		return SLICE("");
	}
	b->at += len;
	return s;
}

void
pgoutput_init(
	struct pgoutput *p, struct slice schema, const struct changes_ops *ops)
{
	*p = (struct pgoutput){.schema = schema, .ops = ops};
}

static void
table_free(struct pgoutput_table *t)
{
	(void)mem_free((char *)(uintptr_t)t->schema.ptr);
	(void)mem_free((char *)(uintptr_t)t->name.ptr);
	(void)mem_free(t);
}

void
pgoutput_done(struct pgoutput *p)
{
	for (size_t i = 0; i < array_size(p->bucket); i++)
		while (p->bucket[i]) {
			struct pgoutput_table *t = p->bucket[i];

			p->bucket[i] = t->next;
			table_free(t);
		}
	p->count = 0;
	p->inside = false;
}

static struct pgoutput_table **
place(struct pgoutput *p, uint32_t number)
{
	struct pgoutput_table **at = &p->bucket[number % array_size(p->bucket)];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static struct slice
keep(struct slice s)
{
	return slice_of(str_ndup(s.ptr, s.len), s.len);
}

static void
read_columns(struct pgoutput_table *t, struct bytes *b)
{
	static const char *const names[] = {[COLUMN_ID] = "_id",
		[COLUMN_DOC] = "doc",
		[COLUMN_ENV] = "env",
		[COLUMN_NAME] = "name",
		[COLUMN_VERSION] = "version"};

	t->columns = (unsigned)get(b, 2);
	for (unsigned k = 0; k < COLUMNS; k++)
		t->at[k] = -1;
	for (unsigned i = 0; i < t->columns && !b->bad; i++) {
		struct slice name;

		(void)get(b, 1); /* part of the key */
		name = get_text(b);
		(void)get(b, 8); /* type and modifier */
		for (unsigned k = 0; k < COLUMNS; k++)
			if (slice_is(name, names[k]))
				t->at[k] = (int)i;
	}
}

/* A description, which replaces an older one of the same number. */
static int
take_table(struct pgoutput *p, struct bytes *b)
{
	struct pgoutput_table *t = mem_new(struct pgoutput_table), **at;
	struct slice schema, name;

	t->number = (uint32_t)get(b, 4);
	schema = get_text(b);
	name = get_text(b);
	(void)get(b, 1); /* replica identity */
	t->schema = keep(schema);
	t->name = keep(name);
	read_columns(t, b);
	at = place(p, t->number);
	if (b->bad || (!*at && p->count >= PGOUTPUT_TABLES_TOP)) {
		table_free(t);
		return ERR_FORMAT;
	}
	t->ours = slice_eq(schema, p->schema) && t->at[COLUMN_ID] >= 0 &&
		  t->at[COLUMN_DOC] >= 0;
	t->defines = slice_is(schema, "mpcloud") &&
		     slice_is(name, "collections") && t->at[COLUMN_ENV] >= 0 &&
		     t->at[COLUMN_NAME] >= 0 && t->at[COLUMN_VERSION] >= 0;
	if (*at) {
		t->next = (*at)->next;
		table_free(*at);
	} else {
		p->count++;
	}
	*at = t;
	return 0;
}

static void
get_row(struct bytes *b, const struct pgoutput_table *t, struct row *ret)
{
	unsigned columns = (unsigned)get(b, 2);

	*ret = (struct row){0};
	if (columns != t->columns)
		b->bad = true;
	for (unsigned i = 0; i < columns && !b->bad; i++) {
		uint8_t kind = (uint8_t)get(b, 1);
		struct slice value = {NULL, 0};

		if (kind == 't')
			value = get_some(b, get(b, 4));
		else if (kind != 'n' && kind != 'u')
			b->bad = true;
		for (unsigned k = 0; k < COLUMNS; k++)
			if (t->at[k] == (int)i)
				ret->value[k] = value;
	}
}

static struct change
change_of(const struct pgoutput_table *t, enum change_kind kind)
{
	return (struct change){
		.kind = kind, .schema = t->schema, .table = t->name};
}

static int
tell_row(struct pgoutput *p, const struct pgoutput_table *t,
	enum change_kind kind, const struct row *old, const struct row *new)
{
	struct change c = change_of(t, kind);

	c.id = new->value[COLUMN_ID];
	c.old_id = old->value[COLUMN_ID];
	if (kind != CHANGE_DELETE)
		c.doc = new->value[COLUMN_DOC];
	if (!c.id.ptr)
		return ERR_FORMAT; /* the key is never null */
	if (c.old_id.ptr && slice_eq(c.old_id, c.id))
		c.old_id = (struct slice){NULL, 0};
	p->ops->on_change(p->ops->owner, &c);
	return 0;
}

/* Of an environment, whose schema is env_ and its name. */
static int
define(struct pgoutput *p, const struct row *row, bool gone)
{
	struct slice env = row->value[COLUMN_ENV],
		     name = row->value[COLUMN_NAME];
	struct slice word = row->value[COLUMN_VERSION];
	size_t head = strlen("env_");
	uint64_t version = 0;

	if (!env.ptr || !name.ptr ||
		(!gone && slice_to_u64(word, INT64_MAX, &version) < 0))
		return ERR_FORMAT;
	if (slice_starts(p->schema, "env_") && p->ops->on_define &&
		slice_eq(env,
			slice_of(p->schema.ptr + head, p->schema.len - head)))
		p->ops->on_define(p->ops->owner, name, (int64_t)version);
	return 0;
}

static int
define_row(struct pgoutput *p, enum change_kind kind, const struct row *old,
	const struct row *new)
{
	int r = 0;

	if (old->value[COLUMN_NAME].ptr)
		r = define(p, old, true);
	if (r == 0)
		r = define(p, new, kind == CHANGE_DELETE);
	return r;
}

/* I, U, D */
static int
take_row(struct pgoutput *p, uint8_t type, struct bytes *b)
{
	const struct pgoutput_table *t = *place(p, (uint32_t)get(b, 4));
	enum change_kind kind = type == 'I'   ? CHANGE_INSERT
				: type == 'U' ? CHANGE_UPDATE
					      : CHANGE_DELETE;
	uint8_t part = (uint8_t)get(b, 1);
	struct row old = {0}, new;

	if (!t || b->bad || !p->inside)
		return ERR_FORMAT;
	if (kind == CHANGE_UPDATE && (part == 'K' || part == 'O')) {
		get_row(b, t, &old);
		part = (uint8_t)get(b, 1);
	}
	if (kind == CHANGE_DELETE ? part != 'K' && part != 'O' : part != 'N')
		return ERR_FORMAT;
	get_row(b, t, &new);
	if (b->bad || b->at != b->end)
		return ERR_FORMAT;
	if (t->defines)
		return define_row(p, kind, &old, &new);
	return t->ours ? tell_row(p, t, kind, &old, &new) : 0;
}

static int
take_truncate(struct pgoutput *p, struct bytes *b)
{
	uint32_t count = (uint32_t)get(b, 4);

	(void)get(b, 1); /* CASCADE, RESTART IDENTITY */
	if (!p->inside || (size_t)(b->end - b->at) != (size_t)count * 4)
		return ERR_FORMAT;
	while (count--) {
		const struct pgoutput_table *t = *place(p, (uint32_t)get(b, 4));
		struct change c;

		if (!t)
			return ERR_FORMAT;
		c = change_of(t, CHANGE_TRUNCATE);
		if (t->ours)
			p->ops->on_change(p->ops->owner, &c);
	}
	return 0;
}

static int
take_begin(struct pgoutput *p, struct bytes *b)
{
	uint64_t lsn = get(b, 8);
	uint32_t xid;

	(void)get(b, 8); /* time */
	xid = (uint32_t)get(b, 4);
	if (b->bad || b->at != b->end || p->inside)
		return ERR_FORMAT;
	p->inside = true;
	p->ops->on_begin(p->ops->owner, xid, lsn);
	return 0;
}

static int
take_commit(struct pgoutput *p, struct bytes *b)
{
	uint64_t lsn, end;

	(void)get(b, 1); /* flags */
	lsn = get(b, 8);
	end = get(b, 8);
	(void)get(b, 8); /* time */
	if (b->bad || b->at != b->end || !p->inside)
		return ERR_FORMAT;
	p->inside = false;
	p->end = end;
	p->ops->on_commit(p->ops->owner, lsn);
	return 0;
}

/* M: of anybody, of whom only one prefix is ours. */
static int
take_said(struct pgoutput *p, struct bytes *b)
{
	struct slice prefix, text;

	(void)get(b, 1 + 8); /* in a transaction?; where */
	prefix = get_text(b);
	text = get_some(b, get(b, 4));
	if (b->bad || b->at != b->end)
		return ERR_FORMAT;
	if (p->ops->on_message && slice_is(prefix, CHANGES_PREFIX))
		p->ops->on_message(p->ops->owner, text);
	return 0;
}

int
pgoutput_take(struct pgoutput *p, struct slice message)
{
	struct bytes b = {(const uint8_t *)message.ptr,
		(const uint8_t *)message.ptr + message.len, false};
	uint8_t type = (uint8_t)get(&b, 1);

	if (b.bad)
		return ERR_FORMAT;
	switch (type) {
	case 'B':
		return take_begin(p, &b);
	case 'C':
		return take_commit(p, &b);
	case 'R':
		return take_table(p, &b);
	case 'I':
	case 'U':
	case 'D':
		return take_row(p, type, &b);
	case 'T':
		return take_truncate(p, &b);
	case 'M':
		return take_said(p, &b);
	case 'Y': /* types, origins: nothing to us */
	case 'O':
		return 0;
	default:
		return ERR_FORMAT;
	}
}

uint64_t
pgoutput_u64(const char *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | (uint8_t)p[i];
	return n;
}

void
pgoutput_put_u64(char *to, uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		to[i] = (char)(n & 0xff);
}
