/*
 * Alerts: what is judged by numbers that are set here, and what the routines do
 * with it on a database, by a clock of the test's own.
 */
#include "base/mem.h"
#include "base/val.h"
#include "db/schema.h"
#include "gateway/alert_notice.h"
#include "gateway/alert_view.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct testpg *pg;

static const struct alert_row *
row_of(const char *name)
{
	for (size_t i = 0; i < alert_count; i++)
		if (!strcmp(alert_rows[i].name, name))
			return &alert_rows[i];
	fail_msg("no alert %s", name);
	return NULL;
}

static bool
holds(const char *name, const struct alert_view *v, const struct conf *conf)
{
	char text[ALERT_TEXT];
	int64_t value;

	return row_of(name)->judge(v, conf, &value, text);
}

static void
a_share_needs_enough_cases(void **state)
{
	_cleanup_(conf_freep) struct conf *conf = conf_new();
	struct alert_view v = {.answers = 99, .errors = 99, .database = true};

	(void)state;
	assert_false(holds("error_rate", &v, conf));
	v.answers = 100;
	v.errors = 5;
	assert_true(holds("error_rate", &v, conf));
	v.errors = 4;
	assert_false(holds("error_rate", &v, conf));
	conf->alerts_error_rate = 0;
	v.errors = 100;
	assert_false(holds("error_rate", &v, conf));
}

static void
latency_is_what_ninety_five_of_a_hundred_stay_under(void **state)
{
	_cleanup_(conf_freep) struct conf *conf = conf_new();
	struct alert_view v = {.answers = 100, .database = true};

	(void)state;
	v.below[0] = 95;
	v.below[SERIES_EDGES] = 5;
	assert_false(holds("latency", &v, conf));
	v.below[0] = 94;
	v.below[SERIES_EDGES] = 6;
	assert_true(holds("latency", &v, conf));
}

static void
certificates_database_and_money(void **state)
{
	_cleanup_(conf_freep) struct conf *conf = conf_new();
	struct alert_view v = {
		.cert_left_ms = INT64_MAX, .cert_whose = "", .database = true};
	char text[ALERT_TEXT];
	int64_t days;

	(void)state;
	for (size_t i = 0; i < alert_count; i++)
		assert_false(holds(alert_rows[i].name, &v, conf));
	v.cert_left_ms = 13 * 86400000LL;
	v.cert_whose = "tls shop";
	assert_true(holds("certificate", &v, conf));
	(void)row_of("certificate")->judge(&v, conf, &days, text);
	assert_string_equal(
		text, "the TLS certificate of [tls shop] ends in 13 days");
	v.differences = v.quarantined = v.abnormal = v.dead = 1;
	v.waiting = 1000;
	v.database = false;
	assert_true(holds("pay_differences", &v, conf));
	assert_true(holds("pay_quarantine", &v, conf));
	assert_true(holds("refund_abnormal", &v, conf));
	assert_true(holds("dead_calls", &v, conf));
	assert_true(holds("queue", &v, conf));
	assert_true(holds("database", &v, conf));
}

static void
the_window_forgets_what_is_older(void **state)
{
	struct alert_ring *ring = mem_new(struct alert_ring);
	struct alert_view v = {0};
	struct alert_sums now = {.at_ms = 1000, .answers = 1000, .errors = 900};

	(void)state;
	alert_ring_add(ring, &now, &v);
	assert_int_equal(v.answers, 0); /* nobody knows when those were */
	for (int i = 1; i <= 200; i++) {
		now.at_ms += 15000;
		now.answers += 10;
		alert_ring_add(ring, &now, &v);
	}
	assert_int_equal(v.answers, ALERT_WINDOW_MS / 15000 * 10);
	assert_int_equal(v.errors, 0);
	(void)mem_free(ring);
}

static void
every_format_is_json_with_the_text_in_it(void **state)
{
	static const char *const formats[] = {
		"alertmanager", "wecom", "dingtalk", "feishu"};
	struct alert_notice n = {
		.name = SLICE("error_rate"),
		.node = SLICE("host \"one\""),
		.severity = SLICE("critical"),
		.text = SLICE("7 % of 100 \"answers\""),
		.started_ms = 1800000000000,
	};

	(void)state;
	for (size_t i = 0; i < array_size(formats); i++) {
		_buf_ struct buf b;
		_json_ json_t *v = NULL;

		buf_init(&b, 65536);
		alert_notice_put(&b, formats[i], &n);
		assert_int_equal(val_parse(&v, buf_all(&b), NULL), 0);
		assert_non_null(memmem(b.ptr, b.len, "7 % of 100", 10));
	}
}

