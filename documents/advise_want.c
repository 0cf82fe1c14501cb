/*
 * A shape is read for what an index can find: equality and ranges by name, a
 * place, an order.  A name with a star stands for many and is passed over.
 */
#include "documents/advise_want.h"

#include <string.h>

enum { DEPTH_TOP = 12 };

static void
add_field(const char **list, unsigned *count, const char *name)
{
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(list[i], name) == 0)
			return;
	if (*count < ADVISE_FIELDS && !strchr(name, '*'))
		list[(*count)++] = name;
}

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static void
want_field(struct advise_want *w, const char *name, const json_t *v)
{
	static const char *const plain[] = {"string", "number", "boolean",
		"date", "objectId", "null", NULL};
	static const char *const equal[] = {"$eq", "$in", NULL};
	static const char *const range[] = {"$gt", "$gte", "$lt", "$lte", NULL};
	static const char *const place[] = {"$geoWithin", "$geoIntersects",
		"$near", "$nearSphere", "$geoNear", NULL};
	const char *op;
	json_t *arg;

	if (json_is_string(v) && is_one_of(json_string_value(v), plain)) {
		w->by_id |= strcmp(name, "_id") == 0;
		add_field(w->equal, &w->equals, name);
	}
	json_object_foreach ((json_t *)(uintptr_t)v, op, arg) {
		if (is_one_of(op, equal)) {
			w->by_id |= strcmp(name, "_id") == 0;
			add_field(w->equal, &w->equals, name);
		}
		if (is_one_of(op, range))
			add_field(w->range, &w->ranges, name);
		if (is_one_of(op, place))
			w->place = name;
	}
}

void
advise_want_read(struct advise_want *w, const json_t *where, unsigned depth)
{
	const char *name;
	json_t *v, *part;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)where, name, v) {
		if (name[0] != '$')
			want_field(w, name, v);
		if (strcmp(name, "$and") != 0 || depth > DEPTH_TOP)
			continue;
		json_array_foreach (v, i, part)
			advise_want_read(w, part, depth + 1);
	}
}

static void
add_key(json_t *keys, const char *name, int way)
{
	json_t *v;
	size_t i;

	json_array_foreach (keys, i, v)
		if (strcmp(name,
			    json_string_value(json_object_get(v, "name"))) == 0)
			return;
	if (json_array_size(keys) < ADVISE_FIELDS && strcmp(name, "_id") != 0)
		(void)json_array_append_new(
			keys, json_pack("{s:s,s:s}", "name", name, "direction",
				      way < 0 ? "-1" : "1"));
}

json_t *
advise_want_keys(const struct advise_want *w, const json_t *order)
{
	json_t *keys = json_array(), *one;
	size_t i;

	if (w->by_id)
		return keys;
	for (unsigned f = 0; f < w->equals; f++)
		add_key(keys, w->equal[f], 1);
	json_array_foreach (order, i, one) {
		void *at = json_object_iter(one);

		if (!at || strchr(json_object_iter_key(at), '*'))
			break;
		add_key(keys, json_object_iter_key(at),
			(int)json_integer_value(json_object_iter_value(at)));
	}
	if (w->ranges)
		add_key(keys, w->range[0], 1);
	return keys;
}

void
advise_want_equal(struct advise_want *w, const char *name)
{
	add_field(w->equal, &w->equals, name);
}
