/*
 * The one idea: a REST request is a cloud call in other words.  So the paths
 * are rows that name an action, and what they bring is put where the action
 * looks for it; who may, how it is parsed and what it does is decided once, in
 * call_db*.c.
 */
#include "gateway/db_rest.h"

#include "gateway/route.h"

#include <errno.h>
#include <string.h>

enum { SEGMENTS = 8, ID_TOP = 1024 };

struct split {
	struct slice part[SEGMENTS];
	size_t count;
};

/* What the {…} of a row stood for. */
struct named {
	struct slice collection, id;
};

typedef int build_fn(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why);

static build_fn build_list, build_one, build_add, build_update, build_remove,
	build_aggregate, build_collection, build_start, build_end,
	build_command;

static const struct row {
	unsigned method;
	const char *path; /* behind databases/{…}/ */
	const char *action;
	build_fn *build;
} rows[] = {
	{METHOD_GET, "collections/{c}/documents", "database.queryDocument",
		build_list},
	{METHOD_POST, "collections/{c}/documents", "database.addDocument",
		build_add},
	{METHOD_PATCH, "collections/{c}/documents", "database.updateDocument",
		build_update},
	{METHOD_GET, "collections/{c}/documents/{id}", "database.queryDocument",
		build_one},
	{METHOD_POST, "collections/{c}/documents/remove",
		"database.deleteDocument", build_remove},
	{METHOD_POST, "collections/{c}/documents/aggregations",
		"database.aggregateDocuments", build_aggregate},
	{METHOD_POST, "collections", "database.addCollection",
		build_collection},
	{METHOD_POST, "transactions", "database.startTransaction", build_start},
	{METHOD_POST, "transactions/{id}/commit", "database.commitTransaction",
		build_end},
	{METHOD_POST, "transactions/{id}/rollback", "database.abortTransaction",
		build_end},
	{METHOD_POST, "commands", "", build_command},
};

/* ---- putting members together -------------------------------------------- */

static int
put(json_t *to, const char *key, json_t *v)
{
	return json_object_set_new(to, key, v) < 0 ? -ENOMEM : 0;
}

static int
put_text(json_t *to, const char *key, struct slice s)
{
	json_t *v = json_stringn(s.ptr, s.len);

	return v ? put(to, key, v) : ERR_NOT_FOUND; /* not UTF-8 */
}

/* The member of the request's body, when it is there. */
static int
take_member(const struct db_rest *rest, const char *name, json_t *to,
	const char *key)
{
	json_t *v = json_object_get(rest->body, name);

	return v ? put(to, key, json_incref(v)) : 0;
}

static int
take_members(const struct db_rest *rest, const char *const *names, json_t *to)
{
	int e = 0;

	for (size_t i = 0; names[i] && e == 0; i++)
		e = take_member(rest, names[i], to, names[i]);
	return e;
}

/* The URL's parameter, when it is there; JSON in a string is what the action
 * takes too. */
static int
take_query(const struct db_rest *rest, const char *name, json_t *to,
	struct fault *why)
{
	struct slice s = rest->query(rest->owner, name);
	json_t *v;

	if (!s.len)
		return 0;
	v = json_stringn(s.ptr, s.len);
	if (!v)
		return fault_set(why, ERR_PARAM, "%s: must be UTF-8", name);
	return put(to, name, v);
}

static int
take_queries(const struct db_rest *rest, const char *const *names, json_t *to,
	struct fault *why)
{
	int e = 0;

	for (size_t i = 0; names[i] && e == 0; i++)
		e = take_query(rest, names[i], to, why);
	return e;
}

/* {"_id": "x"}, and not {"_id": {"$in": …}}. */
static bool
is_one(const json_t *query)
{
	const json_t *id = json_object_get(query, "_id");

	return json_object_size(query) == 1 && id && !json_is_object(id);
}

static bool
has_operators(const json_t *data)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)data, key, v)
		if (key[0] == '$')
			return true;
	return false;
}

/* ---- the rows ------------------------------------------------------------ */

static int
build_list(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	static const char *const names[] = {"query", "projection", "order",
		"offset", "limit", "total", "transactionId", NULL};
	int e;

	(void)n;
	if (slice_is(rest->query(rest->owner, "count"), "true")) {
		e = put(to, "action", json_string("database.countDocument"));
		return e < 0 ? e : take_query(rest, "query", to, why);
	}
	return take_queries(rest, names, to, why);
}

/* An _id is a string, or a number that a URL cannot tell from one. */
static json_t *
id_condition(struct slice id)
{
	json_t *text = json_stringn(id.ptr, id.len), *number;
	json_error_t error;

	if (!text || !id.len ||
		(id.ptr[0] != '-' && (id.ptr[0] < '0' || id.ptr[0] > '9')))
		return text;
	number = json_loadb(id.ptr, id.len, JSON_DECODE_ANY, &error);
	if (!json_is_number(number)) {
		json_decref(number);
		return text;
	}
	return json_pack("{s:[oo]}", "$in", text, number);
}

static int
build_one(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	static const char *const names[] = {
		"projection", "transactionId", NULL};
	json_t *id = id_condition(n->id);
	int e;

	if (!id)
		return ERR_NOT_FOUND;
	e = put(to, "query", json_pack("{s:o}", "_id", id));
	if (e == 0)
		e = put(to, "queryType", json_string("DOC"));
	return e < 0 ? e : take_queries(rest, names, to, why);
}

