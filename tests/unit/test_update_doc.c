/*
 * Documents written through doc.h: what an upsert makes, what many callers at
 * once make of one document, replacements, answers with the changed document,
 * transactions.
 */
#include "db/tx.h"
#include "tests/unit/doc_call.h"

enum { CLIENTS = 32, ROUNDS = 25 };

static const char *
found(struct call *c, const char *coll, const char *query)
{
	ok(c, DOC_FIND, coll, query, NULL);
	return c->text;
}

static void
concurrent_increments_lose_nothing(void **state)
{
	static struct call clients[CLIENTS];
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"x\",\"n\":0}]");
	memset(clients, 0, sizeof(clients));
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++)
			start(&clients[i], DOC_UPDATE, coll,
				i % 2 ? "{\"_id\":\"x\"}"
				      : "{\"n\":{\"$gte\":0}}",
				"{\"$inc\":{\"n\":1,\"o.m\":2}}");
		for (int i = 0; i < CLIENTS; i++) {
			assert_int_equal(finish(&clients[i]), 0);
			assert_int_equal(clients[i].op.total, 1);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		end(&clients[i]);
	assert_string_equal(found(&c, coll, NULL),
		"{\"_id\":\"x\", \"n\": 800, \"o\": {\"m\": 1600}}");
	end(&c);
}

static void
concurrent_upserts_by_id_make_one_document(void **state)
{
	static struct call clients[CLIENTS];
	struct call c;
	const char *coll = fresh(&c);
	int made = 0;

	(void)state;
	memset(clients, 0, sizeof(clients));
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].upsert = true;
		start(&clients[i], DOC_UPDATE, coll, "{\"_id\":\"x\"}",
			"{\"$inc\":{\"n\":1},\"$setOnInsert\":{\"by\":\"one\"}"
			"}");
	}
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(finish(&clients[i]), 0);
		made += clients[i].op.upserted_id != NULL;
		assert_int_equal(
			clients[i].op.total, clients[i].op.upserted_id ? 0 : 1);
		end(&clients[i]);
	}
	assert_int_equal(made, 1);
	assert_string_equal(found(&c, coll, NULL),
		"{\"_id\":\"x\", \"n\": 32, \"by\": \"one\"}");
	end(&c);
}

static void
an_upsert_makes_what_its_condition_demands(void **state)
{
	static const struct {
		const char *query, *data, *made;
		bool replace;
	} cases[] = {
		{"{\"a\":1,\"b.c\":{\"$eq\":2},\"d\":{\"$gt\":3},"
		 "\"$and\":[{\"e\":{\"$in\":[5]}}]}",
			"{\"$set\":{\"f\":6},\"$setOnInsert\":{\"_id\":\"k\"},"
			"\"$inc\":{\"a\":1}}",
			"{\"_id\":\"k\", \"a\": 2, \"b\": {\"c\": 2}, \"e\": "
			"5, "
			"\"f\": 6}",
			false},
		{"{\"_id\":\"m\",\"a\":7}", "{\"$push\":{\"l\":1}}",
			"{\"_id\":\"m\", \"a\": 7, \"l\": [1]}", false},
		{"{\"_id\":{\"$in\":[\"n\"]}}", "{\"a\":8}",
			"{\"_id\":\"n\", \"a\": 8}", true},
		{"{\"a\":9}", "{\"_id\":\"o\",\"b\":9}",
			"{\"_id\":\"o\", \"b\": 9}", true},
		{"{\"_id\":{\"$numberInt\":\"5\"},\"a\":10}",
			"{\"$set\":{\"b\":1}}",
			"{\"a\": 10, \"b\": 1, \"_id\": 5}", false},
	};
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	c.upsert = true;
	for (size_t i = 0; i < array_size(cases); i++) {
		c.replace = cases[i].replace;
		ok(&c, DOC_UPDATE, coll, cases[i].query, cases[i].data);
		assert_non_null(c.op.upserted_id);
		assert_int_equal(c.op.total, 0);
		c.multi = true;
		assert_string_equal(found(&c, coll, NULL), cases[i].made);
		ok(&c, DOC_REMOVE, coll, NULL, NULL);
		c.multi = false;
	}
	end(&c);
}

