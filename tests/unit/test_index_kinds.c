/*
 * What indexes do for the calls of doc.h, and the kinds that are no b-tree:
 * text and places.
 */
#include "tests/unit/index_call.h"

#include <string.h>

/* The plan of a call, as the catalog's indexes make it. */
static const char *
plan_of(enum doc_verb verb, const char *coll, const char *query,
	const char *data, const char *stages, const char *user)
{
	static char plan[65536];
	_json_ json_t *q = parse(query);
	_json_ json_t *d = parse(data);
	_json_ json_t *s = parse(stages);
	const struct doc_request request = {
		.verb = verb,
		.env = "test",
		.collection = slice_str(coll),
		.query = q,
		.data = d,
		.stages = s,
		.limit = 20,
		.multi = true,
		.merge = true,
		.explain = true,
		.scope = {.admin = !user, .openid = user},
	};
	struct call c = {0};

	begin(&c);
	doc_run(&docs, &c.op, &request);
	if (finish(&c) < 0)
		fail_msg("%s", c.op.job.why.text);
	assert_int_equal(c.op.count, 1);
	(void)snprintf(plan, sizeof(plan), "%.*s", SLICE_ARG(c.op.list[0]));
	end(&c);
	return plan;
}

static void
fill(const char *coll)
{
	char sql[600];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.%s SELECT 'd' || i, jsonb_build_object("
		"'_openid', 'o' || i %% 50, 'price', i %% 997, 'at', i) FROM "
		"generate_series(1, 20000) i; ANALYZE env_test.%s",
		coll, coll);
	(void)testpg_query(server, sql);
}

static void
uses(const char *plan, const char *index)
{
	if (!strstr(plan, index) || strstr(plan, "Seq Scan"))
		fail_msg("not by %s: %s", index, plan);
}

static void
reads_counts_changes_and_pipelines_go_by_indexes(void **state)
{
	static const char query[] = "{\"price\":5}";
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	fill(coll);
	assert_string_equal(add_index(coll, "{\"key\":{\"price\":1}}"), "");
	catalog_forget(docs.catalog, "test", slice_str(coll));
	uses(plan_of(DOC_FIND, coll, query, NULL, NULL, NULL), ".price_1\"");
	uses(plan_of(DOC_COUNT, coll, query, NULL, NULL, NULL), ".price_1\"");
	uses(plan_of(DOC_REMOVE, coll, query, NULL, NULL, NULL), ".price_1\"");
	uses(plan_of(DOC_UPDATE, coll, query, "{\"$inc\":{\"at\":1}}", NULL,
		     NULL),
		".price_1\"");
	uses(plan_of(DOC_AGGREGATE, coll, NULL, NULL,
		     "[{\"$match\":{\"price\":5}},{\"$group\":{\"_id\":"
		     "\"$at\"}}]",
		     NULL),
		".price_1\"");
	end(&c);
}

static void
the_permission_of_a_caller_goes_by_an_index_too(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	const char *plan;

	(void)state;
	fill(coll);
	permit(coll, "PRIVATE");
	assert_string_equal(
		add_index(coll, "{\"name\":\"own\",\"key\":{\"_openid\":1,"
				"\"at\":-1}}"),
		"");
	catalog_forget(docs.catalog, "test", slice_str(coll));
	plan = plan_of(DOC_FIND, coll, NULL, NULL, NULL, "o7");
	uses(plan, ".own\"");
	plan = plan_of(
		DOC_COUNT, coll, "{\"at\":{\"$gt\":19000}}", NULL, NULL, "o7");
	uses(plan, ".own\"");
	end(&c);
}

