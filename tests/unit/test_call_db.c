/*
 * The database's cloud calls: what every form of request comes to, and the
 * exact bytes of every form of answer.  Bodies are those that wx-server-sdk,
 * node-sdk, tcb-admin-node and js-sdk send; answers are what their sources
 * read.
 */
#include "gateway/call_db.h"
#include "tests/unit/call_driver.h"

static void
generation_2_asks_in_strings_and_is_answered_in_strings(void **state)
{
	static const char *const docs[] = {
		"{\"_id\":\"d1\",\"s\":\"a\\\"b\"}", "{\"_id\":\"d2\"}"};
	struct fixture f;

	(void)state;
	begin(&f, &function, GET_BODY);
	assert_non_null(op);
	assert_int_equal(asked.verb, DOC_FIND);
	assert_true(slice_is(asked.collection, "todos"));
	assert_string_equal(query, "{\"n\":{\"$gt\":{\"$numberInt\":\"1\"}}}");
	assert_string_equal(order, "{\"n\":{\"$numberInt\":\"-1\"}}");
	assert_int_equal(asked.skip, 5);
	assert_int_equal(asked.limit, 20);
	give_list(docs, 2);
	answer_is(&f,
		"{\"requestId\":\"r1\",\"data\":{\"list\":["
		"\"{\\\"_id\\\":\\\"d1\\\",\\\"s\\\":\\\"a\\\\\\\"b\\\"}\","
		"\"{\\\"_id\\\":\\\"d2\\\"}\"]}}");
	end(&f);
}

static void
generation_1_is_plain_json_both_ways(void **state)
{
	static const char *const docs[] = {"{\"_id\":\"d1\",\"n\":3}"};
	struct fixture f;

	(void)state;
	begin(&f, &user,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"queryType\":\"WHERE\",\"query\":{\"a\":{\"$gt\":1}},"
		"\"order\":[{\"field\":\"a\",\"direction\":\"desc\"}],"
		"\"offset\":1,\"limit\":5,\"projection\":{\"a\":1}}");
	assert_string_equal(query, "{\"a\":{\"$gt\":1}}");
	assert_string_equal(
		order, "[{\"field\":\"a\",\"direction\":\"desc\"}]");
	assert_non_null(asked.projection);
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"list\":["
		      "{\"_id\":\"d1\",\"n\":3}],\"limit\":5,\"offset\":1}}");
	end(&f);
}

static void
inserted_documents_may_be_strings_or_one_object(void **state)
{
	const char *ids[] = {"\"id0\"", "\"id1\""};
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"collectionName\":\"todos\",\"data\":[\"{\\\"a\\\":1}\","
		"\"{\\\"a\\\":2}\"],\"action\":\"database.insertDocument\"}");
	assert_string_equal(data, "[{\"a\":1},{\"a\":2}]");
	op->ids = ids;
	op->count = 2;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"insertedIds\":"
		      "[\"id0\",\"id1\"]}}");
	end(&f);
	begin(&f, &function,
		"{\"collectionName\":\"t\",\"data\":{\"a\":1},"
		"\"action\":\"database.addDocument\"}");
	assert_string_equal(data, "[{\"a\":1}]");
	op->ids = ids;
	op->count = 1;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"_id\":\"id0\","
		      "\"insertedIds\":[\"id0\"]}}");
	end(&f);
}

static void
counts_of_update_remove_and_count_are_named_as_the_sdk_reads_them(void **state)
{
	static const struct {
		const char *action, *answer;
	} rows[] = {
		{"database.modifyDocument",
			"{\"requestId\":\"r1\",\"data\":{\"updated\":7,"
			"\"upsert_id\":null}}"},
		{"database.updateDocument",
			"{\"requestId\":\"r1\",\"data\":{\"updated\":7,"
			"\"upsert_id\":null,\"upserted_id\":null}}"},
		{"database.removeDocument",
			"{\"requestId\":\"r1\",\"data\":{\"deleted\":7}}"},
		{"database.deleteDocument",
			"{\"requestId\":\"r1\",\"data\":{\"deleted\":7}}"},
		{"database.calculateDocument",
			"{\"requestId\":\"r1\",\"data\":{\"total\":7}}"},
		{"database.countDocument",
			"{\"requestId\":\"r1\",\"data\":{\"total\":7}}"},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char body[512];

		(void)snprintf(body, sizeof(body),
			"{\"action\":\"%s\",\"collectionName\":\"t\","
			"\"query\":\"{\\\"n\\\":1}\",\"multi\":true,"
			"\"merge\":true,\"data\":\"{\\\"$set\\\":{}}\"}",
			rows[i].action);
		begin(&f, &function, body);
		assert_non_null(op);
		assert_true(asked.multi && asked.merge && !asked.upsert);
		op->total = 7;
		job_finish(&op->job, 0);
		answer_is(&f, rows[i].answer);
		end(&f);
	}
}

