/*
 * Definitions of indexes as people and tools write them.  CloudBase's console
 * and its API say {"IndexName", "MgoKeySchema"}, MongoDB's getIndexes {"key",
 * "name"}, our own files {"name", "keys"}: one is made of all.  A member that
 * is not known is refused by name, for it was meant.
 */
#include "documents/index.h"

#include "documents/query.h"
#include "documents/value.h"

#include <string.h>

struct define {
	json_t *to;
	json_t *keys;
	struct arena *arena;
	struct fault *why;
};

static int
refuse(struct define *d, const char *text)
{
	return fault_set(d->why, ERR_DB_PARAM, "an index: %s", text);
}

static const char *
direction_of(const json_t *v)
{
	static const struct {
		const char *said, *meant;
	} words[] = {{"1", "1"}, {"-1", "-1"}, {"asc", "1"}, {"desc", "-1"},
		{"2dsphere", "2dsphere"}, {"text", "text"}};
	int64_t n;

	if (!json_is_string(v)) {
		struct fault ignored;

		if (value_int(v, -1, 1, &n, &ignored) < 0 || n == 0)
			return NULL;
		return n < 0 ? "-1" : "1";
	}
	for (size_t i = 0; i < array_size(words); i++)
		if (strcmp(json_string_value(v), words[i].said) == 0)
			return words[i].meant;
	return NULL;
}

static int
add_key(struct define *d, const char *name, const json_t *direction)
{
	const char *way = direction_of(direction);
	struct path path;
	size_t i;
	json_t *at;
	int r;

	if (!name)
		return refuse(d, "each of its keys needs a name");
	if (!way)
		return fault_set(d->why, ERR_DB_PARAM,
			"an index: the direction of %.80s is 1, -1, 2dsphere "
			"or text",
			name);
	r = path_parse(&path, slice_str(name), d->arena, d->why);
	if (r < 0)
		return r;
	json_array_foreach (d->keys, i, at)
		if (strcmp(name, json_string_value(
					 json_object_get(at, "name"))) == 0)
			return fault_set(d->why, ERR_DB_PARAM,
				"an index: %.80s stands twice in its keys",
				name);
	(void)json_array_append_new(d->keys,
		json_pack("{s:s,s:s}", "name", name, "direction", way));
	return 0;
}

static const json_t *
first_of(const json_t *v, const char *const *names)
{
	for (; *names; names++) {
		const json_t *found = json_object_get(v, *names);

		if (found && !json_is_null(found))
			return found;
	}
	return NULL;
}

static const char *const name_words[] = {
	"name", "Name", "field", "fieldPath", NULL};
static const char *const direction_words[] = {
	"direction", "Direction", "order", NULL};

/* [{"name", "direction"}, …] */
static int
read_list(struct define *d, const json_t *list)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item) {
		r = add_key(d, json_string_value(first_of(item, name_words)),
			first_of(item, direction_words));
		if (r < 0)
			return r;
	}
	return r;
}

/* {"a": 1, "b": -1}; a text index of MongoDB's own says its fields as
 * weights. */
static int
read_object(struct define *d, const json_t *keys, const json_t *whole)
{
	const json_t *weights = json_object_get(whole, "weights");
	const char *name;
	json_t *v;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)keys, name, v) {
		if (strcmp(name, "_fts") == 0 || strcmp(name, "_ftsx") == 0)
			continue;
		r = add_key(d, name, v);
		if (r < 0)
			return r;
	}
	if (!json_object_get(keys, "_fts"))
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)weights, name, v) {
		_json_ json_t *text = json_string("text");

		r = add_key(d, name, text);
		if (r < 0)
			return r;
	}
	return r;
}

static int
read_keys(struct define *d, const json_t *v)
{
	static const char *const words[] = {
		"keys", "key", "MgoIndexKeys", NULL};
	const json_t *schema = json_object_get(v, "MgoKeySchema");
	const json_t *keys = first_of(schema ? schema : v, words);
	int r;

	if (json_is_array(keys))
		r = read_list(d, keys);
	else if (json_is_object(keys))
		r = read_object(d, keys, v);
	else
		return refuse(d, "needs \"keys\": [{\"name\": \"price\", "
				 "\"direction\": 1}, …]");
	if (r < 0)
		return r;
	if (json_array_size(d->keys) == 0 ||
		json_array_size(d->keys) > INDEX_FIELDS)
		return fault_set(d->why, ERR_DB_PARAM,
			"an index has 1 to %d fields", INDEX_FIELDS);
	return 0;
}

/* Members that mean nothing here are fine when they ask for nothing. */
static int
check_members(struct define *d, const json_t *v)
{
	static const char *const known[] = {"name", "IndexName", "keys", "key",
		"MgoKeySchema", "MgoIndexKeys", "MgoIsUnique", "MgoIsSparse",
		"unique", "sparse", "expireAfterSeconds",
		"partialFilterExpression", "v", "ns", "background", "weights",
		"2dsphereIndexVersion", "textIndexVersion", "default_language",
		"language_override", "layout", NULL};
	const char *name;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)v, name, member) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], name) != 0)
			i++;
		if (!known[i] && !json_is_null(member) &&
			!json_is_false(member))
			return fault_set(d->why, ERR_DB_PARAM,
				"an index: \"%.60s\" is not known here", name);
	}
	return 0;
}

static bool
is_asked(const json_t *v, const char *ours, const char *theirs)
{
	const json_t *schema = json_object_get(v, "MgoKeySchema");
	const json_t *own = json_object_get(v, ours);

	if (!own)
		own = json_object_get(schema ? schema : v, theirs);
	return own && value_is_true(own);
}

