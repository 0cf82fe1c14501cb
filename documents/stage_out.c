/*
 * Stages for administrators: $out and $merge write, $indexStats and $collStats
 * tell about the collection itself.
 *
 * What is written goes through mpcloud.stage_out in one call, in the same
 * statement and transaction as what is read: a pipeline that fails writes
 * nothing.
 */
#include "documents/index.h"
#include "documents/stage.h"

static int
check_admin(struct pipe *p, const char *stage)
{
	if (p->b->req->scope.admin)
		return 0;
	return fault_set(p->why, ERR_DB_DENIED,
		"%s: only an administrator may do this", stage);
}

static int
check_last(struct pipe *p, const char *stage)
{
	int r = check_admin(p, stage);

	if (r == 0 && (p->is_part || p->at != json_array_size(p->stages)))
		return stage_wrong(p,
			"%s can only be the final stage in the "
			"pipeline",
			stage);
	return r;
}

/* The target's names, as mpcloud.collection_make wants them. */
static int
put_target(struct pipe *p, const json_t *name, const char *stage)
{
	struct slice s =
		slice_of(json_string_value(name), json_string_length(name));
	struct sql *sql = p->s;
	struct coll coll;
	int r;

	if (!json_is_string(name))
		return stage_wrong(p,
			"%s: the target must be the name of a collection",
			stage);
	r = coll_parse(&coll, p->b->coll.env, s, p->arena, p->why);
	if (r < 0)
		return r;
	sql_param(sql, slice_str(coll.env), "text");
	sql_add(sql, ", ");
	sql_param(sql, coll.name, "text");
	sql_add(sql, ", ");
	sql_param(sql, coll.schema, "text");
	sql_add(sql, ", ");
	sql_param(sql, coll.table, "text");
	sql_add(sql, ", ");
	sql_param(sql, coll_pkey(&coll, p->arena), "text");
	sql_add(sql, ", ");
	sql_param_i64(sql, p->b->now_ms);
	return 0;
}

static int
put_write(struct pipe *p, const json_t *target, const char *stage,
	const char *matched, const char *missing)
{
	unsigned n;
	int r;

	stage_make_whole(p);
	n = stage_open(p);
	sql_add(p->s, "SELECT NULL::jsonb AS doc FROM (SELECT "
		      "mpcloud.stage_out(");
	r = put_target(p, target, stage);
	sql_add(p->s, ", ");
	sql_param(p->s, slice_str(matched), "text");
	sql_add(p->s, ", ");
	sql_param(p->s, slice_str(missing), "text");
	sql_add(p->s, ", array_agg(doc)) AS done");
	stage_from(p);
	sql_add(p->s, " OFFSET 0) x WHERE x.done IS NULL");
	stage_close(p, n);
	return r;
}

/* "name" or {"db": …, "coll": "name"} */
int
stage_put_out(struct pipe *p, const json_t *v)
{
	const json_t *target =
		json_is_object(v) ? json_object_get(v, "coll") : v;
	int r = check_last(p, "$out");

	return r < 0 ? r : put_write(p, target, "$out", "out", "insert");
}

static int
read_word(struct pipe *p, const json_t *v, const char *name,
	const char *const *words, size_t count, const char **ret)
{
	const json_t *item = json_object_get(v, name);

	*ret = words[0];
	for (size_t i = 0; item && i < count; i++)
		if (json_is_string(item) &&
			strcmp(json_string_value(item), words[i]) == 0) {
			*ret = words[i];
			return 0;
		}
	return item ? stage_wrong(p,
			      "$merge: no such '%s': choose among those "
			      "in the manual, a pipeline is not one",
			      name)
		    : 0;
}

