/*
 * The refusals that are known, as a table: the first that fits counts.
 */
#include "db/changes_trouble.h"

#include <string.h>

/* What the server refuses, and what its operator does about it. */
static const struct trouble {
	const char *state; /* SQLSTATE, or NULL: only words are there */
	const char *words; /* in its sentence, or NULL */
	const char *text;
} troubles[] = {
	{"55000", "wal_level",
		"watch needs wal_level = logical: ALTER SYSTEM SET wal_level = "
		"'logical', then restart PostgreSQL"},
	{"53400", NULL,
		"watch needs a replication slot and all are in use: raise "
		"max_replication_slots and restart PostgreSQL"},
	{NULL, "max_wal_senders",
		"watch needs a walsender and all are in use: raise "
		"max_wal_senders and restart PostgreSQL"},
	{NULL, "replication role",
		"watch needs a database user that may replicate: ALTER ROLE "
		"\"USER\" REPLICATION (database.url says which USER)"},
	{NULL, "REPLICATION attribute",
		"watch needs a database user that may replicate: ALTER ROLE "
		"\"USER\" REPLICATION (database.url says which USER)"},
	{NULL, "to start WAL sender",
		"watch needs a database user that may replicate: ALTER ROLE "
		"\"USER\" REPLICATION (database.url says which USER)"},
	{"42501", NULL,
		"watch needs a publication: the database user must own the "
		"collections' tables and may CREATE in the database (GRANT "
		"CREATE ON DATABASE)"},
	{"55P03", NULL,
		"a collection could not be published, something else holds its "
		"table (an index being built?): it is tried again"},
};

static bool
is_trouble(const struct trouble *t, const char *state, const char *words)
{
	if (t->state && (!state || strcmp(t->state, state) != 0))
		return false;
	return !t->words || (words && strstr(words, t->words));
}

void
changes_trouble(struct fault *why, const char *state, const char *words)
{
	for (size_t i = 0; i < array_size(troubles); i++)
		if (is_trouble(&troubles[i], state, words)) {
			(void)fault_set(
				why, ERR_WATCH_STREAM, "%s", troubles[i].text);
			return;
		}
	if (!*words)
		words = "the connection was lost";
	(void)fault_set(why, ERR_DB_DOWN, "the change stream: %.*s",
		(int)strcspn(words, "\n"), words);
}
