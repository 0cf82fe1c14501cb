/*
 * Documents on a real server: what wx.cloud's calls mean.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db/doc.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct testpg *server;
static struct loop loop;
static struct pool *pool;

/* One call and its answer. */
struct call {
	struct doc_op op;
	struct arena arena;
	int done;
	const char *user; /* NULL: admin */
	bool multi, upsert, replace;
	int64_t skip, limit;
	const char *order, *projection;
	char text[8192]; /* of the list */
};

static void
on_done(struct job *job)
{
	struct doc_op *op = container_of(job, struct doc_op, job);
	struct call *c = container_of(op, struct call, op);
	size_t at = 0;

	c->done = 1;
	loop_stop(&loop); /* do not sleep in this turn */
	c->text[0] = '\0';
	if (job->err)
		return;
	for (size_t i = 0; i < op->count && op->list; i++)
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at,
			"%s%.*s", i ? "\n" : "", SLICE_ARG(op->list[i]));
}

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *v;

	if (!text)
		return NULL;
	v = json_loads(text, JSON_DECODE_ANY, &error);
	if (!v)
		print_error("%s: %s\n", text, error.text);
	assert_non_null(v);
	return v;
}

static void
begin(struct call *c)
{
	if (c->done)
		arena_done(&c->arena);
	c->done = 0;
	arena_init(&c->arena, 64 << 20);
	c->op.arena = &c->arena;
	job_init(&c->op.job, on_done);
}

static void
start(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	_json_ json_t *q = parse(query);
	_json_ json_t *d = parse(data);
	_json_ json_t *o = parse(c->order);
	_json_ json_t *p = parse(c->projection);
	const struct doc_request request = {
		.verb = verb,
		.env = "test",
		.collection = slice_str(coll),
		.query = q,
		.data = d,
		.order = o,
		.projection = p,
		.skip = c->skip,
		.limit = c->limit ? c->limit : -1,
		.multi = c->multi,
		.merge = !c->replace,
		.upsert = c->upsert,
		.scope = {.admin = !c->user, .openid = c->user},
	};

	begin(c);
	doc_run(pool, &c->op, &request);
}

static int
finish(struct call *c)
{
	while (!c->done)
		loop_turn(&loop, true);
	return c->op.job.err;
}

static int
run(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	start(c, verb, coll, query, data);
	return finish(c);
}

static void
end(struct call *c)
{
	if (c->done)
		arena_done(&c->arena);
	c->done = 0;
}

static void
ok(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	int r = run(c, verb, coll, query, data);

	if (r < 0)
		print_error("%s %s: %s\n", query ? query : "", data ? data : "",
			fault_text(&c->op.job.why, r));
	assert_int_equal(r, 0);
}

/* A collection of its own for each test. */
static const char *
fresh(struct call *c)
{
	static char name[32];
	static int n;

	(void)snprintf(name, sizeof(name), "coll%d", n++);
	*c = (struct call){0};
	ok(c, DOC_ADD_COLLECTION, name, NULL, NULL);
	return name;
}

static void
permit(const char *coll, const char *permission)
{
	struct call c = {0};

	begin(&c);
	doc_set_permission(
		pool, &c.op, "test", slice_str(coll), slice_str(permission));
	assert_int_equal(finish(&c), 0);
	end(&c);
}

/* The ids that a query finds, in their order: "a b". */
static const char *
ids_of(struct call *c, const char *coll, const char *query)
{
	static char ids[512];
	size_t at = 0;

	c->projection = "{\"_id\": 1}";
	ok(c, DOC_FIND, coll, query, NULL);
	c->projection = NULL;
	ids[0] = '\0';
	for (size_t i = 0; i < c->op.count; i++) {
		_json_ json_t *v = json_loadb(
			c->op.list[i].ptr, c->op.list[i].len, 0, NULL);

		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%s",
			i ? " " : "",
			json_string_value(json_object_get(v, "_id")));
	}
	return ids;
}

/* The document after an update of `before`. */
static const char *
after(struct call *c, const char *coll, const char *before, const char *update)
{
	c->multi = true;
	ok(c, DOC_REMOVE, coll, NULL, NULL);
	c->multi = false;
	ok(c, DOC_INSERT, coll, NULL, before);
	if (run(c, DOC_UPDATE, coll, "{\"_id\": \"x\"}", update) < 0)
		return fault_text(&c->op.job.why, c->op.job.err);
	assert_int_equal(c->op.total, 1);
	c->projection = "{\"_id\": 0}";
	ok(c, DOC_FIND, coll, "{\"_id\": \"x\"}", NULL);
	c->projection = NULL;
	return c->text;
}

static void
what_is_inserted_is_found_by_its_id(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char query[80];

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"a\": 1, \"b\": \"é\"}]");
	assert_int_equal(c.op.count, 1);
	assert_int_equal(strlen(c.op.ids[0]), 32);
	(void)snprintf(query, sizeof(query), "{\"_id\": \"%s\"}", c.op.ids[0]);
	ok(&c, DOC_FIND, coll, query, NULL);
	assert_int_equal(c.op.count, 1);
	assert_non_null(strstr(c.text, ", \"a\": 1, \"b\": \"é\"}"));
	end(&c);
}

