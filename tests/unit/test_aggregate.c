/*
 * Pipelines on a real server: MongoDB's own documented examples, from
 * data/aggregate_*.json, ceilings, and stages that write.
 */
#include "documents/value.h"
#include "tests/unit/aggregate_call.h"

/* Where the order means nothing. */
static bool
same_set(const json_t *a, const json_t *b)
{
	json_t *x, *y;
	size_t i, j;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach (a, i, x) {
		bool found = false;

		json_array_foreach (b, j, y) {
			found |= same(x, y);
		}
		if (!found)
			return false;
	}
	return true;
}

/* In the stored form, in which answers are. */
static json_t *
stored(const json_t *v)
{
	_buf_ struct buf text;
	struct fault why = {0};

	buf_init(&text, 1 << 20);
	if (value_put(&text, v, 0, &why) < 0)
		print_error("%s\n", why.text);
	assert_int_equal(buf_check(&text), 0);
	return json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
}

/* One pipeline and what comes of it. */
struct example {
	const char *name, *from;
	json_t *pipeline;
	const json_t *expect; /* or */
	const char *error;
	bool any_order;
};

static bool
is_right(const struct example *e, const struct call *c)
{
	const char *said = fault_text(&c->op.job.why, c->op.job.err);
	_json_ json_t *want = NULL;
	_json_ json_t *got = NULL;

	if (e->error)
		return c->op.job.err < 0 && c->op.job.err != ERR_DB &&
		       strstr(said, e->error);
	if (c->op.job.err < 0)
		return false;
	want = stored(e->expect);
	got = answer(c);
	return e->any_order ? same_set(want, got) : same(want, got);
}

/* False when it went wrong, having said how. */
static bool
try(const struct example *e)
{
	_free_ char *text = json_dumps(e->pipeline, 0);
	struct call c = {0};
	bool right;

	(void)run(&c, DOC_AGGREGATE, e->from, NULL, text);
	right = is_right(e, &c);
	if (!right) {
		_free_ char *want = json_dumps(e->expect, JSON_COMPACT);

		print_error("%s:\n  got %s%s\n  not %s\n", e->name,
			c.op.job.err < 0
				? fault_text(&c.op.job.why, c.op.job.err)
				: "",
			c.text, e->error ? e->error : want);
	}
	end(&c);
	return right;
}

static void
stages_do_what_mongodbs_manual_shows(void **state)
{
	_json_ json_t *list = load("aggregate_stages.json");
	const char *from = NULL;
	size_t i, wrong = 0;
	json_t *one;

	(void)state;
	json_array_foreach (list, i, one) {
		const json_t *colls = json_object_get(one, "docs");
		const char *other =
			json_string_value(json_object_get(one, "from"));
		struct example e = {
			.name = json_string_value(json_object_get(one, "name")),
			.pipeline = json_object_get(one, "pipeline"),
			.expect = json_object_get(one, "expect"),
			.error = json_string_value(
				json_object_get(one, "error")),
			.any_order =
				json_is_true(json_object_get(one, "any_order")),
		};

		if (colls) {
			fill(colls, NULL);
			from = json_object_iter_key(
				json_object_iter((json_t *)(uintptr_t)colls));
		}
		e.from = other ? other : from;
		wrong += !try(&e);
	}
	assert_int_equal(wrong, 0);
	assert_true(i > 80);
}

/* [expression, value], the value being {"$missing": 1} or {"$error": text}
 * where there is none. */
static bool
try_operator(const json_t *one)
{
	json_t *e = json_array_get(one, 0), *want = json_array_get(one, 1);
	_free_ char *name = json_dumps(e, JSON_ENCODE_ANY | JSON_COMPACT);
	_json_ json_t *pipeline =
		json_pack("[{s:{s:O}}]", "$replaceWith", "r", e);
	_json_ json_t *expect = json_object_get(want, "$missing")
					? json_pack("[{}]")
					: json_pack("[{s:O}]", "r", want);
	struct example example = {
		.name = name,
		.from = "c",
		.pipeline = pipeline,
		.expect = expect,
		.error = json_string_value(json_object_get(want, "$error")),
	};

	if (json_is_string(e) && strcmp(json_string_value(e), "$$NOW") == 0)
		return true; /* not now what it was */
	return try(&example);
}

