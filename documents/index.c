/*
 * An index's names.  They follow from the collection's and the definition, so
 * that whoever plans a query and whoever made the index say the same without
 * asking one another: functions after the path or the condition they compute,
 * relations after the collection and the index.  Relations share a namespace
 * with tables and begin with "system.", which no collection may; what follows
 * the hash is for the operator's eyes.
 */
#include "documents/index.h"

#include "base/crypto.h"
#include "base/text.h"
#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"

#include <errno.h>
#include <string.h>

enum { HASH = 16, RELATION_HASH = 8, RELATION_TOP = 63 };

static void
put_hash(struct buf *to, struct slice text, size_t len)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(text, sum);
	text_hex(to, slice_of(sum, len));
}

static struct slice
keep(struct arena *arena, const struct buf *b)
{
	return slice_of(arena_str(arena, buf_all(b)), b->len);
}

/* "k_1f0c…": unquoted, without its schema. */
static struct slice
function_name(const char *prefix, struct slice what, struct arena *arena)
{
	_buf_ struct buf text = {0}, name = {0};

	buf_init(&text, 1 << 20);
	buf_init(&name, 128);
	buf_printf(&text, "%d %s ", INDEX_LAYOUT, prefix);
	buf_slice(&text, what);
	buf_str(&name, prefix);
	put_hash(&name, buf_all(&text), HASH);
	return keep(arena, &name);
}

static struct slice
quote(const struct coll *coll, struct slice name, struct arena *arena)
{
	_buf_ struct buf b = {0};

	buf_init(&b, 1024);
	sql_ident(&b, coll->schema);
	buf_char(&b, '.');
	sql_ident(&b, name);
	return keep(arena, &b);
}

static struct slice
relation_name(const struct coll *coll, struct slice name, struct arena *arena)
{
	_buf_ struct buf text = {0}, b = {0};
	size_t room;

	buf_init(&text, 1024);
	buf_init(&b, 128);
	buf_slice(&text, coll->name);
	buf_char(&text, '\0');
	buf_slice(&text, name);
	buf_str(&b, "system.i");
	put_hash(&b, buf_all(&text), RELATION_HASH);
	buf_char(&b, '.');
	room = min(RELATION_TOP - b.len, name.len);
	while (room < name.len &&
		((unsigned char)name.ptr[room] & 0xc0) == 0x80)
		room--; /* not inside a character */
	buf_add(&b, name.ptr, room);
	return keep(arena, &b);
}

static const struct kind {
	const char *direction;
	enum index_kind kind;
	const char *prefix; /* of its function */
} kinds[] = {
	{"1", INDEX_PLAIN, "k_"},
	{"-1", INDEX_PLAIN, "k_"},
	{"2dsphere", INDEX_GEO, "g_"},
	{"text", INDEX_TEXT, "t_"},
};

static const struct kind *
kind_of(const json_t *key)
{
	const char *way = json_string_value(json_object_get(key, "direction"));

	for (size_t i = 0; way && i < array_size(kinds); i++)
		if (strcmp(way, kinds[i].direction) == 0)
			return &kinds[i];
	return NULL;
}

static int
load_field(struct index_field *f, struct index_info *info,
	const struct coll *coll, const json_t *key, struct arena *arena,
	struct fault *why)
{
	const json_t *name = json_object_get(key, "name");
	const struct kind *kind = kind_of(key);
	int r;

	if (!json_is_string(name) || !kind)
		return fault_set(why, ERR_DB,
			"an index's definition is not of "
			"its form");
	r = path_parse(&f->path,
		slice_of(json_string_value(name), json_string_length(name)),
		arena, why);
	if (r < 0)
		return r;
	info->kind = kind->kind;
	f->descends = kind->direction[0] == '-';
	f->is_id = f->path.count == 1 && path_starts(&f->path, "_id");
	if (f->is_id)
		return 0;
	f->key = quote(
		coll, function_name(kind->prefix, f->path.text, arena), arena);
	f->keys =
		info->kind == INDEX_GEO
			? quote(coll, function_name("gq_", SLICE(""), arena),
				  arena)
			: quote(coll, function_name("ks_", f->path.text, arena),
				  arena);
	return 0;
}