static void
an_upsert_changes_what_is_there(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"a\":1},{\"_id\":\"y\",\"a\":1}]");
	c.upsert = true;
	ok(&c, DOC_UPDATE, coll, "{\"a\":1}",
		"{\"$set\":{\"b\":2},\"$setOnInsert\":{\"c\":3}}");
	assert_null(c.op.upserted_id);
	assert_int_equal(c.op.total, 1);
	assert_string_equal(found(&c, coll, NULL),
		"{\"_id\":\"x\", \"a\": 1, \"b\": "
		"2}\n{\"_id\":\"y\", \"a\": 1}");
	c.multi = true;
	ok(&c, DOC_UPDATE, coll, "{\"a\":1}", "{\"$unset\":{\"a\":1}}");
	assert_int_equal(c.op.total, 2);
	c.multi = false;
	c.replace = true;
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"z\":1}");
	assert_string_equal(found(&c, coll, "{\"_id\":\"x\"}"),
		"{\"_id\":\"x\", \"z\": 1}");
	/* there, but not as demanded: then it cannot be made */
	assert_int_equal(run(&c, DOC_UPDATE, coll, "{\"_id\":\"x\",\"z\":2}",
				 "{\"q\":1}"),
		ERR_DB_EXISTS);
	end(&c);
}

static void
an_id_stays_what_it_is(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":5,\"a\":1},{\"_id\":\"x\",\"a\":2}]");
	assert_int_equal(run(&c, DOC_INSERT, coll, NULL,
				 "[{\"_id\":{\"$numberDouble\":\"5.0\"}}]"),
		ERR_DB_EXISTS);
	ok(&c, DOC_UPDATE, coll, "{\"_id\":5}",
		"{\"$set\":{\"_id\":5,\"b\":2}}");
	assert_int_equal(run(&c, DOC_UPDATE, coll, "{\"_id\":5}",
				 "{\"$set\":{\"_id\":6}}"),
		ERR_DB_PARAM);
	assert_non_null(strstr(c.op.job.why.text, "immutable field '_id'"));
	assert_int_equal(run(&c, DOC_UPDATE, coll, "{\"_id\":5}",
				 "{\"$set\":{\"_id\":\"5\"}}"),
		ERR_DB_PARAM);
	c.replace = true;
	ok(&c, DOC_UPDATE, coll, "{\"_id\":5}", "{\"c\":3}");
	assert_string_equal(
		found(&c, coll, "{\"_id\":5}"), "{\"c\": 3, \"_id\": 5}");
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"_id\":\"x\",\"c\":4}");
	assert_int_equal(run(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}",
				 "{\"_id\":\"y\",\"c\":5}"),
		ERR_DB_PARAM);
	c.upsert = true;
	assert_int_equal(run(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}",
				 "{\"_id\":\"y\",\"c\":5}"),
		ERR_DB_PARAM);
	assert_string_equal(found(&c, coll, "{\"_id\":\"x\"}"),
		"{\"_id\":\"x\", \"c\": 4}");
	end(&c);
}

static void
a_change_answers_with_the_document(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"a\":1},{\"_id\":\"y\",\"a\":1},"
		"{\"_id\":7,\"a\":2}]");
	c.multi = true; /* it is one all the same */
	ok(&c, DOC_UPDATE_RETURN, coll, "{\"a\":1}", "{\"$inc\":{\"a\":5}}");
	assert_int_equal(c.op.total, 1);
	assert_string_equal(c.text, "{\"_id\":\"x\", \"a\": 6}");
	ok(&c, DOC_UPDATE_RETURN, coll, "{\"_id\":7}", "{\"$inc\":{\"a\":5}}");
	assert_string_equal(c.text, "{\"a\": 7, \"_id\": 7}");
	ok(&c, DOC_UPDATE_RETURN, coll, "{\"_id\":\"no\"}", "{\"a\":5}");
	assert_int_equal(c.op.total, 0);
	assert_int_equal(c.op.count, 0);
	c.upsert = true;
	ok(&c, DOC_UPDATE_RETURN, coll, "{\"_id\":\"no\"}", "{\"a\":5}");
	assert_string_equal(c.text, "{\"_id\":\"no\", \"a\": 5}");
	assert_string_equal(c.op.upserted_id, "\"no\"");
	assert_int_equal(c.op.total, 0);
	ok(&c, DOC_UPDATE_RETURN, coll, "{\"_id\":\"no\"}", "{\"a\":6}");
	assert_string_equal(c.text, "{\"_id\":\"no\", \"a\": 6}");
	assert_null(c.op.upserted_id);
	assert_int_equal(c.op.total, 1);
	end(&c);
}

