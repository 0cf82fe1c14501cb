#pragma once

/*
 * What a SQLSTATE means to us: the table between PostgreSQL's conditions and
 * ours.
 */

#include "base/util.h"

enum sqlstate_verdict {
	STATE_FAIL,      /* the asker hears it */
	STATE_CANCELLED, /* the same, unless it was cancelled by us */
	STATE_REPORT,    /* the asker hears it, the log too: a fault of ours */
	STATE_ANEW,   /* the prepared statement is stale: prepare, ask again */
	STATE_AGAIN,  /* rolled back for the sake of others: ask again */
	STATE_LOCKED, /* another holds the lock: ask where waiting harms nobody
		       */
};

struct sqlstate_row {
	const char *prefix; /* of the SQLSTATE */
	int err;
	enum sqlstate_verdict verdict;
	bool tell; /* the server's sentence is ours, written for the author */
};

const struct sqlstate_row *sqlstate_find(const char *sqlstate) _returns_value_;
