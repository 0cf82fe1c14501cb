/*
 * Prepared statements: kept where they help, made anew where they must be.
 */
#include "tests/unit/pool_driver.h"

#include <stdlib.h>

static void
a_table_that_changes_its_columns_is_prepared_anew(void **state)
{
	static const char sql[] = "SELECT * FROM pool_star";
	struct fixture f;
	struct one o;

	(void)state;
	setup_with(&f, 1, 20000, 100);
	run(&f, &o, "CREATE TABLE pool_star AS SELECT 1 AS a", NULL);
	for (int i = 0; i < 10; i++)
		run(&f, &o, sql, NULL);
	assert_string_equal(o.value, "1");
	run(&f, &o, "ALTER TABLE pool_star ALTER a TYPE text USING 'x'", NULL);
	run(&f, &o, sql, NULL);
	assert_int_equal(o.err, 0);
	assert_string_equal(o.value, "x");
	run(&f, &o, "DROP TABLE pool_star", NULL);
	teardown(&f);
}

/* More texts than a connection keeps. */
static void
old_statements_make_room(void **state)
{
	enum { MANY = 1500 };
	struct one *o = mem_array(MANY, struct one);
	struct fixture f;
	char sql[64];

	(void)state;
	setup_with(&f, 1, 20000, 10000);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			int n = snprintf(sql, sizeof(sql), "SELECT %d", i);

			memset(&o[i], 0, sizeof(o[i]));
			job_init(&o[i].ask.job, on_done);
			o[i].ask.is_read = i % 3 != 0;
			pool_ask_shape(f.pool, &o[i].ask,
				slice_of(sql, (size_t)n), NULL, 0);
			memset(sql, 'x', sizeof(sql)); /* it was copied */
		}
		wait_for(&f, o, MANY);
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(o[i].err, 0);
			assert_int_equal(atoi(o[i].value), i);
		}
	}
	run(&f, &o[0], "SELECT count(*) FROM pg_prepared_statements", NULL);
	assert_true(atoi(o[0].value) <= 513);
	free(o);
	teardown(&f);
}

static void
a_long_statement_is_not_kept_by_the_server(void **state)
{
	static const char kept[] =
		"SELECT count(*) FROM pg_prepared_statements WHERE "
		"length(statement) > 1000";
	struct fixture f;
	struct one o;
	char sql[9001];

	(void)state;
	setup_with(&f, 1, 20000, 100);
	memset(sql, ' ', sizeof(sql));
	memcpy(sql, "SELECT 'long'", 13);
	memset(&o, 0, sizeof(o));
	job_init(&o.ask.job, on_done);
	pool_ask_shape(f.pool, &o.ask, slice_of(sql, 9000), NULL, 0);
	wait_for(&f, &o, 1);
	assert_string_equal(o.value, "long");
	run(&f, &o, kept, NULL);
	assert_string_equal(o.value, "0");
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_table_that_changes_its_columns_is_prepared_anew),
		cmocka_unit_test(old_statements_make_room),
		cmocka_unit_test(a_long_statement_is_not_kept_by_the_server),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
