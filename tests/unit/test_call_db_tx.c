/*
 * Database calls inside transactions: whose they are, and generation 1's own
 * actions with their own form.
 */
#include "tests/unit/call_driver.h"

static void
a_transaction_is_found_by_its_owner_and_let_go(void **state)
{
	static const char body[] =
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"transactionId\":\"tx1\"}";
	struct fixture f;

	(void)state;
	tx_owner = "";
	begin(&f, &function, body);
	assert_non_null(asked.tx);
	assert_false(asked.may_be_stale);
	assert_int_equal(tx_refs, 1);
	give_list(NULL, 0);
	assert_int_equal(f.done, 1);
	assert_int_equal(tx_refs, 0);
	end(&f);
	refused(&user, body, ERR_DB_NO_TX);
	tx_owner = "u1";
	begin(&f, &user, body);
	assert_non_null(asked.tx);
	job_cancel(&f.call.job);
	assert_int_equal(tx_refs, 0);
	end(&f);
	refused(&function, body, ERR_DB_NO_TX);
}

#define TX  "\"collectionName\":\"t\",\"transactionId\":\"tx1\","
#define ONE "\"query\":{\"_id\":{\"$eq\":\"d1\"}}"

static void
generation_1_reads_in_a_transaction(void **state)
{
	static const char *const docs[] = {"{\"_id\":\"d1\",\"n\":3}"};
	struct fixture f;

	(void)state;
	tx_owner = "u1";
	begin(&f, &user,
		"{\"action\":\"database.getInTransaction\"," TX ONE "}");
	assert_true(asked.by_id && !asked.want_total);
	give_list(docs, 1);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":"
		      "\"{\\\"_id\\\":\\\"d1\\\",\\\"n\\\":3}\"}");
	end(&f);
	begin(&f, &user,
		"{\"action\":\"database.getInTransaction\"," TX ONE "}");
	give_list(docs, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":\"null\"}");
	end(&f);
	begin(&f, &user,
		"{\"action\":\"database.getInTransaction\"," TX
		"\"query\":{\"n\":3}}");
	assert_true(!asked.by_id && asked.want_total);
	op->total = 9;
	give_list(docs, 1);
	answer_is(&f,
		"{\"requestId\":\"r1\",\"data\":"
		"\"[{\\\"_id\\\":\\\"d1\\\",\\\"n\\\":3}]\",\"total\":9}");
	end(&f);
}

static void
generation_1_changes_in_a_transaction(void **state)
{
	const char *ids[] = {"\"d9\""};
	struct fixture f;

	(void)state;
	tx_owner = "u1";
	begin(&f, &user,
		"{\"action\":\"database.updateDocInTransaction\"," TX ONE
		",\"data\":\"{\\\"$set\\\":{\\\"a\\\":{\\\"$numberInt\\\":"
		"\\\"1\\\"}}}\"}");
	assert_true(asked.merge && asked.by_id && !asked.multi);
	op->total = 1;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"updated\":"
		      "\"{\\\"$numberInt\\\":\\\"1\\\"}\",\"upserted\":null}");
	end(&f);
	begin(&f, &user,
		"{\"action\":\"database.updateDocInTransaction\"," TX ONE
		",\"data\":\"{\\\"a\\\":1}\",\"upsert\":true}");
	assert_true(!asked.merge && asked.upsert);
	op->upserted_id = "\"d1\"";
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"updated\":"
		      "\"{\\\"$numberInt\\\":\\\"0\\\"}\",\"upserted\":"
		      "\"[{\\\"_id\\\":\\\"d1\\\"}]\"}");
	end(&f);
	begin(&f, &user,
		"{\"action\":\"database.insertDocInTransaction\"," TX
		"\"_id\":\"d9\",\"data\":\"{\\\"_id\\\":\\\"d9\\\"}\"}");
	assert_string_equal(data, "[{\"_id\":\"d9\"}]");
	op->ids = ids;
	op->count = 1;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"inserted\":"
		      "\"{\\\"$numberInt\\\":\\\"1\\\"}\",\"ok\":"
		      "\"{\\\"$numberInt\\\":\\\"1\\\"}\",\"insertedId\":"
		      "\"d9\",\"id\":\"d9\"}");
	end(&f);
	begin(&f, &user,
		"{\"action\":\"database.deleteDocInTransaction\"," TX ONE "}");
	op->total = 1;
	job_finish(&op->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"deleted\":"
		      "\"{\\\"$numberInt\\\":\\\"1\\\"}\"}");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_transaction_is_found_by_its_owner_and_let_go),
		cmocka_unit_test(generation_1_reads_in_a_transaction),
		cmocka_unit_test(generation_1_changes_in_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