static void
operators_do_what_mongodbs_manual_shows(void **state)
{
	_json_ json_t *list = load("aggregate_operators.json");
	const json_t *first = json_array_get(list, 0);
	_json_ json_t *colls =
		json_pack("{s:[O]}", "c", json_object_get(first, "doc"));
	size_t i, wrong = 0;
	json_t *one;

	(void)state;
	fill(colls, NULL);
	json_array_foreach (json_object_get(first, "cases"), i, one) {
		wrong += !try_operator(one);
	}
	assert_int_equal(wrong, 0);
	assert_true(i > 400);
}

static void
a_pipeline_has_a_ceiling_that_names_its_setting(void **state)
{
	_json_ json_t *stages = json_array();
	struct call c = {0};
	_free_ char *text = NULL;
	const char *coll = fresh(&c);

	(void)state;
	for (int i = 0; i <= doc_limits_preset.stages_top; i++)
		(void)json_array_append_new(
			stages, json_pack("{s:{s:i}}", "$set", "a", 1));
	text = json_dumps(stages, 0);
	assert_int_equal(
		run(&c, DOC_AGGREGATE, coll, NULL, text), ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "database.pipeline_stages"));
	end(&c);
}

static void
pipelines_are_nested_to_a_ceiling(void **state)
{
	_json_ json_t *stages = json_array();
	struct call c = {0};
	_free_ char *text = NULL;
	const char *coll = fresh(&c);

	(void)state;
	for (int i = 0; i < 50; i++) {
		json_t *outer =
			json_pack("[{s:{s:s,s:o,s:s}}]", "$lookup", "from", "x",
				"pipeline", json_incref(stages), "as", "l");

		json_decref(stages);
		stages = outer;
	}
	text = json_dumps(stages, 0);
	assert_int_equal(
		run(&c, DOC_AGGREGATE, coll, NULL, text), ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "nested"));
	end(&c);
}

static void
out_replaces_a_collection_and_merge_adds_to_one(void **state)
{
	struct call c = {0};

	(void)state;
	ok(&c, DOC_ADD_COLLECTION, "from", NULL, NULL);
	ok(&c, DOC_INSERT, "from", NULL,
		"[{\"_id\": 1, \"a\": 1}, {\"_id\": \"two\", \"a\": 2}]");
	ok(&c, DOC_AGGREGATE, "from", NULL,
		"[{\"$set\": {\"b\": true}}, {\"$out\": \"into\"}]");
	assert_int_equal(c.op.count, 0);
	gives(&c, NULL, "into", "[{\"$sort\": {\"a\": 1}}]",
		"[{\"_id\": 1, \"a\": 1, \"b\": true},"
		" {\"_id\": \"two\", \"a\": 2, \"b\": true}]");
	ok(&c, DOC_AGGREGATE, "from", NULL,
		"[{\"$match\": {\"a\": 2}}, {\"$out\": {\"db\": \"x\","
		" \"coll\": \"into\"}}]");
	gives(&c, NULL, "into", "[]", "[{\"_id\": \"two\", \"a\": 2}]");
	end(&c);
}

