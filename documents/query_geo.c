/*
 * $near, $nearSphere, $geoWithin, $geoIntersects.
 */
#include "documents/geo.h"
#include "documents/query_parse.h"

#include <math.h>
#include <stdio.h>

/* MongoDB's: radians are this many metres. */
#define EARTH 6378100.0

/* The argument with its numbers plain: $geometry and its like are no operators
 * to value_get, so each member is read by itself. */
static int
read_plain(struct query_parse *p, const json_t *v, json_t **ret)
{
	_json_ json_t *plain = json_object();
	const char *name;
	json_t *item;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"a geo operator takes an object with $geometry or "
			"another shape");
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		struct slice stored;
		json_t *one;
		int r = value_get(&stored, item, p->arena, p->now_ms, p->why);

		if (r == 0)
			r = val_parse(&one, stored, p->why);
		if (r < 0)
			return r;
		if (json_object_set_new(plain, name, one) < 0)
			return query_too_big(p);
	}
	*ret = take(plain);
	return 0;
}

/* A distance in metres, or `preset`. */
static int
read_distance(struct query_parse *p, const json_t *from, const char *name,
	double scale, double preset, double *ret)
{
	const json_t *v = json_object_get(from, name);

	*ret = preset;
	if (!v)
		return 0;
	if (value_double(v, ret, NULL) < 0 || *ret < 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes a distance, 0 or more", name);
	*ret *= scale;
	return 0;
}

static int
put_near(struct query_parse *p, struct query *q, const json_t *centre,
	const json_t *from, double scale)
{
	_buf_ struct buf text = {0};
	double low, high;
	int r = read_distance(p, from, "$minDistance", scale, 0, &low);

	if (r == 0)
		r = read_distance(p, from, "$maxDistance", scale, 1e9, &high);
	if (r < 0)
		return r;
	buf_init(&text, 4096);
	buf_str(&text, "{\"at\":");
	r = geo_put_point(&text, centre, p->why);
	buf_printf(&text, ",\"min\":%.17g,\"max\":%.17g}", low, high);
	return r < 0 ? r : query_keep(p, &q->value, &text);
}

/* {"$near": [x, y], "$maxDistance": radians}, the older form. */
static int
put_legacy(struct query_parse *p, const struct query_arg *a, struct query *q)
{
	struct slice stored;
	_json_ json_t *pair = NULL;
	int r;

	if (strcmp(a->name, "$near") == 0 &&
		(json_object_get(a->about, "$maxDistance") ||
			json_object_get(a->about, "$minDistance")))
		return fault_set(p->why, ERR_DB_PARAM,
			"$near with a distance takes $geometry, so that the "
			"distance is in metres");
	r = value_get(&stored, a->v, p->arena, p->now_ms, p->why);
	if (r == 0)
		r = val_parse(&pair, stored, p->why);
	return r < 0 ? r : put_near(p, q, pair, a->about, EARTH);
}

int
query_put_near(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	_json_ json_t *plain = NULL;
	struct query *q;
	int r = query_add_leaf(p, all, QUERY_NEAR, a->path, &q);

	if (r < 0)
		return r;
	if (json_is_array(a->v) || json_object_get(a->v, "lng"))
		return put_legacy(p, a, q);
	r = read_plain(p, a->v, &plain);
	if (r < 0)
		return r;
	if (!json_object_get(plain, "$geometry"))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes $geometry, a GeoJSON Point", a->name);
	return put_near(p, q, json_object_get(plain, "$geometry"), plain, 1);
}

static int
put_shape(struct query_parse *p, const struct query_arg *a, bool within,
	struct query *all)
{
	_buf_ struct buf text;
	_json_ json_t *plain = NULL;
	struct query *q;
	int r = query_add_leaf(p, all, a->op, a->path, &q);

	buf_init(&text, VALUE_SIZE_TOP);
	if (r == 0)
		r = read_plain(p, a->v, &plain);
	if (r == 0)
		r = geo_put_shape(&text, plain, within, p->why);
	return r < 0 ? r : query_keep(p, &q->value, &text);
}

int
query_put_within(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	return put_shape(p, a, true, all);
}

int
query_put_intersects(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	return put_shape(p, a, false, all);
}
