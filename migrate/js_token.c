/*
 * A tokenizer for other people's mini programs.  It must be right about what is
 * code and what is not, and it must end; it need not know any grammar.
 */
#include "migrate/js_token.h"

#include <string.h>

/* After these a "/" begins a regular expression, though they are names. */
static const char *const operators[] = {"return", "typeof", "case", "in", "of",
	"delete", "void", "throw", "new", "else", "do", "instanceof", "yield",
	"await", "default"};

void
js_begin(struct js_lexer *l, struct slice text)
{
	*l = (struct js_lexer){.rest = text, .line = 1};
	if (slice_starts(l->rest, "\xef\xbb\xbf"))
		l->rest = slice_of(l->rest.ptr + 3, l->rest.len - 3);
	/* #!/usr/bin/env node */
	if (slice_starts(l->rest, "#!"))
		while (l->rest.len && l->rest.ptr[0] != '\n')
			l->rest = slice_of(l->rest.ptr + 1, l->rest.len - 1);
}

static char
at(const struct js_lexer *l, size_t i)
{
	return i < l->rest.len ? l->rest.ptr[i] : '\0';
}

/* Takes `len` bytes, counting their lines. */
static struct slice
eat(struct js_lexer *l, size_t len)
{
	struct slice text = slice_of(l->rest.ptr, len);

	for (size_t i = 0; i < len; i++)
		l->line += text.ptr[i] == '\n';
	l->rest = slice_of(l->rest.ptr + len, l->rest.len - len);
	return text;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Everything beyond ASCII may be part of a name. */
static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       is_digit(c) || c == '_' || c == '$' || c == '#' || c == '@' ||
	       (unsigned char)c >= 0x80;
}

static int
endless(const struct js_lexer *l, const char *what, struct fault *why)
{
	return fault_set(
		why, ERR_PARAM, "line %u: %s that does not end", l->line, what);
}

/* Spaces and comments. */
static int
skip(struct js_lexer *l, struct fault *why)
{
	for (;;) {
		size_t n = 0;

		while (n < l->rest.len && strchr(" \t\r\n\f\v", at(l, n)) &&
			at(l, n))
			n++;
		if (!n && at(l, 0) == '/' && at(l, 1) == '/') {
			while (n < l->rest.len && at(l, n) != '\n')
				n++;
		} else if (!n && at(l, 0) == '/' && at(l, 1) == '*') {
			const char *end =
				l->rest.len < 4
					? NULL
					: memmem(l->rest.ptr + 2,
						  l->rest.len - 2, "*/", 2);

			if (!end)
				return endless(l, "a comment", why);
			n = (size_t)(end - l->rest.ptr) + 2;
		}
		if (!n)
			return 0;
		(void)eat(l, n);
	}
}

static int
take_string(struct js_lexer *l, struct js_token *t, struct fault *why)
{
	char quote = at(l, 0);
	size_t n = 1;

	while (n < l->rest.len && at(l, n) != quote && at(l, n) != '\n')
		n += at(l, n) == '\\' ? 2 : 1;
	if (n >= l->rest.len || at(l, n) != quote)
		return endless(l, "a string", why);
	t->kind = JS_STRING;
	t->text = slice_of(l->rest.ptr + 1, n - 1);
	(void)eat(l, n + 1);
	return 0;
}

/* A template's text up to its end or the next ${; the lexer stands behind the
 * opening ` or the closing }. */
static int
take_template(
	struct js_lexer *l, struct js_token *t, bool begins, struct fault *why)
{
	size_t n = 0;
	bool more;

	while (n < l->rest.len && at(l, n) != '`' &&
		!(at(l, n) == '$' && at(l, n + 1) == '{'))
		n += at(l, n) == '\\' ? 2 : 1;
	if (n >= l->rest.len)
		return endless(l, "a template", why);
	more = at(l, n) == '$';
	if (begins && more && l->depth == JS_DEPTH)
		return fault_set(why, ERR_PARAM,
			"line %u: templates within templates, %d deep", l->line,
			JS_DEPTH);
	if (begins && more)
		l->braces[l->depth++] = 0;
	else if (!begins && !more)
		l->depth--;
	t->kind = JS_TEMPLATE;
	t->text = eat(l, n);
	t->is_whole = begins && !more;
	(void)eat(l, more ? 2 : 1);
	return 0;
}

