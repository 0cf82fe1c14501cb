/*
 * GeoJSON is checked here, so that PostGIS never refuses what a query says: its
 * error would depend on whether there was a document to look at.
 */
#include "documents/geo.h"

#include "base/err.h"

#include <math.h>
#include <string.h>

static int
bad(struct fault *why, const char *what)
{
	return fault_set(why, ERR_DB_PARAM, "geo: %s", what);
}

static bool
is_pair(const json_t *v)
{
	return json_array_size(v) >= 2 &&
	       json_is_number(json_array_get(v, 0)) &&
	       json_is_number(json_array_get(v, 1));
}

static double
at(const json_t *v, size_t i)
{
	return json_number_value(json_array_get(v, i));
}

static int
check_position(const json_t *v, struct fault *why)
{
	if (!is_pair(v) || json_array_size(v) > 3)
		return bad(why, "a position is [longitude, latitude]");
	if (fabs(at(v, 0)) > 180 || fabs(at(v, 1)) > 90)
		return bad(why, "a longitude is from -180 to 180, a latitude "
				"from -90 to 90; the longitude comes first");
	return 0;
}

/* Two opposite points of the globe, which no one shortest line joins. */
static bool
is_opposite(const json_t *a, const json_t *b)
{
	return at(a, 1) == -at(b, 1) &&
	       (fabs(at(a, 0) - at(b, 0)) == 180 || fabs(at(a, 1)) == 90);
}

static int
check_line(const json_t *v, struct fault *why)
{
	json_t *item, *last = NULL;
	size_t i;

	if (json_array_size(v) < 2)
		return bad(why, "a LineString has two positions or more");
	json_array_foreach (v, i, item) {
		int r = check_position(item, why);

		if (r < 0)
			return r;
		if (last && is_opposite(last, item))
			return bad(why, "a line may not join two opposite "
					"points of the globe: name a point "
					"between them");
		last = item;
	}
	return 0;
}

static int
check_ring(const json_t *v, struct fault *why)
{
	size_t count = json_array_size(v);

	if (count < 4 ||
		!json_equal(json_array_get(v, 0), json_array_get(v, count - 1)))
		return bad(why, "a Polygon's ring has four positions or more, "
				"the last the same as the first");
	return check_line(v, why);
}

typedef int check_fn(const json_t *v, struct fault *why);

static int
check_each(const json_t *v, check_fn *check, struct fault *why)
{
	json_t *item;
	size_t i;
	int r = 0;

	if (json_array_size(v) == 0)
		return bad(why, "coordinates must be a list that is not empty");
	json_array_foreach (v, i, item)
		if (r == 0)
			r = check(item, why);
	return r;
}

static int
check_polygon(const json_t *v, struct fault *why)
{
	return check_each(v, check_ring, why);
}

static const struct shape {
	const char *type;
	check_fn *check;
	bool many;
} shapes[] = {
	{"Point", check_position, false},
	{"LineString", check_line, false},
	{"Polygon", check_polygon, false},
	{"MultiPoint", check_position, true},
	{"MultiLineString", check_line, true},
	{"MultiPolygon", check_polygon, true},
};

int
geo_check(const json_t *v, struct fault *why)
{
	const char *type = json_string_value(json_object_get(v, "type"));
	const json_t *c = json_object_get(v, "coordinates");

	for (size_t i = 0; type && i < array_size(shapes); i++)
		if (strcmp(type, shapes[i].type) == 0)
			return shapes[i].many
				       ? check_each(c, shapes[i].check, why)
				       : shapes[i].check(c, why);
	if (type && strcmp(type, "GeometryCollection") == 0)
		return check_each(
			json_object_get(v, "geometries"), geo_check, why);
	return bad(why, "a $geometry is GeoJSON: {\"type\": \"Point\", "
			"\"coordinates\": [longitude, latitude]} or another "
			"type");
}

