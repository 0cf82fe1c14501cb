#pragma once

/*
 * Between project.c, which reads a projection, and project_sql.c, which says
 * it.
 */

#include "documents/expr.h"
#include "documents/project.h"
#include "documents/query.h"

enum project_kind { MADE_SLICE, MADE_ELEM, MADE_EXPR };

/* What is made of a field. */
struct project_made {
	struct project_made *next;
	enum project_kind kind;
	struct path path;
	bool has_skip;
	int64_t skip, many;
	struct query *elem; /* over an element */
	bool is_wrapped;    /* over {"e": element} */
	struct expr *expr;
};

struct project {
	bool has_pick; /* some field is asked for: all others go */
	bool without_id, hides_openid;
	bool cuts_openid;        /* it would still be there */
	struct slice pick, omit; /* JSON text, in the arena; len 0: none */
	struct project_made *made;
};
