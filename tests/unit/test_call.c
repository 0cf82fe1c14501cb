/*
 * Cloud calls from the parsed body to the envelope: who may, what is refused,
 * and the actions that are not the database's.
 */
#include "tests/unit/call_driver.h"

static void
who_may_not_does_not_reach_the_database(void **state)
{
	(void)state;
	refused(&nobody, GET_BODY, ERR_NO_LOGIN);
	refused(&user, "{\"action\":\"pay.createOrder\",\"total\":1}",
		ERR_DENIED);
}

static void
bodies_that_are_not_calls_are_refused(void **state)
{
	(void)state;
	refused(&function, "{}", ERR_PARAM);
	refused(&function, "{\"action\":7}", ERR_PARAM);
	refused(&function, "{\"action\":\"database.dropEverything\"}",
		ERR_ACTION);
	refused(&function, "{\"action\":\"database.getDocument\"}", ERR_PARAM);
	refused(&function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"query\":\"{\\\"a\\\":\"}",
		ERR_PARAM);
	refused(&function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"query\":[1]}",
		ERR_DB_PARAM);
	refused(&function,
		"{\"action\":\"database.insertDocument\","
		"\"collectionName\":\"t\"}",
		ERR_DB_PARAM);
	refused(&function,
		"{\"action\":\"database.modifyDocument\",\"collectionName\":"
		"\"t\",\"data\":\"[]\"}",
		ERR_DB_PARAM);
	refused(&function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"limit\":\"many\"}",
		ERR_PARAM);
	refused(&function,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"limit\":1.5}",
		ERR_DB_PARAM);
	refused(&function,
		"{\"action\":\"database.aggregateDocuments\","
		"\"collectionName\":\"t\",\"stages\":{}}",
		ERR_DB_PARAM);
	refused(&function,
		"{\"action\":\"database.aggregate\",\"collectionName\":\"t\","
		"\"stages\":[{\"stageKey\":\"$match\"}]}",
		ERR_DB_PARAM);
	refused(&user,
		"{\"action\":\"database.getDocument\",\"collectionName\":\"t\","
		"\"explain\":true}",
		ERR_DB_DENIED);
	refused(&function,
		"{\"action\":\"database.getInTransaction\","
		"\"collectionName\":\"t\"}",
		ERR_DB_PARAM);
}

static void
a_cancelled_call_cancels_what_it_waits_for(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function, GET_BODY);
	assert_true(op->job.busy);
	job_cancel(&f.call.job);
	assert_false(op->job.busy);
	assert_int_equal(f.done, 0);
	end(&f);
}

static void
a_function_s_result_comes_as_a_string(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"functions.invokeFunction\",\"function_name\":"
		"\"sum\",\"request_data\":\"{\\\"x\\\":1,\\\"y\\\":2}\"}");
	assert_non_null(fn);
	assert_string_equal(fn->function, "sum");
	assert_true(slice_is(fn->event, "{\"x\":1,\"y\":2}"));
	assert_string_equal(fn->source, "scf");
	fn->result = SLICE("{\"sum\":3}");
	job_finish(&fn->job, 0);
	answer_is(&f, "{\"requestId\":\"r1\",\"data\":{\"response_data\":"
		      "\"{\\\"sum\\\":3}\"}}");
	end(&f);
	refused(&function,
		"{\"action\":\"functions.invokeFunction\",\"function_name\":"
		"\"sum\",\"request_data\":\"{\"}",
		ERR_PARAM);
}

static void
a_call_of_a_function_may_name_a_version(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"functions.invokeFunction\",\"function_name\":"
		"\"sum\",\"qualifier\":\"prod\"}");
	assert_string_equal(fn->qualifier, "prod");
	/* What it waits for is said as its caller is told. */
	fn->retry_ms = 2500;
	job_finish(&fn->job, ERR_BUSY);
	assert_int_equal(f.call.job.err, ERR_BUSY);
	assert_int_equal(f.call.retry_ms, 2500);
	end(&f);
	refused(&function,
		"{\"action\":\"functions.invokeFunction\",\"function_name\":"
		"\"sum\",\"qualifier\":7}",
		ERR_PARAM);
}

static void
only_an_order_s_own_members_reach_payment(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &function,
		"{\"action\":\"pay.createOrder\",\"sessionToken\":\"t\","
		"\"description\":\"tea\",\"total\":100,\"outTradeNo\":\"n1\"}");
	assert_non_null(ordered);
	assert_true(may_price);
	assert_string_equal(order_body,
		"{\"outTradeNo\":\"n1\",\"description\":\"tea\","
		"\"total\":100}");
	ordered->answer = SLICE("{\"outTradeNo\":\"n1\"}");
	job_finish(&ordered->job, 0);
	answer_is(
		&f, "{\"requestId\":\"r1\",\"data\":{\"outTradeNo\":\"n1\"}}");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_not_does_not_reach_the_database),
		cmocka_unit_test(bodies_that_are_not_calls_are_refused),
		cmocka_unit_test(a_cancelled_call_cancels_what_it_waits_for),
		cmocka_unit_test(a_function_s_result_comes_as_a_string),
		cmocka_unit_test(a_call_of_a_function_may_name_a_version),
		cmocka_unit_test(only_an_order_s_own_members_reach_payment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
