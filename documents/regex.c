/*
 * One pass over the pattern that writes PostgreSQL's form (advanced regular
 * expressions) as it reads:
 *
 *   pattern = branch { "|" branch }
 *   branch  = { atom [ repetition ] }
 *
 * All of the syntax is checked here, so that PostgreSQL never refuses what
 * comes out: its error would come only when a document is looked at, and so
 * tell of documents that the caller may not see.  For the same reason the
 * weight, repetitions multiplied out, has a ceiling.
 */
#include "documents/regex.h"

#include "documents/regex_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { REPEAT_TOP = 255 };

/* Before and behind a word; PCRE's words are ASCII. */
#define WORD    "[A-Za-z0-9_]"
#define EDGE    "(?:(?<!" WORD ")(?=" WORD ")|(?<=" WORD ")(?!" WORD "))"
#define NO_EDGE "(?:(?<!" WORD ")(?!" WORD ")|(?<=" WORD ")(?=" WORD "))"

int
regex_fail(struct regex_parse *p, const char *fmt, ...)
{
	char what[160];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return fault_set(p->why, ERR_DB_PARAM, "regular expression: %s", what);
}

/* An assertion behind a backslash: true when it was one. */
static bool
put_assertion(struct regex_parse *p)
{
	static const struct {
		char letter;
		const char *text;
	} all[] = {{'b', EDGE}, {'B', NO_EDGE}, {'A', "\\A"}, {'z', "\\Z"},
		{'Z', "(?=\\u000A?\\Z)"}};

	for (size_t i = 0; i < array_size(all); i++)
		if (p->at.len > 1 && p->at.ptr[1] == all[i].letter) {
			buf_str(p->to, all[i].text);
			regex_skip(p, 2);
			return true;
		}
	return false;
}

static int
put_backslash(struct regex_parse *p, bool *is_atom)
{
	uint32_t c;
	int r;

	if (put_assertion(p)) {
		*is_atom = false;
		return 0;
	}
	if (p->at.len > 1 && p->at.ptr[1] >= '1' && p->at.ptr[1] <= '9')
		return regex_put_back_number(p);
	if (regex_starts(p, "\\k<"))
		return regex_put_back_named(p, 3, '>');
	r = regex_put_class(p);
	if (r != -ENOENT)
		return r;
	r = regex_read_char(p, &c);
	if (r == -ENOENT)
		return regex_fail(p, "\\%c is not known", p->at.ptr[1]);
	if (r == 0)
		regex_put_char(p->to, c);
	return r;
}

static int
put_char(struct regex_parse *p)
{
	uint32_t c;
	int r = regex_read_char(p, &c);

	if (r == 0)
		regex_put_char(p->to, c);
	return r;
}

/* *is_atom: something that can be repeated. */
static int
put_atom(struct regex_parse *p, struct regex_cost *cost, bool *is_atom)
{
	char c = p->at.ptr[0];

	*cost = (struct regex_cost){.weight = 1};
	*is_atom = true;
	switch (c) {
	case '(':
		return regex_put_parenthesis(p, cost, is_atom);
	case '[':
		return regex_put_bracket(p);
	case '\\':
		return put_backslash(p, is_atom);
	case '.':
		buf_str(p->to, p->any_dot ? "." : "[^\\u000A]");
		regex_skip(p, 1);
		return 0;
	case '^':
	case '$':
		*is_atom = false;
		buf_char(p->to, c);
		regex_skip(p, 1);
		return 0;
	case '*':
	case '+':
	case '?':
		return regex_fail(p, "there is nothing that %c repeats", c);
	default:
		return put_char(p);
	}
}

/* Digits to a number of at most 5 digits; -1 when there are none. */
static int
read_number(struct slice *at)
{
	int n = -1;

	while (at->len && *at->ptr >= '0' && *at->ptr <= '9') {
		n = min((n < 0 ? 0 : n) * 10 + (*at->ptr - '0'), 99999);
		*at = slice_of(at->ptr + 1, at->len - 1);
	}
	return n;
}

static bool
take_char(struct slice *at, char c)
{
	if (at->len == 0 || *at->ptr != c)
		return false;
	*at = slice_of(at->ptr + 1, at->len - 1);
	return true;
}

/* {m}, {m,} or {m,n}; false: a brace that is only a character.  *high -1: no
 * end. */
static bool
read_braces(struct regex_parse *p, int *low, int *high)
{
	struct slice at = p->at;

	if (!take_char(&at, '{'))
		return false;
	*low = read_number(&at);
	if (*low < 0)
		return false;
	*high = *low;
	if (take_char(&at, ','))
		*high = read_number(&at);
	if (!take_char(&at, '}'))
		return false;
	p->at = at;
	return true;
}

struct repetition {
	int low, high; /* high -1: no end */
};

/* At p->at; false when there is none. */
static bool
read_repetition(struct regex_parse *p, struct repetition *ret)
{
	static const struct repetition marks[] = {
		['*'] = {0, -1}, ['+'] = {1, -1}, ['?'] = {0, 1}};
	char c = p->at.len ? p->at.ptr[0] : '\0';

	if (c == '{')
		return read_braces(p, &ret->low, &ret->high);
	if (c != '*' && c != '+' && c != '?')
		return false;
	*ret = marks[(int)c];
	regex_skip(p, 1);
	return true;
}

static void
put_times(struct buf *to, const struct repetition *times)
{
	if (times->low == 0 && times->high == 1)
		buf_char(to, '?');
	else if (times->low <= 1 && times->high < 0)
		buf_char(to, times->low ? '+' : '*');
	else if (times->high < 0)
		buf_printf(to, "{%d,}", times->low);
	else
		buf_printf(to, "{%d,%d}", times->low, times->high);
}

