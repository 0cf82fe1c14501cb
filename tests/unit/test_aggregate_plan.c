/*
 * Pipelines use indexes where they can, and find with them what they find
 * without.
 */
#include "tests/unit/index_call.h"

/* A node of the plan that reads the whole table. */
static bool
scans(const json_t *plan, const char *table)
{
	const json_t *type = json_object_get(plan, "Node Type");
	const json_t *of = json_object_get(plan, "Relation Name");
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(type) && json_is_string(of) &&
		strstr(json_string_value(type), "Seq Scan") &&
		strcmp(json_string_value(of), table) == 0)
		return true;
	json_object_foreach ((json_t *)(uintptr_t)plan, key, item) {
		if (scans(item, table))
			return true;
	}
	json_array_foreach (plan, i, item) {
		if (scans(item, table))
			return true;
	}
	return false;
}

static json_t *
explained(const char *coll, const char *stages)
{
	struct call c = {0};
	struct doc_request request = {
		.verb = DOC_AGGREGATE,
		.env = "test",
		.collection = slice_str(coll),
		.explain = true,
		.limit = -1,
		.scope.admin = true,
	};
	json_t *plan;
	int r;

	begin(&c);
	request.stages = c.json[0] = parse(stages);
	doc_run(&docs, &c.op, &request);
	r = finish(&c);
	if (r < 0)
		print_error("%s: %s\n", stages, fault_text(&c.op.job.why, r));
	assert_int_equal(r, 0);
	assert_int_equal(c.op.count, 1);
	plan = json_loadb(c.op.list[0].ptr, c.op.list[0].len, 0, NULL);
	assert_non_null(plan);
	end(&c);
	return plan;
}

/* x is i / 3, y a text or, of each tenth, an array. */
static void
add_some(struct call *c, int from, int to)
{
	_buf_ struct buf docs_of;

	buf_init(&docs_of, 4 << 20);
	for (int i = from; i < to; i++) {
		buf_printf(&docs_of,
			"%s{\"_id\": \"d%04d\", \"i\": %d, \"x\": %d, ",
			i > from ? "," : "[", i, i, i / 3);
		buf_printf(&docs_of,
			i % 10 ? "\"y\": \"t%d\"}" : "\"y\": [\"t%d\", 5]}",
			i % 500);
	}
	buf_char(&docs_of, ']');
	assert_int_equal(buf_check(&docs_of), 0);
	ok(c, DOC_INSERT, "many", NULL, docs_of.ptr);
}

static void
fill_many(struct call *c)
{
	ok(c, DOC_ADD_COLLECTION, "many", NULL, NULL);
	for (int i = 0; i < 3000; i += 500)
		add_some(c, i, i + 500);
	ok(c, DOC_ADD_COLLECTION, "few", NULL, NULL);
	ok(c, DOC_INSERT, "few", NULL,
		"[{\"_id\": 1, \"to\": \"d0007\", \"x\": 5, \"y\": \"t20\"},"
		"{\"_id\": 2, \"to\": [\"d0008\", \"d2999\", \"none\"],"
		" \"x\": [7, 8], \"y\": 5},"
		"{\"_id\": 3, \"x\": null, \"y\": [\"t1\", \"t30\"]}]");
}

static const char *const pipelines[] = {
	"[{\"$lookup\": {\"from\": \"many\", \"localField\": \"to\","
	" \"foreignField\": \"_id\", \"as\": \"l\"}},"
	" {\"$project\": {\"l._id\": 1}}]",
	"[{\"$lookup\": {\"from\": \"many\", \"localField\": \"x\","
	" \"foreignField\": \"x\", \"as\": \"l\"}},"
	" {\"$project\": {\"l._id\": 1}}]",
	"[{\"$match\": {\"_id\": {\"$ne\": 2}}}, {\"$lookup\": {\"from\":"
	" \"many\", \"localField\": \"y\", \"foreignField\": \"y\", \"as\":"
	" \"l\"}}, {\"$project\": {\"l._id\": 1}}]",
	"[{\"$lookup\": {\"from\": \"many\", \"let\": {\"to\": \"$to\"},"
	" \"pipeline\": [{\"$match\": {\"$expr\": {\"$eq\": [\"$_id\","
	" \"$$to\"]}}}, {\"$project\": {\"_id\": 1}}], \"as\": \"l\"}},"
	" {\"$project\": {\"l\": 1}}]",
	"[{\"$lookup\": {\"from\": \"many\", \"let\": {\"x\": \"$x\"},"
	" \"pipeline\": [{\"$match\": {\"$expr\": {\"$and\": [{\"$eq\":"
	" [\"$$x\", \"$x\"]}, {\"$gt\": [\"$i\", 15]}]}}}, {\"$project\":"
	" {\"_id\": 1}}], \"as\": \"l\"}}, {\"$project\": {\"l\": 1}}]",
	"[{\"$lookup\": {\"from\": \"many\", \"localField\": \"x\","
	" \"foreignField\": \"x\", \"pipeline\": [{\"$match\": {\"i\":"
	" {\"$gt\": 16}}}, {\"$project\": {\"_id\": 1}}], \"as\": \"l\"}},"
	" {\"$project\": {\"l\": 1}}]",
	"[{\"$graphLookup\": {\"from\": \"many\", \"startWith\": \"$x\","
	" \"connectFromField\": \"i\", \"connectToField\": \"x\","
	" \"maxDepth\": 1, \"as\": \"l\"}}, {\"$project\": {\"l._id\": 1}}]",
};