/* The members that Prometheus' documentation of the webhook lists. */
static void
alertmanager_s_members_are_there(void **state)
{
	_buf_ struct buf b;
	_json_ json_t *v = NULL;
	json_t *a;

	(void)state;
	buf_init(&b, 65536);
	alert_notice_put(&b, "alertmanager",
		&(struct alert_notice){.name = SLICE("queue"),
			.severity = SLICE("warning"),
			.text = SLICE("x"),
			.resolved = true,
			.started_ms = 1800000000000,
			.ended_ms = 1800000060000});
	assert_int_equal(val_parse(&v, buf_all(&b), NULL), 0);
	assert_string_equal(val_text(v, "version"), "4");
	assert_string_equal(val_text(v, "status"), "resolved");
	a = json_array_get(json_object_get(v, "alerts"), 0);
	assert_string_equal(
		val_text(a, "startsAt"), "2027-01-15T08:00:00.000Z");
	assert_string_equal(val_text(a, "endsAt"), "2027-01-15T08:01:00.000Z");
	assert_string_equal(
		val_text(json_object_get(a, "labels"), "alertname"), "queue");
}

static const char *_printf_(1, 2) sql(const char *fmt, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return testpg_query(pg, text);
}

static int
note(bool holds, int for_ms, long long now)
{
	return atoi(
		sql("SELECT mpcloud.alerts_note('e', '[{\"name\":\"a\","
		    "\"node\":\"n\",\"holds\":%s,\"value\":1,\"text\":\"t\","
		    "\"severity\":\"s\",\"for_ms\":%d}]', true, 'f', 1000,"
		    " %lld)",
			holds ? "true" : "false", for_ms, now));
}

static void
an_alert_is_told_once_again_and_when_it_ends(void **state)
{
	(void)state;
	assert_int_equal(note(false, 100, 1000), 0);
	assert_int_equal(note(true, 100, 1000), 0); /* not long enough */
	assert_int_equal(note(true, 100, 1099), 0);
	assert_int_equal(note(true, 100, 1100), 1);
	assert_int_equal(note(true, 100, 1100), 0); /* another gateway */
	assert_string_equal(sql("SELECT count(*) FROM"
				" mpcloud.alerts_claim('e', 50, 1100)"),
		"1");
	assert_string_equal(sql("SELECT count(*) FROM"
				" mpcloud.alerts_claim('e', 50, 1149)"),
		"0"); /* somebody is at it */
	assert_string_equal(sql("SELECT count(*) FROM"
				" mpcloud.alerts_claim('e', 50, 1150)"),
		"1"); /* and died */
	(void)sql("SELECT mpcloud.alert_told('e', 'a', 'n', 1100, NULL, 1160)");
	assert_int_equal(note(true, 100, 2099), 0);
	assert_int_equal(note(true, 100, 2100), 1); /* it lasts */
	assert_int_equal(note(false, 100, 2200), 1);
	assert_int_equal(note(false, 100, 2300), 0);
	assert_string_equal(
		sql("SELECT string_agg(notice || ' ' || started_at, ',')"
		    " FROM mpcloud.alerts_claim('e', 50, 2300)"),
		"resolved 1100");
	assert_string_equal(
		sql("SELECT string_agg(event::jsonb ->> 'status', ','"
		    " ORDER BY id) FROM mpcloud.queue"),
		"firing,firing,resolved");
}

static void
what_came_and_went_quickly_is_not_told(void **state)
{
	(void)state;
	(void)sql("DELETE FROM mpcloud.alerts");
	assert_int_equal(note(true, 100, 5000), 0);
	assert_int_equal(note(false, 100, 5050), 0);
	assert_int_equal(note(true, 100, 5110), 0); /* counts anew */
	assert_int_equal(note(true, 100, 5210), 1);
}

static void
the_database_s_facts(void **state)
{
	(void)state;
	(void)sql("TRUNCATE mpcloud.queue CASCADE");
	(void)sql("INSERT INTO mpcloud.queue (env, kind, function, event,"
		  " request_id, run_at, created_at) SELECT 'e', 'async', 'f',"
		  " '{}', 'r', n * 1000, 0 FROM generate_series(1, 20) n");
	(void)sql("INSERT INTO mpcloud.pay_differences (mchid, day, kind,"
		  " out_trade_no, found_at) VALUES ('m', 'd', 'k', 'o', 1)");
	assert_string_equal(
		sql("SELECT concat_ws(' ', waiting, dead, differences,"
		    " quarantined, abnormal)"
		    " FROM mpcloud.alert_facts('e', 20000)"),
		"10 0 1 0 0");
}

static int
begin(void **state)
{
	struct fault why = {0};

	(void)state;
	pg = testpg_new();
	return schema_migrate(testpg_url(pg), &why);
}

static int
end(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_needs_enough_cases),
		cmocka_unit_test(
			latency_is_what_ninety_five_of_a_hundred_stay_under),
		cmocka_unit_test(certificates_database_and_money),
		cmocka_unit_test(the_window_forgets_what_is_older),
		cmocka_unit_test(every_format_is_json_with_the_text_in_it),
		cmocka_unit_test(alertmanager_s_members_are_there),
		cmocka_unit_test(an_alert_is_told_once_again_and_when_it_ends),
		cmocka_unit_test(what_came_and_went_quickly_is_not_told),
		cmocka_unit_test(the_database_s_facts),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
