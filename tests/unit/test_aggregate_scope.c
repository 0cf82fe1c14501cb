/*
 * What a caller may not read is not there for any stage: neither documents nor
 * _openid, in no collection that a pipeline names.
 */
#include "tests/unit/aggregate_call.h"

/* Two owners' documents; n of bob's would be an error to divide by. */
static void
own_documents(struct call *c, const char *coll)
{
	ok(c, DOC_ADD_COLLECTION, coll, NULL, NULL);
	permit(coll, "PRIVATE");
	assert_int_equal(as(c, "ann", DOC_INSERT, coll, NULL,
				 "[{\"_id\": \"a1\", \"n\": 1, \"k\": \"x\"},"
				 "{\"_id\": \"a2\", \"n\": 2, \"k\": \"y\"}]"),
		0);
	assert_int_equal(as(c, "bob", DOC_INSERT, coll, NULL,
				 "[{\"_id\": \"b1\", \"n\": 0, \"k\": \"x\","
				 " \"up\": \"a1\"}]"),
		0);
}

static void
no_stage_shows_what_a_caller_may_not_read(void **state)
{
	static const struct {
		const char *stages, *expect;
	} cases[] = {
		{"[{\"$sort\": {\"_id\": 1}}]",
			"[{\"_id\": \"a1\", \"n\": 1, \"k\": \"x\"},"
			"{\"_id\": \"a2\", \"n\": 2, \"k\": \"y\"}]"},
		{"[{\"$count\": \"c\"}]", "[{\"c\": 2}]"},
		{"[{\"$group\": {\"_id\": null, \"n\": {\"$sum\": \"$n\"}}}]",
			"[{\"_id\": null, \"n\": 3}]"},
		{"[{\"$facet\": {\"a\": [{\"$count\": \"c\"}]}}]",
			"[{\"a\": [{\"c\": 2}]}]"},
		{"[{\"$limit\": 1}, {\"$project\": {\"_id\": 1}}, {\"$lookup\":"
		 " {\"from\": \"own\", \"localField\": \"none\","
		 " \"foreignField\": \"up\", \"as\": \"l\"}}, {\"$project\":"
		 " {\"l._id\": 1}}]",
			"[{\"_id\": \"a1\", \"l\": [{\"_id\": \"a1\"},"
			" {\"_id\": \"a2\"}]}]"},
		{"[{\"$match\": {\"_id\": \"a1\"}}, {\"$lookup\": {\"from\":"
		 " \"own\", \"localField\": \"_id\", \"foreignField\": \"up\","
		 " \"as\": \"l\"}}]",
			"[{\"_id\": \"a1\", \"n\": 1, \"k\": \"x\", \"l\": "
			"[]}]"},
		{"[{\"$match\": {\"_id\": \"a1\"}}, {\"$lookup\": {\"from\":"
		 " \"own\", \"let\": {\"k\": \"$k\"}, \"pipeline\": "
		 "[{\"$match\""
		 ": {\"$expr\": {\"$eq\": [\"$k\", \"$$k\"]}}}], \"as\":"
		 " \"l\"}}, {\"$project\": {\"l\": 1}}]",
			"[{\"_id\": \"a1\", \"l\": [{\"_id\": \"a1\", \"n\": 1,"
			" \"k\": \"x\"}]}]"},
		{"[{\"$match\": {\"_id\": \"a1\"}}, {\"$graphLookup\": {"
		 "\"from\": \"own\", \"startWith\": \"$_id\","
		 " \"connectFromField\": \"_id\", \"connectToField\": \"up\","
		 " \"as\": \"l\"}}, {\"$project\": {\"l\": 1}}]",
			"[{\"_id\": \"a1\", \"l\": []}]"},
		{"[{\"$match\": {\"_id\": \"a1\"}}, {\"$unionWith\": \"own\"},"
		 " {\"$project\": {\"k\": 1}}]",
			"[{\"_id\": \"a1\", \"k\": \"x\"}, {\"_id\": \"a1\","
			" \"k\": \"x\"}, {\"_id\": \"a2\", \"k\": \"y\"}]"},
		/* what would be an error on bob's document is none */
		{"[{\"$match\": {\"$expr\": {\"$gt\": [{\"$divide\": [1,"
		 " \"$n\"]}, 0]}}}, {\"$count\": \"c\"}]",
			"[{\"c\": 2}]"},
		{"[{\"$addFields\": {\"q\": 1}}, {\"$match\": {\"$expr\": {"
		 "\"$gt\": [{\"$divide\": [1, \"$n\"]}, 0]}}}, {\"$count\":"
		 " \"c\"}]",
			"[{\"c\": 2}]"},
		{"[{\"$project\": {\"q\": {\"$divide\": [1, \"$n\"]}}},"
		 " {\"$sort\": {\"q\": 1}}, {\"$limit\": 1}]",
			"[{\"_id\": \"a2\", \"q\": 0.5}]"},
		{"[{\"$redact\": {\"$cond\": [{\"$gt\": [{\"$divide\": [1,"
		 " \"$n\"]}, 0.7]}, \"$$KEEP\", \"$$PRUNE\"]}}, {\"$project\":"
		 " {\"_id\": 1}}]",
			"[{\"_id\": \"a1\"}]"},
	};
	struct call c = {0};

	(void)state;
	own_documents(&c, "own");
	for (size_t i = 0; i < array_size(cases); i++)
		gives(&c, "ann", "own", cases[i].stages, cases[i].expect);
	end(&c);
}