static void
ids_made_by_us_keep_the_order_of_insertion(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4}]");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":5}]");
	c.projection = "{\"n\": 1, \"_id\": 0}";
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(c.text,
		"{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n{\"n\": 4}\n{\"n\": 5}");
	end(&c);
}

/* Whatever the planner may be told, only a usable index is used. */
static void
an_id_goes_through_the_primary_key(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char sql[300];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
		"SET enable_seqscan = off; SET enable_bitmapscan = off;"
		"EXPLAIN (COSTS off) SELECT _id, doc FROM env_test.%s"
		" WHERE (_id = text 'a')",
		coll);
	assert_non_null(strstr(testpg_query(server, sql), "Index Scan using"));
	end(&c);
}

static void
the_second_of_one_id_exists_already(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\": \"x\"}]");
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL, "[{\"_id\": \"x\"}]"),
		ERR_DB_EXISTS);
	/* one statement: all or nothing */
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL,
				 "[{\"_id\": \"y\"}, {\"_id\": \"x\"}]"),
		ERR_DB_EXISTS);
	ok(&c, DOC_COUNT, coll, NULL, NULL);
	assert_int_equal(c.op.total, 1);
	end(&c);
}

static void
a_collection_that_is_missing_is_named_as_cloudbase_does(void **state)
{
	struct call c = {0};

	(void)state;
	assert_int_equal(
		run(&c, DOC_FIND, "no such", NULL, NULL), ERR_DB_NO_COLLECTION);
	assert_string_equal(c.op.job.why.text,
		"[ResourceNotFound] Db or Table not exist: no such.");
	assert_int_equal(run(&c, DOC_INSERT, "no such", NULL, "[{}]"),
		ERR_DB_NO_COLLECTION);
	end(&c);
}

static void
a_collection_made_twice_says_table_exist(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	assert_int_equal(
		run(&c, DOC_ADD_COLLECTION, coll, NULL, NULL), ERR_DB_EXISTS);
	assert_non_null(strstr(c.op.job.why.text, "Table exist"));
	end(&c);
}

static void
queries_match_as_mongodb_does(void **state)
{
	static const struct {
		const char *query, *ids;
	} cases[] = {
		{"{\"n\": 1}", "a"},
		{"{\"n\": {\"$numberInt\": \"1\"}}", "a"},
		{"{\"n\": {\"$eq\": 2}}", "b"},
		{"{\"n\": \"1\"}", ""},
		{"{\"n\": {\"$gt\": 1}}", "b c"},
		{"{\"n\": {\"$gte\": 2, \"$lt\": 3}}", "b"},
		{"{\"n\": {\"$lte\": {\"$numberDouble\": \"2.0\"}}}", "a b"},
		{"{\"n\": {\"$ne\": 1}}", "b c d e f"},
		{"{\"n\": {\"$neq\": 1}}", "b c d e f"},
		{"{\"n\": {\"$in\": [1, 3, \"x\"]}}", "a c d"},
		{"{\"n\": {\"$nin\": [1, 3, \"x\"]}}", "b e f"},
		{"{\"n\": {\"$in\": []}}", ""},
		{"{\"n\": {\"$in\": [null, 2]}}", "b e f"},
		{"{\"n\": null}", "e f"},
		{"{\"n\": {\"$ne\": null}}", "a b c d"},
		{"{\"n\": {\"$exists\": true}}", "a b c d e"},
		{"{\"n\": {\"$exists\": false}}", "f"},
		{"{\"n\": {\"$not\": {\"$gt\": 1}}}", "a d e f"},
		{"{\"tags\": \"red\"}", "a b"},
		{"{\"tags\": {\"$ne\": \"red\"}}", "c d e f"},
		{"{\"tags\": [\"red\", \"blue\"]}", "a"},
		{"{\"tags\": {\"$in\": [[\"red\"], \"blue\"]}}", "a b"},
		{"{\"o.k\": true}", "a"},
		{"{\"o\": {\"z\": [1, {\"y\": 2}], \"k\": true}}", "a"},
		{"{\"o.z.y\": 2}", "a"},
		{"{\"o.z.1.y\": 2}", "a"},
		{"{\"o.z.0\": 1}", "a"},
		{"{\"o.z.0\": 2}", ""},
		{"{\"list.p\": 5}", "c"},
		{"{\"list.p\": {\"$gt\": 5}}", "c"},
		{"{\"list.q\": null}", "a b c d e f"},
		{"{\"list.p\": null}", "a b c e f"},
		{"{\"when\": {\"$date\": {\"$numberLong\": \"1000\"}}}", "d"},
		{"{\"when\": {\"$gt\": {\"$date\": 500}}}", "d"},
		{"{\"when\": {\"$gt\": 500}}", ""},
		{"{\"when\": {\"$in\": [{\"$date\": 1000}, 7]}}", "d"},
		{"{\"when\": {\"$lt\": {\"$date\": \"1970-01-01T00:00:01Z\"}}}",
			""},
		{"{\"_id\": \"b\"}", "b"},
		{"{\"_id\": {\"$in\": [\"f\", \"a\", 3]}}", "a f"},
		{"{\"_id\": {\"$gt\": \"d\"}}", "e f"},
		{"{\"_id\": {\"$ne\": \"a\"}}", "b c d e f"},
		{"{\"_id\": null}", ""},
		{"{\"$or\": [{\"n\": 1}, {\"n\": 2, \"tags\": \"red\"}]}",
			"a b"},
		{"{\"$nor\": [{\"n\": 1}, {\"tags\": \"red\"}]}", "c d e f"},
		{"{\"$and\": [{\"n\": {\"$gt\": 1}}, {\"n\": {\"$lt\": 3}}]}",
			"b"},
		{"{\"nested\": 1}", ""}, /* one level of arrays only */
		{"{\"nested\": [1]}", "e"},
		{"{\"we ird.\\\"k\\\"\": 1}", "f"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":1,\"tags\":[\"red\",\"blue\"],"
		"\"o\":{\"k\":true,\"z\":[1,{\"y\":2}]}},"
		"{\"_id\":\"b\",\"n\":{\"$numberDouble\":\"2.0\"},"
		"\"tags\":[\"red\"]},"
		"{\"_id\":\"c\",\"n\":3,\"list\":[{\"p\":5},{\"p\":6},{}]},"
		"{\"_id\":\"d\",\"n\":\"x\",\"when\":{\"$date\":1000},"
		"\"list\":[{\"p\":1,\"q\":null}]},"
		"{\"_id\":\"e\",\"n\":null,\"nested\":[[1]]},"
		"{\"_id\":\"f\",\"we ird\":{\"\\\"k\\\"\":1}}]");
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *got = ids_of(&c, coll, cases[i].query);

		if (strcmp(got, cases[i].ids) != 0)
			print_error("query %s\n", cases[i].query);
		assert_string_equal(got, cases[i].ids);
	}
	end(&c);
}

