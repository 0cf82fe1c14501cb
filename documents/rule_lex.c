/*
 * JavaScript's words, as far as rules use them.  A sign that JavaScript has and
 * rules have not is named in the error, because the author has reason to expect
 * it.
 */
#include "documents/rule_lex.h"

#include "base/buf.h"
#include "base/text.h"
#include "documents/rule_tree.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int
rule_lex_fail(struct rule_lex *l, unsigned at, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return fault_set(l->why, ERR_DB_PARAM, "column %u: %s", at, text);
}

bool
rule_lex_is(const struct rule_lex *l, const char *sign)
{
	return l->word == WORD_SIGN && slice_is(l->text, sign);
}

static void
pass(struct rule_lex *l, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		l->column += ((unsigned char)l->rest.ptr[i] & 0xc0) != 0x80;
	l->rest.ptr += bytes;
	l->rest.len -= bytes;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool
is_name(char c)
{
	return is_name_start(c) || is_digit(c);
}

static size_t
run(struct slice s, size_t at, bool (*is)(char c))
{
	while (at < s.len && is(s.ptr[at]))
		at++;
	return at;
}

static int
set_word(struct rule_lex *l, enum rule_word word, size_t len)
{
	l->word = word;
	l->text = slice_of(l->rest.ptr, len);
	pass(l, len);
	return 0;
}

/* The exponent's end, or `at` when there is none. */
static size_t
number_exponent(struct slice s, size_t at)
{
	size_t digits = at + 1;

	if (at >= s.len || (s.ptr[at] != 'e' && s.ptr[at] != 'E'))
		return at;
	if (digits < s.len && (s.ptr[digits] == '+' || s.ptr[digits] == '-'))
		digits++;
	return run(s, digits, is_digit) > digits ? run(s, digits, is_digit)
						 : at;
}

/* 5, 5.25, .5, 5e3: JSON's grammar but for a missing 0 or fraction. */
static int
lex_number(struct rule_lex *l)
{
	struct slice s = l->rest;
	size_t whole = run(s, 0, is_digit), point = whole, end;
	char text[64];

	if (point < s.len && s.ptr[point] == '.')
		point = run(s, point + 1, is_digit);
	end = number_exponent(s, point);
	if (end < s.len && is_name(s.ptr[end]))
		return rule_lex_fail(
			l, l->column, "a number is not ended well");
	if ((whole > 1 && s.ptr[0] == '0') || end > 40)
		return rule_lex_fail(l, l->column,
			"a number has no leading zeros and 40 digits at most");
	(void)snprintf(text, sizeof(text), "%s%.*s%s%.*s", whole ? "" : "0",
		(int)point, s.ptr, point == whole + 1 ? "0" : "",
		(int)(end - point), s.ptr + point);
	if (!isfinite(strtod(text, NULL)))
		return rule_lex_fail(l, l->column, "the number is too large");
	(void)set_word(l, WORD_NUMBER, end);
	l->text = slice_str(arena_str(l->arena, slice_str(text)));
	return 0;
}

static void
put_utf8(struct buf *to, unsigned long c)
{
	if (c < 0x80) {
		buf_char(to, (char)c);
	} else if (c < 0x800) {
		buf_char(to, (char)(0xc0 | c >> 6));
		buf_char(to, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_char(to, (char)(0xe0 | c >> 12));
		buf_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_char(to, (char)(0x80 | (c & 0x3f)));
	}
}

/* \x41, \u0041.  A half of a pair (\ud83d) becomes no character: refused with
 * NUL, which PostgreSQL cannot keep. */
static int
lex_code(struct rule_lex *l, size_t digits, struct buf *to)
{
	char hex[8] = "", *end = hex;
	unsigned long c;

	memcpy(hex, l->rest.ptr + 1, min(digits, l->rest.len - 1));
	c = strtoul(hex, &end, 16);
	if (end != hex + digits || !isxdigit((unsigned char)hex[0]) || c == 0 ||
		(c >= 0xd800 && c <= 0xdfff))
		return rule_lex_fail(l, l->column,
			"\\u and \\x take the code of a character; write those "
			"beyond FFFF as they are");
	put_utf8(to, c);
	pass(l, digits + 1);
	return 0;
}

/* After a backslash: \n and its like, a code, or a character for itself. */
static int
lex_escape(struct rule_lex *l, struct buf *to)
{
	static const char plain[] = "b\bf\fn\nr\rt\tv\v";
	size_t len = l->rest.len ? slice_utf8(l->rest) : 0;
	char c = len ? l->rest.ptr[0] : '0';

	for (const char *p = plain; *p; p += 2)
		if (c == *p) {
			buf_char(to, p[1]);
			pass(l, 1);
			return 0;
		}
	if (c == 'u' || c == 'x')
		return lex_code(l, c == 'u' ? 4 : 2, to);
	if (is_digit(c))
		return rule_lex_fail(l, l->column,
			"an escape is not known; write \\\\ for a backslash");
	buf_add(to, l->rest.ptr, len);
	pass(l, len);
	return 0;
}

static struct slice
keep(struct rule_lex *l, const struct buf *b)
{
	return slice_of(arena_str(l->arena, buf_all(b)), b->len);
}

static int
lex_string(struct rule_lex *l)
{
	_buf_ struct buf text = {0};
	char quote = l->rest.ptr[0];
	unsigned at = l->column;
	int r;

	buf_init(&text, RULE_TOP);
	pass(l, 1);
	while (l->rest.len && l->rest.ptr[0] != quote) {
		if (l->rest.ptr[0] == '\n')
			break;
		if (l->rest.ptr[0] != '\\') {
			buf_char(&text, l->rest.ptr[0]);
			pass(l, 1);
			continue;
		}
		pass(l, 1);
		r = lex_escape(l, &text);
		if (r < 0)
			return r;
	}
	if (!l->rest.len || l->rest.ptr[0] != quote)
		return rule_lex_fail(l, at, "a text is not ended");
	pass(l, 1);
	l->word = WORD_STRING;
	l->text = keep(l, &text);
	return 0;
}

int
rule_lex_piece(struct rule_lex *l, struct slice *ret, bool *ends)
{
	_buf_ struct buf text = {0};
	unsigned at = l->column;

	buf_init(&text, RULE_TOP);
	while (l->rest.len) {
		int r = 0;

		if (l->rest.ptr[0] == '`' || slice_starts(l->rest, "${")) {
			*ends = l->rest.ptr[0] == '`';
			pass(l, *ends ? 1 : 2);
			*ret = keep(l, &text);
			return 0;
		}
		if (l->rest.ptr[0] != '\\') {
			buf_char(&text, l->rest.ptr[0]);
			pass(l, 1);
			continue;
		}
		pass(l, 1);
		r = lex_escape(l, &text);
		if (r < 0)
			return r;
	}
	return rule_lex_fail(l, at, "a template is not ended: ` is missing");
}

/* Longest first.  Those with a text are JavaScript's, not ours. */
static const struct sign {
	const char *sign, *refused;
} signs[] = {
	{"===", NULL},
	{"!==", NULL},
	{"=>", "a rule has no functions of its own"},
	{"==", NULL},
	{"!=", NULL},
	{">=", NULL},
	{"<=", NULL},
	{"&&", NULL},
	{"||", NULL},
	{"?.", "write . : a member that is not there is undefined"},
	{"??", "?? is not known; use ?:"},
	{"!", NULL},
	{">", NULL},
	{"<", NULL},
	{"?", NULL},
	{":", NULL},
	{".", NULL},
	{",", NULL},
	{"(", NULL},
	{")", NULL},
	{"[", NULL},
	{"]", NULL},
	{"}", NULL},
	{"-", NULL}, /* of a number */
	{"=", "= assigns; == compares"},
	{"&", "and is &&"},
	{"|", "or is ||"},
	{"+", "rules do not calculate"},
	{"*", "rules do not calculate"},
	{"/", "rules do not calculate"},
	{"%", "rules do not calculate"},
	{"{", "an object cannot be written here"},
	{";", "a rule is one expression"},
	{"$", "a name with $ cannot be written; ${…} stands in a `template`"},
};

static int
lex_sign(struct rule_lex *l)
{
	size_t len = slice_utf8(l->rest);

	for (size_t i = 0; i < array_size(signs); i++) {
		if (!slice_starts(l->rest, signs[i].sign))
			continue;
		if (signs[i].refused)
			return rule_lex_fail(
				l, l->column, "%s", signs[i].refused);
		return set_word(l, WORD_SIGN, strlen(signs[i].sign));
	}
	return rule_lex_fail(l, l->column, "\"%.*s\" has no meaning here",
		(int)len, l->rest.ptr);
}

/* “ ” ‘ ’ and full-width signs are what an input method makes of quotes. */
static int
lex_name(struct rule_lex *l)
{
	static const char *const mistaken[] = {"“", "”", "‘", "’", "（", "）",
		"，", "！", "＝", "＆", "｜", "。", "　", "？", "：", "＞",
		"＜"};
	size_t end = run(l->rest, 0, is_name);

	for (size_t at = 0; at < end; at++)
		for (size_t i = 0; i < array_size(mistaken); i++) {
			struct slice s = slice_of(l->rest.ptr + at, end - at);

			if (!slice_starts(s, mistaken[i]))
				continue;
			pass(l, at);
			return rule_lex_fail(l, l->column,
				"%s is not the sign that it looks like: use "
				"ASCII's",
				mistaken[i]);
		}
	return set_word(l, WORD_NAME, end);
}

int
rule_lex_next(struct rule_lex *l)
{
	char c;

	while (l->rest.len && strchr(" \t\r\n", l->rest.ptr[0]) &&
		l->rest.ptr[0])
		pass(l, 1);
	l->at = l->column;
	if (!l->rest.len)
		return set_word(l, WORD_END, 0);
	c = l->rest.ptr[0];
	if (is_name_start(c))
		return lex_name(l);
	if (is_digit(c) ||
		(c == '.' && l->rest.len > 1 && is_digit(l->rest.ptr[1])))
		return lex_number(l);
	if (c == '\'' || c == '"')
		return lex_string(l);
	if (c == '`')
		return set_word(l, WORD_TEMPLATE, 1);
	return lex_sign(l);
}
