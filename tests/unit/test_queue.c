/*
 * The queue: every call runs at least once, no row is two gateways' at a time,
 * and what becomes of it is written down.
 */
#include "tests/unit/queue_driver.h"

#include "trigger/queue_op.h"

static void
a_call_runs_as_who_asked_for_it_and_is_done(void **state)
{
	int64_t id;

	(void)state;
	queue_setup();
	queue_up(0);
	id = put_call("mail", "{\"to\":\"a\"}");
	assert_int_equal(id, 1);
	until(q.ncalled == 1);
	assert_string_equal(q.called[0].function, "mail");
	assert_string_equal(q.called[0].event, "{\"to\":\"a\"}");
	assert_string_equal(q.called[0].openid, "o1");
	assert_string_equal(q.called[0].request_id, "r1");
	assert_string_equal(q.called[0].trigger, "async");
	assert_string_equal(q.called[0].source, "wx_client");
	assert_string_equal(sql("SELECT state || attempts || owner FROM "
				"mpcloud.queue"),
		"running1node/0");
	answer_call(0, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	assert_string_equal(
		sql("SELECT (n, outcome, version, begun_at, ended_at)::text "
		    "FROM mpcloud.attempts"),
		"(1,done,7,1800000000000,1800000000000)");
	queue_teardown();
}

static void
a_call_put_by_a_gateway_without_room_wakes_another(void **state)
{
	static const char listening[] =
		"SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN "
		"mpcloud_queue' AND state = 'idle'";
	struct queue_conf conf;

	(void)state;
	queue_setup();
	conf = queue_conf_of(0);
	conf.running_top = 0;
	queue_up_with(0, &conf);
	conf = queue_conf_of(1);
	conf.poll_ms = HOUR_MS;
	conf.url = testpg_url(server);
	queue_up_with(1, &conf);
	until_sql("1", "%s", listening);
	turn(20);
	(void)put_call("f", "{}");
	until(q.ncalled == 1);
	assert_ptr_equal(q.called[0].queue, q.queue[1]);
	/* and so it does when the connection was lost meanwhile */
	(void)sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		  "WHERE query = 'LISTEN mpcloud_queue'");
	until_sql("0", "%s", listening);
	until_sql("1", "%s", listening);
	(void)put_call("f", "{}");
	until(q.ncalled == 2);
	queue_teardown();
}

