/*
 * What a request wants of an index follows from its shape (advise_want.c).  An
 * index that begins so already is no advice; of two pieces of advice one may be
 * the beginning of the other.
 */
#include "documents/advise.h"

#include "base/val.h"
#include "documents/advise_want.h"

#include <inttypes.h>
#include <string.h>

static const int64_t UNUSED_AFTER_MS = 24LL * 3600 * 1000;

struct advice {
	const json_t *facts;
	json_t *missing, *others, *unused;
};

static const char *
key_name(const json_t *keys, size_t i)
{
	const char *s = json_string_value(
		json_object_get(json_array_get(keys, i), "name"));

	return s ? s : "";
}

static const char *
key_way(const json_t *keys, size_t i)
{
	const char *s = json_string_value(
		json_object_get(json_array_get(keys, i), "direction"));

	return s ? s : "";
}

static bool
holds_name(const json_t *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(key_name(keys, i), name) == 0)
			return true;
	return false;
}

/* Does an index with `keys` begin with what `best` says?  The first `equals`
 * of them may stand in any order; the rest in their own, or all against it. */
static bool
covers(const json_t *keys, const json_t *best, size_t equals)
{
	size_t count = json_array_size(best);
	bool with = true, against = true;

	if (json_array_size(keys) < count)
		return false;
	for (size_t i = 0; i < equals; i++)
		if (!holds_name(keys, equals, key_name(best, i)))
			return false;
	for (size_t i = equals; i < count; i++) {
		bool same = strcmp(key_way(keys, i), key_way(best, i)) == 0;

		if (strcmp(key_name(keys, i), key_name(best, i)) != 0)
			return false;
		with &= same;
		against &= !same;
	}
	return with || against;
}

static const json_t *
indexes_of(const struct advice *a, const char *collection)
{
	return json_object_get(
		json_object_get(
			json_object_get(a->facts, "collections"), collection),
		"indexes");
}

/* The index that is there for it already, or NULL. */
static const char *
find_index(const struct advice *a, const char *collection, const json_t *best,
	size_t equals)
{
	json_t *index;
	size_t i;

	json_array_foreach (indexes_of(a, collection), i, index) {
		const char *state =
			json_string_value(json_object_get(index, "state"));

		if (!json_object_get(index, "partialFilterExpression") &&
			state && strcmp(state, "failed") != 0 &&
			covers(json_object_get(index, "keys"), best, equals))
			return json_string_value(
				json_object_get(index, "name"));
	}
	return NULL;
}

/* For a shell, in single quotes. */
static void
put_quoted(struct buf *to, struct slice s)
{
	buf_char(to, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\'')
			buf_str(to, "'\\'");
		buf_char(to, s.ptr[i]);
	}
	buf_char(to, '\'');
}

/* A name that needs no quotes stands without. */
static void
put_word(struct buf *to, const char *word)
{
	if (word[0] && word[0] != '-' &&
		word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
				  "STUVWXYZ0123456789._-")] == '\0')
		buf_str(to, word);
	else
		put_quoted(to, slice_str(word));
}

/* {"status":1,"createdAt":-1} */
static void
put_keys(struct buf *to, const json_t *keys)
{
	buf_char(to, '{');
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const char *way = key_way(keys, i);

		if (i)
			buf_char(to, ',');
		buf_json(to, slice_str(key_name(keys, i)));
		if (strlen(way) > 2)
			buf_printf(to, ":\"%s\"", way);
		else
			buf_printf(to, ":%s", way);
	}
	buf_char(to, '}');
}

static json_t *
create_command(const char *collection, const json_t *keys)
{
	_buf_ struct buf b = {0}, list = {0};

	buf_init(&b, 8192);
	buf_init(&list, 8192);
	put_keys(&list, keys);
	buf_str(&b, "mpcloud db index create ");
	put_word(&b, collection);
	buf_char(&b, ' ');
	put_quoted(&b, buf_all(&list));
	return json_stringn(b.ptr, b.len);
}

/* "find {…} by […]: seen 12 times, 840 ms each" */
static json_t *
reason(const json_t *slow, const char *also)
{
	static const char *const members[] = {"where", "order", "stages", NULL};
	_buf_ struct buf b = {0};

	buf_init(&b, 8192);
	buf_str(&b, val_text(slow, "verb"));
	for (const char *const *m = members; *m; m++) {
		const json_t *v = json_object_get(slow, *m);

		if (!v)
			continue;
		buf_printf(&b, " %s ", *m);
		val_put(&b, v);
	}
	if (json_is_true(json_object_get(slow, "own")))
		buf_str(&b, " of the caller's own");
	buf_printf(&b, ": seen %" PRId64 " times, %" PRId64 " ms each%s",
		val_number(slow, "times"), val_number(slow, "meanMs"), also);
	return json_stringn(b.ptr, b.len);
}

static void
add_number(json_t *to, const char *key, int64_t n)
{
	(void)json_object_set_new(
		to, key, json_integer(val_number(to, key) + n));
}

/* One is the beginning of the other: the longer stays. */
static json_t *
find_advice(struct advice *a, const char *collection, const json_t *keys)
{
	json_t *one;
	size_t i;

	json_array_foreach (a->missing, i, one) {
		json_t *had = json_object_get(one, "keys");

		if (strcmp(val_text(one, "collection"), collection) != 0)
			continue;
		if (covers(had, keys, 0))
			return one;
		if (covers(keys, had, 0)) {
			(void)json_object_set(
				one, "keys", (json_t *)(uintptr_t)keys);
			(void)json_object_set_new(one, "command",
				create_command(collection, keys));
			return one;
		}
	}
	return NULL;
}

