/*
 * Content checks in the queue: the answer of the project's function judges what
 * was uploaded, and only a clear yes or no is one.
 */
#include "tests/unit/queue_driver.h"

#include "base/mark.h"
#include "base/mem.h"

static void
put_check(int retries)
{
	(void)sql("TRUNCATE mpcloud.files");
	(void)sql("INSERT INTO mpcloud.files (env, path, content, place, size,"
		  " md5, sha256, type, state, created_at, changed_at) VALUES"
		  " ('test', 'a', 'c', 'disk', 1, '', '', '', 'pending', 1,"
		  " 1)");
	(void)sql("SELECT mpcloud.queue_put('test', 'check', 'judge', '',"
		  " '{\"path\":\"a\",\"content\":\"c\"}', '{}', 0, 'r', '',"
		  " 0, %d, %lld)",
		retries, T0_MS);
	queue_look(q.queue[0]);
}

/* The call of a content check answers; it is not over yet. */
static void
answer_check(unsigned i, const char *json)
{
	q.called[i].call->result = slice_str(json);
	answer_call(i, 0, NULL);
}

static void
a_content_check_is_judged_by_its_answer(void **state _unused_)
{
	static const char *const bad[] = {
		"", "null", "true", "{}", "{\"pass\":1}", "{\"wait\":true}"};
	unsigned n = 0;
	int64_t now = T0_MS;

	queue_setup();
	queue_up(0);
	put_check(20);
	for (size_t i = 0; i < array_size(bad); i++) {
		until(q.ncalled == n + 1);
		answer_check(n++, bad[i]);
		until_sql("waiting", "SELECT state FROM mpcloud.queue");
		assert_int_equal(
			atoi(sql("SELECT failed FROM mpcloud.queue WHERE"
				 " last_error LIKE '%%{pass: true}%%'")),
			i + 1);
		clock_ms(now += HOUR_MS);
	}
	/* later, which is no failure */
	until(q.ncalled == n + 1);
	answer_check(n++, "{\"wait\":30}");
	until_sql("waiting 30000",
		"SELECT state || ' ' || run_at - %lld FROM mpcloud.queue",
		(long long)now);
	clock_ms(now += 30000);
	until(q.ncalled == n + 1);
	answer_check(n++, "{\"pass\":true}");
	until_sql("done 6", "SELECT state || ' ' || failed FROM mpcloud.queue");
	queue_teardown();
}

/* What gateways keep of the file ends with the verdict, and nothing is kept
 * while it is on its way (storage/hot.h). */
static void
a_verdict_marks_the_path_of_its_file(void **state _unused_)
{
	struct mark_table *marks = mem_new(struct mark_table);
	struct queue_conf conf;
	uint64_t before, after;
	struct mark *m;

	queue_setup();
	mark_table_init(marks);
	m = mark_of(marks, mark_hash(marks, SLICE("a")));
	conf = queue_conf_of(0);
	conf.marks = marks;
	queue_up_with(0, &conf);
	put_check(20);
	until(q.ncalled == 1);
	assert_true(mark_stamp(m, clock_mono(), &before));
	(void)sql("CREATE TABLE gate (); CREATE FUNCTION gate_wait() RETURNS"
		  " trigger LANGUAGE plpgsql AS $$ BEGIN WHILE NOT EXISTS"
		  " (SELECT FROM gate) LOOP PERFORM pg_sleep(0.005); END LOOP;"
		  " RETURN NEW; END $$; CREATE TRIGGER gate AFTER UPDATE ON"
		  " mpcloud.files FOR EACH ROW EXECUTE FUNCTION gate_wait()");
	answer_check(0, "{\"pass\":true}");
	until_sql("1", "SELECT count(*) FROM pg_stat_activity WHERE"
		       " wait_event = 'PgSleep'");
	assert_false(mark_stamp(m, clock_mono(), &after));
	assert_false(mark_holds(m, before));
	(void)sql("INSERT INTO gate DEFAULT VALUES");
	until_sql("ok", "SELECT state FROM mpcloud.files");
	until(mark_stamp(m, clock_mono(), &after));
	/* one that comes too late is over, too */
	put_check(20);
	until(q.ncalled == 2);
	(void)sql("UPDATE mpcloud.queue SET claim = claim + 1000");
	answer_check(1, "{\"pass\":true}");
	until(!mark_holds(m, after));
	before = after;
	until(mark_stamp(m, clock_mono(), &after));
	assert_string_equal(sql("SELECT state FROM mpcloud.files"), "pending");
	(void)sql("DROP TRIGGER gate ON mpcloud.files;"
		  " DROP FUNCTION gate_wait; DROP TABLE gate");
	queue_teardown();
	(void)mem_free(marks);
}

static void
a_content_check_may_ask_for_time_for_a_day(void **state _unused_)
{
	queue_setup();
	queue_up(0);
	put_check(0);
	until(q.ncalled == 1);
	answer_check(0, "{\"wait\":1e9}");
	until_sql("waiting 3600000",
		"SELECT state || ' ' || run_at - %lld FROM mpcloud.queue",
		T0_MS);
	clock_ms(T0_MS + 24 * HOUR_MS);
	until(q.ncalled == 2);
	answer_check(1, "{\"wait\":1}");
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	queue_teardown();
}

static void
a_content_that_is_gone_is_not_asked_about_again(void **state _unused_)
{
	queue_setup();
	queue_up(0);
	put_check(20);
	until(q.ncalled == 1);
	(void)sql("UPDATE mpcloud.files SET content = 'd'");
	answer_call(0, ERR_FN_FAILED, "there is no such file");
	until_sql("done", "SELECT state FROM mpcloud.queue");
	assert_string_equal(sql("SELECT state FROM mpcloud.files"), "pending");
	queue_teardown();
}

static void
a_content_check_waits_two_days_for_its_function(void **state _unused_)
{
	queue_setup();
	queue_up(0);
	put_check(20);
	until(q.ncalled == 1);
	answer_call(0, ERR_FN_NOT_FOUND, NULL);
	until_sql("waiting", "SELECT state FROM mpcloud.queue");
	clock_ms(T0_MS + 47 * HOUR_MS);
	until(q.ncalled == 2);
	answer_call(1, ERR_FN_NOT_FOUND, NULL);
	until_sql("waiting", "SELECT state FROM mpcloud.queue");
	clock_ms(T0_MS + 49 * HOUR_MS);
	until(q.ncalled == 3);
	answer_call(2, ERR_FN_NOT_FOUND, NULL);
	until_sql("dead", "SELECT state FROM mpcloud.queue");
	queue_teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_content_check_is_judged_by_its_answer),
		cmocka_unit_test(a_verdict_marks_the_path_of_its_file),
		cmocka_unit_test(a_content_check_may_ask_for_time_for_a_day),
		cmocka_unit_test(
			a_content_that_is_gone_is_not_asked_about_again),
		cmocka_unit_test(
			a_content_check_waits_two_days_for_its_function),
	};

	return cmocka_run_group_tests(tests, queue_suite_start, stop);
}