static int
build_add(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	static const char *const names[] = {"data", "transactionId", NULL};

	(void)n;
	(void)why;
	return take_members(rest, names, to);
}

/* Data without operators: doc(id).set() replaces, which js-sdk shows by upsert
 * on one _id; anything else sets the fields that it names. */
static int
build_update(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	static const char *const names[] = {"query", "data", "multi", "upsert",
		"transactionId", "arrayFilters", NULL};
	json_t *data = json_object_get(rest->body, "data");
	const json_t *query = json_object_get(rest->body, "query");
	bool multi = json_is_true(json_object_get(rest->body, "multi"));
	bool upsert = json_is_true(json_object_get(rest->body, "upsert"));
	bool whole = json_is_true(json_object_get(rest->body, "replaceMode"));
	int e = take_members(rest, names, to);

	(void)n;
	if (e < 0)
		return e;
	if (!json_is_object(data))
		return fault_set(why, ERR_PARAM, "data: an object is needed");
	whole = whole || (upsert && !multi && is_one(query));
	if (!has_operators(data) && !whole)
		e = put(to, "data", json_pack("{s:O}", "$set", data));
	if (e == 0)
		e = put(to, "merge",
			json_boolean(!whole || has_operators(data)));
	if (e == 0 && !multi && is_one(query))
		e = put(to, "queryType", json_string("DOC"));
	return e;
}

static int
build_remove(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	static const char *const names[] = {
		"query", "multi", "transactionId", NULL};

	(void)n;
	(void)why;
	return take_members(rest, names, to);
}

static int
build_aggregate(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	(void)n;
	(void)why;
	return take_member(rest, "pipeline", to, "stages");
}

static int
build_collection(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	(void)n;
	(void)why;
	return take_member(rest, "collectionName", to, "collectionName");
}

static int
build_start(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	(void)rest;
	(void)n;
	(void)to;
	(void)why;
	return 0;
}

static int
build_end(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	(void)rest;
	(void)why;
	return put_text(to, "transactionId", n->id);
}

static int
build_command(struct db_rest *rest, const struct named *n, json_t *to,
	struct fault *why)
{
	(void)rest;
	(void)n;
	(void)to;
	return fault_set(why, ERR_ACTION,
		"commands: MongoDB's own commands are not taken here; use the "
		"calls about documents and aggregations");
}

/* ---- paths --------------------------------------------------------------- */

static bool
split_path(struct split *s, struct slice path)
{
	struct slice part;
	bool more = true;

	s->count = 0;
	while (more) {
		const char *slash =
			path.len ? memchr(path.ptr, '/', path.len) : NULL;

		if (s->count == SEGMENTS)
			return false;
		more = slash != NULL;
		part = slice_of(path.ptr,
			slash ? (size_t)(slash - path.ptr) : path.len);
		if (!part.len)
			return false;
		s->part[s->count++] = part;
		if (slash)
			path = slice_of(slash + 1, path.len - part.len - 1);
	}
	return true;
}

static bool
is_here(const struct db_rest *rest, struct slice name)
{
	return slice_is(name, "(default)") || slice_is(name, rest->env);
}

static bool
row_fits(const struct row *row, const struct split *s, struct named *n)
{
	const char *at = row->path;

	*n = (struct named){0};
	for (size_t i = 4; i < s->count; i++) {
		size_t len = strcspn(at, "/");

		if (!len)
			return false;
		if (at[0] != '{') {
			if (s->part[i].len != len ||
				memcmp(s->part[i].ptr, at, len) != 0)
				return false;
		} else if (at[1] == 'c') {
			n->collection = s->part[i];
		} else {
			n->id = s->part[i];
		}
		at += len;
		at += *at == '/';
	}
	return !*at && n->id.len <= ID_TOP;
}

static const struct row *
row_find(struct db_rest *rest, const struct split *s, struct named *n)
{
	rest->allowed = 0;
	for (size_t i = 0; i < array_size(rows); i++) {
		if (!row_fits(&rows[i], s, n))
			continue;
		if (rows[i].method == rest->method)
			return &rows[i];
		rest->allowed |= rows[i].method;
	}
	return NULL;
}

/* instances/{here}/databases/{here}/… */
static const struct row *
row_of_path(struct db_rest *rest, struct named *n)
{
	struct split s;

	rest->allowed = 0;
	if (!split_path(&s, rest->path) || s.count < 5 ||
		!slice_is(s.part[0], "instances") ||
		!slice_is(s.part[2], "databases") ||
		!is_here(rest, s.part[1]) || !is_here(rest, s.part[3]))
		return NULL;
	return row_find(rest, &s, n);
}

int
db_rest_call(struct db_rest *rest, json_t **ret, struct fault *why)
{
	_json_ json_t *to = json_object();
	const struct row *row;
	struct named n;
	int e;

	row = row_of_path(rest, &n);
	if (!row)
		return rest->allowed ? ERR_METHOD : ERR_NOT_FOUND;
	e = put(to, "action", json_string(row->action));
	if (e == 0 && n.collection.len)
		e = put_text(to, "collectionName", n.collection);
	if (e == 0)
		e = row->build(rest, &n, to, why);
	if (e < 0)
		return e;
	*ret = take(to);
	return 0;
}
