/*
 * Timers of several gateways on one database: what is due is in mpcloud.queue
 * exactly once, by the test's clock.
 */
#include "trigger/timer.h"

#include "base/clock.h"
#include "base/event.h"
#include "db/schema.h"
#include "tests/unit/pool_driver.h"

enum { GATEWAYS = 3, MINUTE = 60 };
/* 2027-01-15T08:00:00Z */
static const int64_t START_S = 1800000000;

static struct fixture gateways[GATEWAYS];
static struct timers *timers[GATEWAYS];

static void
clock_to(int64_t s)
{
	clock_set((START_S + s) * CLOCK_S);
}

static void
begin(void)
{
	(void)testpg_query(server,
		"TRUNCATE mpcloud.triggers, mpcloud.timers, mpcloud.queue, "
		"mpcloud.attempts; SELECT 1");
	for (size_t i = 0; i < GATEWAYS; i++) {
		const struct timers_conf conf = {
			.env = "e", .check_ms = 20, .grace_ms = 60000};
		struct timers_conf c = conf;

		setup(&gateways[i]);
		c.pool = gateways[i].pool;
		timers[i] = timers_new(&c);
	}
}

static void
end(void)
{
	for (size_t i = 0; i < GATEWAYS; i++) {
		timers[i] = timers_free(timers[i]);
		teardown(&gateways[i]);
	}
	clock_set(-1);
}

static void
turn(void)
{
	for (size_t i = 0; i < GATEWAYS; i++)
		if (timers[i])
			loop_turn(&gateways[i].loop, false);
}

static void
until(const char *sql, const char *value)
{
	const char *got = NULL;

	for (int i = 0; i < 4000; i++) {
		turn();
		if (i % 20 == 0) {
			got = testpg_query(server, sql);
			if (got && strcmp(got, value) == 0)
				return;
		}
		(void)usleep(500);
	}
	fail_msg("%s: %s instead of %s", sql, got ? got : "nothing", value);
}

static void
define(const char *name, const char *config, const char *missed)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO mpcloud.triggers VALUES ('e', 'f', '%s', 'timer', "
		"jsonb_build_object('name', '%s', 'type', 'timer', 'config', "
		"'%s', 'timezone', 'UTC', 'missed', '%s')) ON CONFLICT ON "
		"CONSTRAINT triggers_pkey DO UPDATE SET spec = excluded.spec "
		"RETURNING 1",
		name, name, config, missed);
	assert_string_equal(testpg_query(server, sql), "1");
}

#define COUNT "SELECT count(*) FROM mpcloud.queue"
#define NEXT \
	"SELECT string_agg(name || '=' || coalesce(next_at / 1000 - " \
	"1800000000, -1), ' ' ORDER BY name) FROM mpcloud.timers"

static void
several_gateways_put_each_run_into_the_queue_once(void **state)
{
	(void)state;
	clock_to(0);
	begin();
	define("second", "* * * * * * *", "skip");
	define("ten", "*/10 * * * * * *", "skip");
	until(NEXT, "second=1 ten=10");
	for (int64_t s = 7; s <= 5 * MINUTE; s += 7) {
		char want[64];

		clock_to(s);
		(void)snprintf(want, sizeof(want), "second=%lld ten=%lld",
			(long long)s + 1, (long long)(s / 10 + 1) * 10);
		until(NEXT, want);
	}
	clock_to(5 * MINUTE);
	until(COUNT, "330");
	assert_string_equal(
		testpg_query(server,
			"SELECT count(DISTINCT event::jsonb ->> 'Time') || ' ' "
			"|| min(run_at / 1000) || ' ' || max(run_at / 1000) "
			"FROM mpcloud.queue WHERE key LIKE "
			"'timer/e/f/second/%'"),
		"300 1800000001 1800000300");
	assert_string_equal(
		testpg_query(server,
			"SELECT kind || ' ' || function || ' ' || state || ' ' "
			"|| event || ' ' || (caller ->> 'source') || ' ' || "
			"key "
			"FROM mpcloud.queue WHERE key LIKE 'timer/e/f/ten/%' "
			"ORDER BY run_at LIMIT 1"),
		"timer f waiting {\"Type\":\"Timer\",\"TriggerName\":\"ten\","
		"\"Time\":\"2027-01-15T08:00:10Z\",\"Message\":\"\"} "
		"wx_trigger "
		"timer/e/f/ten/2027-01-15T08:00:10Z");
	end();
}

