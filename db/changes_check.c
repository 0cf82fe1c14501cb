/*
 * What changes.c needs, as a table of questions to an ordinary connection.
 */
#include "db/changes_check.h"

#include "base/mem.h"
#include "db/dsn.h"

#include <libpq-fe.h>
#include <string.h>

/* Each asks for 't'. */
static const struct {
	const char *sql, *text;
} questions[] = {
	{"SELECT current_setting('wal_level') = 'logical'",
		"wal_level is not logical, so watch() is refused: ALTER SYSTEM "
		"SET wal_level = 'logical', then restart PostgreSQL"},
	{"SELECT rolsuper OR rolreplication FROM pg_roles "
	 "WHERE rolname = current_user",
		"the user of database.url may not replicate, so watch() is "
		"refused: ALTER ROLE … REPLICATION as a superuser"},
	{"SELECT has_database_privilege(current_database(), 'CREATE')",
		"the user of database.url may not make a publication, so "
		"watch() is refused: GRANT CREATE ON DATABASE … as its owner"},
	{"SELECT count(*) < current_setting('max_replication_slots')::int "
	 "FROM pg_replication_slots",
		"all replication slots are in use, so watch() may be refused: "
		"raise max_replication_slots and restart PostgreSQL"},
	{"SELECT count(*) < current_setting('max_wal_senders')::int "
	 "FROM pg_stat_replication",
		"all walsenders are in use, so watch() may be refused: raise "
		"max_wal_senders and restart PostgreSQL"},
};

static void
finish(PGconn **conn)
{
	if (*conn)
		PQfinish(*conn);
}

static void
clear(PGresult **result)
{
	PQclear(*result);
}

static PGconn *
open_it(const char *url)
{
	const char *const keys[] = {"dbname", "connect_timeout", NULL};
	const char *const values[] = {url, "3", NULL};

	return PQconnectdbParams(keys, values, 1);
}

static int
ask(PGconn *conn, size_t i, struct fault *why)
{
	_cleanup_(clear) PGresult *result = PQexec(conn, questions[i].sql);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fault_set(why, ERR_DB_DOWN,
			"PostgreSQL does not answer: see daemon");
	if (PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't')
		return 0;
	return fault_set(why, ERR_WATCH_STREAM, "%s", questions[i].text);
}

int
changes_check(const char *url, struct fault *why)
{
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	_cleanup_(finish) PGconn *conn = NULL;
	int r = dsn_parse(&dsn, url, 3000, why);

	if (r < 0)
		return r;
	conn = open_it(url);
	if (PQstatus(conn) != CONNECTION_OK)
		return fault_set(why, ERR_DB_DOWN,
			"PostgreSQL cannot be asked just now (database.url)");
	for (size_t i = 0; i < array_size(questions) && r == 0; i++)
		r = ask(conn, i, why);
	if (r == 0)
		(void)fault_set(
			why, 0, "PostgreSQL's change stream can be followed");
	return r;
}
