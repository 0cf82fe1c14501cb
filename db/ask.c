/*
 * Reading an answer: text-format values of a result that lives until done
 * returns.
 */
#include "db/pool.h"

#include <libpq-fe.h>
#include <stdlib.h>

int
ask_rows(const struct ask *ask)
{
	return ask->result ? PQntuples(ask->result) : 0;
}

int
ask_columns(const struct ask *ask)
{
	return ask->result ? PQnfields(ask->result) : 0;
}

struct slice
ask_value(const struct ask *ask, int row, int col)
{
	return slice_of(PQgetvalue(ask->result, row, col),
		(size_t)PQgetlength(ask->result, row, col));
}

bool
ask_is_null(const struct ask *ask, int row, int col)
{
	return PQgetisnull(ask->result, row, col);
}

int64_t
ask_int(const struct ask *ask, int row, int col)
{
	return strtoll(PQgetvalue(ask->result, row, col), NULL, 10);
}

int64_t
ask_changed(const struct ask *ask)
{
	return ask->result ? strtoll(PQcmdTuples(ask->result), NULL, 10) : 0;
}