static void
updates_change_as_mongodb_does(void **state)
{
	static const struct {
		const char *before, *update, *after;
	} cases[] = {
		{"", "{\"$set\":{\"a\":1,\"b\":{\"c\":2}}}",
			"{\"a\": 1, \"b\": {\"c\": 2}}"},
		{"\"a\":1,\"b\":2", "{\"$set\":{\"a\":{\"$date\":5}}}",
			"{\"a\": {\"$date\": 5}, \"b\": 2}"},
		{"\"a\":{\"b\":1}", "{\"$set\":{\"a.c.d\":2}}",
			"{\"a\": {\"b\": 1, \"c\": {\"d\": 2}}}"},
		{"\"a\":[1,2]", "{\"$set\":{\"a.1\":5,\"a.3\":7}}",
			"{\"a\": [1, 5, null, 7]}"},
		{"\"a\":1,\"b\":{\"c\":1,\"d\":2}",
			"{\"$unset\":{\"a\":\"\",\"b.c\":\"\",\"z\":\"\"}}",
			"{\"b\": {\"d\": 2}}"},
		{"\"a\":[1,2]", "{\"$unset\":{\"a.0\":\"\"}}",
			"{\"a\": [null, 2]}"},
		{"\"n\":1", "{\"$inc\":{\"n\":2,\"m.k\":5}}",
			"{\"m\": {\"k\": 5}, \"n\": 3}"},
		{"\"n\":0.1", "{\"$inc\":{\"n\":0.2}}",
			"{\"n\": 0.30000000000000004}"},
		{"\"n\":1", "{\"$inc\":{\"n\":{\"$numberDouble\":\"1.0\"}}}",
			"{\"n\": 2.0}"},
		{"\"n\":9007199254740993", "{\"$inc\":{\"n\":1}}",
			"{\"n\": 9007199254740994}"},
		{"\"n\":3", "{\"$mul\":{\"n\":2.5,\"m\":4}}",
			"{\"m\": 0, \"n\": 7.5}"},
		{"\"n\":3,\"m\":3", "{\"$min\":{\"n\":2,\"m\":4,\"k\":1}}",
			"{\"k\": 1, \"m\": 3, \"n\": 2}"},
		{"\"n\":3,\"m\":3", "{\"$max\":{\"n\":2,\"m\":4}}",
			"{\"m\": 4, \"n\": 3}"},
		{"\"a\":[1]", "{\"$push\":{\"a\":[2,3],\"b\":1}}",
			"{\"a\": [1, [2, 3]], \"b\": [1]}"},
		{"\"a\":[1]", "{\"$push\":{\"a\":{\"$each\":[2,3]}}}",
			"{\"a\": [1, 2, 3]}"},
		{"\"a\":[1,2]",
			"{\"$push\":{\"a\":{\"$each\":[9],\"$position\":1}}}",
			"{\"a\": [1, 9, 2]}"},
		{"\"a\":[1,2]",
			"{\"$push\":{\"a\":{\"$each\":[9],\"$position\":-1}}}",
			"{\"a\": [1, 9, 2]}"},
		{"\"a\":[3,1]",
			"{\"$push\":{\"a\":{\"$each\":[2,5],\"$sort\":-1,"
			"\"$slice\":3}}}",
			"{\"a\": [5, 3, 2]}"},
		{"\"a\":[{\"k\":2},{\"k\":1}]",
			"{\"$push\":{\"a\":{\"$each\":[],\"$sort\":{\"k\":1},"
			"\"$slice\":-1}}}",
			"{\"a\": [{\"k\": 2}]}"},
		{"\"a\":[1,2,3],\"b\":[1,2,3]",
			"{\"$pop\":{\"a\":1,\"b\":-1,\"c\":1}}",
			"{\"a\": [1, 2], \"b\": [2, 3]}"},
		{"\"a\":[1,2,1,{\"k\":1}]", "{\"$pull\":{\"a\":1}}",
			"{\"a\": [2, {\"k\": 1}]}"},
		{"\"a\":[1,{\"k\":1,\"j\":2}]",
			"{\"$pull\":{\"a\":{\"j\":2,\"k\":1}}}",
			"{\"a\": [1]}"},
		{"\"a\":[1,2,3]", "{\"$pullAll\":{\"a\":[1,3]}}",
			"{\"a\": [2]}"},
		{"\"a\":[1]", "{\"$addToSet\":{\"a\":1,\"b\":2}}",
			"{\"a\": [1], \"b\": [2]}"},
		{"\"a\":[1]", "{\"$addToSet\":{\"a\":{\"$each\":[1,2,2]}}}",
			"{\"a\": [1, 2]}"},
		{"\"a\":1,\"b\":{\"c\":2}",
			"{\"$rename\":{\"a\":\"x.y\",\"b.c\":\"z\",\"q\":\"r\"}"
			"}",
			"{\"b\": {}, \"x\": {\"y\": 1}, \"z\": 2}"},
		{"\"a\":\"x\"", "{\"$inc\":{\"a\":1}}",
			"cannot $inc a: its type is string"},
		{"\"a\":\"x\"", "{\"$push\":{\"a\":1}}",
			"cannot $push a: its type is string"},
		{"\"a\":\"x\"", "{\"$set\":{\"a.b\":1}}",
			"cannot create field b in a: its type is string"},
		{"\"a\":{\"$date\":5}", "{\"$set\":{\"a.b\":1}}",
			"cannot create field b in a: its type is object"},
	};
	struct call c;
	const char *coll = fresh(&c);
	char before[256];

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *got;

		(void)snprintf(before, sizeof(before), "[{\"_id\":\"x\"%s%s}]",
			cases[i].before[0] ? "," : "", cases[i].before);
		got = after(&c, coll, before, cases[i].update);
		if (strcmp(got, cases[i].after) != 0)
			print_error("update %s\n", cases[i].update);
		assert_string_equal(got, cases[i].after);
	}
	end(&c);
}