static void
a_document_asked_for_by_id_is_never_many(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.removeDocument\",\"collectionName\":"
		"\"t\",\"query\":\"{\\\"_id\\\":\\\"d\\\"}\",\"queryType\":"
		"\"DOC\",\"multi\":true}");
	assert_false(asked.multi);
	job_cancel(&f.call.job);
	end(&f);
}

static void
a_document_asked_for_by_no_id_is_not_whichever_there_is(void **state)
{
	static const char *const actions[] = {"queryDocument", "updateDocument",
		"deleteDocument", "countDocument", "removeDocument"};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < array_size(actions); i++) {
		char body[512];

		(void)snprintf(body, sizeof(body),
			"{\"action\":\"database.%s\",\"collectionName\":\"t\","
			"\"queryType\":\"DOC\",\"query\":{},\"upsert\":true,"
			"\"data\":{\"a\":1}}",
			actions[i]);
		begin(&f, &function, body);
		assert_int_equal(f.done, 1);
		assert_int_equal(f.call.job.err, ERR_DB_PARAM);
		assert_string_equal(f.call.job.why.text,
			"query: doc() is the document of an _id, and none was "
			"given");
		end(&f);
	}
}

static void
a_user_is_scoped_and_a_function_is_not(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &user, GET_BODY);
	assert_false(asked.scope.admin);
	assert_string_equal(asked.scope.openid, "oA");
	job_cancel(&f.call.job);
	end(&f);
	begin(&f, &function, GET_BODY);
	assert_true(asked.scope.admin);
	job_cancel(&f.call.job);
	end(&f);
}

static void
a_missing_collection_is_told_in_the_sdk_s_words(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function, GET_BODY);
	job_finish(&op->job, ERR_DB_NO_COLLECTION);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.call.job.err, ERR_DB_NO_COLLECTION);
	assert_string_equal(f.call.job.why.text,
		"[ResourceNotFound] Db or Table not exist: todos.");
	end(&f);
}

static void
flags_may_come_in_every_form(void **state)
{
	static const char *const bodies[] = {
		"{\"multi\":true,\"upsert\":1,\"merge\":\"true\",",
		"{\"multi\":\"true\",\"upsert\":{\"$numberInt\":\"1\"},"
		"\"merge\":true,",
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < array_size(bodies); i++) {
		char body[512];

		(void)snprintf(body, sizeof(body),
			"%s\"action\":\"database.modifyDocument\","
			"\"collectionName\":\"t\",\"data\":{}}",
			bodies[i]);
		begin(&f, &function, body);
		assert_true(asked.multi && asked.upsert && asked.merge);
		job_cancel(&f.call.job);
		end(&f);
	}
}

static void
limit_0_is_the_preset_and_texts_are_numbers_too(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"limit\":0,\"offset\":\"7\"}");
	assert_int_equal(asked.limit, -1);
	assert_int_equal(asked.skip, 7);
	job_cancel(&f.call.job);
	end(&f);
	begin(&f, &function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"limit\":{\"$numberInt\":\"12\"}}");
	assert_int_equal(asked.limit, 12);
	job_cancel(&f.call.job);
	end(&f);
}

static void
a_total_stands_beside_the_data_when_it_was_asked_for(void **state)
{
	static const char *const docs[] = {"{\"_id\":\"d1\"}"};
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"total\":true}");
	assert_true(asked.want_total);
	op->total = 41;
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"list\":["
		      "\"{\\\"_id\\\":\\\"d1\\\"}\"]},\"total\":41}");
	end(&f);
}

