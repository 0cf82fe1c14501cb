/*
 * What SQL must be told to make an index.  Its texts are built there
 * (routines/indexes.sql), with format(): here is only said what they are about.
 * A partial index's condition is the one sql_query makes; its values travel
 * beside it and become literals there.
 */
#include "documents/index.h"

#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"

/* "k_…" of "\"env_x\".\"k_…\"". */
static json_t *
bare_name(struct slice quoted)
{
	size_t at = quoted.len - 1;

	while (at && quoted.ptr[at - 1] != '"')
		at--;
	return json_stringn(quoted.ptr + at, quoted.len - at - 1);
}

static json_t *
slice_json(struct slice s)
{
	return json_stringn(s.ptr, s.len);
}

static json_t *
path_json(const struct path *path)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < path->count; i++)
		(void)json_array_append_new(list, slice_json(path->step[i]));
	return list;
}

static json_t *
paths_json(const struct index_info *info)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < info->count; i++)
		(void)json_array_append_new(
			list, path_json(&info->fields[i].path));
	return list;
}

static json_t *
fields_json(const struct index_info *info)
{
	json_t *list = json_array();

	if (info->kind == INDEX_TEXT) {
		(void)json_array_append_new(list,
			json_pack("{s:o,s:o,s:b}", "paths", paths_json(info),
				"key", bare_name(info->fields[0].key),
				"descends", 0));
		return list;
	}

	for (unsigned i = 0; i < info->count; i++) {
		const struct index_field *f = &info->fields[i];

		(void)json_array_append_new(list,
			json_pack("{s:o,s:o,s:b}", "path", path_json(&f->path),
				"key",
				f->is_id ? json_null() : bare_name(f->key),
				"descends", f->descends));
	}
	return list;
}

/* {"condition", "params"} */
static int
add_condition(json_t *to, const struct query *q, struct arena *arena,
	struct fault *why)
{
	const struct sql_from from = {.doc = "doc"};
	json_t *params = json_array();
	struct sql sql;
	int r;

	sql_init(&sql, arena);
	sql_query(&sql, q, &from);
	r = sql_check(&sql, why);
	for (int i = 0; i < sql.count; i++)
		(void)json_array_append_new(params, slice_json(sql.param[i]));
	(void)json_object_set_new(
		to, "condition", slice_json(buf_all(&sql.text)));
	(void)json_object_set_new(to, "params", params);
	sql_done(&sql);
	return r;
}

static int
add_holds(json_t *to, const struct index_info *info, struct arena *arena,
	struct fault *why)
{
	static const struct query all = {.op = QUERY_ALL};

	if (!info->holds.len)
		return 0;
	(void)json_object_set_new(to, "holds", bare_name(info->holds));
	if (info->sparse)
		(void)json_object_set_new(to, "paths", paths_json(info));
	return add_condition(
		to, info->partial ? info->partial : &all, arena, why);
}

static const char *
method_of(enum index_kind kind)
{
	static const char *const methods[] = {
		[INDEX_PLAIN] = "btree",
		[INDEX_GEO] = "gist",
		[INDEX_TEXT] = "gin",
	};

	return methods[kind];
}

int
index_build(json_t **ret, const struct coll *coll,
	const struct index_info *info, struct arena *arena, struct fault *why)
{
	_json_ json_t *to = json_object();
	int r;

	(void)json_object_set_new(to, "schema", slice_json(coll->schema));
	(void)json_object_set_new(to, "table", slice_json(coll->table));
	(void)json_object_set_new(to, "relation", slice_json(info->relation));
	(void)json_object_set_new(
		to, "method", json_string(method_of(info->kind)));
	(void)json_object_set_new(to, "unique", json_boolean(info->unique));
	(void)json_object_set_new(to, "fields", fields_json(info));
	if (info->kind == INDEX_PLAIN && !info->fields[0].is_id)
		(void)json_object_set_new(
			to, "keys", bare_name(info->fields[0].keys));
	if (info->kind == INDEX_GEO)
		(void)json_object_set_new(
			to, "goal", bare_name(info->fields[0].keys));
	if (info->expire_s >= 0)
		(void)json_object_set_new(
			to, "expireMs", json_integer(info->expire_s * 1000));
	r = add_holds(to, info, arena, why);
	if (r < 0)
		return r;
	*ret = take(to);
	return 0;
}
