/*
 * $geoNear: a condition and a distance as $nearSphere has them, on the
 * collection itself, nearest first.
 */
#include "documents/index.h"
#include "documents/stage.h"

#include <math.h>

/* MongoDB's sphere: a radian is this many metres. */
#define EARTH 6378100.0

struct near {
	struct path distance, locs, key;
	bool has_distance, has_locs, has_low, has_high;
	bool radians; /* a pair of coordinates, no GeoJSON */
	double low, high, multiplier;
	int64_t limit; /* 0: none */
	struct query *where;
	const struct query *goal; /* QUERY_NEAR, part of `where` */
};

static int
read_double(struct pipe *p, const json_t *v, const char *name, bool *has,
	double *ret)
{
	const json_t *item = json_object_get(v, name);

	*has = item != NULL;
	if (item && (value_double(item, ret, NULL) < 0 || !(*ret >= 0)))
		return stage_wrong(
			p, "$geoNear: '%s' must be a number, 0 or more", name);
	return 0;
}

static int
read_key(struct pipe *p, const json_t *v, struct near *g)
{
	const json_t *key = json_object_get(v, "key");

	if (key)
		return stage_path(p, key, false, "$geoNear's 'key'", &g->key);
	for (const struct index_info *i = p->b->info->indexes; i; i = i->next)
		if (i->kind == INDEX_GEO) {
			if (g->key.count)
				return stage_wrong(p,
					"There is more than one 2dsphere index "
					"on this collection; unsure which to "
					"use for $geoNear: name the field in "
					"'key'");
			g->key = i->fields[0].path;
		}
	if (!g->key.count)
		return stage_wrong(p,
			"$geoNear requires a 2dsphere index, but none were "
			"found: make one, or name the field in 'key'");
	return 0;
}

/* {"key": {"$nearSphere": {"$geometry": near, "$maxDistance": …}}} AND query */
static int
read_goal(struct pipe *p, const json_t *v, struct near *g)
{
	_json_ json_t *geometry = NULL;
	_json_ json_t *where = NULL;
	const json_t *near = json_object_get(v, "near");
	const json_t *query = json_object_get(v, "query");
	double scale = g->radians ? EARTH : 1;
	json_t *keep;
	int r;

	geometry = json_pack("{s:O}", "$geometry", near);
	if (geometry && g->has_low)
		(void)json_object_set_new(
			geometry, "$minDistance", json_real(g->low * scale));
	if (geometry && g->has_high)
		(void)json_object_set_new(
			geometry, "$maxDistance", json_real(g->high * scale));
	where = json_pack("{s%:{s:O}}", g->key.text.ptr, g->key.text.len,
		"$nearSphere", geometry);
	keep = query && json_is_object(query)
		       ? json_pack("{s:[O,O]}", "$and", where, query)
		       : json_incref(where);
	if (!keep)
		return stage_wrong(p, "$geoNear: 'near' is needed");
	r = stage_keep_json(p, keep);
	if (r == 0)
		r = query_parse_vars(&g->where, keep, p->names, p->arena,
			p->b->now_ms, p->why);
	if (r == 0)
		r = access_query(g->where, p->b->info, &p->b->req->scope,
			p->arena, p->why);
	if (r < 0)
		return r;
	g->goal = query_near(g->where);
	return g->goal ? 0 : stage_wrong(p, "$geoNear: 'near' is no point");
}

static int
read_near(struct pipe *p, const json_t *v, struct near *g)
{
	const json_t *distance = json_object_get(v, "distanceField");
	const json_t *locs = json_object_get(v, "includeLocs");
	const json_t *near = json_object_get(v, "near");
	const json_t *limit = json_object_get(v, "limit");
	bool given;
	int r = 0;

	g->multiplier = 1;
	if (!json_is_object(v) || !near || !distance)
		return stage_wrong(p, "$geoNear requires 'near' and "
				      "'distanceField'");
	g->radians = !json_object_get(near, "coordinates");
	r = stage_path(
		p, distance, false, "$geoNear's 'distanceField'", &g->distance);
	if (r == 0 && locs)
		r = stage_path(
			p, locs, false, "$geoNear's 'includeLocs'", &g->locs);
	g->has_locs = locs != NULL;
	if (r == 0)
		r = read_double(p, v, "minDistance", &g->has_low, &g->low);
	if (r == 0)
		r = read_double(p, v, "maxDistance", &g->has_high, &g->high);
	if (r == 0)
		r = read_double(
			p, v, "distanceMultiplier", &given, &g->multiplier);
	limit = limit ? limit : json_object_get(v, "num");
	if (r == 0 && limit &&
		value_int(limit, 1, INT64_MAX / 4, &g->limit, NULL) < 0)
		r = stage_wrong(p, "$geoNear: 'limit' must be a positive whole "
				   "number");
	if (r == 0)
		r = read_key(p, v, g);
	return r < 0 ? r : read_goal(p, v, g);
}

static void
put_distance(struct pipe *p, const struct near *g)
{
	struct sql *s = p->s;

	sql_add(s, "mpcloud.geo_distance(t.doc, ");
	sql_param_path(s, &g->key);
	sql_add(s, ", ");
	sql_param(s, g->goal->value, "jsonb");
	sql_add(s, " -> 'at')");
}

static void
put_scaled(struct pipe *p, const struct near *g)
{
	char text[48];

	(void)snprintf(text, sizeof(text), "%.17g",
		g->multiplier / (g->radians ? EARTH : 1));
	sql_add(p->s, "mpcloud.num(x.d * ");
	sql_param(p->s, slice_str(arena_str(p->arena, slice_str(text))),
		"double precision");
	sql_add(p->s, ")");
}

int
stage_put_geo_near(struct pipe *p, const json_t *v)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = p->b->info};
	struct near g = {0};
	struct sql *s = p->s;
	unsigned n;
	int r;

	if (p->at != 1 || p->is_part)
		return stage_wrong(p, "$geoNear is only valid as the first "
				      "stage in a pipeline.");
	r = read_near(p, v, &g);
	if (r < 0)
		return r;
	n = stage_open(p);
	sql_add(s, "SELECT x._id, mpcloud.stage_set(");
	if (g.has_locs)
		sql_add(s, "mpcloud.stage_set(");
	sql_add(s, "x.doc, to_jsonb(");
	sql_param_path(s, &g.distance);
	sql_add(s, "), ");
	put_scaled(p, &g);
	sql_add(s, ")");
	if (g.has_locs) {
		sql_add(s, ", to_jsonb(");
		sql_param_path(s, &g.locs);
		sql_add(s, "), mpcloud.path_get(x.doc, ");
		sql_param_path(s, &g.key);
		sql_add(s, "))");
	}
	sql_add(s, " AS doc FROM (SELECT t._id, t.doc, ");
	put_distance(p, &g);
	sql_add(s, " AS d FROM (");
	r = stage_put_table(p, p->b->info);
	sql_add(s, query_can_raise(g.where) ? " OFFSET 0) t WHERE " : " AND ");
	sql_query(s, g.where, &from);
	sql_add(s, query_can_raise(g.where) ? "" : ") t");
	sql_add(s, " OFFSET 0) x ORDER BY x.d, x._id");
	if (g.limit) {
		sql_add(s, " LIMIT ");
		sql_param_i64(s, g.limit);
	}
	sql_add(s, " OFFSET 0");
	stage_close(p, n);
	p->info = NULL;
	p->sorted = true;
	return r;
}
