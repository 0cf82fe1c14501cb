#pragma once

/*
 * Between regex.c, which knows atoms and repetitions, regex_group.c, which
 * knows parentheses, and regex_class.c, which knows characters and classes of
 * them.
 */

#include "documents/regex.h"

enum { REGEX_GROUPS = 64, REGEX_DEEP = 40 };

struct regex_group {
	struct slice name; /* len 0: none */
	int number;        /* PostgreSQL's; 0 inside a look-around */
	bool closed;
};

struct regex_parse {
	struct slice at; /* what is left */
	struct buf *to;
	struct fault *why;
	bool any_dot, lines, spaced, nocase, keep_lazy; /* s, m, x, i */
	unsigned deep, around; /* inside groups, inside look-arounds */
	struct regex_group group[REGEX_GROUPS];
	int groups, numbered;
};

/* What a part costs PostgreSQL to compile, repetitions multiplied out. */
struct regex_cost {
	size_t weight;  /* characters */
	size_t empties; /* places that may be passed without one: costly */
	bool empty;     /* all of it may */
};

int regex_fail(struct regex_parse *p, const char *fmt, ...) _printf_(2, 3);

static inline bool
regex_starts(const struct regex_parse *p, const char *with)
{
	return slice_starts(p->at, with);
}

static inline void
regex_skip(struct regex_parse *p, size_t count)
{
	p->at = slice_of(p->at.ptr + count, p->at.len - count);
}

/* A character, never as syntax. */
void regex_put_char(struct buf *to, uint32_t c);
/* The character at p->at, UTF-8 or behind a backslash.  -ENOENT: a backslash
 * that means no single character; nothing was read. */
int regex_read_char(struct regex_parse *p, uint32_t *ret) _must_check_;
/* "[…]", the bracket at p->at. */
int regex_put_bracket(struct regex_parse *p) _must_check_;
/* The backslash at p->at begins a class (\d): appended as one with brackets.
 * -ENOENT when it is none. */
int regex_put_class(struct regex_parse *p) _must_check_;

/* regex.c: what stands up to the next ")" or the end. */
int regex_put_branches(
	struct regex_parse *p, struct regex_cost *cost) _must_check_;
/* regex_group.c: the parenthesis at p->at; *is_atom: something that can be
 * repeated. */
int regex_put_parenthesis(struct regex_parse *p, struct regex_cost *cost,
	bool *is_atom) _must_check_;
/* \1 to \99, or a name that begins `opening` bytes further. */
int regex_put_back_number(struct regex_parse *p) _must_check_;
int regex_put_back_named(
	struct regex_parse *p, size_t opening, char end) _must_check_;