static void
the_server_date_is_our_clock(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	clock_set(1700000000123LL * CLOCK_MS);
	assert_string_equal(
		after(&c, coll,
			"[{\"_id\":\"x\",\"a\":{\"$tcb_server_date\":"
			"{\"offset\":{\"$numberInt\":\"0\"}}}}]",
			"{\"$set\":{\"b\":{\"$date\":{\"offset\":-123}}}}"),
		"{\"a\": {\"$date\": 1700000000123}, "
		"\"b\": {\"$date\": 1700000000000}}");
	clock_set(-1);
	end(&c);
}

static void
values_survive_a_round_trip_in_their_stored_form(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"v\",\"a\":{\"$numberInt\":\"-3\"},"
		"\"b\":{\"$numberLong\":\"9223372036854775807\"},"
		"\"c\":{\"$numberDouble\":\"3.0\"},"
		"\"d\":{\"$numberDouble\":\"NaN\"},"
		"\"e\":{\"$numberDouble\":\"1e-7\"},"
		"\"f\":{\"$oid\":\"0123456789abcdef01234567\"},"
		"\"g\":{\"$regularExpression\":{\"pattern\":\"^a\\\\\","
		"\"options\":\"i\"}},"
		"\"h\":{\"$binary\":{\"base64\":\"AA==\",\"subType\":\"00\"}},"
		"\"i\":{\"$timestamp\":7},\"j\":\"\\u4e2d\\ud83d\\ude00\\n\","
		"\"k\":[],\"l\":{},\"m\":null,\"n\":-0.5,\"o\":false}]");
	c.projection = "{\"_id\": false}";
	ok(&c, DOC_FIND, coll, "{\"_id\":\"v\"}", NULL);
	assert_string_equal(c.text,
		"{\"a\": -3, \"b\": 9223372036854775807, \"c\": 3.0, "
		"\"d\": {\"$numberDouble\": \"NaN\"}, \"e\": 0.0000001, "
		"\"f\": \"0123456789abcdef01234567\", "
		"\"g\": {\"$regularExpression\": {\"options\": \"i\", "
		"\"pattern\": \"^a\\\\\"}}, "
		"\"h\": {\"$binary\": {\"base64\": \"AA==\", "
		"\"subType\": \"00\"}}, \"i\": {\"$timestamp\": 7}, "
		"\"j\": \"\xe4\xb8\xad\xf0\x9f\x98\x80\\n\", \"k\": [], "
		"\"l\": {}, \"m\": null, \"n\": -0.5, \"o\": false}");
	end(&c);
}

