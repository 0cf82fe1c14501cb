/*
 * A pipeline as one statement.
 */
#include "db/doc_sql.h"

int
doc_sql_aggregate(struct doc_build *b)
{
	return fault_set(b->why, ERR_DB_PARAM, "aggregate: not built");
}
