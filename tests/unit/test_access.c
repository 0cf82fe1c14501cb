/*
 * Permissions and rules as conditions: what a caller's own condition may say,
 * and that a rule is asked by an index where there is one.
 */
#include "documents/access.h"

#include "documents/index.h"
#include "documents/rule.h"
#include "tests/unit/doc_call.h"

static struct arena arena;
static json_t *kept; /* what trees borrow from */

static const struct doc_scope alice = {
	.openid = "al\"ice", .uid = "u1", .login_type = "WECHAT"};

static struct query *
parse_query(const char *text)
{
	json_t *v = parse(text); /* the tree borrows from it */
	struct query *q;

	(void)json_array_append_new(kept, v);
	assert_int_equal(query_parse(&q, v, &arena, 0, NULL), 0);
	return q;
}

/* The first comparison. */
static const struct query *
leaf_of(const struct query *q)
{
	const struct query *found = NULL;

	if (q->op >= QUERY_EQ && q->op <= QUERY_IN)
		return q;
	for (const struct query *at = q->parts; at && !found; at = at->next)
		found = leaf_of(at);
	return found;
}

static void
every_openid_of_a_condition_is_the_callers(void **state)
{
	static const struct {
		const char *query, *value;
	} cases[] = {
		{"{\"a\":\"{openid}\"}", "\"al\\\"ice\""},
		{"{\"a.b\":{\"$gte\":\"{openid}\"}}", "\"al\\\"ice\""},
		{"{\"$nor\":[{\"a\":{\"$ne\":\"{openid}\"}}]}",
			"\"al\\\"ice\""},
		{"{\"a\":{\"$in\":[\"x\",\"{openid}\",\"{openid}\"]}}",
			"[\"x\",\"al\\\"ice\",\"al\\\"ice\"]"},
		{"{\"l\":{\"$elemMatch\":{\"a\":\"{openid}\"}}}",
			"\"al\\\"ice\""},
		/* a text that only holds it is another text */
		{"{\"a\":\"x{openid}\"}", "\"x{openid}\""},
		{"{\"a\":{\"$in\":[\"\\\"{openid}\\\"\",\"[\\\"{openid}\"]}}",
			"[\"\\\"{openid}\\\"\",\"[\\\"{openid}\"]"},
	};
	struct coll_info info = {.coll.env = "test", .shows_openid = true};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct query *q = parse_query(cases[i].query);
		struct slice value;

		assert_int_equal(
			access_query(q, &info, &alice, &arena, NULL), 0);
		value = leaf_of(q)->value;
		if (value.len != strlen(cases[i].value))
			print_error(
				"%s: %.*s\n", cases[i].query, SLICE_ARG(value));
		assert_int_equal(value.len, strlen(cases[i].value));
		assert_memory_equal(value.ptr, cases[i].value, value.len);
	}
}

static void
what_is_not_shown_is_compared_with_ones_own_only(void **state)
{
	static const struct {
		const char *query;
		int r;
	} cases[] = {
		{"{\"_openid\":\"{openid}\"}", 0},
		{"{\"_openid\":\"al\\\"ice\"}", 0},
		{"{\"_openid\":{\"$ne\":\"{openid}\"}}", 0},
		{"{\"_openid\":\"bob\"}", ERR_DB_DENIED},
		{"{\"_openid\":{\"$in\":[\"{openid}\"]}}", ERR_DB_DENIED},
		{"{\"_openid\":{\"$exists\":true}}", ERR_DB_DENIED},
		{"{\"$or\":[{\"a\":1},{\"_openid\":{\"$gt\":\"a\"}}]}",
			ERR_DB_DENIED},
		{"{\"_openid\":null}", ERR_DB_DENIED},
	};
	struct coll_info info = {.coll.env = "test"};
	const struct doc_scope admin = {.admin = true};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		assert_int_equal(access_query(parse_query(cases[i].query),
					 &info, &alice, &arena, NULL),
			cases[i].r);
		assert_int_equal(access_query(parse_query(cases[i].query),
					 &info, &admin, &arena, NULL),
			0);
	}
	info.shows_openid = true;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_int_equal(access_query(parse_query(cases[i].query),
					 &info, &alice, &arena, NULL),
			0);
}

/* The tree of a rule "read" where `owner` and `tags` are indexed. */
static const struct query *
tree_of(const char *expr)
{
	struct path owner, tags;
	struct index_field fields[2] = {0};
	struct index_info second = {.fields = &fields[1], .count = 1};
	struct index_info first = {
		.next = &second, .fields = &fields[0], .count = 1};
	const struct coll_info info = {.coll.env = "test", .indexes = &first};
	const struct rule_call call = {.scope = &alice, .info = &info};
	_json_ json_t *v = json_pack("{s:s}", "read", expr);
	struct rules *rules;
	struct query *q;

	assert_int_equal(
		path_parse(&owner, slice_str("owner"), &arena, NULL), 0);
	assert_int_equal(
		path_parse(&tags, slice_str("a.tags"), &arena, NULL), 0);
	fields[0].path = owner;
	fields[1].path = tags;
	assert_int_equal(rules_parse(&rules, v, NULL, &arena, NULL), 0);
	assert_int_equal(rules_bind(&q, rules, &call, &arena, NULL), 0);
	return q;
}