static void
lists_are_ordered_and_paged(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"n\":2,\"s\":\"b\"},"
		"{\"_id\":\"b\",\"n\":10,\"s\":\"a\"},"
		"{\"_id\":\"c\",\"n\":2,\"s\":\"A\"},"
		"{\"_id\":\"d\",\"n\":\"z\"},{\"_id\":\"e\"},"
		"{\"_id\":\"f\",\"n\":{\"$date\":1}},"
		"{\"_id\":\"g\",\"n\":[1,50]},{\"_id\":\"h\",\"n\":true}]");
	c.order = "{\"n\": 1}";
	assert_string_equal(ids_of(&c, coll, NULL), "e g a c b d h f");
	c.order = "{\"n\": {\"$numberInt\": \"-1\"}}";
	assert_string_equal(ids_of(&c, coll, NULL), "f h d g b a c e");
	c.order = "[{\"field\":\"n\",\"direction\":\"asc\"},"
		  "{\"field\":\"s\",\"direction\":\"desc\"}]";
	assert_string_equal(
		ids_of(&c, coll,
			"{\"n\":{\"$gt\":0},\"s\":{\"$exists\":true}}"),
		"a c b");
	c.order = "{\"s\": 1, \"_id\": -1}";
	c.skip = 1;
	c.limit = 2;
	assert_string_equal(
		ids_of(&c, coll, "{\"s\":{\"$exists\":true}}"), "b a");
	end(&c);
}

static void
projections_pick_and_omit(void **state)
{
	static const struct {
		const char *projection, *list;
	} cases[] = {
		{"{\"a\":1,\"_id\":0}", "{\"a\": 1}"},
		{"{\"a\":1}", "{\"_id\":\"x\", \"a\": 1}"},
		{"{\"b.c\":true,\"_id\":0}", "{\"b\": {\"c\": 2}}"},
		{"{\"l.k\":{\"$numberInt\":\"1\"},\"_id\":0}",
			"{\"l\": [{\"k\": 1}, {}]}"},
		{"{\"a\":0,\"l\":0,\"b.c\":0,\"_id\":0}",
			"{\"b\": {\"d\": 3}}"},
		{"{\"_id\":1}", "{\"_id\":\"x\"}"},
		{"{\"nothing\":1,\"_id\":0}", "{}"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"a\":1,\"b\":{\"c\":2,\"d\":3},"
		"\"l\":[{\"k\":1,\"j\":2},{\"j\":3}]}]");
	for (size_t i = 0; i < array_size(cases); i++) {
		c.projection = cases[i].projection;
		ok(&c, DOC_FIND, coll, NULL, NULL);
		assert_string_equal(c.text, cases[i].list);
	}
	end(&c);
}

static void
one_is_one_and_multi_is_all(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1},{\"n\":1},{\"n\":1},{}]");
	ok(&c, DOC_UPDATE, coll, "{\"n\":1}", "{\"$set\":{\"n\":2}}");
	assert_int_equal(c.op.total, 1);
	c.multi = true;
	ok(&c, DOC_UPDATE, coll, "{\"n\":1}", "{\"$inc\":{\"n\":1}}");
	assert_int_equal(c.op.total, 2);
	ok(&c, DOC_COUNT, coll, "{\"n\":2}", NULL);
	assert_int_equal(c.op.total, 3);
	c.multi = false;
	ok(&c, DOC_REMOVE, coll, "{\"n\":2}", NULL);
	assert_int_equal(c.op.total, 1);
	c.multi = true;
	ok(&c, DOC_REMOVE, coll, NULL, NULL);
	assert_int_equal(c.op.total, 3);
	end(&c);
}

static void
set_makes_a_document_or_replaces_it(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	static const char strange[] = "{\"_id\": \"q\\\"\\\\ é\"}";

	(void)state;
	c.replace = c.upsert = true;
	for (int i = 0; i < 2; i++) {
		const char *id = i ? strange : "{\"_id\":\"d9\"}";

		ok(&c, DOC_UPDATE, coll, id, "{\"a\":1,\"b\":2}");
		assert_non_null(c.op.upserted_id);
		assert_int_equal(c.op.total, 0);
		ok(&c, DOC_UPDATE, coll, id, "{\"c\":3}");
		assert_null(c.op.upserted_id);
		assert_int_equal(c.op.total, 1);
		c.projection = "{\"_id\":0}";
		ok(&c, DOC_FIND, coll, id, NULL);
		assert_string_equal(c.text, "{\"c\": 3}");
		c.projection = NULL;
	}
	end(&c);
}

static void
an_upsert_by_condition_starts_from_the_condition(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	c.upsert = true;
	for (int i = 0; i < 3; i++) {
		ok(&c, DOC_UPDATE, coll, "{\"k\":\"v\",\"n\":{\"$lt\":9}}",
			"{\"$inc\":{\"n\":1}}");
		assert_int_equal(c.op.upserted_id != NULL, i == 0);
		assert_int_equal(c.op.total, i != 0);
	}
	c.projection = "{\"_id\":0}";
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(c.text, "{\"k\": \"v\", \"n\": 3}");
	end(&c);
}

