#pragma once

/*
 * JavaScript and TypeScript as a row of tokens: enough to tell code from
 * comments, strings and regular expressions, and no more.  Nothing is executed
 * and nothing is built; a token is a piece of the text.
 *
 * Where a "/" begins a regular expression is decided by the token before it,
 * as syntax highlighters do (ECMA-262, 12.9.5, leaves it to the grammar).
 */

#include "base/err.h"
#include "base/slice.h"

enum js_kind {
	JS_END,
	JS_NAME, /* identifiers, keywords, #private */
	JS_NUMBER,
	JS_STRING,   /* without its quotes, escapes as they stand */
	JS_TEMPLATE, /* a template's text between its quotes and ${ } */
	JS_REGEXP,
	JS_MARK, /* one character, or one of ?. => ++ -- ... */
};

struct js_token {
	enum js_kind kind;
	struct slice text;
	unsigned line; /* from 1 */
	bool is_whole; /* a template without ${ } */
};

enum { JS_DEPTH = 64 }; /* of templates within templates */

struct js_lexer {
	struct slice rest;
	unsigned line;
	struct js_token last;      /* that is not JS_END */
	unsigned depth;            /* templates that are open */
	unsigned braces[JS_DEPTH]; /* { that are open inside each */
};

void js_begin(struct js_lexer *l, struct slice text);
/* The next token; JS_END at the end, again and again.  ERR_PARAM: the text is
 * not JavaScript (a string, comment or template has no end); the line is in
 * `why`. */
int js_next(struct js_lexer *l, struct js_token *ret,
	struct fault *why) _must_check_;

static inline bool
js_is(const struct js_token *t, enum js_kind kind, const char *text)
{
	return t->kind == kind && slice_is(t->text, text);
}