/* Does a "/" here begin a regular expression? */
static bool
regexp_may_begin(const struct js_lexer *l)
{
	const struct js_token *last = &l->last;

	if (last->kind == JS_NAME) {
		for (size_t i = 0; i < array_size(operators); i++)
			if (slice_is(last->text, operators[i]))
				return true;
		return false;
	}
	return last->kind == JS_END ||
	       (last->kind == JS_MARK && !slice_is(last->text, ")") &&
		       !slice_is(last->text, "]") &&
		       !slice_is(last->text, "++") &&
		       !slice_is(last->text, "--"));
}

/* Its length with its flags; 0 when it does not end on its line, and then it
 * is a division after all. */
static size_t
regexp_length(const struct js_lexer *l)
{
	bool in_class = false;
	size_t n = 1;

	while (n < l->rest.len && at(l, n) != '\n' &&
		(in_class || at(l, n) != '/')) {
		if (at(l, n) == '\\')
			n++;
		else if (at(l, n) == '[')
			in_class = true;
		else if (at(l, n) == ']')
			in_class = false;
		n++;
	}
	if (n >= l->rest.len || at(l, n) != '/')
		return 0;
	n++;
	while (n < l->rest.len && is_word(at(l, n)))
		n++;
	return n;
}

static size_t
mark_length(const struct js_lexer *l)
{
	if (at(l, 0) == '?' && at(l, 1) == '.' && !is_digit(at(l, 2)))
		return 2;
	if (at(l, 0) == '=' && at(l, 1) == '>')
		return 2;
	if ((at(l, 0) == '+' || at(l, 0) == '-') && at(l, 1) == at(l, 0))
		return 2;
	if (at(l, 0) == '.' && at(l, 1) == '.' && at(l, 2) == '.')
		return 3;
	return 1;
}

/* A name or a number: "1.5e3", "0xff", "12n". */
static void
take_word(struct js_lexer *l, struct js_token *t)
{
	bool number =
		is_digit(at(l, 0)) || (at(l, 0) == '.' && is_digit(at(l, 1)));
	size_t n = 0;

	while (n < l->rest.len &&
		(is_word(at(l, n)) || (number && at(l, n) == '.')))
		n++;
	t->kind = number ? JS_NUMBER : JS_NAME;
	t->text = eat(l, n);
}

static void
take_mark(struct js_lexer *l, struct js_token *t)
{
	size_t n =
		at(l, 0) == '/' && regexp_may_begin(l) ? regexp_length(l) : 0;

	t->kind = n ? JS_REGEXP : JS_MARK;
	t->text = eat(l, n ? n : mark_length(l));
	if (l->depth && slice_is(t->text, "{"))
		l->braces[l->depth - 1]++;
}

/* The } that ends a template's ${. */
static bool
template_goes_on(struct js_lexer *l)
{
	if (!l->depth || at(l, 0) != '}')
		return false;
	if (!l->braces[l->depth - 1])
		return true;
	l->braces[l->depth - 1]--;
	return false;
}

int
js_next(struct js_lexer *l, struct js_token *ret, struct fault *why)
{
	struct js_token t = {.kind = JS_END};
	int r = skip(l, why);

	t.line = l->line;
	t.text = slice_of(l->rest.ptr, 0);
	if (r == 0 && l->rest.len) {
		char c = at(l, 0);

		if (c == '"' || c == '\'') {
			r = take_string(l, &t, why);
		} else if (c == '`' || template_goes_on(l)) {
			(void)eat(l, 1);
			r = take_template(l, &t, c == '`', why);
		} else if (is_word(c) || (c == '.' && is_digit(at(l, 1)))) {
			take_word(l, &t);
		} else {
			take_mark(l, &t);
		}
		l->last = t;
	}
	if (r == 0)
		*ret = t;
	return r;
}