static void
object_ids_are_told_as_their_text(void **state)
{
	static const char *const docs[] = {
		"{\"_id\":\"d1\",\"a\": {\"$oid\": "
		"\"0123456789abcdef01234567\"}, \"l\": [{\"$oid\": "
		"\"aaaaaaaaaaaaaaaaaaaaaaaa\"}, {\"$oid\": "
		"\"bbbbbbbbbbbbbbbbbbbbbbbb\"}], \"s\": \"{\\\"$oid\\\": "
		"\\\"0123456789abcdef01234567\\\"}\"}",
		"[{\"$oid\": \"short\"}, {\"$oid\": "
		"\"aaaaaaaaaaaaaaaaaaaaaaaa\"}]",
		"{\"$oid\": \"a\", \"b\": \"cdefghijklmnop\"}",
		"{\"$oid\": \"",
		"",
	};
	static const char *const told[] = {
		"{\"_id\":\"d1\",\"a\": \"0123456789abcdef01234567\", "
		"\"l\": [\"aaaaaaaaaaaaaaaaaaaaaaaa\", "
		"\"bbbbbbbbbbbbbbbbbbbbbbbb\"], \"s\": \"{\\\"$oid\\\": "
		"\\\"0123456789abcdef01234567\\\"}\"}",
		"[{\"$oid\": \"short\"}, \"aaaaaaaaaaaaaaaaaaaaaaaa\"]",
		"{\"$oid\": \"a\", \"b\": \"cdefghijklmnop\"}",
		"{\"$oid\": \"",
		"",
	};

	(void)state;
	for (size_t i = 0; i < array_size(docs); i++) {
		char text[512];
		struct slice s;

		(void)snprintf(text, sizeof(text), "%s", docs[i]);
		s = slice_str(text);
		call_db_plain_ids(&s);
		assert_true(slice_is(s, told[i]));
	}
}

static void
ids_that_are_no_text_are_told_as_values(void **state)
{
	char oid[] = "{\"$oid\": \"0123456789abcdef01234567\"}";
	const char *ids[] = {"5", oid};
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"collectionName\":\"t\",\"data\":[{\"_id\":5},{}],"
		"\"action\":\"database.insertDocument\"}");
	op->ids = ids;
	op->count = 2;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"insertedIds\":"
		      "[5,\"0123456789abcdef01234567\"]}}");
	end(&f);
}

static void
generation_1_names_a_new_document_beside_it(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.addDocument\",\"collectionName\":\"t\","
		"\"_id\":\"mine\",\"data\":{\"a\":1}}");
	assert_string_equal(data, "[{\"a\":1,\"_id\":\"mine\"}]");
	job_cancel(&f.call.job);
	end(&f);
	begin(&f, &function,
		"{\"action\":\"database.addDocument\",\"collectionName\":\"t\","
		"\"_id\":\"mine\",\"data\":{\"_id\":\"own\"}}");
	assert_string_equal(data, "[{\"_id\":\"own\"}]");
	job_cancel(&f.call.job);
	end(&f);
}

#define STAGES \
	"\"stages\":[{\"stageKey\":\"$match\",\"stageValue\":\"{\\\"n\\\":{" \
	"\\\"$gte\\\":{\\\"$numberInt\\\":\\\"1\\\"}}}\"},{\"stageKey\":" \
	"\"$skip\",\"stageValue\":\"1\"},{\"stageKey\":\"$unwind\"," \
	"\"stageValue\":\"\\\"$u\\\"\"},{\"stageKey\":\"$count\"," \
	"\"stageValue\":\"c\"},{\"stageKey\":\"$project\",\"stageValue\":{" \
	"\"a\":1}}]"
#define STAGES_READ \
	"[{\"$match\":{\"n\":{\"$gte\":{\"$numberInt\":\"1\"}}}}," \
	"{\"$skip\":1},{\"$unwind\":\"$u\"},{\"$count\":\"c\"}," \
	"{\"$project\":{\"a\":1}}]"

static void
stages_come_as_strings_or_values_and_are_answered_in_two_ways(void **state)
{
	static const char *const docs[] = {"{\"_id\": \"g\"}"};
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.aggregateDocuments\","
		"\"collectionName\":\"t\"," STAGES "}");
	assert_int_equal(asked.verb, DOC_AGGREGATE);
	assert_string_equal(stages, STAGES_READ);
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"list\":["
		      "\"{\\\"_id\\\": \\\"g\\\"}\"]}}");
	end(&f);
	begin(&f, &function,
		"{\"action\":\"database.aggregate\",\"collectionName\":\"t\","
		"\"stages\":\"[{\\\"$match\\\":{}}]\"}");
	assert_string_equal(stages, "[{\"$match\":{}}]");
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"list\":\"["
		      "\\\"{\\\\\\\"_id\\\\\\\": \\\\\\\"g\\\\\\\"}\\\"]\"}}");
	end(&f);
}

static void
update_and_return_gives_the_document_or_null(void **state)
{
	static const char *const docs[] = {"{\"_id\": \"d\"}"};
	static const char body[] =
		"{\"action\":\"database.modifyAndReturnDoc\","
		"\"collectionName\":\"t\",\"query\":\"{}\",\"data\":"
		"\"{\\\"$set\\\":{\\\"a\\\":1}}\",\"queryType\":\"WHERE\"}";
	struct fixture f;

	(void)state;
	begin(&f, &function, body);
	assert_int_equal(asked.verb, DOC_UPDATE_RETURN);
	assert_true(asked.merge && !asked.multi);
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"updated\":1,\"doc\":"
		      "\"{\\\"_id\\\": \\\"d\\\"}\"}}");
	end(&f);
	begin(&f, &function, body);
	give_list(docs, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"updated\":0,"
		      "\"doc\":null}}");
	end(&f);
}