static void
what_is_heard_is_looked_for_when_somebody_wants_it(void **state)
{
	struct queue_conf conf;

	(void)state;
	queue_setup();
	conf = queue_conf_of(0);
	conf.poll_ms = HOUR_MS;
	/* the look at its start is over when it has taken this one */
	(void)sql("SELECT mpcloud.queue_put('test', 'async', 'f', '', '{}', "
		  "NULL, 0, 'r', '', 0, -1, 1)");
	queue_up_with(0, &conf);
	until(q.ncalled == 1);
	answer_call(0, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	turn(20);
	(void)sql("SELECT mpcloud.queue_put('test', 'login', 'f', '', '{}', "
		  "NULL, 0, 'r', '', 0, -1, 1)");
	queue_heard(q.queue[0]);
	turn(40);
	assert_int_equal(q.ncalled, 1);
	queue_set_hears(q.queue[0], true);
	queue_heard(q.queue[0]);
	until(q.ncalled == 2);
	queue_teardown();
}

static void
what_is_to_run_later_runs_then(void **state)
{
	(void)state;
	queue_setup();
	queue_up(0);
	(void)sql("SELECT mpcloud.queue_put('test', 'async', 'f', '', '{}', "
		  "NULL, 0, 'r', '', %lld, -1, %lld)",
		T0_MS + HOUR_MS, T0_MS);
	clock_ms(T0_MS + HOUR_MS - 1);
	turn(60);
	assert_int_equal(q.ncalled, 0);
	clock_ms(T0_MS + HOUR_MS);
	until(q.ncalled == 1);
	queue_teardown();
}

static void
many_gateways_never_take_a_row_twice(void **state)
{
	enum { ROWS = 1000 };
	unsigned over = 0, of[QUEUES] = {0};

	(void)state;
	queue_setup();
	(void)sql("SELECT count(*) FROM generate_series(1, %d) i, "
		  "mpcloud.queue_put('test', 'async', 'f' || i %% 7, '', '{}', "
		  "NULL, 0, 'r' || i, '', 0, -1, 1)",
		ROWS);
	for (unsigned i = 0; i < QUEUES; i++)
		queue_up(i);
	while (over < ROWS) {
		until(q.ncalled > over);
		while (over < q.ncalled) {
			for (unsigned i = 0; i < QUEUES; i++)
				of[i] += q.queue[i] == q.called[over].queue;
			answer_call(over++, 0, NULL);
		}
	}
	until_sql("1000",
		"SELECT count(*) FROM mpcloud.queue WHERE state = 'done'");
	turn(20);
	assert_int_equal(q.ncalled, ROWS);
	assert_string_equal(
		sql("SELECT count(DISTINCT request_id) || ' ' || max(n) FROM "
		    "mpcloud.attempts"),
		"1000 1");
	for (unsigned i = 0; i < QUEUES; i++)
		assert_true(of[i] > 0);
	queue_teardown();
}

static void
a_long_line_of_one_function_does_not_hold_up_another(void **state)
{
	unsigned of_a = 0;

	(void)state;
	queue_setup();
	(void)sql("SELECT count(*) FROM generate_series(1, 100) i, "
		  "mpcloud.queue_put('test', 'async', 'a', '', '{}', NULL, 0, "
		  "'r' || i, '', 0, -1, 1)");
	queue_up(0);
	until(q.ncalled == 5); /* each_top */
	turn(30);
	assert_int_equal(q.ncalled, 5);
	(void)put_call("z", "{}");
	until(q.ncalled == 6);
	assert_string_equal(q.called[5].function, "z");
	for (unsigned i = 0; i < 6; i++)
		of_a += strcmp(q.called[i].function, "a") == 0;
	assert_int_equal(of_a, 5);
	queue_teardown();
}

static void
a_lease_that_runs_out_is_another_gateways(void **state)
{
	struct queue_conf conf;

	(void)state;
	queue_setup();
	conf = queue_conf_of(0);
	conf.lease_ms = 100000; /* its renewal does not come in this test */
	queue_up_with(0, &conf);
	(void)put_call("f", "{}");
	until(q.ncalled == 1);
	assert_false(queue_drain(q.queue[0])); /* it looks no more */
	queue_up(1);
	clock_ms(T0_MS + 100000);
	turn(40);
	assert_int_equal(q.ncalled, 1);
	clock_ms(T0_MS + 100001);
	until(q.ncalled == 2);
	assert_ptr_equal(q.called[1].queue, q.queue[1]);
	/* the first one is told that it comes too late */
	answer_call(0, 0, NULL);
	until(queue_drain(q.queue[0]));
	assert_string_equal(
		sql("SELECT state || ' ' || owner FROM mpcloud.queue"),
		"running node/1");
	answer_call(1, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	assert_string_equal(
		sql("SELECT string_agg(n || outcome || gateway, ' ' ORDER BY n)"
		    " FROM mpcloud.attempts"),
		"1lost0 2done1");
	queue_teardown();
}

static void
a_lease_is_renewed_while_the_call_runs(void **state)
{
	struct queue_conf conf;

	(void)state;
	queue_setup();
	conf = queue_conf_of(0);
	conf.lease_ms = 40;
	queue_up_with(0, &conf);
	(void)put_call("f", "{}");
	until(q.ncalled == 1);
	queue_up(1);
	for (int i = 1; i < 20; i++) {
		clock_ms(T0_MS + i * 30);
		until_sql("t", "SELECT lease_until = %lld FROM mpcloud.queue",
			T0_MS + i * 30 + 40);
	}
	assert_int_equal(q.ncalled, 1);
	answer_call(0, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	queue_teardown();
}

static void
what_takes_its_gateway_down_again_and_again_is_dead(void **state)
{
	(void)state;
	queue_setup();
	queue_up(0);
	(void)put_call("f", "{}");
	until(q.ncalled == 1);
	(void)sql("UPDATE mpcloud.queue SET lost = 19, lease_until = 5");
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	queue_teardown();
}

static void
failed_attempts_wait_longer_each_time_and_the_last_is_death(void **state)
{
	static const long long least[] = {1000, 2000, 4000};
	long long now = T0_MS;

	(void)state;
	queue_setup();
	queue_up(0);
	queue_know(q.queue[0], "f", 3);
	(void)put_call("f", "{}");
	for (unsigned i = 0; i < 3; i++) {
		until(q.ncalled == i + 1);
		answer_call(i, ERR_FN_FAILED, "no such host");
		until_sql("waiting", "SELECT state FROM mpcloud.queue");
		assert_string_equal(
			sql("SELECT run_at BETWEEN %lld AND %lld AND "
			    "last_error = 'no such host' FROM mpcloud.queue",
				now + least[i], now + least[i] * 5 / 4),
			"t");
		clock_ms(now + least[i] - 1);
		turn(25);
		assert_int_equal(q.ncalled, i + 1);
		now += least[i] * 5 / 4;
		clock_ms(now);
	}
	until(q.ncalled == 4);
	answer_call(3, ERR_FN_TIMEOUT, NULL);
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	assert_string_equal(
		sql("SELECT string_agg(n || outcome, ' ' ORDER BY n) FROM "
		    "mpcloud.attempts"),
		"1failed 2failed 3failed 4failed");
	assert_string_equal(sql("SELECT last_error FROM mpcloud.queue"),
		"the function took longer than its timeout");
	queue_teardown();
}

static void
on_op(struct job *job)
{
	assert_int_equal(job->err, 0);
}

static void
dead_calls_run_again_when_they_are_replayed(void **state)
{
	struct queue_op op = {.env = "test", .function = "f"};

	(void)state;
	queue_setup();
	queue_up(0);
	(void)put_call("f", "{\"n\":5}");
	until(q.ncalled == 1);
	answer_call(0, ERR_FN_CRASHED, NULL);
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	turn(20);
	assert_int_equal(q.ncalled, 1);
	job_init(&op.ask.job, on_op);
	queue_op_replay(q.f.pool, &op);
	until(q.ncalled == 2);
	assert_string_equal(q.called[1].event, "{\"n\":5}");
	answer_call(1, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	assert_string_equal(sql("SELECT attempts FROM mpcloud.queue"), "2");
	until(!op.ask.job.busy);
	queue_teardown();
}

static void
having_no_room_is_no_attempt(void **state)
{
	(void)state;
	queue_setup();
	queue_up(0);
	(void)put_call("f", "{}");
	for (unsigned i = 0; i < 5; i++) {
		until(q.ncalled == i + 1);
		answer_call(i, i % 2 ? ERR_BUSY : ERR_LIMITED, NULL);
		until_sql("waiting", "SELECT state FROM mpcloud.queue");
		assert_string_equal(
			sql("SELECT attempts || ' ' || (SELECT count(*) FROM "
			    "mpcloud.attempts) FROM mpcloud.queue"),
			"0 0");
		clock_ms(T0_MS + (i + 1) * 1000);
	}
	until(q.ncalled == 6);
	answer_call(5, 0, NULL);
	until_sql("done", "SELECT state FROM mpcloud.queue");
	assert_string_equal(sql("SELECT n FROM mpcloud.attempts"), "1");
	queue_teardown();
}

static void
a_function_that_is_not_there_is_waited_for_and_then_it_is_dead(void **state)
{
	int64_t now = T0_MS;

	(void)state;
	queue_setup();
	queue_up(0);
	(void)put_call("later", "{}");
	for (unsigned i = 0; now < T0_MS + HOUR_MS; i++) {
		until(q.ncalled == i + 1);
		answer_call(i, ERR_FN_NOT_FOUND, NULL);
		until_sql("waiting 0",
			"SELECT state || ' ' || attempts FROM mpcloud.queue");
		now += 30000;
		clock_ms(now);
	}
	until(q.called[q.ncalled - 1].call);
	answer_call(q.ncalled - 1, ERR_FN_NOT_FOUND, NULL);
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	assert_string_equal(sql("SELECT last_error FROM mpcloud.queue"),
		"no function of this name is deployed");
	queue_teardown();
}

static void
waits_two_days(const char *kind)
{
	const int hours[] = {0, 2, 47, 48};

	queue_setup();
	queue_up(0);
	(void)sql("SELECT mpcloud.cloudpay_queue('test', 'later', 'paid 1 2',"
		  " '{}', '{}', 1)");
	(void)sql("UPDATE mpcloud.queue SET kind = '%s'", kind);
	for (unsigned i = 0; i < array_size(hours); i++) {
		clock_ms(T0_MS + hours[i] * HOUR_MS);
		until(q.ncalled == i + 1);
		answer_call(i, ERR_FN_NOT_FOUND, NULL);
		until_sql(i < 3 ? "waiting" : "dead",
			"SELECT state FROM mpcloud.queue");
	}
	queue_teardown();
}

static void
a_payment_waits_two_days_for_its_function(void **state _unused_)
{
	waits_two_days("cloudpay");
	waits_two_days("pay");
}

static void
a_key_is_put_once(void **state)
{
	static const char put[] =
		"SELECT id || ' ' || existed FROM mpcloud.queue_put('test', "
		"'async', '%s', '', '{}', NULL, 0, 'r', '%s', 0, -1, 1)";

	(void)state;
	queue_setup();
	assert_string_equal(sql(put, "f", "k"), "1 false");
	assert_string_equal(sql(put, "f", "k"), "1 true");
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.queue"), "1");
	assert_true(strstr(sql(put, "g", "k"), "false") != NULL);
	assert_true(strstr(sql(put, "f", "other"), "false") != NULL);
	/* no key: as many as one likes */
	assert_true(strstr(sql(put, "f", ""), "false") != NULL);
	assert_true(strstr(sql(put, "f", ""), "false") != NULL);
	queue_teardown();
}

static int put_err;

static void
on_user_put(struct job *job)
{
	put_err = job->err;
	if (job->err == ERR_LIMITED)
		assert_non_null(strstr(job->why.text, "functions.queue_user"));
}

/* Two may wait of each. */
static int
put_as(const char *uid)
{
	const struct caller who = {.role = CALLER_USER,
		.uid = uid,
		.openid = "o",
		.unionid = "",
		.appid = "wx1"};
	struct queue_put put = {.kind = QUEUE_ASYNC,
		.function = "f",
		.caller = &who,
		.request_id = "r",
		.retries = -1,
		.user_top = 2};

	job_init(&put.ask.job, on_user_put);
	queue_put_async(q.queue[0], &put);
	until(!put.ask.job.busy);
	return put_err;
}

static void
a_user_has_so_many_waiting_and_no_more(void **state)
{
	(void)state;
	queue_setup();
	queue_up(0);
	assert_int_equal(put_as("u1"), 0);
	assert_int_equal(put_as("u1"), 0);
	assert_int_equal(put_as("u1"), ERR_LIMITED);
	assert_int_equal(put_as("u2"), 0);
	until(q.ncalled == 3);
	answer_call(0, 0, NULL);
	until_sql("1", "SELECT count(*) FROM mpcloud.queue WHERE state = "
		       "'done'");
	assert_int_equal(put_as("u1"), 0);
	queue_teardown();
}

static void
a_queue_that_stops_lets_calls_finish_or_gives_them_back(void **state)
{
	(void)state;
	queue_setup();
	queue_up(0);
	(void)put_call("f", "{}");
	(void)put_call("g", "{}");
	until(q.ncalled == 2);
	assert_false(queue_drain(q.queue[0]));
	(void)put_call("h", "{}");
	answer_call(0, 0, NULL);
	turn(40);
	assert_int_equal(q.ncalled, 2);
	assert_false(queue_drain(q.queue[0]));
	queue_give_back(q.queue[0]);
	until(queue_drain(q.queue[0]));
	assert_null(q.called[1].call);
	assert_string_equal(
		sql("SELECT string_agg(state || attempts, ' ' ORDER BY id) "
		    "FROM mpcloud.queue"),
		"done1 waiting1 waiting0");
	queue_teardown();
}

static void
ended_calls_go_when_their_time_is_over(void **state)
{
	enum { DAY_MS = 24 * HOUR_MS };
	static const char count[] =
		"SELECT count(*) FILTER (WHERE state = 'done') || ' ' || "
		"count(*) FILTER (WHERE state = 'dead') || ' ' || count(*) "
		"FROM mpcloud.queue";

	(void)state;
	queue_setup();
	(void)sql("INSERT INTO mpcloud.queue (env, kind, function, event, "
		  "request_id, run_at, created_at, state, done_at) SELECT "
		  "'test', 'async', 'f', '{}', '', 0, 0, CASE i %% 3 WHEN 0 "
		  "THEN 'done' WHEN 1 THEN 'dead' ELSE 'waiting' END, CASE "
		  "WHEN i %% 3 < 2 THEN i END FROM generate_series(1, 30) i");
	assert_string_equal(
		sql("SELECT mpcloud.queue_sweep('test', 10, 5, 100)"), "5");
	assert_string_equal(sql(count), "7 8 25");
	/* in batches */
	assert_string_equal(
		sql("SELECT mpcloud.queue_sweep('test', %lld, 0, 2)",
			(long long)DAY_MS),
		"2");
	assert_string_equal(sql(count), "5 8 23");
	queue_teardown();
}

static void
a_million_that_are_done_do_not_slow_a_claim(void **state)
{
	(void)state;
	queue_setup();
	(void)sql("INSERT INTO mpcloud.queue (env, kind, function, event, "
		  "request_id, run_at, created_at, state, done_at) SELECT "
		  "'test', 'async', 'f', '{}', '', 0, 0, 'done', 1 FROM "
		  "generate_series(1, 100000) i");
	(void)sql("SELECT mpcloud.queue_put('test', 'async', 'f', '', '{}', "
		  "NULL, 0, 'r', '', 0, -1, 1)");
	(void)sql("ANALYZE mpcloud.queue");
	/* what is read does not grow with what is done: by PostgreSQL's own
	 * count of the rows that scans of the table have read */
	(void)sql("SELECT pg_stat_reset()");
	assert_string_equal(
		sql("SELECT count(*) FROM mpcloud.queue_claim('test', 1, 'n', "
		    "0, 10, 5, '{}', 1000, 5)"),
		"1");
	until_sql("t", "SELECT seq_tup_read = 0 AND idx_scan > 0 AND "
		       "idx_tup_fetch < 20 FROM pg_stat_user_tables WHERE "
		       "schemaname = 'mpcloud' AND relname = 'queue'");
	queue_teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_runs_as_who_asked_for_it_and_is_done),
		cmocka_unit_test(
			a_call_put_by_a_gateway_without_room_wakes_another),
		cmocka_unit_test(
			what_is_heard_is_looked_for_when_somebody_wants_it),
		cmocka_unit_test(what_is_to_run_later_runs_then),
		cmocka_unit_test(many_gateways_never_take_a_row_twice),
		cmocka_unit_test(
			a_long_line_of_one_function_does_not_hold_up_another),
		cmocka_unit_test(a_lease_that_runs_out_is_another_gateways),
		cmocka_unit_test(a_lease_is_renewed_while_the_call_runs),
		cmocka_unit_test(
			what_takes_its_gateway_down_again_and_again_is_dead),
		cmocka_unit_test(
			failed_attempts_wait_longer_each_time_and_the_last_is_death),
		cmocka_unit_test(dead_calls_run_again_when_they_are_replayed),
		cmocka_unit_test(having_no_room_is_no_attempt),
		cmocka_unit_test(
			a_function_that_is_not_there_is_waited_for_and_then_it_is_dead),
		cmocka_unit_test(a_payment_waits_two_days_for_its_function),
		cmocka_unit_test(a_key_is_put_once),
		cmocka_unit_test(a_user_has_so_many_waiting_and_no_more),
		cmocka_unit_test(
			a_queue_that_stops_lets_calls_finish_or_gives_them_back),
		cmocka_unit_test(ended_calls_go_when_their_time_is_over),
		cmocka_unit_test(a_million_that_are_done_do_not_slow_a_claim),
	};

	return cmocka_run_group_tests(tests, queue_suite_start, stop);
}
