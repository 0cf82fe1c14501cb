#pragma once

/*
 * Parameters of a statement in PostgreSQL's text form, kept in one buffer.
 */

#include "base/buf.h"

enum { PARAMS_TOP = 24 };

struct params {
	struct slice v[PARAMS_TOP]; /* for pool_ask, with `count` */
	struct buf text;
	int count;
};

void params_init(struct params *p);
/* Wipes them: some are secrets. */
void params_done(struct params *p);
#define _params_ _cleanup_(params_done)

/* Not copied: lives until the statement is sent. */
void params_text(struct params *p, struct slice s);
/* The same; NULL when it is empty. */
void params_word(struct params *p, struct slice s);
void params_null(struct params *p);
void params_hex(struct params *p, struct slice bytes); /* bytea; ≤ 1 KiB */
void params_int(struct params *p, int64_t n);
void params_bool(struct params *p, bool b);