int
stage_put_merge(struct pipe *p, const json_t *v)
{
	static const char *const matched[] = {
		"merge", "replace", "keepExisting", "fail"};
	static const char *const missing[] = {"insert", "discard", "fail"};
	const json_t *into = json_is_object(v) ? json_object_get(v, "into") : v;
	const json_t *on = json_object_get(v, "on");
	const char *when, *otherwise;
	int r = check_last(p, "$merge");

	if (json_is_object(into))
		into = json_object_get(into, "coll");
	if (json_is_array(on) && json_array_size(on) == 1)
		on = json_array_get(on, 0);
	if (r == 0 && on &&
		!(json_is_string(on) &&
			strcmp(json_string_value(on), "_id") == 0))
		return stage_wrong(p, "$merge: 'on' can only be _id");
	if (r == 0)
		r = read_word(p, v, "whenMatched", matched, array_size(matched),
			&when);
	if (r == 0)
		r = read_word(p, v, "whenNotMatched", missing,
			array_size(missing), &otherwise);
	return r < 0 ? r : put_write(p, into, "$merge", when, otherwise);
}

static int
check_first(struct pipe *p, const char *stage)
{
	int r = check_admin(p, stage);

	if (r == 0 && (p->is_part || p->at != 1))
		return stage_wrong(p,
			"%s is only valid as the first stage in a pipeline.",
			stage);
	return r;
}

static json_t *
index_keys(const struct index_info *i)
{
	static const char *const kinds[] = {
		[INDEX_GEO] = "2dsphere", [INDEX_TEXT] = "text"};
	_json_ json_t *keys = json_object();

	for (unsigned k = 0; k < i->count; k++) {
		json_t *way =
			i->kind == INDEX_PLAIN
				? json_integer(i->fields[k].descends ? -1 : 1)
				: json_string(kinds[i->kind]);

		if (json_object_setn_new(keys, i->fields[k].path.text.ptr,
			    i->fields[k].path.text.len, way) < 0)
			return NULL;
	}
	return take(keys);
}

/* Names, keys and uses since PostgreSQL's counters began. */
static int
put_indexes(struct pipe *p)
{
	_json_ json_t *list =
		json_pack("[{s:s,s:{s:i}}]", "name", "_id_", "key", "_id", 1);
	_buf_ struct buf text = {0};

	for (const struct index_info *i = p->b->info->indexes; i; i = i->next) {
		json_t *one = json_pack("{s:s%,s:o,s:s%}", "name", i->name.ptr,
			i->name.len, "key", index_keys(i), "relation",
			i->relation.ptr, i->relation.len);

		if (json_array_append_new(list, one) < 0)
			return ERR_TOO_BIG;
	}
	buf_init(&text, 1 << 20);
	val_put(&text, list);
	sql_add(p->s, "SELECT mpcloud.stage_index(e, ");
	sql_param(p->s, p->b->info->coll.schema, "text");
	sql_add(p->s, ", ");
	sql_param(p->s, coll_pkey(&p->b->info->coll, p->arena), "text");
	sql_add(p->s, ") AS doc FROM jsonb_array_elements(");
	sql_param_buf(p->s, &text, "jsonb");
	sql_add(p->s, ") e");
	return 0;
}

int
stage_put_index_stats(struct pipe *p, const json_t *v)
{
	unsigned n;
	int r = check_first(p, "$indexStats");

	if (r == 0 && (!json_is_object(v) || json_object_size(v)))
		return stage_wrong(p, "The $indexStats stage specification "
				      "must be an empty object");
	if (r < 0)
		return r;
	n = stage_open(p);
	r = put_indexes(p);
	stage_close(p, n);
	stage_made(p);
	return r;
}

/* Whatever of latencyStats, storageStats, count is asked, all that we know. */
int
stage_put_coll_stats(struct pipe *p, const json_t *v)
{
	const struct coll *coll = &p->b->info->coll;
	unsigned n;
	int r = check_first(p, "$collStats");

	if (r == 0 && !json_is_object(v))
		return stage_wrong(p, "$collStats must take a nested object");
	if (r < 0)
		return r;
	n = stage_open(p);
	sql_add(p->s, "SELECT mpcloud.stage_coll_stats(");
	sql_param(p->s, slice_str(coll->env), "text");
	sql_add(p->s, ", ");
	sql_param(p->s, coll->name, "text");
	sql_add(p->s, ", ");
	sql_param(p->s, coll->schema, "text");
	sql_add(p->s, ", ");
	sql_param(p->s, coll->table, "text");
	sql_add(p->s, ", count(*)) AS doc FROM ");
	buf_slice(&p->s->text, coll->quoted);
	stage_close(p, n);
	stage_made(p);
	return 0;
}