static void
an_out_that_fails_writes_nothing(void **state)
{
	struct call c = {0};

	(void)state;
	ok(&c, DOC_ADD_COLLECTION, "src", NULL, NULL);
	ok(&c, DOC_ADD_COLLECTION, "dst", NULL, NULL);
	ok(&c, DOC_INSERT, "src", NULL, "[{\"_id\": 1, \"a\": [1]}]");
	ok(&c, DOC_INSERT, "dst", NULL, "[{\"_id\": \"kept\"}]");
	assert_int_equal(run(&c, DOC_AGGREGATE, "src", NULL,
				 "[{\"$set\": {\"_id\": \"$a\"}},"
				 " {\"$out\": \"dst\"}]"),
		ERR_DB_PARAM);
	gives(&c, NULL, "dst", "[]", "[{\"_id\": \"kept\"}]");
	assert_int_equal(run(&c, DOC_AGGREGATE, "src", NULL,
				 "[{\"$out\": \"dst\"}, {\"$limit\": 1}]"),
		ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "final stage"));
	end(&c);
}

static void
merge_does_what_it_is_told_with_documents_that_match(void **state)
{
	static const struct {
		const char *merge, *expect;
	} cases[] = {
		{"{\"into\": \"m2\"}", "[{\"_id\": \"a\", \"v\": 1, \"w\": 5},"
				       " {\"_id\": \"b\", \"v\": 2}]"},
		{"{\"into\": \"m2\", \"whenMatched\": \"replace\"}",
			"[{\"_id\": \"a\", \"v\": 1},"
			" {\"_id\": \"b\", \"v\": 2}]"},
		{"{\"into\": \"m2\", \"on\": \"_id\", \"whenMatched\":"
		 " \"keepExisting\"}",
			"[{\"_id\": \"a\", \"v\": 0, \"w\": 5},"
			" {\"_id\": \"b\", \"v\": 2}]"},
		{"{\"into\": \"m2\", \"whenNotMatched\": \"discard\"}",
			"[{\"_id\": \"a\", \"v\": 1, \"w\": 5}]"},
	};
	struct call c = {0};
	char stages[200];

	(void)state;
	ok(&c, DOC_ADD_COLLECTION, "m1", NULL, NULL);
	ok(&c, DOC_ADD_COLLECTION, "m2", NULL, NULL);
	ok(&c, DOC_INSERT, "m1", NULL,
		"[{\"_id\": \"a\", \"v\": 1}, {\"_id\": \"b\", \"v\": 2}]");
	for (size_t i = 0; i < array_size(cases); i++) {
		c.multi = true;
		ok(&c, DOC_REMOVE, "m2", NULL, NULL);
		ok(&c, DOC_INSERT, "m2", NULL,
			"[{\"_id\": \"a\", \"v\": 0, \"w\": 5}]");
		(void)snprintf(stages, sizeof(stages), "[{\"$merge\": %s}]",
			cases[i].merge);
		ok(&c, DOC_AGGREGATE, "m1", NULL, stages);
		gives(&c, NULL, "m2", "[{\"$sort\": {\"v\": 1, \"_id\": 1}}]",
			cases[i].expect);
	}
	assert_int_equal(run(&c, DOC_AGGREGATE, "m1", NULL,
				 "[{\"$merge\": {\"into\": \"m2\","
				 " \"whenNotMatched\": \"fail\"}},"
				 " {\"$limit\": 1}]"),
		ERR_DB_PARAM);
	end(&c);
}