static void
openid_is_not_among_what_a_caller_reads(void **state)
{
	static const struct {
		const char *stages, *expect;
	} cases[] = {
		{"[{\"$project\": {\"_id\": 0, \"o\": \"$_openid\","
		 " \"_openid\": 1}}, {\"$limit\": 1}]",
			"[{}]"},
		{"[{\"$group\": {\"_id\": \"$_openid\"}}]",
			"[{\"_id\": null}]"},
		{"[{\"$sortByCount\": \"$_openid\"}]",
			"[{\"_id\": null, \"count\": 3}]"},
		{"[{\"$group\": {\"_id\": null, \"o\": {\"$addToSet\":"
		 " \"$$ROOT._openid\"}}}]",
			"[{\"_id\": null, \"o\": []}]"},
		{"[{\"$replaceRoot\": {\"newRoot\": \"$$ROOT\"}}, {\"$project\""
		 ": {\"_id\": 0, \"_openid\": 1}}, {\"$limit\": 1}]",
			"[{}]"},
		{"[{\"$project\": {\"a\": {\"$objectToArray\": \"$$ROOT\"}}},"
		 " {\"$match\": {\"a.k\": \"_openid\"}}]",
			"[]"},
		{"[{\"$sort\": {\"_openid\": -1}}, {\"$limit\": 1},"
		 " {\"$project\": {\"_id\": 1}}]",
			"[{\"_id\": \"a1\"}]"},
		{"[{\"$limit\": 1}, {\"$lookup\": {\"from\": \"all\","
		 " \"localField\": \"_id\", \"foreignField\": \"_id\", \"as\":"
		 " \"l\"}}, {\"$project\": {\"l._openid\": 1}}]",
			"[{\"_id\": \"a1\", \"l\": [{}]}]"},
		{"[{\"$limit\": 1}, {\"$lookup\": {\"from\": \"all\","
		 " \"pipeline\": [{\"$match\": {\"_id\": \"b1\"}}], \"as\":"
		 " \"l\"}}, {\"$project\": {\"l._openid\": 1}}]",
			"[{\"_id\": \"a1\", \"l\": [{}]}]"},
		{"[{\"$match\": {\"_id\": \"b1\"}}, {\"$graphLookup\": {"
		 "\"from\": \"all\", \"startWith\": \"$up\","
		 " \"connectFromField\": \"up\", \"connectToField\": \"_id\","
		 " \"as\": \"l\"}}, {\"$project\": {\"l._id\": 1,"
		 " \"l._openid\": 1}}]",
			"[{\"_id\": \"b1\", \"l\": [{\"_id\": \"a1\"}]}]"},
		{"[{\"$match\": {\"_openid\": \"{openid}\"}}, {\"$project\":"
		 " {\"_id\": 1}}]",
			"[{\"_id\": \"a1\"}, {\"_id\": \"a2\"}]"},
	};
	static const char *const denied[] = {
		"[{\"$match\": {\"_openid\": \"bob\"}}]",
		"[{\"$match\": {\"_openid\": {\"$gt\": \"a\"}}}]",
		"[{\"$limit\": 1}, {\"$lookup\": {\"from\": \"all\","
		" \"localField\": \"k\", \"foreignField\": \"_openid\", \"as\":"
		" \"l\"}}]",
		"[{\"$graphLookup\": {\"from\": \"all\", \"startWith\": \"x\","
		" \"connectFromField\": \"_openid\", \"connectToField\":"
		" \"_id\", \"as\": \"l\"}}]",
		"[{\"$limit\": 1}, {\"$lookup\": {\"from\": \"secret\","
		" \"pipeline\": [], \"as\": \"l\"}}]",
		"[{\"$unionWith\": \"secret\"}]",
		"[{\"$facet\": {\"a\": [{\"$unionWith\": \"secret\"}]}}]",
		"[{\"$out\": \"all\"}]",
		"[{\"$merge\": {\"into\": \"all\"}}]",
		"[{\"$collStats\": {}}]",
		"[{\"$indexStats\": {}}]",
	};
	struct call c = {0};

	(void)state;
	own_documents(&c, "all");
	permit("all", "READONLY");
	ok(&c, DOC_ADD_COLLECTION, "secret", NULL, NULL);
	for (size_t i = 0; i < array_size(cases); i++)
		gives(&c, "ann", "all", cases[i].stages, cases[i].expect);
	for (size_t i = 0; i < array_size(denied); i++) {
		int r = pipe_as(&c, "ann", "all", denied[i]);

		if (r != ERR_DB_DENIED)
			print_error("%s: %s %s\n", denied[i],
				fault_text(&c.op.job.why, r), c.text);
		assert_int_equal(r, ERR_DB_DENIED);
	}
	assert_int_equal(
		pipe_as(&c, "ann", "all", "[{\"$unionWith\": \"nowhere\"}]"),
		ERR_DB_NO_COLLECTION);
	end(&c);
}