/* "&(= r)": an AND of an indexable equality and the rule. */
static void
put_shape(const struct query *q, char *to)
{
	static const char signs[] = {[QUERY_ALL] = 'y',
		[QUERY_NONE] = 'n',
		[QUERY_AND] = '&',
		[QUERY_OR] = '|',
		[QUERY_RULE] = 'r',
		[QUERY_EQ] = '='};
	size_t len = strlen(to);

	to[len] = signs[q->op];
	to[len + 1] = '\0';
	if (!q->parts)
		return;
	strcat(to, "(");
	for (const struct query *at = q->parts; at; at = at->next)
		put_shape(at, to);
	strcat(to, ")");
}

static void
a_rule_brings_what_an_index_can_serve(void **state)
{
	static const struct {
		const char *expr, *shape;
	} cases[] = {
		{"doc.owner == auth.openid", "&(=r)"},
		{"auth.uid === doc['owner']", "&(=r)"},
		{"'x' in doc.a.tags", "&(=r)"},
		{"doc._id == auth.uid", "&(=r)"},
		{"doc.owner == auth.openid || doc.owner == auth.uid",
			"|(&(=r)&(=r))"},
		{"doc.owner == auth.openid && doc.public", "&(&(=r)r)"},
		{"auth == null || doc.owner == auth.uid", "&(=r)"},
		/* an index would find less than the rule allows, or nothing */
		{"doc.owner != auth.openid", "r"},
		{"!(doc.owner == auth.openid)", "r"},
		{"doc.other == auth.openid", "r"},
		{"doc.owner == 5", "r"},
		{"doc.owner == '5f0000000000000000000001'", "r"},
		{"doc.owner == doc.other", "r"},
		{"doc.owner == null", "r"},
		{"doc.owner[auth.uid] == 'x'", "r"},
		{"doc.a.tags == 'x' ? true : false", "r"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		char shape[200] = "";

		put_shape(tree_of(cases[i].expr), shape);
		if (strcmp(shape, cases[i].shape) != 0)
			print_error("%s\n", cases[i].expr);
		assert_string_equal(shape, cases[i].shape);
	}
}

static void
set_rules(const char *name, const char *rules)
{
	char sql[600];

	(void)snprintf(sql, sizeof(sql),
		"UPDATE mpcloud.collections SET permission = 'CUSTOM', rules = "
		"'%s', version = nextval('mpcloud.catalog_version') WHERE name "
		"= '%s'",
		rules, name);
	(void)testpg_query(server, sql);
	catalog_forget(docs.catalog, "test", slice_str(name));
}

/* A thousand documents, of which the rule allows one by its key. */
static void
a_rule_about_the_id_reads_one_document(void **state)
{
	struct call c;
	const char *name = fresh(&c);
	char sql[300];
	struct doc_request request = {
		.verb = DOC_FIND,
		.env = "test",
		.collection = slice_str(name),
		.limit = -1,
		.explain = true,
		.scope = alice,
	};

	(void)state;
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO env_test.%s SELECT 'u' || i, '{}' FROM "
		"generate_series(1, 1000) i; ANALYZE env_test.%s",
		name, name);
	(void)testpg_query(server, sql);
	set_rules(name, "{\"read\": \"doc._id == auth.uid\"}");
	begin(&c);
	doc_run(&docs, &c.op, &request);
	assert_int_equal(finish(&c), 0);
	assert_non_null(strstr(c.text, "Index Scan"));
	assert_null(strstr(c.text, "Seq Scan"));
	request.explain = false;
	begin(&c);
	doc_run(&docs, &c.op, &request);
	assert_int_equal(finish(&c), 0);
	assert_string_equal(c.text, "{\"_id\":\"u1\"}");
	end(&c);
}

static void
an_update_that_answers_with_the_document_needs_to_read_it(void **state)
{
	struct call c;
	const char *name = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, name, NULL, "[{\"_id\":\"1\",\"secret\":7}]");
	set_rules(name, "{\"read\": \"doc.open == true\", \"update\": true}");
	assert_int_equal(as(&c, "alice", DOC_UPDATE_RETURN, name,
				 "{\"_id\":\"1\"}", "{\"$set\":{\"a\":1}}"),
		0);
	assert_int_equal(c.op.count, 0);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, name, "{\"_id\":\"1\"}",
				 "{\"$set\":{\"a\":1}}"),
		0);
	assert_int_equal(c.op.total, 1);
	set_rules(name, "{\"read\": false, \"update\": true}");
	assert_int_equal(as(&c, "alice", DOC_UPDATE_RETURN, name,
				 "{\"_id\":\"1\"}", "{\"$set\":{\"a\":1}}"),
		ERR_DB_DENIED);
	end(&c);
}

static int
start_access(void **state)
{
	arena_init(&arena, 64 << 20);
	kept = json_array();
	return group_start(state);
}

static int
stop_access(void **state)
{
	arena_done(&arena);
	json_decref(kept);
	return group_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_openid_of_a_condition_is_the_callers),
		cmocka_unit_test(
			what_is_not_shown_is_compared_with_ones_own_only),
		cmocka_unit_test(a_rule_brings_what_an_index_can_serve),
		cmocka_unit_test(a_rule_about_the_id_reads_one_document),
		cmocka_unit_test(
			an_update_that_answers_with_the_document_needs_to_read_it),
	};

	return cmocka_run_group_tests(tests, start_access, stop_access);
}
