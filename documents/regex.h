#pragma once

/*
 * Regular expressions as MongoDB (PCRE) and JavaScript write them → those of
 * PostgreSQL.
 */

#include "base/buf.h"
#include "base/err.h"

enum {
	REGEX_TOP = 8192,    /* bytes of a pattern */
	REGEX_WEIGHT = 5000, /* characters, repetitions multiplied out */
	REGEX_EMPTIES = 260, /* of those, what may be left out */
};

enum regex_use {
	REGEX_TEST, /* does it match at all */
	REGEX_FIND, /* where: greed and groups count */
};

/* Appends the translation, which PostgreSQL accepts; ERR_DB_PARAM names what it
 * cannot say.  options: i, m, s, x; g, u, l, y and d mean nothing here. */
int regex_translate(struct buf *to, struct slice pattern, struct slice options,
	enum regex_use use, struct fault *why) _must_check_;