/* Conditions that say the same of a document at any time and for anybody. */
static int
check_partial(struct define *d, const struct query *q)
{
	int r = 0;

	switch (q->op) {
	case QUERY_ALL:
	case QUERY_AND:
	case QUERY_OR:
		for (q = q->parts; q && r == 0; q = q->next)
			r = check_partial(d, q);
		return r;
	case QUERY_EQ:
	case QUERY_GT:
	case QUERY_GTE:
	case QUERY_LT:
	case QUERY_LTE:
	case QUERY_IN:
	case QUERY_EXISTS:
		if (path_starts(&q->path, "_id"))
			return refuse(d, "partialFilterExpression may not "
					 "speak of _id");
		return 0;
	default:
		return refuse(d,
			"partialFilterExpression knows $eq, $gt, $gte, $lt, "
			"$lte, $in, $exists: true, $and and $or");
	}
}

static int
read_partial(struct define *d, const json_t *v)
{
	const json_t *partial = json_object_get(v, "partialFilterExpression");
	struct query *q;
	int r;

	if (!partial || json_is_null(partial) ||
		(json_is_object(partial) && json_object_size(partial) == 0))
		return 0;
	r = query_parse(&q, partial, d->arena, 0, d->why);
	if (r == 0)
		r = check_partial(d, q);
	if (r < 0)
		return r;
	return json_object_set_new(
		d->to, "partialFilterExpression", json_deep_copy(partial));
}

static int
read_expiry(struct define *d, const json_t *v)
{
	const json_t *expire = json_object_get(v, "expireAfterSeconds");
	const json_t *first = json_array_get(d->keys, 0);
	const char *way =
		json_string_value(json_object_get(first, "direction"));
	const char *name = json_string_value(json_object_get(first, "name"));
	int64_t s;

	if (!expire || json_is_null(expire))
		return 0;
	if (value_int(expire, 0, INT32_MAX, &s, d->why) < 0)
		return refuse(d, "expireAfterSeconds is a whole number of "
				 "seconds, 0 to 2147483647");
	if (json_array_size(d->keys) != 1 || strlen(way) > 2 ||
		strcmp(name, "_id") == 0)
		return refuse(d, "expireAfterSeconds needs an index on one "
				 "field that holds a date");
	(void)json_object_set_new(d->to, "expireAfterSeconds", json_integer(s));
	return 0;
}

/* Geo and text indexes stand alone. */
static int
check_kinds(struct define *d)
{
	unsigned plain = 0, geo = 0, text = 0;
	json_t *at;
	size_t i;

	json_array_foreach (d->keys, i, at) {
		const char *way =
			json_string_value(json_object_get(at, "direction"));

		geo += strcmp(way, "2dsphere") == 0;
		text += strcmp(way, "text") == 0;
		plain += strlen(way) <= 2;
	}
	if (geo > 1 || (geo && plain + text) || (text && plain))
		return refuse(d, "a 2dsphere index has one field, a text "
				 "index has text fields only");
	if (geo + text && json_object_get(d->to, "unique"))
		return refuse(d, "a 2dsphere or text index cannot be unique");
	return 0;
}

static void
name_by_keys(struct buf *to, const json_t *keys)
{
	json_t *at;
	size_t i;

	json_array_foreach (keys, i, at)
		buf_printf(to, "%s%s_%s", i ? "_" : "",
			json_string_value(json_object_get(at, "name")),
			json_string_value(json_object_get(at, "direction")));
}

static int
read_name(struct define *d, const json_t *v, struct slice *name)
{
	static const char *const words[] = {"name", "IndexName", NULL};
	const json_t *own = first_of(v, words);
	_buf_ struct buf b = {0};

	buf_init(&b, 4096);
	if (own && !json_is_string(own))
		return refuse(d, "its name is a text");
	if (own)
		buf_add(&b, json_string_value(own), json_string_length(own));
	else
		name_by_keys(&b, d->keys);
	if (b.len == 0 || b.len > INDEX_NAME_TOP || buf_check(&b) < 0 ||
		memchr(b.ptr, '\0', b.len))
		return fault_set(d->why, ERR_DB_PARAM,
			"an index's name has 1 to %d bytes: give it a "
			"\"name\"",
			INDEX_NAME_TOP);
	*name = slice_of(arena_str(d->arena, buf_all(&b)), b.len);
	return 0;
}

/* The key itself is always indexed. */
static bool
is_of_id(const json_t *keys)
{
	const json_t *first = json_array_get(keys, 0);

	return json_array_size(keys) == 1 &&
	       strcmp(json_string_value(json_object_get(first, "name")),
		       "_id") == 0;
}

int
index_define(json_t **ret, struct slice *name, const json_t *v,
	struct arena *arena, struct fault *why)
{
	_json_ json_t *to = json_object();
	struct define d = {.to = to, .arena = arena, .why = why};
	int r;

	if (!json_is_object(v))
		return refuse(&d, "a JSON object is wanted");
	d.keys = json_array();
	(void)json_object_set_new(to, "layout", json_integer(INDEX_LAYOUT));
	(void)json_object_set_new(to, "keys", d.keys);
	r = check_members(&d, v);
	if (r == 0)
		r = read_keys(&d, v);
	if (r < 0)
		return r;
	if (is_asked(v, "unique", "MgoIsUnique"))
		(void)json_object_set_new(to, "unique", json_true());
	if (is_asked(v, "sparse", "MgoIsSparse"))
		(void)json_object_set_new(to, "sparse", json_true());
	r = read_expiry(&d, v);
	if (r == 0)
		r = check_kinds(&d);
	if (r == 0)
		r = read_partial(&d, v);
	if (r == 0)
		r = read_name(&d, v, name);
	if (r < 0)
		return r;
	*ret = is_of_id(d.keys) ? NULL : take(to);
	return 0;
}