static void
add_missing(struct advice *a, const json_t *slow, json_t *keys)
{
	const char *collection = val_text(slow, "collection");
	json_t *one = find_advice(a, collection, keys);

	if (!one) {
		one = json_pack("{s:s,s:O,s:o,s:[],s:i,s:i}", "collection",
			collection, "keys", keys, "command",
			create_command(collection, keys), "why", "seen", 0,
			"totalMs", 0);
		(void)json_array_append_new(a->missing, one);
	}
	(void)json_array_append_new(
		json_object_get(one, "why"), reason(slow, ""));
	add_number(one, "seen", val_number(slow, "times"));
	add_number(one, "totalMs", val_number(slow, "totalMs"));
}

static void
add_other(struct advice *a, const json_t *slow, const char *also)
{
	(void)json_array_append_new(a->others,
		json_pack("{s:s,s:o,s:I,s:I}", "collection",
			val_text(slow, "collection"), "why", reason(slow, also),
			"seen", (json_int_t)val_number(slow, "times"),
			"totalMs", (json_int_t)val_number(slow, "totalMs")));
}

static void
advise_place(struct advice *a, const json_t *slow, const char *place)
{
	_json_ json_t *keys = json_pack(
		"[{s:s,s:s}]", "name", place, "direction", "2dsphere");

	if (find_index(a, val_text(slow, "collection"), keys, 0))
		add_other(a, slow, "; its 2dsphere index is there");
	else
		add_missing(a, slow, keys);
}

static void
advise_want(struct advice *a, const json_t *slow, const struct advise_want *w,
	const json_t *order)
{
	_json_ json_t *keys = advise_want_keys(w, order);
	_buf_ struct buf also = {0};
	const char *has;

	buf_init(&also, 512);
	if (w->place && !w->by_id) {
		advise_place(a, slow, w->place);
		return;
	}
	if (w->by_id || json_array_size(keys) == 0) {
		add_other(a, slow,
			w->by_id ? "; it goes by _id already"
				 : "; it asks for nothing that an index finds");
		return;
	}
	has = find_index(a, val_text(slow, "collection"), keys,
		min((size_t)w->equals, json_array_size(keys)));
	if (!has) {
		add_missing(a, slow, keys);
		return;
	}
	buf_printf(&also,
		"; index %s is there: fewer documents or fields would help",
		has);
	add_other(a, slow, buf_all(&also).ptr);
}

/* An aggregation's beginning is a find. */
static void
from_stages(const json_t *slow, const json_t **where, const json_t **order)
{
	const json_t *stages = json_object_get(slow, "stages");
	const json_t *first = json_array_get(stages, 0);
	const json_t *match = json_object_get(first, "$match");

	if (!stages)
		return;
	*where = match;
	*order = json_object_get(
		match ? json_array_get(stages, 1) : first, "$sort");
}

static void
advise_one(struct advice *a, const json_t *slow)
{
	const json_t *where = json_object_get(slow, "where");
	const json_t *order = json_object_get(slow, "order");
	const json_t *either;
	struct advise_want w = {0};
	json_t *part;
	size_t i;

	if (strcmp(val_text(slow, "verb"), "insert") == 0) {
		add_other(a, slow, "; inserting needs no index");
		return;
	}
	from_stages(slow, &where, &order);
	if (json_is_true(json_object_get(slow, "own")))
		advise_want_equal(&w, "_openid");
	advise_want_read(&w, where, 0);
	either = json_object_get(where, "$or");
	if (w.equals + w.ranges || w.place || !json_array_size(either)) {
		advise_want(a, slow, &w, order);
		return;
	}
	json_array_foreach (either, i, part) {
		struct advise_want one = {0};

		advise_want_read(&one, part, 0);
		advise_want(a, slow, &one, NULL);
	}
}

static void
add_unused(struct advice *a, const char *collection, const json_t *index,
	int64_t now_ms)
{
	_buf_ struct buf b = {0};

	if (val_number(index, "uses") > 0 ||
		json_is_true(json_object_get(index, "unique")) ||
		json_object_get(index, "expireAfterSeconds") ||
		strcmp(val_text(index, "state"), "ready") != 0 ||
		now_ms - val_number(index, "createdAt") < UNUSED_AFTER_MS)
		return;
	buf_init(&b, 1024);
	buf_str(&b, "mpcloud db index drop ");
	put_word(&b, collection);
	buf_char(&b, ' ');
	put_word(&b, val_text(index, "name"));
	(void)json_array_append_new(a->unused,
		json_pack("{s:s,s:s,s:I,s:s}", "collection", collection, "name",
			val_text(index, "name"), "bytes",
			(json_int_t)val_number(index, "bytes"), "command",
			buf_all(&b).ptr));
}

int
advise_put(
	struct buf *to, struct slice facts, int64_t now_ms, struct fault *why)
{
	_json_ json_t *v = NULL, *answer = NULL;
	struct advice a;
	const char *name;
	json_t *one, *index;
	size_t i;
	int r = val_parse(&v, facts, why);

	if (r < 0)
		return r;
	a = (struct advice){v, json_array(), json_array(), json_array()};
	answer = json_pack("{s:o,s:o,s:o}", "missing", a.missing, "unused",
		a.unused, "others", a.others);
	json_array_foreach (json_object_get(v, "slow"), i, one)
		advise_one(&a, one);
	json_object_foreach (json_object_get(v, "collections"), name, one)
		json_array_foreach (json_object_get(one, "indexes"), i, index)
			add_unused(&a, name, index, now_ms);
	val_put(to, answer);
	return buf_check(to);
}
