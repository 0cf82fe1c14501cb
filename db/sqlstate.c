/*
 * One row per condition that means something to us; the first prefix that fits
 * wins.  Class MP is our own: db/routines raises it with a
 * sentence for the author of the request.
 */
#include "db/sqlstate.h"

#include "base/err.h"

#include <string.h>

static const struct sqlstate_row rows[] = {
	{"MP400", ERR_DB_PARAM, STATE_FAIL, true},
	{"MP403", ERR_DB_DENIED, STATE_FAIL, true},
	{"MP404", ERR_DB_NO_COLLECTION, STATE_FAIL, true},
	{"MP402", ERR_DB_OPERATOR, STATE_FAIL, true},
	{"MP410", ERR_DB_STALE, STATE_FAIL, false},
	{"MP429", ERR_LIMITED, STATE_FAIL, true},
	{"MP409", ERR_DB_EXISTS, STATE_FAIL, true},
	{"2201B", ERR_DB_PARAM, STATE_FAIL, true},  /* regular expression */
	{"22003", ERR_DB_PARAM, STATE_FAIL, true},  /* number out of range */
	{"22008", ERR_DB_PARAM, STATE_FAIL, true},  /* date out of range */
	{"22023", ERR_DB_PARAM, STATE_FAIL, true},  /* time zone */
	{"54001", ERR_DB_PARAM, STATE_FAIL, true},  /* nested too deep */
	{"23505", ERR_DB_EXISTS, STATE_FAIL, true}, /* names the index only */
	{"23514", ERR_TOO_BIG, STATE_FAIL, false},  /* a document's size */
	{"42P01", ERR_DB_NO_COLLECTION, STATE_FAIL, false},
	{"54000", ERR_DB_PARAM, STATE_FAIL, true}, /* too long for an index */
	{"57014", ERR_TIMEOUT, STATE_CANCELLED, false},
	{"57P", ERR_DB_DOWN, STATE_FAIL, false},
	{"08", ERR_DB_DOWN, STATE_FAIL, false},
	{"25006", ERR_DB_DOWN, STATE_REPORT, false}, /* read-only server */
	{"26000", ERR_DB, STATE_ANEW, false},        /* no such statement */
	{"0A000", ERR_DB, STATE_ANEW, false}, /* its result type changed */
	{"40P01", ERR_DB_CONFLICT, STATE_AGAIN, false},  /* deadlock */
	{"40001", ERR_DB_CONFLICT, STATE_AGAIN, false},  /* serialization */
	{"55P03", ERR_DB_CONFLICT, STATE_LOCKED, false}, /* lock_timeout */
	{"XX000", ERR_DB, STATE_REPORT, false},
	{"", ERR_DB, STATE_REPORT, false},
};

const struct sqlstate_row *
sqlstate_find(const char *sqlstate)
{
	const struct sqlstate_row *row = rows;

	while (strncmp(sqlstate, row->prefix, strlen(row->prefix)) != 0)
		row++;
	return row;
}
