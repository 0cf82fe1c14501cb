/*
 * Migrations on a real server.
 */
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct testpg *server;

static void
migrate_ok(void)
{
	struct fault why = {0};
	int r = schema_migrate(testpg_url(server), &why);

	if (r < 0)
		print_error("%s\n", fault_text(&why, r));
	assert_int_equal(r, 0);
}

static void
many_that_start_at_once_migrate_once(void **state)
{
	enum { MANY = 6 };
	pid_t child[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0)
			_exit(schema_migrate(testpg_url(server), NULL) != 0);
	}
	for (int i = 0; i < MANY; i++) {
		int status = -1;

		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(atoi(testpg_query(server,
				 "SELECT count(*) FROM mpcloud.migrations")),
		schema_newest());
}

static void
a_second_start_changes_nothing(void **state)
{
	(void)state;
	migrate_ok();
	(void)testpg_query(
		server, "UPDATE mpcloud.migrations SET applied_at=7");
	migrate_ok();
	assert_string_equal(testpg_query(server, "SELECT max(applied_at) FROM "
						 "mpcloud.migrations"),
		"7");
}

static void
the_tables_that_other_floors_use_are_there(void **state)
{
	(void)state;
	migrate_ok();
	assert_string_equal(
		testpg_query(server,
			"SELECT string_agg(tablename, ' ' ORDER BY tablename)"
			" FROM pg_tables WHERE schemaname = 'mpcloud'"),
		"access_tokens alerts api_keys api_nonces attempts collections "
		"families file_gone file_leases file_parts file_refused "
		"file_rules "
		"file_total file_uploads file_usage files idempotency "
		"import_parts imports indexes login_keys migrations orders "
		"pay_bill_lines pay_bills pay_certificates pay_differences "
		"pay_inbox pay_leases pushes queue refresh_tokens refunds "
		"routes routines session_keys settings slow timers triggers "
		"users");
}

static void
a_newer_database_is_refused(void **state)
{
	struct fault why = {0};

	(void)state;
	migrate_ok();
	(void)testpg_query(server,
		"INSERT INTO mpcloud.migrations VALUES (9999, 'later', 0)");
	assert_int_equal(schema_migrate(testpg_url(server), &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "9999"));
	(void)testpg_query(
		server, "DELETE FROM mpcloud.migrations WHERE number = 9999");
	migrate_ok();
}

static void
no_statement_of_the_schema_reads_the_clock(void **state)
{
	(void)state;
	migrate_ok();
	assert_string_equal(
		testpg_query(server,
			"SELECT count(*) FROM pg_proc p JOIN pg_namespace n"
			" ON n.oid = p.pronamespace WHERE n.nspname = 'mpcloud'"
			" AND p.prosrc ~* '(now\\(|current_time|clock_time"
			"|current_date|localtime)'"),
		"0");
	assert_string_equal(
		testpg_query(server, "SELECT count(*) FROM "
				     "information_schema.columns WHERE "
				     "table_schema = 'mpcloud' AND "
				     "column_default ~* '(now|time|date)'"),
		"0");
}

static void
a_server_that_is_not_there_is_told(void **state)
{
	struct fault why = {0};

	(void)state;
	assert_int_equal(schema_migrate("host=/nonexistent dbname=x", &why),
		ERR_DB_DOWN);
	assert_true(why.text[0] != '\0');
}

static int
start(void **state)
{
	(void)state;
	server = testpg_new();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	server = testpg_free(server);
	return 0;
}

/* jsonb compares texts by the database's own collation. */
static void
a_database_of_another_order_is_refused(void **state)
{
	struct fault why = {0};
	char url[200];

	(void)state;
	(void)testpg_query(server,
		"CREATE DATABASE sorted TEMPLATE template0 LOCALE 'C' "
		"LOCALE_PROVIDER icu ICU_LOCALE 'en'");
	(void)testpg_query(server,
		"CREATE DATABASE ascii TEMPLATE template0 LOCALE 'C' "
		"ENCODING 'SQL_ASCII'");
	(void)snprintf(
		url, sizeof(url), "%s dbname=sorted", testpg_url(server));
	assert_int_equal(schema_migrate(url, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "LOCALE 'C.UTF-8'"));
	(void)snprintf(url, sizeof(url), "%s dbname=ascii", testpg_url(server));
	assert_int_equal(schema_migrate(url, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "SQL_ASCII"));
}

static void
wait_for_lock(const char *kind)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
		" AND %s",
		kind);
	while (strcmp(testpg_query(server, sql), "0") == 0)
		continue;
}

#define MAKE(tab) \
	"SELECT mpcloud.collection_make('shop', '" tab "', 'env_shop', '" tab \
	"', 'system." tab "', 1)"

/* Makes it, and commits when another one waits for that. */
static void
make_slowly(const char *make)
{
	char sql[1000];

	(void)snprintf(sql, sizeof(sql),
		"BEGIN; %s; DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM"
		" pg_locks WHERE locktype = 'advisory' AND NOT granted) LOOP"
		" END LOOP; END $$; COMMIT",
		make);
	(void)testpg_query(server, sql);
	_exit(0);
}

static const char *
make_beside(const char *slow, const char *make)
{
	pid_t child = fork();
	const char *made;
	int status;

	assert_true(child >= 0);
	if (child == 0)
		make_slowly(slow);
	wait_for_lock("granted");
	made = testpg_query(server, make);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_non_null(made);
	return made;
}

/* What a session has looked up once and not found it goes on not to find, until
 * it hears of it (42P07, 42P06). */
static void
a_collection_that_two_make_at_once_is_made_by_one(void **state _unused_)
{
	migrate_ok();
	/* in a schema that is new, too */
	assert_string_equal(make_beside(MAKE("a"), MAKE("b")), "t");
	assert_string_equal(make_beside(MAKE("c"), MAKE("c")), "f");
	assert_string_equal(testpg_query(server,
				    "SELECT string_agg(name, ' ' ORDER BY name)"
				    " FROM mpcloud.collections"),
		"a b c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_that_start_at_once_migrate_once),
		cmocka_unit_test(a_second_start_changes_nothing),
		cmocka_unit_test(the_tables_that_other_floors_use_are_there),
		cmocka_unit_test(a_newer_database_is_refused),
		cmocka_unit_test(no_statement_of_the_schema_reads_the_clock),
		cmocka_unit_test(a_server_that_is_not_there_is_told),
		cmocka_unit_test(a_database_of_another_order_is_refused),
		cmocka_unit_test(
			a_collection_that_two_make_at_once_is_made_by_one),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
