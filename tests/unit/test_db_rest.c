/*
 * The REST paths of js-sdk 3.7.0 and the cloud calls they mean.  Requests are
 * those that the published package sends.
 */
#include "gateway/db_rest.h"
#include "gateway/route.h"
#include "tests/unit/test.h"

#include <string.h>

#define HERE "instances/(default)/databases/(default)/"

/* The URL's parameters as "name=value" lines. */
struct ask {
	const char *const *query;
	unsigned allowed;
};

static struct slice
query_of(void *owner, const char *name)
{
	const struct ask *ask = owner;
	size_t n = strlen(name);

	for (size_t i = 0; ask->query && ask->query[i]; i++)
		if (strncmp(ask->query[i], name, n) == 0 &&
			ask->query[i][n] == '=')
			return slice_str(ask->query[i] + n + 1);
	return slice_of("", 0);
}

static int
call(struct ask *ask, unsigned method, const char *path, const char *body,
	json_t **ret)
{
	_json_ json_t *v = body ? json_loads(body, 0, NULL) : NULL;
	struct db_rest rest = {.method = method,
		.path = slice_str(path),
		.env = "prod",
		.body = v,
		.query = query_of,
		.owner = ask};
	int e = db_rest_call(&rest, ret, NULL);

	ask->allowed = rest.allowed;
	return e;
}

/* This request is this call. */
static void
means(unsigned method, const char *path, const char *const *query,
	const char *body, const char *wanted)
{
	_json_ json_t *got = NULL, *want = json_loads(wanted, 0, NULL);
	struct ask ask = {.query = query};

	assert_int_equal(call(&ask, method, path, body, &got), 0);
	assert_non_null(want);
	if (!json_equal(got, want))
		fail_msg("%s: %s", path, json_dumps(got, 0));
}

static void
refuses(unsigned method, const char *path, const char *body, int err)
{
	struct ask ask = {0};
	json_t *got = NULL;

	assert_int_equal(call(&ask, method, path, body, &got), err);
	assert_null(got);
}

static void
documents_are_listed_and_counted_by_the_url_s_parameters(void **state)
{
	static const char *const list[] = {"projection={\"a\":1}", "offset=1",
		"limit=5", "order=[{\"field\":\"a\",\"direction\":\"desc\"}]",
		"query={\"a\":{\"$gt\":{\"$numberInt\":\"1\"}}}", NULL};
	static const char *const count[] = {
		"count=true", "query={\"a\":1}", NULL};

	(void)state;
	means(METHOD_GET, HERE "collections/t/documents", list, NULL,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"projection\":\"{\\\"a\\\":1}\",\"offset\":\"1\","
		"\"limit\":\"5\",\"order\":\"[{\\\"field\\\":\\\"a\\\","
		"\\\"direction\\\":\\\"desc\\\"}]\",\"query\":\"{\\\"a\\\":{"
		"\\\"$gt\\\":{\\\"$numberInt\\\":\\\"1\\\"}}}\"}");
	means(METHOD_GET, HERE "collections/t/documents", count, NULL,
		"{\"action\":\"database.countDocument\",\"collectionName\":"
		"\"t\",\"query\":\"{\\\"a\\\":1}\"}");
}

static void
a_document_s_path_asks_for_its_id(void **state)
{
	static const char *const tx[] = {"transactionId=tx1", NULL};

	(void)state;
	means(METHOD_GET, HERE "collections/t/documents/d1", tx, NULL,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"query\":{\"_id\":\"d1\"},\"queryType\":\"DOC\","
		"\"transactionId\":\"tx1\"}");
	means(METHOD_GET, HERE "collections/t/documents/12", NULL, NULL,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"query\":{\"_id\":{\"$in\":[\"12\",12]}},"
		"\"queryType\":\"DOC\"}");
	means(METHOD_GET, HERE "collections/t/documents/1e", NULL, NULL,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"query\":{\"_id\":\"1e\"},\"queryType\":\"DOC\"}");
	means(METHOD_GET, HERE "collections/t/documents/remove", NULL, NULL,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"query\":{\"_id\":\"remove\"},\"queryType\":\"DOC\"}");
}

static void
documents_are_added_and_removed(void **state)
{
	(void)state;
	means(METHOD_POST, HERE "collections/t/documents", NULL,
		"{\"data\":[{\"a\":1}],\"transactionId\":\"tx1\"}",
		"{\"action\":\"database.addDocument\",\"collectionName\":\"t\","
		"\"data\":[{\"a\":1}],\"transactionId\":\"tx1\"}");
	means(METHOD_POST, HERE "collections/t/documents/remove", NULL,
		"{\"query\":{\"a\":1},\"multi\":true}",
		"{\"action\":\"database.deleteDocument\",\"collectionName\":"
		"\"t\",\"query\":{\"a\":1},\"multi\":true}");
}

#define UPDATE \
	"{\"action\":\"database.updateDocument\",\"collectionName\":\"t\","

