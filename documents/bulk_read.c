/*
 * Lines of Extended JSON → keys and stored documents, each as one parameter
 * whatever their number.  What cannot be stored is named by its line and its
 * field.
 */
#include "documents/bulk.h"

#include "base/mem.h"
#include "base/text.h"
#include "documents/sql.h"
#include "documents/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	KEYS_TOP = BULK_LINES_TOP * (2 * VALUE_ID_TOP + 8),
	REFUSED_TOP = 1 << 20,
	ID_LEN = 32,
};

/* A key and the line it stands on, to find those that come twice. */
struct seen {
	struct slice key;
	size_t at;
};

struct reading {
	struct bulk_batch *b;
	int64_t id_us, now_ms;
	size_t at; /* the line, from 0 */
	struct arena arena;
	struct seen *seen;
};

static const struct {
	const char *word;
	enum bulk_mode mode;
} modes[] = {
	{"insert", BULK_INSERT},
	{"upsert", BULK_UPSERT},
	{"replace", BULK_REPLACE},
	{"skip", BULK_SKIP},
};

int
bulk_mode_parse(struct slice word, enum bulk_mode *ret, struct fault *why)
{
	for (size_t i = 0; i < array_size(modes); i++)
		if (slice_is(word, modes[i].word)) {
			*ret = modes[i].mode;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"the mode is one of insert, upsert, replace, skip");
}

void
bulk_batch_init(struct bulk_batch *b)
{
	*b = (struct bulk_batch){0};
	buf_init(&b->keys, KEYS_TOP);
	buf_init(&b->docs, 2 * BULK_BYTES_TOP);
	buf_init(&b->refused, REFUSED_TOP);
}

void
bulk_batch_done(struct bulk_batch *b)
{
	buf_done(&b->keys);
	buf_done(&b->docs);
	buf_done(&b->refused);
}

void
bulk_refuse(struct bulk_batch *b, size_t at, const char *why)
{
	b->refused_count++;
	buf_printf(&b->refused,
		"%s{\"at\":%zu,\"why\":", b->refused.len ? "," : "", at);
	buf_json(&b->refused, slice_str(why));
	buf_char(&b->refused, '}');
}

/* The file's order is the order of the _ids that are made. */
static struct slice
make_id(struct reading *g)
{
	char chance[2 * 10 + 1];
	int64_t us = g->id_us + (int64_t)g->at;

	text_random_hex(chance, 10);
	return slice_str(
		arena_printf(&g->arena, "%08" PRIx64 "%05" PRIx64 "%.19s",
			us / 1000000 & 0xffffffff, us % 1000000, chance));
}

static int
take_key(struct reading *g, const json_t *doc, struct fault *why)
{
	const json_t *given = json_object_get(doc, "_id");
	struct seen *seen = &g->seen[g->b->count];
	struct slice key;
	int r = 0;

	if (given)
		r = value_key(&key, given, &g->arena, g->now_ms, why);
	else
		key = make_id(g);
	if (r < 0)
		return r;
	/* A text's key lies in the document, which ends before the batch. */
	seen->at = g->at;
	seen->key = slice_of(arena_str(&g->arena, key), key.len);
	buf_char(&g->b->keys, g->b->count ? ',' : '{');
	sql_array_item(&g->b->keys, seen->key);
	return 0;
}

static int
take_doc(struct reading *g, const json_t *doc, struct fault *why)
{
	struct buf *docs = &g->b->docs;
	size_t from = docs->len;
	int r;

	if (g->b->count)
		buf_char(docs, '\n');
	r = value_put_doc(docs, doc, NULL, g->now_ms, why);
	if (r < 0) {
		docs->len = from;
		docs->full = false;
	}
	return r;
}

/* Each line is a text of its own: "line 1" is none of the file's. */
static int
not_json(struct slice line, int err, struct fault *why)
{
	static const char head[] = "not valid JSON: line 1, ";
	char text[sizeof(why->text)];

	(void)snprintf(text, sizeof(text), "%s", why->text);
	if (strncmp(text, head, strlen(head)) == 0)
		(void)fault_set(
			why, err, "not valid JSON: %s", text + strlen(head));
	return ejson_blame(line, err, why);
}

