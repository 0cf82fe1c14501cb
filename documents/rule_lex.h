#pragma once

/*
 * The words of a rule's expression.
 */

#include "base/arena.h"
#include "base/err.h"

enum rule_word {
	WORD_END,
	WORD_NAME,     /* text: itself */
	WORD_NUMBER,   /* text: as JSON */
	WORD_STRING,   /* text: its bytes, unescaped */
	WORD_TEMPLATE, /* a backquote; see rule_lex_piece */
	WORD_SIGN,     /* text: "==", "(" … */
};

struct rule_lex {
	struct slice rest; /* after the current word */
	struct arena *arena;
	struct fault *why;
	unsigned column; /* of rest, from 1, in characters */
	/* the current word */
	enum rule_word word;
	struct slice text;
	unsigned at; /* its column */
};

/* On to the next word. */
int rule_lex_next(struct rule_lex *l) _must_check_;
/* A template's text up to ${ or to its end (*ends), which is passed over. */
int rule_lex_piece(
	struct rule_lex *l, struct slice *ret, bool *ends) _must_check_;
/* Is the current word this sign? */
bool rule_lex_is(const struct rule_lex *l, const char *sign);
/* "column 17: …" */
int rule_lex_fail(struct rule_lex *l, unsigned at, const char *fmt, ...)
	_printf_(3, 4);