/* The last documents of a collection by _id, of an indexed condition, in an
 * indexed order. */
static const char *const of_many[] = {
	"[{\"$sort\": {\"_id\": -1}}, {\"$limit\": 5}]",
	"[{\"$sort\": {\"_id\": 1}}, {\"$skip\": 3}, {\"$limit\": 5}]",
	"[{\"$match\": {\"x\": 77}}, {\"$sort\": {\"_id\": 1}}]",
	"[{\"$match\": {\"x\": {\"$gte\": 998}}}, {\"$group\": {\"_id\":"
	" \"$x\", \"n\": {\"$sum\": 1}}}, {\"$sort\": {\"_id\": 1}}]",
	"[{\"$match\": {\"_id\": {\"$in\": [\"d0001\", \"d0010\"]}}},"
	" {\"$sort\": {\"i\": -1}}]",
	"[{\"$match\": {\"$expr\": {\"$eq\": [\"$_id\", \"d0033\"]}}}]",
	"[{\"$match\": {\"$expr\": {\"$eq\": [\"$x\", 44]}}}, {\"$sort\":"
	" {\"_id\": 1}}]",
	"[{\"$match\": {\"$expr\": {\"$eq\": [\"$y\", [\"t20\", 5]]}}},"
	" {\"$sort\": {\"_id\": 1}}]",
	"[{\"$sort\": {\"x\": -1}}, {\"$limit\": 4}]",
	"[{\"$match\": {\"i\": {\"$lt\": 2000}}}, {\"$sort\": {\"x\": -1}},"
	" {\"$skip\": 2}, {\"$limit\": 4}, {\"$project\": {\"i\": 1}}]",
};

enum { ALL = 7 + 10 };

static void
run_all(struct call *c, char *texts[ALL])
{
	for (size_t i = 0; i < ALL; i++) {
		bool few = i < array_size(pipelines);

		ok(c, DOC_AGGREGATE, few ? "few" : "many", NULL,
			few ? pipelines[i]
			    : of_many[i - array_size(pipelines)]);
		texts[i] = str_printf("%s", c->text);
		assert_true(c->op.count > 0);
	}
}

static void
pipelines_find_the_same_with_indexes_and_use_them(void **state)
{
	char *before[ALL], *after[ALL];
	struct call c = {0};

	(void)state;
	assert_int_equal(
		array_size(pipelines) + array_size(of_many), (size_t)ALL);
	fill_many(&c);
	run_all(&c, before);
	assert_string_equal(add_index("many", "{\"keys\": [{\"name\": \"x\","
					      " \"direction\": \"1\"}]}"),
		"");
	assert_string_equal(add_index("many", "{\"keys\": [{\"name\": \"y\","
					      " \"direction\": \"1\"}]}"),
		"");
	(void)testpg_query(server, "ANALYZE \"env_test\".\"many\"");
	loop_turn(&loop, false);
	catalog_forget(docs.catalog, "test", slice_str("many"));
	run_all(&c, after);
	for (size_t i = 0; i < ALL; i++) {
		bool few = i < array_size(pipelines);
		const char *stages =
			few ? pipelines[i] : of_many[i - array_size(pipelines)];
		_json_ json_t *plan = explained(few ? "few" : "many", stages);

		if (strcmp(before[i], after[i]) != 0 || scans(plan, "many"))
			print_error("%s\n", stages);
		assert_string_equal(before[i], after[i]);
		if (scans(plan, "many"))
			json_dumpf(plan, stderr, JSON_INDENT(1));
		assert_false(scans(plan, "many"));
		free(before[i]);
		free(after[i]);
	}
	end(&c);
}

static void
without_an_index_a_lookup_reads_the_whole_table(void **state)
{
	_json_ json_t *plan = explained("few",
		"[{\"$lookup\": {\"from\": \"many\", \"localField\": \"x\","
		" \"foreignField\": \"i\", \"as\": \"l\"}}]");

	(void)state;
	assert_true(scans(plan, "many"));
}

static void
ids_of_several_types_come_in_mongodbs_order(void **state)
{
	struct call c = {0};

	(void)state;
	ok(&c, DOC_ADD_COLLECTION, "ids", NULL, NULL);
	ok(&c, DOC_INSERT, "ids", NULL,
		"[{\"_id\": 10}, {\"_id\": \"b\"}, {\"_id\": 9},"
		" {\"_id\": \"a\"}, {\"_id\": 9.5}, {\"_id\": -1}]");
	ok(&c, DOC_AGGREGATE, "ids", NULL, "[{\"$sort\": {\"_id\": 1}}]");
	assert_string_equal(c.text,
		"{\"_id\": -1}\n{\"_id\": 9}\n{\"_id\": 9.5}\n{\"_id\": 10}\n"
		"{\"_id\": \"a\"}\n{\"_id\": \"b\"}");
	ok(&c, DOC_AGGREGATE, "ids", NULL,
		"[{\"$sort\": {\"_id\": -1}}, {\"$skip\": 1}, {\"$limit\": "
		"3}]");
	assert_string_equal(
		c.text, "{\"_id\": \"a\"}\n{\"_id\": 10}\n{\"_id\": 9.5}");
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pipelines_find_the_same_with_indexes_and_use_them),
		cmocka_unit_test(
			without_an_index_a_lookup_reads_the_whole_table),
		cmocka_unit_test(ids_of_several_types_come_in_mongodbs_order),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
