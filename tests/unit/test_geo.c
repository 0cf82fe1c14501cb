/*
 * Places and shapes, by PostGIS; after MongoDB's manual (reference/operator/
 * query-geospatial).
 */
#include "documents/geo.h"
#include "tests/unit/doc_call.h"

static const char places[] =
	"[{\"_id\":\"park\",\"l\":{\"type\":\"Point\","
	"\"coordinates\":[-73.97,40.77]}},"
	"{\"_id\":\"sara\",\"l\":{\"type\":\"Point\","
	"\"coordinates\":[-73.9928,40.7193]}},"
	"{\"_id\":\"polo\",\"l\":{\"type\":\"Point\","
	"\"coordinates\":[-73.9375,40.8303]}},"
	"{\"_id\":\"pair\",\"l\":[113.3,23.1]},"
	"{\"_id\":\"object\",\"l\":{\"lng\":113.4,\"lat\":23.2}},"
	"{\"_id\":\"line\",\"l\":{\"type\":\"LineString\","
	"\"coordinates\":[[0,0],[2,2]]}},"
	"{\"_id\":\"area\",\"l\":{\"type\":\"Polygon\",\"coordinates\":"
	"[[[10,10],[12,10],[12,12],[10,12],[10,10]]]}},"
	"{\"_id\":\"many\",\"l\":[{\"type\":\"Point\",\"coordinates\":[50,50]},"
	"{\"type\":\"Point\",\"coordinates\":[60,60]}]},"
	"{\"_id\":\"bad1\",\"l\":{\"type\":\"Point\",\"coordinates\":[500,1]}},"
	"{\"_id\":\"bad2\",\"l\":{\"type\":\"Polygon\",\"coordinates\":[[]]}},"
	"{\"_id\":\"bad3\",\"l\":{\"type\":\"Point\"}},"
	"{\"_id\":\"bad4\",\"l\":\"text\"},{\"_id\":\"bad5\",\"l\":[1]},"
	"{\"_id\":\"bad6\",\"l\":{\"type\":7,\"coordinates\":{}}},"
	"{\"_id\":\"bad7\",\"l\":{\"type\":\"GeometryCollection\","
	"\"geometries\":[5]}},{\"_id\":\"none\"}]";

