/*
 * Definitions of indexes in all their forms, and indexes built and dropped on a
 * real server.
 */
#include "tests/unit/index_call.h"

/* "a_1 {…}" of a definition, or the error's sentence. */
static const char *
define(const char *text)
{
	static char ret[2048];
	_json_ json_t *v = parse(text);
	_json_ json_t *made = NULL;
	struct fault why = {0};
	struct arena arena;
	struct slice name;
	char *dump;

	arena_init(&arena, 1 << 20);
	if (index_define(&made, &name, v, &arena, &why) < 0) {
		(void)snprintf(ret, sizeof(ret), "%s", why.text);
	} else {
		dump = made ? json_dumps(made, JSON_COMPACT) : NULL;
		(void)snprintf(ret, sizeof(ret), "%.*s %s", SLICE_ARG(name),
			dump ? dump : "none");
		free(dump);
	}
	arena_done(&arena);
	return ret;
}

#define PRICE \
	"{\"layout\":1,\"keys\":[{\"name\":\"price\",\"direction\":\"-1\"}]"

static void
every_usual_form_of_a_definition_is_read(void **state)
{
	static const char *const forms[] = {
		"{\"name\":\"p\",\"keys\":[{\"name\":\"price\",\"direction\":"
		"-1}],\"unique\":true}",
		/* CloudBase's API: CreateIndexes[] of UpdateTable */
		"{\"IndexName\":\"p\",\"MgoKeySchema\":{\"MgoIndexKeys\":[{"
		"\"Name\":\"price\",\"Direction\":\"-1\"}],\"MgoIsUnique\":"
		"true}}",
		/* MongoDB's getIndexes */
		"{\"v\":2,\"key\":{\"price\":-1},\"name\":\"p\",\"unique\":"
		"true,\"ns\":\"db.goods\"}",
		"{\"key\":{\"price\":{\"$numberInt\":\"-1\"}},\"name\":\"p\","
		"\"unique\":true,\"background\":false}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(forms); i++)
		assert_string_equal(
			define(forms[i]), "p " PRICE ",\"unique\":true}");
}

static void
an_index_without_a_name_is_named_as_mongodb_names_it(void **state)
{
	(void)state;
	assert_string_equal(define("{\"key\":{\"b.c\":1,\"a\":-1}}"),
		"b.c_1_a_-1 {\"layout\":1,\"keys\":[{\"name\":\"b.c\","
		"\"direction\":\"1\"},{\"name\":\"a\",\"direction\":\"-1\"}]}");
}

static void
a_text_index_of_mongodb_says_its_fields_as_weights(void **state)
{
	(void)state;
	assert_string_equal(
		define("{\"key\":{\"_fts\":\"text\",\"_ftsx\":1},\"weights\":"
		       "{\"title\":1},\"name\":\"t\"}"),
		"t {\"layout\":1,\"keys\":[{\"name\":\"title\",\"direction\":"
		"\"text\"}]}");
}

static void
the_index_of_id_needs_none(void **state)
{
	(void)state;
	assert_string_equal(
		define("{\"key\":{\"_id\":1},\"name\":\"_id_\"}"), "_id_ none");
}

static void
what_is_not_understood_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"[]", "a JSON object is wanted"},
		{"{}", "needs \"keys\""},
		{"{\"keys\":[]}", "has 1 to 31 fields"},
		{"{\"keys\":[{\"direction\":1}]}", "needs a name"},
		{"{\"key\":{\"a\":2}}", "direction of a is"},
		{"{\"key\":{\"a\":\"hashed\"}}", "direction of a is"},
		{"{\"key\":{\"a..b\":1}}", "empty step"},
		{"{\"keys\":[{\"name\":\"a\",\"direction\":1},{\"name\":\"a\","
		 "\"direction\":-1}]}",
			"a stands twice"},
		{"{\"key\":{\"a\":1},\"uniqe\":true}",
			"\"uniqe\" is not known"},
		{"{\"key\":{\"a\":1,\"b\":1},\"expireAfterSeconds\":1}",
			"one field that holds a date"},
		{"{\"key\":{\"a\":1},\"expireAfterSeconds\":-1}",
			"0 to 2147483647"},
		{"{\"key\":{\"a\":\"2dsphere\",\"b\":1}}", "has one field"},
		{"{\"key\":{\"a\":\"text\"},\"unique\":true}",
			"cannot be unique"},
		{"{\"key\":{\"a\":1},\"partialFilterExpression\":{\"a\":{"
		 "\"$ne\":1}}}",
			"partialFilterExpression knows"},
		{"{\"key\":{\"a\":1},\"partialFilterExpression\":{\"_id\":1}}",
			"may not speak of _id"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (!strstr(define(rows[i].text), rows[i].says))
			fail_msg("%s: %s", rows[i].text, define(rows[i].text));
}