static void
what_is_not_supported_is_refused_by_name(void **state)
{
	static const struct {
		enum doc_verb verb;
		const char *query, *data, *word;
	} cases[] = {
		{DOC_FIND, "{\"a\":{\"$near\":1}}", NULL,
			"operator $near is not supported yet"},
		{DOC_FIND, "{\"$where\":1}", NULL, "$where"},
		{DOC_FIND, "{\"a\":{\"$gt\":[1]}}", NULL, "$gt"},
		{DOC_FIND, "{\"a\":{\"$regularExpression\":{}}}", NULL,
			"$regularExpression"},
		{DOC_INSERT, NULL, "[{\"$x\":1}]", "$x"},
		{DOC_INSERT, NULL, "[{\"a\":{\"b\":1,\"$x\":1}}]", "$x"},
		{DOC_INSERT, NULL, "[{\"a\":{\"$numberInt\":\"3x\"}}]",
			"$numberInt"},
		{DOC_INSERT, NULL, "[{\"_id\":5}]", "_id"},
		{DOC_INSERT, NULL, "[]", "1 to"},
		{DOC_UPDATE, NULL, "{\"$bit\":{\"a\":1}}", "$bit"},
		{DOC_UPDATE, NULL, "{\"$set\":{\"_id\":\"z\"}}", "_id"},
		{DOC_UPDATE, NULL, "{\"$set\":{\"a\":1},\"$inc\":{\"a.b\":1}}",
			"conflict"},
		{DOC_UPDATE, NULL, "{\"$set\":{\"a.$.b\":1}}", "$"},
		{DOC_UPDATE, NULL, "{}", "empty"},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		assert_int_equal(run(&c, cases[i].verb, coll, cases[i].query,
					 cases[i].data),
			ERR_DB_PARAM);
		if (!strstr(c.op.job.why.text, cases[i].word))
			print_error("%s\n", c.op.job.why.text);
		assert_non_null(strstr(c.op.job.why.text, cases[i].word));
	}
	end(&c);
}

static void
hostile_names_are_only_names(void **state)
{
	static const char *const names[] = {
		"x\"; DROP SCHEMA mpcloud CASCADE; --",
		"'; SELECT 1; --",
		"\"",
		"\"\"",
		"a.b",
		"SELECT",
		"$1",
		"%I %s",
		"\\",
		"new\nline",
		"中文集合",
		"coll0_pkey",
		"_underscore",
		"pg_class",
		/* the same 63 bytes, then different */
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a2",
	};
	struct call c = {0};
	char data[300], want[100];

	(void)state;
	for (size_t i = 0; i < array_size(names); i++) {
		ok(&c, DOC_ADD_COLLECTION, names[i], NULL, NULL);
		(void)snprintf(data, sizeof(data), "[{\"_id\":\"%zu\"}]", i);
		ok(&c, DOC_INSERT, names[i], NULL, data);
	}
	for (size_t i = 0; i < array_size(names); i++) {
		ok(&c, DOC_FIND, names[i], NULL, NULL);
		(void)snprintf(want, sizeof(want), "{\"_id\":\"%zu\"}", i);
		assert_string_equal(c.text, want);
	}
	assert_int_equal(
		run(&c, DOC_ADD_COLLECTION, "", NULL, NULL), ERR_DB_PARAM);
	assert_int_equal(run(&c, DOC_ADD_COLLECTION, "system.x", NULL, NULL),
		ERR_DB_PARAM);
	assert_int_equal(run(&c, DOC_ADD_COLLECTION, "bad\xff", NULL, NULL),
		ERR_DB_PARAM);
	end(&c);
}

static void
hostile_values_are_only_values(void **state)
{
	static const char *const values[] = {
		"\"'; DROP TABLE x; --\"",
		"\"\\\" ? (@ == 1)\"",
		"\"$v\"",
		"\"\\\\\"",
		"\"{openid}\"",
		"{\"a' OR 1=1\":1}",
		"[\"{\\\"a\\\",b}\"]",
	};
	struct call c;
	const char *coll = fresh(&c);
	char text[400];

	(void)state;
	for (size_t i = 0; i < array_size(values); i++) {
		(void)snprintf(text, sizeof(text),
			"[{\"_id\":\"%zu\",\"v\":%s,\"w\\\" ' "
			"\\\\\":{\"}\":%s}}]",
			i, values[i], values[i]);
		ok(&c, DOC_INSERT, coll, NULL, text);
	}
	for (size_t i = 0; i < array_size(values); i++) {
		char want[8];

		(void)snprintf(want, sizeof(want), "%zu", i);
		(void)snprintf(text, sizeof(text), "{\"v\":%s}", values[i]);
		assert_string_equal(ids_of(&c, coll, text), want);
		(void)snprintf(text, sizeof(text), "{\"w\\\" ' \\\\.}\":%s}",
			values[i]);
		assert_string_equal(ids_of(&c, coll, text), want);
	}
	c.multi = true;
	for (size_t i = 0; i < array_size(values); i++) {
		(void)snprintf(text, sizeof(text),
			"{\"$set\":{\"w\\\" ' \\\\.}\":[%s],\"u\":%s}}",
			values[i], values[i]);
		ok(&c, DOC_UPDATE, coll, NULL, text);
		assert_int_equal(c.op.total, (int)array_size(values));
		(void)snprintf(text, sizeof(text), "{\"u\":%s}", values[i]);
		ok(&c, DOC_COUNT, coll, text, NULL);
		assert_int_equal(c.op.total, (int)array_size(values));
	}
	end(&c);
}