/* A document like `doc`, of values that few expressions can do with. */
static json_t *
twist(const json_t *doc, int n)
{
	static const char *const values[] = {"\"text\"", "0", "null", "[]",
		"{\"x\": \"y\"}", "-1", "[[1], \"z\"]", "{\"$date\": 0}",
		"true"};
	json_t *twisted = json_object();
	const char *name;
	json_t *item;
	int i = 0;

	json_object_foreach ((json_t *)(uintptr_t)doc, name, item) {
		if ((n + i) % 5 == 4)
			(void)json_object_set(twisted, name, item);
		else
			(void)json_object_set_new(twisted, name,
				json_loads(values[(size_t)(n * 7 + i) %
						   array_size(values)],
					JSON_DECODE_ANY, NULL));
		i++;
	}
	(void)json_object_set_new(
		twisted, "_id", json_sprintf("%c%d", n % 2 ? 'B' : 'z', n));
	return twisted;
}

static void
add_hidden(const json_t *colls)
{
	struct call c = {0};
	const char *name;
	json_t *list, *doc;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)colls, name, list) {
		_json_ json_t *hidden = json_array();
		_free_ char *text = NULL;

		for (int n = 0; n < 3; n++)
			json_array_foreach (list, i, doc) {
				(void)json_array_append_new(
					hidden, twist(doc, (int)i * 3 + n));
			}
		text = json_dumps(hidden, 0);
		assert_int_equal(
			as(&c, "bob", DOC_INSERT, name, NULL, text), 0);
	}
	end(&c);
}

/* What ann gets: the documents, or the error's words. */
static char *
seen(const char *from, const json_t *one)
{
	_free_ char *text = json_dumps(json_object_get(one, "pipeline"), 0);
	struct call c = {0};
	int r = pipe_as(&c, "ann", from, text);
	char *said = str_printf(
		"%d %s", r, r < 0 ? fault_text(&c.op.job.why, r) : c.text);

	end(&c);
	return said;
}

/* The manual's pipelines on documents of ann's: what she gets is the same,
 * errors included, whatever bob has beside them. */
static void
others_documents_change_nothing_at_all(void **state)
{
	_json_ json_t *list = load("aggregate_stages.json");
	const char *from = NULL;
	const json_t *colls = NULL;
	size_t i, answers = 0;
	json_t *one;

	(void)state;
	json_array_foreach (list, i, one) {
		const char *other =
			json_string_value(json_object_get(one, "from"));
		_free_ char *alone = NULL;
		_free_ char *beside = NULL;

		if (json_object_get(one, "docs")) {
			colls = json_object_get(one, "docs");
			from = json_object_iter_key(
				json_object_iter((json_t *)(uintptr_t)colls));
		}
		if (strstr(json_string_value(json_object_get(one, "name")),
			    "sample"))
			continue;
		fill(colls, "ann");
		alone = seen(other ? other : from, one);
		add_hidden(colls);
		beside = seen(other ? other : from, one);
		if (strcmp(alone, beside) != 0)
			print_error("%s\n", json_string_value(json_object_get(
						    one, "name")));
		assert_string_equal(alone, beside);
		answers += alone[0] == '0';
	}
	assert_true(answers > 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_stage_shows_what_a_caller_may_not_read),
		cmocka_unit_test(others_documents_change_nothing_at_all),
		cmocka_unit_test(openid_is_not_among_what_a_caller_reads),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
