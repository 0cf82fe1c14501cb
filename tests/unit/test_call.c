/*
 * Cloud calls from the parsed body to the envelope, with the floors below
 * played by stubs.  Bodies are those of wx-server-sdk and js-sdk.
 */
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "tests/unit/test.h"

/* What the stubs were given last. */
static struct doc_op *op;
static struct doc_request asked;
static char *query, *data, *order;
static struct fn_call *fn;
static struct order *ordered;
static char *order_body;
static bool may_price;
static struct loop loop;

static char *
dump(const json_t *v)
{
	return v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

void
doc_run(const struct docs *docs, struct doc_op *o,
	const struct doc_request *request)
{
	(void)docs;
	op = o;
	asked = *request;
	query = dump(request->query);
	data = dump(request->data);
	order = dump(request->order);
	job_begin(&o->job, &loop, 0, NULL);
}

void
crew_call(struct crews *crews, struct fn_call *call)
{
	(void)crews;
	fn = call;
	job_begin(&call->job, &loop, 0, NULL);
}

void
order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool price)
{
	(void)pay;
	(void)who;
	ordered = o;
	order_body = dump(body);
	may_price = price;
	job_begin(&o->job, &loop, 0, NULL);
}

void
order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice no)
{
	(void)pay;
	(void)who;
	(void)no;
	ordered = o;
	job_begin(&o->job, &loop, 0, NULL);
}

static const struct caller user = {.role = CALLER_USER,
	.uid = "u1",
	.appid = "wx1",
	.openid = "oA",
	.unionid = ""};
static const struct caller function = {.role = CALLER_FUNCTION,
	.uid = "u1",
	.appid = "wx1",
	.openid = "oA",
	.unionid = ""};
static const struct caller nobody = {.role = CALLER_NOBODY,
	.uid = "",
	.appid = "",
	.openid = "",
	.unionid = ""};

struct fixture {
	struct gateway gateway;
	struct shm_gateway count;
	struct call call;
	struct arena arena;
	struct conf *conf;
	json_t *body;
	int done;
};

static void
on_done(struct job *job)
{
	struct call *c = container_of(job, struct call, job);

	container_of(c, struct fixture, call)->done++;
}

static void
begin(struct fixture *f, const struct caller *who, const char *body)
{
	memset(f, 0, sizeof(*f));
	op = NULL;
	fn = NULL;
	ordered = NULL;
	query = data = order = order_body = NULL;
	assert_int_equal(loop_init(&loop), 0);
	f->conf = conf_new();
	f->gateway.loop = &loop;
	f->gateway.conf = f->conf;
	f->gateway.count = &f->count;
	f->gateway.pay = (struct pay *)f; /* the stub does not look */
	arena_init(&f->arena, 1 << 20);
	f->body = json_loads(body, 0, NULL);
	assert_non_null(f->body);
	f->call.gateway = &f->gateway;
	f->call.arena = &f->arena;
	f->call.caller = who;
	f->call.request_id = "r1";
	f->call.client_ip = "";
	f->call.source = "scf";
	f->call.body = f->body;
	job_init(&f->call.job, on_done);
	call_run(&f->call);
	if (!op && !fn && !ordered)
		loop_turn(&loop, false);
}

static void
end(struct fixture *f)
{
	free(query);
	free(data);
	free(order);
	free(order_body);
	json_decref(f->body);
	arena_done(&f->arena);
	conf_free(f->conf);
	loop_done(&loop);
}

static void
answer_is(struct fixture *f, const char *text)
{
	assert_int_equal(f->done, 1);
	assert_int_equal(f->call.job.err, 0);
	assert_int_equal(f->call.answer.len, strlen(text));
	assert_memory_equal(f->call.answer.ptr, text, strlen(text));
}

static void
give_list(const char *const *texts, size_t count)
{
	op->list = arena_get(op->arena, count * sizeof(struct slice));
	op->count = count;
	for (size_t i = 0; i < count; i++)
		op->list[i] = slice_str(texts[i]);
	job_finish(&op->job, 0);
}

#define GET_BODY \
	"{\"collectionName\":\"todos\",\"queryType\":\"WHERE\"," \
	"\"query\":\"{\\\"n\\\":{\\\"$gt\\\":{\\\"$numberInt\\\":\\\"1\\\"}}}" \
	"\"," \
	"\"order\":\"{\\\"n\\\":{\\\"$numberInt\\\":\\\"-1\\\"}}\"," \
	"\"offset\":5,\"limit\":20,\"action\":\"database.getDocument\"," \
	"\"envName\":\"env-local\",\"sessionToken\":\"toklocal\"}"

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
	const char *ids[] = {"id0", "id1"};
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
refused(const struct caller *who, const char *body, int err)
{
	struct fixture f;

	begin(&f, who, body);
	assert_null(op);
	assert_null(fn);
	assert_null(ordered);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.call.job.err, err);
	end(&f);
}

static void
who_may_not_does_not_reach_the_database(void **state)
{
	(void)state;
	refused(&nobody, GET_BODY, ERR_NO_LOGIN);
	refused(&user,
		"{\"action\":\"database.addCollection\","
		"\"collectionName\":\"x\"}",
		ERR_DENIED);
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
		"\"transactionId\":\"tx1\"}",
		ERR_ACTION);
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
		cmocka_unit_test(
			generation_2_asks_in_strings_and_is_answered_in_strings),
		cmocka_unit_test(generation_1_is_plain_json_both_ways),
		cmocka_unit_test(
			inserted_documents_may_be_strings_or_one_object),
		cmocka_unit_test(
			counts_of_update_remove_and_count_are_named_as_the_sdk_reads_them),
		cmocka_unit_test(a_document_asked_for_by_id_is_never_many),
		cmocka_unit_test(a_user_is_scoped_and_a_function_is_not),
		cmocka_unit_test(who_may_not_does_not_reach_the_database),
		cmocka_unit_test(bodies_that_are_not_calls_are_refused),
		cmocka_unit_test(
			a_missing_collection_is_told_in_the_sdk_s_words),
		cmocka_unit_test(a_cancelled_call_cancels_what_it_waits_for),
		cmocka_unit_test(a_function_s_result_comes_as_a_string),
		cmocka_unit_test(only_an_order_s_own_members_reach_payment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