static void
a_rest_path_is_answered_with_the_data_alone(void **state)
{
	static const char *const docs[] = {"{\"_id\":\"d1\"}"};
	const char *ids[] = {"\"d1\""};
	struct fixture f;

	(void)state;
	begin_form(&f, &user,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"limit\":\"5\"}",
		FORM_REST);
	give_list(docs, 1);
	answer_is(&f, "{\"list\":[{\"_id\":\"d1\"}],\"limit\":5,\"offset\":0}");
	end(&f);
	begin_form(&f, &user,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"queryType\":\"DOC\",\"query\":{\"_id\":\"d1\"}}",
		FORM_REST);
	give_list(docs, 1);
	answer_is(&f, "{\"_id\":\"d1\"}");
	end(&f);
	begin_form(&f, &user,
		"{\"action\":\"database.queryDocument\",\"collectionName\":"
		"\"t\",\"queryType\":\"DOC\",\"query\":{\"_id\":\"d1\"}}",
		FORM_REST);
	give_list(docs, 0);
	assert_int_equal(f.call.job.err, ERR_DB_NO_DOC);
	end(&f);
	begin_form(&f, &user,
		"{\"action\":\"database.addDocument\",\"collectionName\":\"t\","
		"\"data\":[{\"a\":1}]}",
		FORM_REST);
	op->ids = ids;
	op->count = 1;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"insertedIds\":[\"d1\"]}");
	end(&f);
	begin_form(&f, &user,
		"{\"action\":\"database.deleteDocument\",\"collectionName\":"
		"\"t\",\"query\":{}}",
		FORM_REST);
	op->total = 3;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"deleted\":3}");
	end(&f);
}

static void
a_plan_is_a_list_whatever_was_asked(void **state)
{
	static const char *const plan[] = {"[{\"Plan\": {}}]"};
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"database.countDocument\",\"collectionName\":"
		"\"t\",\"explain\":true}");
	assert_true(asked.explain);
	give_list(plan, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"list\":["
		      "[{\"Plan\": {}}]],\"limit\":100,\"offset\":0}}");
	end(&f);
}

static void
a_visitor_s_documents_are_his_by_his_uid(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &visitor, GET_BODY);
	assert_string_equal(asked.scope.openid, "v1");
	assert_string_equal(asked.scope.uid, "v1");
	assert_string_equal(asked.scope.login_type, "ANONYMOUS");
	job_cancel(&f.call.job);
	end(&f);
	begin(&f, &user, GET_BODY);
	assert_string_equal(asked.scope.login_type, "WECHAT");
	job_cancel(&f.call.job);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			generation_2_asks_in_strings_and_is_answered_in_strings),
		cmocka_unit_test(generation_1_is_plain_json_both_ways),
		cmocka_unit_test(
			inserted_documents_may_be_strings_or_one_object),
		cmocka_unit_test(
			counts_of_update_remove_and_count_are_named_as_the_sdk_reads_them),
		cmocka_unit_test(a_document_asked_for_by_id_is_never_many),
		cmocka_unit_test(a_user_is_scoped_and_a_function_is_not),
		cmocka_unit_test(
			a_missing_collection_is_told_in_the_sdk_s_words),
		cmocka_unit_test(flags_may_come_in_every_form),
		cmocka_unit_test(
			limit_0_is_the_preset_and_texts_are_numbers_too),
		cmocka_unit_test(
			a_total_stands_beside_the_data_when_it_was_asked_for),
		cmocka_unit_test(object_ids_are_told_as_their_text),
		cmocka_unit_test(ids_that_are_no_text_are_told_as_values),
		cmocka_unit_test(generation_1_names_a_new_document_beside_it),
		cmocka_unit_test(
			stages_come_as_strings_or_values_and_are_answered_in_two_ways),
		cmocka_unit_test(update_and_return_gives_the_document_or_null),
		cmocka_unit_test(
			a_document_asked_for_by_no_id_is_not_whichever_there_is),
		cmocka_unit_test(a_rest_path_is_answered_with_the_data_alone),
		cmocka_unit_test(a_plan_is_a_list_whatever_was_asked),
		cmocka_unit_test(a_visitor_s_documents_are_his_by_his_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