/* On a server. */

static const char *
relations(void)
{
	return testpg_query(server,
		"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON "
		"n.oid = relnamespace WHERE nspname = 'env_test' AND relname "
		"~ '^system[.][ia]'");
}

static void
an_index_is_built_listed_and_dropped(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1},{\"n\":[1,2]},{}]");
	assert_string_equal(add_index(coll, "{\"key\":{\"n\":1}}"), "");
	assert_non_null(strstr(indexes_of(coll), "\"n_1\""));
	assert_non_null(strstr(indexes_of(coll), "\"_id_\""));
	assert_string_equal(relations(), "2"); /* b-tree and GIN */
	/* the same once more is fine */
	assert_string_equal(add_index(coll, "{\"key\":{\"n\":1}}"), "");
	drop_index(coll, "n_1");
	assert_null(strstr(indexes_of(coll), "\"n_1\""));
	assert_string_equal(relations(), "0");
	end(&c);
}

static void
another_definition_of_the_name_is_refused(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	assert_string_equal(
		add_index(coll, "{\"name\":\"i\",\"key\":{\"n\":1}}"), "");
	assert_non_null(
		strstr(add_index(coll, "{\"name\":\"i\",\"key\":{\"m\":1}}"),
			"exists with another definition"));
	assert_non_null(
		strstr(add_index(coll, "{\"name\":\"j\",\"key\":{\"n\":1}}"),
			"on these fields already, named i"));
	assert_non_null(strstr(add_index("no such", "{\"key\":{\"n\":1}}"),
		"Table not exist"));
	end(&c);
}

static void
a_unique_index_lets_none_in_twice(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1},{\"n\":2}]");
	assert_string_equal(
		add_index(coll, "{\"key\":{\"n\":1},\"unique\":true}"), "");
	assert_int_equal(
		run(&c, DOC_INSERT, coll, NULL, "[{\"n\":2}]"), ERR_DB_EXISTS);
	assert_non_null(strstr(c.op.job.why.text, "E11000 duplicate key"));
	assert_non_null(strstr(c.op.job.why.text, "index: n_1"));
	/* missing is null, once */
	ok(&c, DOC_INSERT, coll, NULL, "[{}]");
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL, "[{\"n\":null}]"),
		ERR_DB_EXISTS);
	/* of another type it is another value */
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":\"2\"}]");
	end(&c);
}

static void
a_unique_sparse_index_does_not_mind_what_is_missing(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	assert_string_equal(
		add_index(coll, "{\"key\":{\"n\":1},\"unique\":true,"
				"\"sparse\":true}"),
		"");
	ok(&c, DOC_INSERT, coll, NULL, "[{},{},{\"n\":null},{\"n\":1}]");
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL, "[{\"n\":null}]"),
		ERR_DB_EXISTS);
	assert_int_equal(
		run(&c, DOC_INSERT, coll, NULL, "[{\"n\":1}]"), ERR_DB_EXISTS);
	end(&c);
}

static void
a_partial_unique_index_minds_only_what_it_holds(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	assert_string_equal(
		add_index(coll, "{\"key\":{\"n\":1},\"unique\":true,"
				"\"partialFilterExpression\":{\"s\":\"it's "
				"$1 \\\\ on\",\"q\":{\"$gt\":5}}}"),
		"");
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"n\":1,\"s\":\"off\",\"q\":9},{\"n\":1},{\"n\":1,\"q\":1,"
		"\"s\":\"it's $1 \\\\ on\"},"
		"{\"n\":1,\"q\":6,\"s\":\"it's $1 \\\\ on\"}]");
	assert_int_equal(
		run(&c, DOC_INSERT, coll, NULL,
			"[{\"n\":1,\"q\":7,\"s\":\"it's $1 \\\\ on\"}]"),
		ERR_DB_EXISTS);
	end(&c);
}