static void
concurrent_increments_are_never_lost(void **state)
{
	enum { CLIENTS = 3, EACH = 200 };
	struct call *c = mem_array(CLIENTS * EACH, struct call);
	struct call one;
	const char *coll = fresh(&one);

	(void)state;
	ok(&one, DOC_INSERT, coll, NULL, "[{\"_id\":\"n\",\"n\":0,\"k\":1}]");
	for (int i = 0; i < CLIENTS * EACH; i++)
		start(&c[i], DOC_UPDATE, coll,
			i % 2 ? "{\"_id\":\"n\"}" : "{\"k\":1}",
			"{\"$inc\":{\"n\":1}}");
	for (int i = 0; i < CLIENTS * EACH; i++) {
		assert_int_equal(finish(&c[i]), 0);
		assert_int_equal(c[i].op.total, 1);
		end(&c[i]);
	}
	one.projection = "{\"n\":1,\"_id\":0}";
	ok(&one, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(one.text, "{\"n\": 600}");
	free(c);
	end(&one);
}

/* Each takes one job out of a list: nobody gets another's. */
static void
concurrent_changes_of_one_take_different_documents(void **state)
{
	enum { JOBS = 60 };
	struct call *c = mem_array(JOBS, struct call);
	struct call one;
	const char *coll = fresh(&one);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		ok(&one, DOC_INSERT, coll, NULL, "[{\"free\":true,\"n\":0}]");
	for (int i = 0; i < JOBS; i++)
		start(&c[i], DOC_UPDATE, coll, "{\"free\":true}",
			"{\"$set\":{\"free\":false},\"$inc\":{\"n\":1}}");
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(finish(&c[i]), 0);
		assert_int_equal(c[i].op.total, 1);
		end(&c[i]);
	}
	ok(&one, DOC_COUNT, coll, "{\"n\":1}", NULL);
	assert_int_equal(one.op.total, JOBS);
	free(c);
	end(&one);
}

static int
as(struct call *c, const char *user, enum doc_verb verb, const char *coll,
	const char *query, const char *data)
{
	int r;

	c->user = user;
	r = run(c, verb, coll, query, data);
	c->user = NULL;
	return r;
}

/* For each permission: may others read, may the owner read, write? */
static void
permissions_are_kept(void **state)
{
	static const struct {
		const char *permission;
		int read, write; /* of the owner: 0 or an error */
		int others;      /* how many documents another one sees */
		int nobody;      /* reading, without an openid */
	} cases[] = {
		{"READONLY", 0, 0, 2, 0},
		{"PRIVATE", 0, 0, 1, ERR_DB_DENIED},
		{"ADMINWRITE", 0, ERR_DB_DENIED, 2, 0},
		{"ADMINONLY", ERR_DB_DENIED, ERR_DB_DENIED, -1, ERR_DB_DENIED},
	};
	struct call c;

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *coll = fresh(&c);

		/* even before there is a row to look at */
		permit(coll, cases[i].permission);
		assert_int_equal(as(&c, "alice", DOC_FIND, coll, NULL, NULL),
			cases[i].read);
		assert_int_equal(
			as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"none\"}",
				"{\"$set\":{\"a\":1}}"),
			cases[i].write);
		assert_int_equal(as(&c, "alice", DOC_REMOVE, coll,
					 "{\"_id\":\"none\"}", NULL),
			cases[i].write);
		assert_int_equal(as(&c, "", DOC_COUNT, coll, NULL, NULL),
			cases[i].nobody);
		assert_int_equal(as(&c, "", DOC_INSERT, coll, NULL, "[{}]"),
			ERR_DB_DENIED);
		assert_int_equal(as(&c, "", DOC_REMOVE, coll, NULL, NULL),
			ERR_DB_DENIED);

		permit(coll, "READONLY");
		assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
					 "[{\"_id\":\"1\",\"n\":1}]"),
			0);
		assert_int_equal(as(&c, "bob", DOC_INSERT, coll, NULL,
					 "[{\"_id\":\"2\",\"n\":1}]"),
			0);
		permit(coll, cases[i].permission);
		if (as(&c, "bob", DOC_COUNT, coll, NULL, NULL) == 0)
			assert_int_equal(c.op.total, cases[i].others);
		else
			assert_int_equal(cases[i].others, -1);
		c.multi = true;
		if (as(&c, "bob", DOC_UPDATE, coll, NULL,
			    "{\"$set\":{\"n\":2}}") == 0)
			assert_int_equal(c.op.total, 1);
		if (as(&c, "bob", DOC_REMOVE, coll, "{\"_id\":\"1\"}", NULL) ==
			0)
			assert_int_equal(c.op.total, 0);
		c.multi = false;
		ok(&c, DOC_COUNT, coll, "{\"n\":1}", NULL);
		assert_int_equal(c.op.total, cases[i].write == 0 ? 1 : 2);
		end(&c);
	}
}

static void
the_owner_is_stamped_and_hidden(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
				 "[{\"_id\":\"1\",\"a\":1},{\"_id\":\"2\"}]"),
		0);
	ok(&c, DOC_COUNT, coll, "{\"_openid\":\"alice\"}", NULL);
	assert_int_equal(c.op.total, 2);
	assert_int_equal(as(&c, "bob", DOC_FIND, coll, NULL, NULL), 0);
	assert_string_equal(
		c.text, "{\"_id\":\"1\", \"a\": 1}\n{\"_id\":\"2\"}");
	c.projection = "{\"_openid\": 1, \"_id\": 0}";
	assert_int_equal(as(&c, "alice", DOC_FIND, coll, NULL, NULL), 0);
	assert_string_equal(c.text, "{}\n{}");
	c.projection = NULL;

	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
				 "[{\"_openid\":\"bob\"}]"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$set\":{\"_openid\":\"bob\"}}"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$rename\":{\"_openid\":\"b\"}}"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$rename\":{\"a\":\"_openid\"}}"),
		ERR_DB_DENIED);
	c.order = "{\"_openid\":1}";
	assert_int_equal(
		as(&c, "bob", DOC_FIND, coll, NULL, NULL), ERR_DB_DENIED);
	c.order = NULL;
	end(&c);
}

