#pragma once

/*
 * Errors: 0 or negative.  -1 … -999 are errno: our own trouble, 500 on the
 * wire, logged.  -1000 and below are the rows of err.def: ordinary life.
 */

#include "base/util.h"

enum err_index {
#define X(name, status, wire, text) name##_INDEX_,
#include "base/err.def"
#undef X
	ERR_COUNT_
};

enum err {
#define X(name, status, wire, text) name = -1000 - (int)name##_INDEX_,
#include "base/err.def"
#undef X
	ERR_LAST_ = -1000 - (int)ERR_COUNT_
};

/* A row of err.def. */
struct err_info {
	int code;
	int status;       /* HTTP status */
	const char *name; /* "ERR_PARAM" */
	const char *wire; /* "INVALID_PARAM" */
	const char *text; /* one sentence */
};

/* The row of a code; errno and unknown codes give ERR_INTERNAL's row. */
const struct err_info *err_info(int code) _returns_value_;

/* A sentence for the log: errno's own text or the row's. */
const char *err_text(int code) _returns_value_;

enum { FAULT_TEXT = 256 };

/* A code and a sentence for a human; the deepest function that knows fills it.
 * `text` never holds secrets: it may be shown to the client. */
struct fault {
	int code;
	char text[FAULT_TEXT];
};

/* Fill `why` (which may be NULL) and return `code`, so that it is one line:
 * `return fault_set(why, ERR_PARAM, "name: 60 characters at most");` */
int fault_set(struct fault *why, int code, const char *fmt, ...) _printf_(3, 4);

/* Put words before what `why` says already. */
int fault_prefix(struct fault *why, int code, const char *fmt, ...)
	_printf_(3, 4);

/* The sentence to show: why's own or, when it has none, the code's. */
const char *fault_text(const struct fault *why, int code) _returns_value_;