static void
multiply(struct regex_cost *cost, const struct repetition *times)
{
	size_t most = (size_t)max(max(times->low, times->high), 1);
	size_t free = times->high < 0 ? times->low == 0
				      : (size_t)(times->high - times->low);

	cost->weight *= most;
	cost->empties = cost->empties * most + (cost->empty ? most : free);
	cost->empty |= times->low == 0;
}

static int
put_repetition(struct regex_parse *p, bool is_atom, struct regex_cost *cost)
{
	struct repetition times;

	if (!read_repetition(p, &times))
		return 0;
	if (!is_atom)
		return regex_fail(p, "an assertion cannot be repeated");
	if (times.low > REPEAT_TOP || times.high > REPEAT_TOP)
		return regex_fail(p, "{ } may repeat %d times", REPEAT_TOP);
	if (times.high >= 0 && times.high < times.low)
		return regex_fail(p, "the numbers in { } go backwards");
	put_times(p->to, &times);
	multiply(cost, &times);
	if (regex_starts(p, "?")) { /* whether it matches is the same */
		regex_skip(p, 1);
		if (p->keep_lazy)
			buf_char(p->to, '?');
	}
	if (p->at.len && strchr("*+?", p->at.ptr[0]))
		return regex_fail(p, "repetitions such as *+ or ** cannot be "
				     "said here");
	return 0;
}

/* Of option x: white space and comments mean nothing. */
static bool
skip_space(struct regex_parse *p)
{
	const char *end;

	if (!p->spaced || p->at.len == 0 || !strchr(" \t\n\r\f\v#", *p->at.ptr))
		return false;
	if (*p->at.ptr != '#') {
		regex_skip(p, 1);
		return true;
	}
	end = memchr(p->at.ptr, '\n', p->at.len);
	regex_skip(p, end ? (size_t)(end - p->at.ptr) : p->at.len);
	return true;
}

static int
put_piece(struct regex_parse *p, struct regex_cost *cost)
{
	bool is_atom = true;
	int r = put_atom(p, cost, &is_atom);

	cost->empty |= !is_atom;
	while (r == 0 && skip_space(p))
		;
	return r < 0 ? r : put_repetition(p, is_atom, cost);
}

/* The first branch, then others behind "|". */
static int
put_branch(struct regex_parse *p, struct regex_cost *cost)
{
	cost->empty = true;
	while (p->at.len && !strchr("|)", p->at.ptr[0] ? p->at.ptr[0] : 'x')) {
		struct regex_cost one = {0};
		int r;

		if (skip_space(p))
			continue;
		r = put_piece(p, &one);
		if (r < 0)
			return r;
		cost->weight += one.weight;
		cost->empties += one.empties;
		cost->empty &= one.empty;
		if (cost->weight > REGEX_WEIGHT ||
			cost->empties > REGEX_EMPTIES)
			return regex_fail(p, "with its repetitions multiplied "
					     "out it is too long");
	}
	return 0;
}

int
regex_put_branches(struct regex_parse *p, struct regex_cost *cost)
{
	bool empty;
	int r = put_branch(p, cost);

	empty = cost->empty;
	while (r == 0 && regex_starts(p, "|")) {
		regex_skip(p, 1);
		buf_char(p->to, '|');
		r = put_branch(p, cost);
		empty |= cost->empty;
	}
	cost->empty = empty;
	return r;
}

static int
read_options(struct regex_parse *p, struct slice options)
{
	for (size_t i = 0; i < options.len; i++) {
		switch (options.ptr[i]) {
		case 'i':
			p->nocase = true;
			break;
		case 'm':
			p->lines = true;
			break;
		case 's':
			p->any_dot = true;
			break;
		case 'x':
			p->spaced = true;
			break;
		case 'g':
		case 'u':
		case 'l':
		case 'y':
		case 'd':
			break;
		default:
			return regex_fail(
				p, "option %c is not known", options.ptr[i]);
		}
	}
	return 0;
}

/* "(?im)" at the very beginning. */
static int
read_leading(struct regex_parse *p)
{
	size_t count = 0;
	int r;

	if (!regex_starts(p, "(?"))
		return 0;
	while (count + 2 < p->at.len &&
		strchr("imsxu",
			p->at.ptr[count + 2] ? p->at.ptr[count + 2] : '!'))
		count++;
	if (count == 0 || count + 2 == p->at.len || p->at.ptr[count + 2] != ')')
		return 0;
	r = read_options(p, slice_of(p->at.ptr + 2, count));
	regex_skip(p, count + 3);
	return r;
}

/* PostgreSQL's options stand in front; w: ^ and $ at every line. */
static int
translate(struct regex_parse *p)
{
	struct regex_cost cost = {0};
	int r = read_leading(p);

	if (r < 0)
		return r;
	if (p->nocase || p->lines)
		buf_printf(p->to, "(?%s%s)", p->nocase ? "i" : "",
			p->lines ? "w" : "");
	r = regex_put_branches(p, &cost);
	if (r == 0 && p->at.len)
		return regex_fail(p, "a ) closes nothing");
	return r;
}

int
regex_translate(struct buf *to, struct slice pattern, struct slice options,
	enum regex_use use, struct fault *why)
{
	struct regex_parse p = {.at = pattern,
		.to = to,
		.why = why,
		.keep_lazy = use == REGEX_FIND};
	int r = read_options(&p, options);

	if (r < 0)
		return r;
	if (pattern.len > REGEX_TOP)
		return regex_fail(&p, "it may have %d bytes", REGEX_TOP);
	r = translate(&p);
	return r < 0 ? r : buf_check(to);
}