static void
an_openid_cannot_be_guessed_by_asking(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL, "[{}]"), 0);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"_openid\":{\"$gt\":\"al\"}}", NULL),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"$or\":[{\"_openid\":\"alice\"}]}", NULL),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"_openid\":\"{openid}\"}", NULL),
		0);
	assert_int_equal(c.op.total, 0);
	assert_int_equal(as(&c, "alice", DOC_COUNT, coll,
				 "{\"_openid\":\"{openid}\"}", NULL),
		0);
	assert_int_equal(c.op.total, 1);
	end(&c);
}

static void
a_users_set_stays_his(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	c.replace = c.upsert = true;
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"s\"}",
				 "{\"a\":1}"),
		0);
	assert_string_equal(c.op.upserted_id, "s");
	assert_int_equal(
		as(&c, "bob", DOC_UPDATE, coll, "{\"_id\":\"s\"}", "{\"a\":2}"),
		0);
	assert_int_equal(c.op.total, 0);
	assert_null(c.op.upserted_id);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"s\"}",
				 "{\"a\":3}"),
		0);
	assert_int_equal(c.op.total, 1);
	c.replace = c.upsert = false;
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(
		c.text, "{\"_id\":\"s\", \"a\": 3, \"_openid\": \"alice\"}");
	end(&c);
}

static void
a_cancelled_call_is_not_answered(void **state)
{
	struct call c, d;
	const char *coll = fresh(&c);

	(void)state;
	end(&c);
	start(&c, DOC_FIND, coll, NULL, NULL);
	job_cancel(&c.op.job);
	d = (struct call){0};
	ok(&d, DOC_FIND, coll, NULL, NULL);
	assert_int_equal(c.done, 0);
	arena_done(&c.arena);
	end(&d);
}

static void
an_answer_past_the_arenas_ceiling_is_refused(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	char *big = mem_alloc(70000);

	(void)state;
	memset(big, 'y', 60000);
	memcpy(big, "[{\"t\":\"", 7);
	memcpy(big + 60000, "\"}]", 4);
	ok(&c, DOC_INSERT, coll, NULL, big);
	end(&c);
	start(&c, DOC_FIND, coll, NULL, NULL);
	c.arena.ceiling = 20000;
	assert_int_equal(finish(&c), ERR_ANSWER_BIG);
	free(big);
	end(&c);
}

static int
group_start(void **state)
{
	struct pool_conf conf = {
		.connections = 3, .timeout_ms = 10000, .waiting_top = 5000};

	(void)state;
	server = testpg_new();
	if (schema_migrate(testpg_url(server), NULL) < 0)
		return -1;
	conf.url = testpg_url(server);
	return loop_init(&loop) < 0 || pool_new(&pool, &loop, &conf, NULL) < 0;
}

static int
group_stop(void **state)
{
	(void)state;
	pool = pool_free(pool);
	loop_done(&loop);
	server = testpg_free(server);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inserted_is_found_by_its_id),
		cmocka_unit_test(ids_made_by_us_keep_the_order_of_insertion),
		cmocka_unit_test(an_id_goes_through_the_primary_key),
		cmocka_unit_test(the_second_of_one_id_exists_already),
		cmocka_unit_test(
			a_collection_that_is_missing_is_named_as_cloudbase_does),
		cmocka_unit_test(a_collection_made_twice_says_table_exist),
		cmocka_unit_test(queries_match_as_mongodb_does),
		cmocka_unit_test(updates_change_as_mongodb_does),
		cmocka_unit_test(the_server_date_is_our_clock),
		cmocka_unit_test(
			values_survive_a_round_trip_in_their_stored_form),
		cmocka_unit_test(lists_are_ordered_and_paged),
		cmocka_unit_test(projections_pick_and_omit),
		cmocka_unit_test(one_is_one_and_multi_is_all),
		cmocka_unit_test(set_makes_a_document_or_replaces_it),
		cmocka_unit_test(
			an_upsert_by_condition_starts_from_the_condition),
		cmocka_unit_test(what_is_not_supported_is_refused_by_name),
		cmocka_unit_test(hostile_names_are_only_names),
		cmocka_unit_test(hostile_values_are_only_values),
		cmocka_unit_test(concurrent_increments_are_never_lost),
		cmocka_unit_test(
			concurrent_changes_of_one_take_different_documents),
		cmocka_unit_test(permissions_are_kept),
		cmocka_unit_test(the_owner_is_stamped_and_hidden),
		cmocka_unit_test(an_openid_cannot_be_guessed_by_asking),
		cmocka_unit_test(a_users_set_stays_his),
		cmocka_unit_test(a_cancelled_call_is_not_answered),
		cmocka_unit_test(an_answer_past_the_arenas_ceiling_is_refused),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