static void
an_unchanged_timer_keeps_its_time_and_a_changed_one_gets_a_new_one(void **state)
{
	(void)state;
	clock_to(0);
	begin();
	define("a", "0 * * * * * *", "skip");
	define("b", "0 * * * * * *", "skip");
	until(NEXT, "a=60 b=60");
	clock_to(30);
	define("a", "0 * * * * * *", "once");
	define("b", "0 30 * * * * *", "skip");
	until(NEXT, "a=60 b=1800");
	(void)testpg_query(server,
		"DELETE FROM mpcloud.triggers WHERE name = 'b' RETURNING 1");
	until(NEXT, "a=60");
	end();
}

static void
what_was_missed_beyond_the_grace_is_as_the_timer_says(void **state)
{
	(void)state;
	clock_to(0);
	begin();
	define("all", "0 * * * * * *", "all");
	define("once", "0 * * * * * *", "once");
	define("skip", "0 * * * * * *", "skip");
	until(NEXT, "all=60 once=60 skip=60");
	clock_to(10 * MINUTE + 30);
	until(NEXT, "all=660 once=660 skip=660");
	/* of ten, one is within the grace */
	assert_string_equal(
		testpg_query(server,
			"SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT "
			"split_part(key, '/', 4) || '=' || count(*) AS n FROM "
			"mpcloud.queue GROUP BY split_part(key, '/', 4)) g"),
		"all=10 once=2 skip=1");
	assert_string_equal(
		testpg_query(server, "SELECT string_agg(name || '=' || missed "
				     "|| '/' || seq, "
				     "' ' ORDER BY name) FROM mpcloud.timers"),
		"all=0/10 once=8/2 skip=9/1");
	end();
}

static void
a_timer_that_never_runs_says_so(void **state)
{
	(void)state;
	clock_to(0);
	begin();
	define("never", "0 0 0 30 2 ? *", "skip");
	until(NEXT, "never=-1");
	assert_string_equal(
		testpg_query(server, "SELECT error FROM mpcloud.timers"),
		"no time before the year 2100 matches");
	define("never", "0 0 0 1 2 ? *", "skip");
	until("SELECT coalesce(error, 'none') FROM mpcloud.timers", "none");
	end();
}

static void
one_gateway_less_loses_no_run(void **state)
{
	(void)state;
	clock_to(0);
	begin();
	define("second", "* * * * * * *", "skip");
	until(NEXT, "second=1");
	clock_to(10);
	for (int i = 0; i < 3; i++)
		turn();
	/* Gone in the middle of what it does: its connections end. */
	timers[0] = timers_free(timers[0]);
	clock_to(40);
	until(COUNT, "40");
	end();
}

static int
start_schema(void **state)
{
	int e = start(state);

	event_init("test", EVENT_ERROR);
	return e ? e : schema_migrate(testpg_url(server), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			several_gateways_put_each_run_into_the_queue_once),
		cmocka_unit_test(
			an_unchanged_timer_keeps_its_time_and_a_changed_one_gets_a_new_one),
		cmocka_unit_test(
			what_was_missed_beyond_the_grace_is_as_the_timer_says),
		cmocka_unit_test(a_timer_that_never_runs_says_so),
		cmocka_unit_test(one_gateway_less_loses_no_run),
	};

	return cmocka_run_group_tests(tests, start_schema, stop);
}