int
geo_put_point(struct buf *to, const json_t *v, struct fault *why)
{
	const json_t *pair = v;
	_json_ json_t *made = NULL;
	int r;

	if (json_object_get(v, "coordinates")) {
		pair = json_object_get(v, "coordinates");
	} else if (json_object_get(v, "lng") && json_object_get(v, "lat")) {
		made = json_pack("[O,O]", json_object_get(v, "lng"),
			json_object_get(v, "lat"));
		pair = made;
	}
	r = check_position(pair, why);
	if (r < 0)
		return r;
	buf_str(to, "{\"type\":\"Point\",\"coordinates\":[");
	val_put(to, json_array_get(pair, 0));
	buf_char(to, ',');
	val_put(to, json_array_get(pair, 1));
	buf_str(to, "]}");
	return 0;
}

static int
put_geometry(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	const char *type = json_string_value(json_object_get(v, "type"));
	int r = geo_check(v, why);

	if (r < 0)
		return r;
	if (within && strcmp(type, "Polygon") && strcmp(type, "MultiPolygon"))
		return bad(why, "$geoWithin takes a Polygon or MultiPolygon");
	buf_str(to, "{\"kind\":\"geometry\",\"shape\":");
	val_put(to, v);
	buf_char(to, '}');
	return 0;
}

/* [centre, radius] */
static int
put_round(struct buf *to, const json_t *v, bool sphere, struct fault *why)
{
	const json_t *centre = json_array_get(v, 0);
	const json_t *radius = json_array_get(v, 1);
	int r = 0;

	if (json_array_size(v) != 2 || !json_is_number(radius) ||
		json_number_value(radius) < 0 || (!sphere && !is_pair(centre)))
		return bad(why, "$centerSphere and $center take [centre, "
				"radius], the centre as [longitude, latitude]");
	buf_str(to, sphere ? "{\"kind\":\"sphere\",\"at\":"
			   : "{\"kind\":\"circle\",\"at\":");
	if (sphere)
		r = geo_put_point(to, centre, why);
	else
		val_put(to, centre);
	buf_str(to, ",\"radius\":");
	val_put(to, radius);
	buf_char(to, '}');
	return r;
}

static int
put_sphere(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	(void)within;
	return put_round(to, v, true, why);
}

static int
put_circle(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	(void)within;
	return put_round(to, v, false, why);
}

static int
put_box(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	(void)within;
	if (json_array_size(v) != 2 || !is_pair(json_array_get(v, 0)) ||
		!is_pair(json_array_get(v, 1)))
		return bad(why, "$box takes [[x, y], [x, y]]: lower left and "
				"upper right");
	buf_str(to, "{\"kind\":\"box\",\"low\":");
	val_put(to, json_array_get(v, 0));
	buf_str(to, ",\"high\":");
	val_put(to, json_array_get(v, 1));
	buf_char(to, '}');
	return 0;
}

static int
put_polygon(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	json_t *item;
	size_t i;

	(void)within;
	if (json_array_size(v) < 3)
		return bad(why, "$polygon takes three points or more");
	json_array_foreach (v, i, item)
		if (!is_pair(item))
			return bad(why, "$polygon takes a list of [x, y]");
	buf_str(to, "{\"kind\":\"polygon\",\"points\":");
	val_put(to, v);
	buf_char(to, '}');
	return 0;
}

int
geo_put_shape(struct buf *to, const json_t *v, bool within, struct fault *why)
{
	static const struct {
		const char *name;
		int (*put)(struct buf *to, const json_t *v, bool within,
			struct fault *why);
		bool only_within;
	} all[] = {
		{"$geometry", put_geometry, false},
		{"$centerSphere", put_sphere, true},
		{"$center", put_circle, true},
		{"$box", put_box, true},
		{"$polygon", put_polygon, true},
	};

	for (size_t i = 0; i < array_size(all); i++) {
		const json_t *arg = json_object_get(v, all[i].name);

		if (arg && (within || !all[i].only_within))
			return all[i].put(to, arg, within, why);
	}
	return bad(why, within ? "$geoWithin takes $geometry, $centerSphere, "
				 "$center, $box or $polygon"
			       : "$geoIntersects takes $geometry");
}