/* The manual's parks; its distances are on the same sphere. */
static void
geo_near_gives_the_nearest_first_with_their_distance(void **state)
{
	static const char near[] =
		"{\"near\": {\"type\": \"Point\", \"coordinates\":"
		" [-73.99279, 40.719296]}, \"distanceField\":"
		" \"dist.calculated\", \"key\": \"location\", \"spherical\":"
		" true, ";
	struct call c = {0};
	char stages[600];

	(void)state;
	if (strcmp(testpg_query(
			   server, "SELECT to_regtype('geography') IS NULL"),
		    "t") == 0)
		return; /* no PostGIS here */
	ok(&c, DOC_ADD_COLLECTION, "places", NULL, NULL);
	ok(&c, DOC_INSERT, "places", NULL,
		"[{\"_id\": 1, \"name\": \"Central Park\", \"location\": {"
		"\"type\": \"Point\", \"coordinates\": [-73.97, 40.77]},"
		" \"category\": \"Parks\"},"
		"{\"_id\": 2, \"name\": \"Sara D. Roosevelt Park\","
		" \"location\": {\"type\": \"Point\", \"coordinates\":"
		" [-73.9928, 40.7193]}, \"category\": \"Parks\"},"
		"{\"_id\": 3, \"name\": \"Polo Grounds\", \"location\": {"
		"\"type\": \"Point\", \"coordinates\": [-73.9375, 40.8303]},"
		" \"category\": \"Stadiums\"}]");
	(void)snprintf(stages, sizeof(stages),
		"[{\"$geoNear\": %s \"maxDistance\": 2, \"query\": {"
		"\"category\": \"Parks\"}, \"includeLocs\": "
		"\"dist.location\"}},"
		" {\"$project\": {\"d\": {\"$round\": ["
		"\"$dist.calculated\", 9]}, \"c\":"
		" \"$dist.location.coordinates\"}}]",
		near);
	gives(&c, NULL, "places", stages,
		"[{\"_id\": 2, \"d\": 0.953993168, \"c\": [-73.9928,"
		" 40.7193]}]");
	(void)snprintf(stages, sizeof(stages),
		"[{\"$geoNear\": %s \"minDistance\": 2}}, {\"$project\": {"
		"\"_id\": 1}}]",
		near);
	gives(&c, NULL, "places", stages, "[{\"_id\": 1}, {\"_id\": 3}]");
	(void)snprintf(stages, sizeof(stages),
		"[{\"$geoNear\": %s \"limit\": 1}}, {\"$count\": \"n\"}]",
		near);
	gives(&c, NULL, "places", stages, "[{\"n\": 1}]");
	(void)snprintf(stages, sizeof(stages),
		"[{\"$limit\": 1}, {\"$geoNear\": %s \"limit\": 1}}]", near);
	assert_int_equal(
		run(&c, DOC_AGGREGATE, "places", NULL, stages), ERR_DB_PARAM);
	assert_int_equal(run(&c, DOC_AGGREGATE, "places", NULL,
				 "[{\"$geoNear\": {\"near\": [0, 0],"
				 " \"distanceField\": \"d\"}}]"),
		ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "2dsphere"));
	end(&c);
}

static void
an_administrator_reads_statistics(void **state)
{
	struct call c = {0};

	(void)state;
	ok(&c, DOC_ADD_COLLECTION, "st", NULL, NULL);
	ok(&c, DOC_INSERT, "st", NULL, "[{\"_id\": 1}, {\"_id\": 2}]");
	gives(&c, NULL, "st",
		"[{\"$collStats\": {\"count\": {}}}, {\"$project\": {\"ns\": 1,"
		" \"count\": 1}}]",
		"[{\"ns\": \"test.st\", \"count\": 2}]");
	gives(&c, NULL, "st",
		"[{\"$indexStats\": {}}, {\"$project\": {\"name\": 1, \"key\":"
		" 1}}]",
		"[{\"name\": \"_id_\", \"key\": {\"_id\": 1}}]");
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_do_what_mongodbs_manual_shows),
		cmocka_unit_test(operators_do_what_mongodbs_manual_shows),
		cmocka_unit_test(
			a_pipeline_has_a_ceiling_that_names_its_setting),
		cmocka_unit_test(pipelines_are_nested_to_a_ceiling),
		cmocka_unit_test(
			out_replaces_a_collection_and_merge_adds_to_one),
		cmocka_unit_test(an_out_that_fails_writes_nothing),
		cmocka_unit_test(
			merge_does_what_it_is_told_with_documents_that_match),
		cmocka_unit_test(
			geo_near_gives_the_nearest_first_with_their_distance),
		cmocka_unit_test(an_administrator_reads_statistics),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