/* A text index says which fields are searched, as MongoDB's does. */
static void
a_text_index_is_searched_by_its_fields(void **state)
{
	static const char search[] = "{\"$text\":{\"$search\":\"coffee\"}}";
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"title\":\"Coffee and cake\"},"
		"{\"_id\":\"b\",\"title\":\"Tea\",\"note\":\"no coffee\"},"
		"{\"_id\":\"c\",\"parts\":[{\"name\":\"a coffee spoon\"}]},"
		"{\"_id\":\"d\",\"title\":\"咖啡馆\"}]");
	assert_string_equal(ids_of(&c, coll, search), "a b c");
	assert_string_equal(
		add_index(coll, "{\"name\":\"words\",\"key\":{\"title\":"
				"\"text\",\"parts.name\":\"text\"}}"),
		"");
	catalog_forget(docs.catalog, "test", slice_str(coll));
	assert_string_equal(ids_of(&c, coll, search), "a c");
	assert_string_equal(
		ids_of(&c, coll, "{\"$text\":{\"$search\":\"咖啡\"}}"), "d");
	(void)testpg_query(server, "ALTER SYSTEM SET enable_seqscan = off");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	/* a connection takes a setting up in its own time */
	for (int i = 0; i < 1000; i++)
		if (strstr(plan_of(DOC_FIND, coll, search, NULL, NULL, NULL),
			    ".words\""))
			break;
	uses(plan_of(DOC_FIND, coll, search, NULL, NULL, NULL), ".words\"");
	(void)testpg_query(server, "ALTER SYSTEM RESET enable_seqscan");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	end(&c);
}

static bool
has_postgis(void)
{
	return strcmp(testpg_query(server,
			      "SELECT count(*) FROM pg_available_extensions "
			      "WHERE name = 'postgis'"),
		       "0") != 0;
}

static void
a_2dsphere_index_without_postgis_names_its_package(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	(void)testpg_query(server, "DROP EXTENSION IF EXISTS postgis");
	assert_non_null(
		strstr(add_index(coll, "{\"key\":{\"place\":\"2dsphere\"}}"),
			"-postgis-3"));
	end(&c);
}

/* Guangzhou, Beijing, and a document of two places. */
static void
a_2dsphere_index_finds_what_is_found_without(void **state)
{
	static const char *const queries[] = {
		"{\"place\":{\"$nearSphere\":{\"$geometry\":{\"type\":"
		"\"Point\",\"coordinates\":[113.2,23.1]},\"$maxDistance\":"
		"100000}}}",
		"{\"place\":{\"$geoWithin\":{\"$centerSphere\":[[113.2,23.1],"
		"0.02]}}}",
		"{\"place\":{\"$geoIntersects\":{\"$geometry\":{\"type\":"
		"\"Polygon\",\"coordinates\":[[[116,39],[117,39],[117,41],"
		"[116,41],[116,39]]]}}}}",
	};
	char before[array_size(queries)][64];
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	if (!has_postgis())
		return; /* its absence has its own test */
	(void)testpg_query(server, "CREATE EXTENSION IF NOT EXISTS postgis");
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"g\",\"place\":{\"type\":\"Point\","
		"\"coordinates\":[113.26,23.13]}},"
		"{\"_id\":\"b\",\"place\":[116.4,39.9]},"
		"{\"_id\":\"two\",\"place\":[{\"type\":\"Point\","
		"\"coordinates\":[113.3,23.2]},{\"type\":\"Point\","
		"\"coordinates\":[116.5,39.8]}]},"
		"{\"_id\":\"none\"},{\"_id\":\"text\",\"place\":\"here\"}]");
	for (size_t i = 0; i < array_size(queries); i++)
		(void)snprintf(before[i], sizeof(before[i]), "%s",
			ids_of(&c, coll, queries[i]));
	assert_string_equal(before[2], "b two");
	assert_string_equal(
		add_index(coll, "{\"name\":\"where\",\"key\":{\"place\":"
				"\"2dsphere\"}}"),
		"");
	catalog_forget(docs.catalog, "test", slice_str(coll));
	(void)testpg_query(server, "ALTER SYSTEM SET enable_seqscan = off");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	for (size_t i = 0; i < array_size(queries); i++) {
		assert_string_equal(ids_of(&c, coll, queries[i]), before[i]);
		uses(plan_of(DOC_FIND, coll, queries[i], NULL, NULL, NULL),
			".where\"");
	}
	(void)testpg_query(server, "ALTER SYSTEM RESET enable_seqscan");
	(void)testpg_query(server, "SELECT pg_reload_conf()");
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			reads_counts_changes_and_pipelines_go_by_indexes),
		cmocka_unit_test(
			the_permission_of_a_caller_goes_by_an_index_too),
		cmocka_unit_test(a_text_index_is_searched_by_its_fields),
		cmocka_unit_test(
			a_2dsphere_index_without_postgis_names_its_package),
		cmocka_unit_test(a_2dsphere_index_finds_what_is_found_without),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