static void
one_or_all_that_fit_are_changed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"a\",\"l\":[1,5]},{\"_id\":\"b\",\"l\":[7]},"
		"{\"_id\":\"c\",\"l\":[]}]");
	c.multi = true;
	ok(&c, DOC_UPDATE, coll, "{\"l\":{\"$gt\":3}}",
		"{\"$set\":{\"l.$\":0}}");
	assert_int_equal(c.op.total, 2);
	c.filters = "[{\"e\":0}]";
	ok(&c, DOC_UPDATE, coll, NULL, "{\"$set\":{\"l.$[e]\":9}}");
	c.filters = NULL;
	assert_int_equal(c.op.total, 3);
	assert_string_equal(found(&c, coll, NULL),
		"{\"_id\":\"a\", \"l\": [1, 9]}\n{\"_id\":\"b\", \"l\": [9]}\n"
		"{\"_id\":\"c\", \"l\": []}");
	/* an error in one document changes none */
	assert_int_equal(run(&c, DOC_UPDATE, coll, NULL,
				 "{\"$set\":{\"x\":1},\"$inc\":{\"l.0\":1}}"),
		0);
	assert_int_equal(
		run(&c, DOC_UPDATE, coll, NULL, "{\"$push\":{\"l.0.z\":1}}"),
		ERR_DB_PARAM);
	assert_string_equal(ids_of(&c, coll, "{\"x\":1}"), "a b c");
	c.multi = false;
	ok(&c, DOC_REMOVE, coll, "{\"x\":1}", NULL);
	assert_int_equal(c.op.total, 1);
	c.multi = true;
	ok(&c, DOC_REMOVE, coll, "{\"x\":1}", NULL);
	assert_int_equal(c.op.total, 2);
	end(&c);
}

static void
a_document_does_not_grow_beyond_its_limit(void **state)
{
	static char push[(1 << 20) + 64];
	struct call c;
	const char *coll = fresh(&c);
	int r = 0, times = 0;

	(void)state;
	(void)strcpy(push, "{\"$push\":{\"l\":\"");
	memset(push + strlen(push), 'x', 1 << 20);
	(void)strcpy(push + strlen(push), "\"}}");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"x\"}]");
	for (; times < 20 && r == 0; times++)
		r = run(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}", push);
	assert_int_equal(r, ERR_TOO_BIG);
	assert_int_equal(times, 16); /* 15 MiB and a little more stand */
	assert_non_null(strstr(c.op.job.why.text, "16 MiB"));
	ok(&c, DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"$pop\":{\"l\":1}}");
	end(&c);
}

static void
what_is_not_there_is_said(void **state)
{
	struct call c = {0};

	(void)state;
	assert_int_equal(run(&c, DOC_INSERT, "nowhere", NULL, "[{\"a\":1}]"),
		ERR_DB_NO_COLLECTION);
	assert_string_equal(c.op.job.why.text,
		"[ResourceNotFound] Db or Table not exist: nowhere.");
	c.upsert = true;
	assert_int_equal(run(&c, DOC_UPDATE, "nowhere", NULL, "{\"a\":1}"),
		ERR_DB_NO_COLLECTION);
	end(&c);
}

static void
a_users_document_stays_his(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(
		as(&c, "me", DOC_INSERT, coll, NULL, "[{\"_id\":\"x\"}]"), 0);
	c.replace = true;
	assert_int_equal(
		as(&c, "me", DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"a\":1}"),
		0);
	assert_string_equal(found(&c, coll, NULL),
		"{\"_id\":\"x\", \"a\": 1, \"_openid\": \"me\"}");
	assert_int_equal(
		as(&c, "you", DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"a\":2}"),
		0);
	assert_int_equal(c.op.total, 0);
	c.upsert = true;
	assert_int_equal(
		as(&c, "you", DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"a\":2}"),
		0);
	assert_int_equal(c.op.total, 0);
	assert_null(c.op.upserted_id);
	assert_int_equal(
		as(&c, "you", DOC_UPDATE, coll, "{\"_id\":\"y\"}", "{\"a\":2}"),
		0);
	assert_string_equal(c.op.upserted_id, "\"y\"");
	c.replace = false;
	assert_int_equal(as(&c, "you", DOC_UPDATE, coll,
				 "{\"_openid\":\"{openid}\",\"k\":1}",
				 "{\"$set\":{\"a\":3}}"),
		0);
	assert_non_null(c.op.upserted_id);
	assert_non_null(strstr(found(&c, coll, "{\"k\":1}"),
		", \"a\": 3, \"k\": 1, \"_openid\": \"you\"}"));
	c.upsert = false;
	assert_int_equal(as(&c, "me", DOC_UPDATE_RETURN, coll,
				 "{\"_id\":\"x\"}", "{\"$set\":{\"a\":9}}"),
		0);
	assert_string_equal(c.text, "{\"_id\":\"x\", \"a\": 9}");
	assert_int_equal(as(&c, "me", DOC_UPDATE, coll, "{\"_id\":\"x\"}",
				 "{\"$rename\":{\"a\":\"_openid\"}}"),
		ERR_DB_DENIED);
	end(&c);
}