static void
a_change_is_merged_and_doc_set_replaces(void **state)
{
	(void)state;
	means(METHOD_PATCH, HERE "collections/t/documents", NULL,
		"{\"query\":{\"a\":1},\"data\":{\"$inc\":{\"b\":1}},"
		"\"multi\":true,\"upsert\":false,\"replaceMode\":false}",
		UPDATE "\"query\":{\"a\":1},\"data\":{\"$inc\":{\"b\":1}},"
		       "\"multi\":true,\"upsert\":false,\"merge\":true}");
	means(METHOD_PATCH, HERE "collections/t/documents", NULL,
		"{\"query\":{\"_id\":\"d1\"},\"data\":{\"b\":2},"
		"\"multi\":false,\"upsert\":true,\"replaceMode\":false}",
		UPDATE "\"query\":{\"_id\":\"d1\"},\"data\":{\"b\":2},"
		       "\"multi\":false,\"upsert\":true,\"merge\":false,"
		       "\"queryType\":\"DOC\"}");
	means(METHOD_PATCH, HERE "collections/t/documents", NULL,
		"{\"query\":{\"n\":1},\"data\":{\"b\":2},\"upsert\":true}",
		UPDATE "\"query\":{\"n\":1},\"data\":{\"$set\":{\"b\":2}},"
		       "\"upsert\":true,\"merge\":true}");
	means(METHOD_PATCH, HERE "collections/t/documents", NULL,
		"{\"query\":{\"n\":1},\"data\":{\"b\":2},"
		"\"replaceMode\":true}",
		UPDATE "\"query\":{\"n\":1},\"data\":{\"b\":2},"
		       "\"merge\":false}");
}

static void
pipelines_collections_and_transactions_have_paths(void **state)
{
	(void)state;
	means(METHOD_POST, HERE "collections/t/documents/aggregations", NULL,
		"{\"pipeline\":[{\"$match\":{}}]}",
		"{\"action\":\"database.aggregateDocuments\","
		"\"collectionName\":\"t\",\"stages\":[{\"$match\":{}}]}");
	means(METHOD_POST, HERE "collections", NULL,
		"{\"collectionName\":\"new\"}",
		"{\"action\":\"database.addCollection\",\"collectionName\":"
		"\"new\"}");
	means(METHOD_POST, HERE "transactions", NULL, NULL,
		"{\"action\":\"database.startTransaction\"}");
	means(METHOD_POST, HERE "transactions/tx1/commit", NULL, NULL,
		"{\"action\":\"database.commitTransaction\","
		"\"transactionId\":\"tx1\"}");
	means(METHOD_POST, HERE "transactions/tx1/rollback", NULL, NULL,
		"{\"action\":\"database.abortTransaction\","
		"\"transactionId\":\"tx1\"}");
}

static void
the_database_may_be_named_as_the_environment(void **state)
{
	(void)state;
	means(METHOD_POST, "instances/prod/databases/prod/transactions", NULL,
		NULL, "{\"action\":\"database.startTransaction\"}");
	refuses(METHOD_POST, "instances/other/databases/prod/transactions",
		NULL, ERR_NOT_FOUND);
}

static void
paths_that_are_not_here_are_refused(void **state)
{
	static const char *const paths[] = {"", "instances", HERE,
		HERE "collections//documents", HERE "collections/t",
		HERE "collections/t/documents/a/b", HERE "nothing",
		HERE "transactions/tx1/commit/more", "a/b/c/d/e/f/g/h/i/j"};

	(void)state;
	for (size_t i = 0; i < array_size(paths); i++)
		refuses(METHOD_POST, paths[i], "{}", ERR_NOT_FOUND);
	refuses(METHOD_POST, HERE "commands", "{}", ERR_ACTION);
	refuses(METHOD_PATCH, HERE "collections/t/documents", "{}", ERR_PARAM);
}

static void
another_method_is_told_what_the_path_takes(void **state)
{
	struct ask ask = {0};
	json_t *got = NULL;

	(void)state;
	assert_int_equal(
		call(&ask, METHOD_PATCH, HERE "collections", "{}", &got),
		ERR_METHOD);
	assert_int_equal(ask.allowed, METHOD_POST);
	assert_int_equal(call(&ask, METHOD_GET, HERE "transactions/tx1/commit",
				 NULL, &got),
		ERR_METHOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			documents_are_listed_and_counted_by_the_url_s_parameters),
		cmocka_unit_test(a_document_s_path_asks_for_its_id),
		cmocka_unit_test(documents_are_added_and_removed),
		cmocka_unit_test(a_change_is_merged_and_doc_set_replaces),
		cmocka_unit_test(
			pipelines_collections_and_transactions_have_paths),
		cmocka_unit_test(the_database_may_be_named_as_the_environment),
		cmocka_unit_test(paths_that_are_not_here_are_refused),
		cmocka_unit_test(another_method_is_told_what_the_path_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