static void
a_unique_index_that_cannot_be_says_why_and_leaves_nothing(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char before[16];

	(void)state;
	(void)snprintf(before, sizeof(before), "%s", relations());
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1},{\"n\":1}]");
	assert_string_equal(
		add_index(coll, "{\"key\":{\"n\":1},\"unique\":true}"), "");
	assert_non_null(strstr(indexes_of(coll), "\"failed\""));
	assert_non_null(strstr(indexes_of(coll), "E11000"));
	assert_string_equal(relations(), before);
	/* mended, it may be tried again */
	ok(&c, DOC_REMOVE, coll, NULL, NULL);
	assert_string_equal(
		add_index(coll, "{\"key\":{\"n\":1},\"unique\":true}"), "");
	assert_non_null(strstr(indexes_of(coll), "\"ready\", \"unique\""));
	end(&c);
}

/* As after the death of a gateway: a row without a builder, and what its
 * CREATE INDEX CONCURRENTLY left. */
static void
what_a_dead_builder_left_is_built_anew(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char sql[600];

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1}]");
	assert_string_equal(add_index(coll, "{\"key\":{\"n\":1}}"), "");
	(void)snprintf(sql, sizeof(sql),
		"UPDATE mpcloud.indexes SET state = 'building' WHERE "
		"collection = '%s'; UPDATE pg_index SET indisvalid = false "
		"WHERE indexrelid = (SELECT format('env_test.%%I', "
		"relation)::regclass FROM mpcloud.indexes WHERE collection "
		"= '%s')",
		coll, coll);
	(void)testpg_query(server, sql);
	index_work_kick(work);
	while (strstr(indexes_of(coll), "building"))
		loop_turn(&loop, true);
	(void)snprintf(sql, sizeof(sql),
		"SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = "
		"'env_test.%s'::regclass",
		coll);
	assert_string_equal(testpg_query(server, sql), "t");
	end(&c);
}

static void
a_collection_goes_with_all_that_is_its(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct op o;

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1}]");
	assert_string_equal(add_index(coll, "{\"key\":{\"n\":1}}"), "");
	op_begin(&o);
	coll_op_list(pool, &o.op, "test");
	assert_int_equal(op_end(&o), 0);
	assert_non_null(strstr(o.op.json.ptr, coll));
	arena_done(&o.arena);
	for (int i = 0; i < 2; i++) {
		op_begin(&o);
		coll_op_drop(pool, &o.op, "test", slice_str(coll));
		assert_int_equal(op_end(&o), 0);
		assert_int_equal(o.op.done, i == 0);
		arena_done(&o.arena);
	}
	assert_int_equal(
		run(&c, DOC_FIND, coll, NULL, NULL), ERR_DB_NO_COLLECTION);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_usual_form_of_a_definition_is_read),
		cmocka_unit_test(
			an_index_without_a_name_is_named_as_mongodb_names_it),
		cmocka_unit_test(
			a_text_index_of_mongodb_says_its_fields_as_weights),
		cmocka_unit_test(the_index_of_id_needs_none),
		cmocka_unit_test(what_is_not_understood_is_named),
		cmocka_unit_test(an_index_is_built_listed_and_dropped),
		cmocka_unit_test(another_definition_of_the_name_is_refused),
		cmocka_unit_test(a_unique_index_lets_none_in_twice),
		cmocka_unit_test(
			a_unique_sparse_index_does_not_mind_what_is_missing),
		cmocka_unit_test(
			a_partial_unique_index_minds_only_what_it_holds),
		cmocka_unit_test(
			a_unique_index_that_cannot_be_says_why_and_leaves_nothing),
		cmocka_unit_test(what_a_dead_builder_left_is_built_anew),
		cmocka_unit_test(a_collection_goes_with_all_that_is_its),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