static int
parse_again(struct slice line, json_t **ret, struct fault *why)
{
	_buf_ struct buf wide = {0};
	size_t values = BULK_VALUES_TOP;

	buf_init(&wide, 2 * BULK_BYTES_TOP);
	if (!ejson_widen(&wide, line))
		return not_json(line, ERR_JSON, why);
	if (val_parse_some(ret, buf_all(&wide), &values, why) < 0)
		return not_json(line, ERR_JSON, why);
	return 0;
}

static int
parse(struct slice line, json_t **ret, struct fault *why)
{
	size_t values = BULK_VALUES_TOP;
	int r = val_parse_some(ret, line, &values, why);

	if (r == ERR_TOO_BIG)
		return fault_set(why, r,
			"a document may have %d values at the most",
			BULK_VALUES_TOP);
	if (r < 0)
		r = parse_again(line, ret, why);
	if (r < 0)
		return r;
	if (!json_is_object(*ret))
		return fault_set(why, ERR_DB_PARAM,
			"a document is a JSON object: {\"name\": \"value\"}");
	return 0;
}

static int
take_line(struct reading *g, struct slice line, struct fault *why)
{
	_json_ json_t *doc = NULL;
	int r = parse(line, &doc, why);

	if (r == 0 && !ejson_is_plain(line))
		r = ejson_renew(&doc, why);
	if (r == 0)
		r = take_doc(g, doc, why);
	if (r == 0)
		r = take_key(g, doc, why);
	if (r == 0)
		g->b->count++;
	return r;
}

static int
by_key(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int r = memcmp(x->key.ptr, y->key.ptr, min(x->key.len, y->key.len));

	if (r == 0)
		r = (x->key.len > y->key.len) - (x->key.len < y->key.len);
	return r ? r : (x->at > y->at) - (x->at < y->at);
}

static void
find_again(struct reading *g, enum bulk_mode mode)
{
	struct bulk_batch *b = g->b;

	qsort(g->seen, b->count, sizeof(g->seen[0]), by_key);
	for (size_t i = 1; i < b->count; i++) {
		if (!slice_eq(g->seen[i - 1].key, g->seen[i].key))
			continue;
		if (mode == BULK_INSERT)
			bulk_refuse(b, g->seen[i].at,
				"a document before it has the same _id; --mode "
				"upsert, replace or skip says what becomes of "
				"it");
		else if (!b->again || g->seen[i].at < b->again)
			b->again = g->seen[i].at;
	}
}

static size_t
count_lines(struct slice lines)
{
	size_t n = 1;

	for (size_t i = 0; i < lines.len; i++)
		n += lines.ptr[i] == '\n';
	return n;
}

static void
read_all(struct reading *g, struct slice lines)
{
	struct slice line;

	for (; slice_split(&lines, '\n', &line); g->at++) {
		struct fault why = {0};
		int r;

		line = slice_trim(line);
		if (!line.len)
			continue;
		r = take_line(g, line, &why);
		if (r < 0)
			bulk_refuse(g->b, g->at, fault_text(&why, r));
	}
	if (g->b->count)
		buf_char(&g->b->keys, '}');
	else
		buf_str(&g->b->keys, "{}");
}

void
bulk_read(struct bulk_batch *b, enum bulk_mode mode, struct slice lines,
	int64_t id_us, int64_t now_ms)
{
	struct reading g = {.b = b, .id_us = id_us, .now_ms = now_ms};
	size_t count = count_lines(lines);

	if (count > BULK_LINES_TOP + 1) {
		bulk_refuse(b, BULK_LINES_TOP, "too many lines in one batch");
		return;
	}
	arena_init(&g.arena, KEYS_TOP);
	g.seen = mem_array(count, struct seen);
	read_all(&g, lines);
	find_again(&g, mode);
	(void)mem_free(g.seen);
	arena_done(&g.arena);
}
