#pragma once

/*
 * Which index an AND of conditions can use, and how that is said in SQL.
 */

#include "db/query.h"
#include "db/sql.h"
#include "db/sql_from.h"

/* Appends the AND `q` with the best index of from->info made usable (longest
 * run of equalities, then one range); false and nothing appended when no index
 * fits. */
bool sql_plan(struct sql *s, const struct query *q,
	const struct sql_from *from) _must_check_;