struct tx_call {
	struct tx_op op;
	bool done;
};

static void
on_tx(struct job *job)
{
	struct tx_op *op = container_of(job, struct tx_op, job);

	container_of(op, struct tx_call, op)->done = true;
	loop_stop(&loop);
}

static struct tx *
begin_tx(struct txs *txs)
{
	struct tx_call t = {0};

	job_init(&t.op.job, on_tx);
	tx_start(txs, &t.op, "");
	while (!t.done)
		loop_turn(&loop, true);
	assert_int_equal(t.op.job.err, 0);
	return txs_find(txs, slice_str(t.op.id), "", NULL);
}

static int
end_tx(struct tx *tx, bool commit)
{
	struct tx_call t = {0};

	job_init(&t.op.job, on_tx);
	if (commit)
		tx_commit(tx, &t.op);
	else
		tx_abort(tx, &t.op);
	while (!t.done)
		loop_turn(&loop, true);
	(void)tx_unref(tx);
	return t.op.job.err;
}

static void
a_transaction_meets_anothers_write_at_once(void **state)
{
	const struct txs_conf conf = {
		.url = testpg_url(server),
		.top = 4,
		.life_ms = 30000,
		.timeout_ms = 10000,
	};
	_cleanup_(txs_freep) struct txs *txs = NULL;
	struct call a, b = {0};
	const char *coll = fresh(&a);
	struct tx *other;

	(void)state;
	assert_int_equal(txs_new(&txs, &loop, &conf, NULL), 0);
	ok(&a, DOC_INSERT, coll, NULL,
		"[{\"_id\":\"x\",\"n\":1},{\"_id\":\"y\",\"n\":1}]");
	a.tx = begin_tx(txs);
	b.tx = other = begin_tx(txs);
	ok(&a, DOC_UPDATE, coll, "{\"_id\":\"x\"}", "{\"$inc\":{\"n\":1}}");
	assert_int_equal(a.op.total, 1);
	ok(&b, DOC_UPDATE, coll, "{\"_id\":\"y\"}", "{\"$inc\":{\"n\":1}}");
	assert_int_equal(run(&b, DOC_UPDATE, coll, "{\"_id\":\"x\"}",
				 "{\"$inc\":{\"n\":1}}"),
		ERR_DB_CONFLICT);
	(void)end_tx(other, false);
	b.tx = other = begin_tx(txs);
	ok(&b, DOC_FIND, coll, "{\"_id\":\"y\"}", NULL); /* its snapshot */
	a.upsert = true;
	ok(&a, DOC_UPDATE, coll, "{\"_id\":\"z\"}", "{\"$inc\":{\"n\":1}}");
	ok(&a, DOC_UPDATE, coll, "{\"n\":77}", "{\"$inc\":{\"n\":1}}");
	ok(&a, DOC_UPDATE_RETURN, coll, "{\"_id\":\"z\"}",
		"{\"$inc\":{\"n\":1}}");
	assert_string_equal(a.text, "{\"_id\":\"z\", \"n\": 2}");
	ok(&a, DOC_REMOVE, coll, "{\"_id\":\"y\"}", NULL);
	assert_int_equal(a.op.total, 1);
	assert_int_equal(end_tx(a.tx, true), 0);
	/* changed since the snapshot */
	assert_int_equal(run(&b, DOC_UPDATE, coll, "{\"_id\":\"x\"}",
				 "{\"$inc\":{\"n\":1}}"),
		ERR_DB_CONFLICT);
	(void)end_tx(other, false);
	end(&b);
	a.tx = NULL;
	assert_string_equal(found(&a, coll, "{\"n\":2}"),
		"{\"_id\":\"x\", \"n\": 2}\n{\"_id\":\"z\", \"n\": 2}");
	end(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(concurrent_increments_lose_nothing),
		cmocka_unit_test(concurrent_upserts_by_id_make_one_document),
		cmocka_unit_test(an_upsert_makes_what_its_condition_demands),
		cmocka_unit_test(an_upsert_changes_what_is_there),
		cmocka_unit_test(an_id_stays_what_it_is),
		cmocka_unit_test(a_change_answers_with_the_document),
		cmocka_unit_test(one_or_all_that_fit_are_changed),
		cmocka_unit_test(a_document_does_not_grow_beyond_its_limit),
		cmocka_unit_test(what_is_not_there_is_said),
		cmocka_unit_test(a_users_document_stays_his),
		cmocka_unit_test(a_transaction_meets_anothers_write_at_once),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