static void
places_are_found_by_distance_nearest_first(void **state)
{
	static const char *const cases[][2] = {
		{"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[-73.9667,40.78]},\"$minDistance\":1000,"
		 "\"$maxDistance\":5000}}}",
			"park"},
		{"{\"l\":{\"$near\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[{\"$numberDouble\":\"-73.9667\"},40.78]},"
		 "\"$maxDistance\":{\"$numberInt\":\"10000\"}}}}",
			"park polo sara"},
		{"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[-73.9667,40.78]},\"$maxDistance\":10000}},"
		 "\"_id\":{\"$ne\":\"polo\"}}",
			"park sara"},
		{"{\"l\":{\"$nearSphere\":[113.39,23.19],\"$maxDistance\":"
		 "0.01}}",
			"object pair"},
		{"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[60,60]},\"$maxDistance\":1}}}",
			"many"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, places);
	for (size_t i = 0; i < array_size(cases); i++)
		assert_string_equal(ids_of(&c, coll, cases[i][0]), cases[i][1]);
	/* one degree of latitude on MongoDB's sphere: 111318.8 m */
	assert_string_equal(
		ids_of(&c, coll,
			"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":"
			"\"Point\",\"coordinates\":[50,51]},\"$minDistance\":"
			"111318,\"$maxDistance\":111320}}}"),
		"many");
	c.order = "{\"_id\":-1}";
	assert_string_equal(ids_of(&c, coll, cases[1][0]), "sara polo park");
	end(&c);
}

static void
shapes_hold_places(void **state)
{
	static const char *const cases[][2] = {
		{"{\"l\":{\"$geoWithin\":{\"$geometry\":{\"type\":\"Polygon\","
		 "\"coordinates\":[[[-74,40.7],[-73.95,40.7],[-73.95,40.8],"
		 "[-74,40.8],[-74,40.7]]]}}}}",
			"park sara"},
		{"{\"l\":{\"$geoWithin\":{\"$geometry\":{\"type\":"
		 "\"MultiPolygon\",\"coordinates\":[[[[9,9],[13,9],[13,13],"
		 "[9,13],[9,9]]]]}}}}",
			"area"},
		{"{\"l\":{\"$geoWithin\":{\"$centerSphere\":[[-73.9667,40.78],"
		 "0.001]}}}",
			"park polo"},
		{"{\"l\":{\"$geoWithin\":{\"$box\":[[113,23],[114,24]]}}}",
			"object pair"},
		{"{\"l\":{\"$geoWithin\":{\"$center\":[[113.3,23.1],0.01]}}}",
			"pair"},
		{"{\"l\":{\"$geoWithin\":{\"$polygon\":[[113.35,23],[114,23],"
		 "[114,24],[113.35,24]]}}}",
			"object"},
		{"{\"l\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		 "\"LineString\",\"coordinates\":[[0,2],[2,0]]}}}}",
			"line"},
		{"{\"l\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		 "\"Point\",\"coordinates\":[11,11]}}}}",
			"area"},
		{"{\"l\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		 "\"Polygon\",\"coordinates\":[[[11,11],[14,11],[14,14],"
		 "[11,14],[11,11]]]}}}}",
			"area"},
		{"{\"l\":{\"$not\":{\"$geoWithin\":{\"$box\":[[-180,-90],"
		 "[180,90]]}}},\"_id\":{\"$regex\":\"^[lan]\"}}",
			"area line none"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, places);
	for (size_t i = 0; i < array_size(cases); i++)
		assert_string_equal(ids_of(&c, coll, cases[i][0]), cases[i][1]);
	end(&c);
}

/* No document makes a geo condition fail, whatever its shape. */
static void
all_shapes_are_asked_of_all_shapes(void **state)
{
	static const char *const shapes[] = {
		"{\"type\":\"Point\",\"coordinates\":[1,1]}",
		"{\"type\":\"MultiPoint\",\"coordinates\":[[1,1],[2,2]]}",
		"{\"type\":\"LineString\",\"coordinates\":[[1,1],[2,2]]}",
		"{\"type\":\"MultiLineString\",\"coordinates\":[[[1,1],[2,2]]]"
		"}",
		"{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[3,1],[3,3],"
		"[1,1]],[[1.1,1.05],[1.2,1.05],[1.2,1.1],[1.1,1.05]]]}",
		"{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[3,3],[3,1],"
		"[1,3],[1,1]]]}", /* crosses itself */
		"{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[1,1],[1,1],"
		"[1,1]]]}", /* one point */
		"{\"type\":\"MultiPolygon\",\"coordinates\":[[[[1,1],[3,1],"
		"[3,3],[1,1]]]]}",
		"{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":"
		"\"Point\",\"coordinates\":[1,1]},{\"type\":\"LineString\","
		"\"coordinates\":[[1,1],[2,2]]}]}",
	};
	/* PostGIS cannot say what lies between opposite points. */
	static const char *const worst[] = {
		"{\"type\":\"Polygon\",\"coordinates\":[[[-180,-90],[180,-90],"
		"[180,90],[-180,90],[-180,-90]]]}",
		"{\"type\":\"LineString\",\"coordinates\":[[0,0],[180,0]]}",
	};
	struct call c;
	const char *coll = fresh(&c);
	char text[600];

	(void)state;
	for (size_t i = 0; i < array_size(shapes); i++) {
		(void)snprintf(text, sizeof(text), "[{\"l\":%s}]", shapes[i]);
		ok(&c, DOC_INSERT, coll, NULL, text);
	}
	for (size_t i = 0; i < array_size(worst); i++) {
		(void)snprintf(text, sizeof(text), "[{\"l\":%s}]", worst[i]);
		ok(&c, DOC_INSERT, coll, NULL, text);
	}
	for (size_t i = 0; i < array_size(shapes); i++) {
		(void)snprintf(text, sizeof(text),
			"{\"l\":{\"$geoIntersects\":{\"$geometry\":%s}}}",
			shapes[i]);
		ok(&c, DOC_COUNT, coll, text, NULL);
		assert_true(c.op.total > 0);
		if (!strstr(shapes[i], "olygon"))
			continue;
		(void)snprintf(text, sizeof(text),
			"{\"l\":{\"$geoWithin\":{\"$geometry\":%s}}}",
			shapes[i]);
		ok(&c, DOC_COUNT, coll, text, NULL);
	}
	ok(&c, DOC_COUNT, coll,
		"{\"l\":{\"$geoWithin\":{\"$centerSphere\":[[1,1],0.5]}}}",
		NULL);
	assert_true(c.op.total > 7);
	ok(&c, DOC_COUNT, coll,
		"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":\"Point\","
		"\"coordinates\":[0,0]}}}}",
		NULL);
	assert_true(c.op.total >= (int64_t)array_size(shapes));
	end(&c);
}

static void
what_is_no_shape_is_refused_in_words(void **state)
{
	static const char *const cases[][2] = {
		{"{\"l\":{\"$near\":1}}", "$geometry"},
		{"{\"l\":{\"$near\":{}}}", "$geometry"},
		{"{\"l\":{\"$near\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[23,113]}}}}",
			"longitude comes first"},
		{"{\"l\":{\"$near\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[0,0]},\"$maxDistance\":-1}}}",
			"$maxDistance"},
		{"{\"l\":{\"$near\":[0,0],\"$maxDistance\":1}}", "metres"},
		{"{\"l\":{\"$maxDistance\":1}}", "stands alone"},
		{"{\"l\":{\"$geoWithin\":{\"$geometry\":{\"type\":\"Point\","
		 "\"coordinates\":[0,0]}}}}",
			"Polygon"},
		{"{\"l\":{\"$geoWithin\":{\"$geometry\":{\"type\":\"Polygon\","
		 "\"coordinates\":[[[0,0],[1,1],[1,0]]]}}}}",
			"four positions"},
		{"{\"l\":{\"$geoWithin\":{\"$geometry\":{\"type\":\"Polygon\","
		 "\"coordinates\":[[[0,0],[1,1],[1,0],[0,1]]]}}}}",
			"last the same as the first"},
		{"{\"l\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		 "\"LineString\",\"coordinates\":[[0,10],[180,-10]]}}}}",
			"opposite"},
		{"{\"l\":{\"$geoWithin\":{\"$box\":[[0,0]]}}}", "$box"},
		{"{\"l\":{\"$geoWithin\":{\"$center\":[[0,0]]}}}", "$center"},
		{"{\"l\":{\"$geoWithin\":{\"$polygon\":[[0,0]]}}}", "$polygon"},
		{"{\"l\":{\"$geoWithin\":{\"$foo\":1}}}", "$geoWithin takes"},
		{"{\"l\":{\"$geoIntersects\":{\"$box\":[[0,0],[1,1]]}}}",
			"$geoIntersects takes $geometry"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		assert_int_equal(run(&c, DOC_FIND, coll, cases[i][0], NULL),
			ERR_DB_PARAM);
		if (!strstr(c.op.job.why.text, cases[i][1]))
			print_error("%s\n", c.op.job.why.text);
		assert_non_null(strstr(c.op.job.why.text, cases[i][1]));
	}
	end(&c);
}

static void
without_postgis_its_package_is_named(void **state)
{
	static const char near[] =
		"{\"l\":{\"$nearSphere\":{\"$geometry\":{\"type\":\"Point\","
		"\"coordinates\":[0,0]}}}}";
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, places);
	(void)testpg_query(server, "DROP EXTENSION postgis");
	assert_int_equal(run(&c, DOC_FIND, coll, near, NULL), ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "-postgis-3"));
	assert_non_null(strstr(c.op.job.why.text, "CREATE EXTENSION postgis"));
	assert_string_equal(
		ids_of(&c, coll,
			"{\"l\":{\"$geoWithin\":{\"$box\":[[113,23],"
			"[114,24]]}}}"),
		"object pair");
	(void)testpg_query(server, "CREATE EXTENSION postgis");
	ok(&c, DOC_FIND, coll, near, NULL);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, for a session keeps what it knows of PostGIS */
		cmocka_unit_test(without_postgis_its_package_is_named),
		cmocka_unit_test(places_are_found_by_distance_nearest_first),
		cmocka_unit_test(shapes_hold_places),
		cmocka_unit_test(all_shapes_are_asked_of_all_shapes),
		cmocka_unit_test(what_is_no_shape_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