/* The words of all fields are one thing. */
static void
name_words(struct index_info *info, struct index_field *fields,
	const struct coll *coll, struct arena *arena)
{
	_buf_ struct buf b = {0};

	if (info->kind != INDEX_TEXT)
		return;
	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < info->count; i++)
		buf_json(&b, fields[i].path.text);
	fields[0].key =
		quote(coll, function_name("t_", buf_all(&b), arena), arena);
}

static int
load_fields(struct index_info *info, const struct coll *coll,
	const json_t *keys, struct arena *arena, struct fault *why)
{
	size_t count = json_array_size(keys), i;
	struct index_field *fields;
	json_t *key;
	int r;

	if (count == 0 || count > INDEX_FIELDS)
		return fault_set(why, ERR_DB,
			"an index's definition has no "
			"fields");
	fields = arena_get(arena, count * sizeof(fields[0]));
	json_array_foreach (keys, i, key) {
		r = load_field(&fields[i], info, coll, key, arena, why);
		if (r < 0)
			return r;
	}
	info->fields = fields;
	info->count = (unsigned)count;
	name_words(info, fields, coll, arena);
	return 0;
}

/* What decides whether it holds a document, in one text. */
static struct slice
holds_text(const struct index_info *info, const json_t *partial,
	struct arena *arena)
{
	_buf_ struct buf b = {0};

	buf_init(&b, 1 << 20);
	for (unsigned i = 0; info->sparse && i < info->count; i++) {
		buf_json(&b, info->fields[i].path.text);
		buf_char(&b, ' ');
	}
	if (partial) {
		char *text = json_dumps(partial, JSON_COMPACT | JSON_SORT_KEYS);

		buf_str(&b, text ? text : "");
		free(text);
	}
	return keep(arena, &b);
}

/* Sparse matters to nobody unless it is unique too: the others hold all. */
static int
load_holds(struct index_info *info, const struct coll *coll,
	const json_t *definition, struct arena *arena, struct fault *why)
{
	const json_t *partial =
		json_object_get(definition, "partialFilterExpression");
	struct query *q;
	int r;

	info->sparse = info->unique &&
		       json_is_true(json_object_get(definition, "sparse"));
	if (partial) {
		r = query_parse(&q, partial, arena, 0, why);
		if (r < 0)
			return r;
		info->partial = q;
	}
	if (info->sparse || partial)
		info->holds = quote(coll,
			function_name(
				"p_", holds_text(info, partial, arena), arena),
			arena);
	return 0;
}

int
index_load(struct index_info **ret, const struct coll *coll, struct slice name,
	const json_t *definition, struct arena *arena, struct fault *why)
{
	struct index_info *info = arena_new(arena, struct index_info);
	const json_t *expire =
		json_object_get(definition, "expireAfterSeconds");
	int r;

	if (json_integer_value(json_object_get(definition, "layout")) !=
		INDEX_LAYOUT)
		return -ENOENT;
	info->name = slice_of(arena_str(arena, name), name.len);
	info->relation = relation_name(coll, name, arena);
	info->definition = definition;
	info->unique = json_is_true(json_object_get(definition, "unique"));
	info->expire_s = expire ? json_integer_value(expire) : -1;
	r = load_fields(
		info, coll, json_object_get(definition, "keys"), arena, why);
	if (r == 0)
		r = load_holds(info, coll, definition, arena, why);
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

bool
index_tell_duplicate(
	struct slice collection, const char *message, struct fault *why)
{
	const char *at = strstr(message, "\"system.i");
	const char *name = at ? strchr(at + 9, '.') : NULL;

	if (!name)
		return false;
	name++;
	(void)fault_set(why, ERR_DB_EXISTS,
		"[FailedOperation] E11000 duplicate key error collection: "
		"%.*s index: %.*s",
		SLICE_ARG(collection), (int)strcspn(name, "\""), name);
	return true;
}
