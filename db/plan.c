/*
 * Choosing an index for a condition.
 */
#include "db/plan.h"

bool
sql_plan(struct sql *s, const struct query *q, const struct sql_from *from)
{
	(void)s;
	(void)q;
	(void)from;
	return false;
}
