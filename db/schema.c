/*
 * All migrations that are missing run in one transaction that holds an advisory
 * lock: of several programs that start at once one migrates, the others wait
 * and find nothing to do.  Bodies of functions are checked when they run, so
 * that files of routines may name one another's.  The files are built in by
 * tools of the build (see Makefile.inc), because a running program must not
 * depend on its source tree.
 */
#include "db/schema.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "db/schema_files.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERVER_LEAST = 150000 };

/* "mpcloud" in ASCII: any number will do, the same in every version. */
#define LOCK "SELECT pg_advisory_xact_lock(30804985834369380)"

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

/* Without its line end. */
static int
fail(PGconn *conn, struct fault *why, int err, const char *what)
{
	const char *text = PQerrorMessage(conn);

	return fault_set(
		why, err, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

static int
run(PGconn *conn, const char *sql, struct fault *why, const char *what)
{
	_cleanup_(clear) PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
		status == PGRES_EMPTY_QUERY)
		return 0;
	return fail(conn, why, ERR_DB, what);
}

static int
read_number(PGconn *conn, int *ret, struct fault *why)
{
	_cleanup_(clear) PGresult *result = PQexec(conn,
		"SELECT coalesce(max(number), 0) FROM mpcloud.migrations");

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(conn, why, ERR_DB, "mpcloud.migrations");
	*ret = atoi(PQgetvalue(result, 0, 0));
	return 0;
}

static int
note(PGconn *conn, const struct schema_file *file, struct fault *why)
{
	_cleanup_(clear) PGresult *result = NULL;
	char number[12], now[24];
	const char *values[] = {number, file->name, now};

	(void)snprintf(number, sizeof(number), "%d", file->number);
	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	result = PQexecParams(conn,
		"INSERT INTO mpcloud.migrations VALUES ($1, $2, $3)", 3, NULL,
		values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		return fail(conn, why, ERR_DB, file->name);
	return 0;
}

/* Asks for one value with one or two parameters. */
static PGresult *
ask(PGconn *conn, const char *sql, const char *a, const char *b)
{
	const char *values[] = {a, b};

	return PQexecParams(conn, sql, b ? 2 : 1, NULL, values, NULL, NULL, 0);
}

static int
is_there(PGconn *conn, const struct schema_file *file, const char *hash,
	bool *ret, struct fault *why)
{
	_cleanup_(clear) PGresult *result = ask(conn,
		"SELECT 1 FROM mpcloud.routines WHERE name = $1 AND hash = $2",
		file->name, hash);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(conn, why, ERR_DB, file->name);
	*ret = PQntuples(result) > 0;
	return 0;
}

/* Functions only: replaced as a whole when the file is another. */
static int
replace(PGconn *conn, const struct schema_file *file, struct fault *why)
{
	_cleanup_(clear) PGresult *noted = NULL;
	_buf_ struct buf hash;
	uint8_t sum[SHA256_LEN];
	bool same = false;
	int r;

	buf_init(&hash, 256);
	crypto_sha256(slice_str(file->text), sum);
	text_hex(&hash, slice_of(sum, sizeof(sum)));
	r = is_there(conn, file, hash.ptr, &same, why);
	if (r < 0 || same)
		return r;
	r = run(conn, file->text, why, file->name);
	if (r < 0)
		return r;
	noted = ask(conn,
		"INSERT INTO mpcloud.routines VALUES ($1, $2) ON CONFLICT "
		"(name) DO UPDATE SET hash = excluded.hash",
		file->name, hash.ptr);
	if (PQresultStatus(noted) != PGRES_COMMAND_OK)
		return fail(conn, why, ERR_DB, file->name);
	return 0;
}

/* One migration, unless it is there. */
static int
migrate(PGconn *conn, const struct schema_file *file, int have,
	struct fault *why)
{
	int r;

	if (file->number <= have)
		return 0;
	r = run(conn, file->text, why, file->name);
	return r < 0 ? r : note(conn, file, why);
}

/* PostGIS, where it is installed and we may: else geo queries say what to do
 * (mpcloud.geo_ready). */
static int
add_postgis(PGconn *conn, struct fault *why)
{
	return run(conn,
		"DO $$ BEGIN IF to_regtype('geography') IS NULL AND "
		"current_setting('is_superuser') = 'on' AND EXISTS (SELECT 1 "
		"FROM pg_available_extensions WHERE name = 'postgis') THEN "
		"CREATE EXTENSION postgis; END IF; EXCEPTION WHEN OTHERS THEN "
		"NULL; END $$",
		why, "postgis");
}

static int
too_new(int have, struct fault *why)
{
	return fault_set(why, ERR_CONFIG,
		"the database has schema %d, this program knows %d: "
		"it is older than the one that ran here before",
		have, schema_newest());
}

static int
apply(PGconn *conn, struct fault *why)
{
	int have = 0, r;

	r = read_number(conn, &have, why);
	if (r < 0)
		return r;
	if (have > schema_newest())
		return too_new(have, why);
	for (const struct schema_file *f = schema_files; f->name; f++) {
		r = f->number ? migrate(conn, f, have, why)
			      : replace(conn, f, why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Keys of values (routines/keys.sql) are compared by jsonb itself, which uses
 * the database's own collation: it must be the order of code points. */
static int
check_order(PGconn *conn, struct fault *why)
{
	static const char sql[] =
		"SELECT pg_encoding_to_char(encoding), datcollate, "
		"datlocprovider IN ('c', 'b') AND encoding = 6 AND "
		"coalesce(to_jsonb(d) ->> 'datlocale', datcollate) "
		"~ '^(C|POSIX|C[.](UTF-8|utf8|UTF8))$' "
		"FROM pg_database d WHERE datname = current_database()";
	_cleanup_(clear) PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(conn, why, ERR_DB, "pg_database");
	if (PQgetvalue(result, 0, 2)[0] == 't')
		return 0;
	return fault_set(why, ERR_CONFIG,
		"database %.63s has encoding %.20s and locale %.20s, which "
		"cannot order values: make it with CREATE DATABASE … TEMPLATE "
		"template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
		PQdb(conn), PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
}

int
schema_migrate(const char *url, struct fault *why)
{
	_cleanup_(finish) PGconn *conn = PQconnectdb(url);
	int r;

	if (PQstatus(conn) != CONNECTION_OK)
		return fail(conn, why, ERR_DB_DOWN, "database");
	r = check_order(conn, why);
	if (r < 0)
		return r;
	r = run(conn,
		"SET client_min_messages = warning;"
		"BEGIN; " LOCK ";"
		"CREATE SCHEMA IF NOT EXISTS mpcloud;"
		"CREATE TABLE IF NOT EXISTS mpcloud.migrations ("
		" number integer PRIMARY KEY, name text NOT NULL,"
		" applied_at bigint NOT NULL);"
		"CREATE TABLE IF NOT EXISTS mpcloud.routines ("
		" name text PRIMARY KEY, hash text NOT NULL);"
		"SET LOCAL check_function_bodies = off",
		why, "schema mpcloud");
	if (r == 0)
		r = add_postgis(conn, why);
	if (r == 0)
		r = apply(conn, why);
	return r < 0 ? r : run(conn, "COMMIT", why, "COMMIT");
}

/* The server's version, and how far its schema is. */
static int
check_number(PGconn *conn, struct fault *why)
{
	_cleanup_(clear) PGresult *result = PQexec(
		conn, "SELECT to_regclass('mpcloud.migrations') IS NOT NULL");
	int have = 0, r = 0;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(conn, why, ERR_DB, "pg_class");
	if (PQgetvalue(result, 0, 0)[0] == 't')
		r = read_number(conn, &have, why);
	if (r < 0)
		return r;
	if (have > schema_newest())
		return too_new(have, why);
	(void)fault_set(why, 0, "PostgreSQL %s, database %.63s%s",
		PQparameterStatus(conn, "server_version"), PQdb(conn),
		have == schema_newest() ? ""
					: "; its tables are made or changed "
					  "when the daemon starts");
	return 0;
}

int
schema_check(const char *url, struct fault *why)
{
	const char *const keys[] = {"dbname", "connect_timeout", NULL};
	const char *const values[] = {url, "3", NULL};
	_cleanup_(finish) PGconn *conn = PQconnectdbParams(keys, values, 1);
	int r;

	if (PQstatus(conn) != CONNECTION_OK)
		return fail(conn, why, ERR_DB_DOWN, "database.url");
	if (PQserverVersion(conn) < SERVER_LEAST)
		return fault_set(why, ERR_CONFIG,
			"PostgreSQL %s is too old: 15 or later is needed",
			PQparameterStatus(conn, "server_version"));
	r = check_order(conn, why);
	return r < 0 ? r : check_number(conn, why);
}

int
schema_newest(void)
{
	int newest = 0;

	for (const struct schema_file *f = schema_files; f->name; f++)
		newest = max(newest, f->number);
	return newest;
}
