/*
 * Characters and classes.  Every character that is not a letter or digit is
 * written as its number, so that nothing a client sends can become syntax; \d,
 * \w and \s are written out, because PostgreSQL's own depend on the locale.
 */
#include "documents/regex_parse.h"

#include <errno.h>
#include <stdio.h>

static const struct class
{
	char letter;
	const char *inside; /* a bracket */
} classes[] = {
	{'d', "0-9"},
	{'w', "A-Za-z0-9_"},
	{'s', "\\u0009-\\u000D\\u0020"},
	{'h', "\\u0009\\u0020"},
	{'D', "\\u0001-\\u002F\\u003A-\\U0010FFFF"},
	{'W', "\\u0001-\\u002F\\u003A-\\u0040\\u005B-\\u005E\\u0060"
	      "\\u007B-\\U0010FFFF"},
	{'S', "\\u0001-\\u0008\\u000E-\\u001F\\u0021-\\U0010FFFF"},
};

/* The scripts that authors look for; PostgreSQL knows no properties. */
static const struct property {
	const char *name, *inside;
} properties[] = {
	{"Han", "\\u2E80-\\u2FDF\\u3005\\u3007\\u3021-\\u3029\\u3038-\\u303B"
		"\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uF900-\\uFAFF"
		"\\U00020000-\\U0003FFFD"},
	{"Hiragana", "\\u3041-\\u309F"},
	{"Katakana", "\\u30A0-\\u30FF\\u31F0-\\u31FF"},
	{"Hangul", "\\u1100-\\u11FF\\u3130-\\u318F\\uAC00-\\uD7AF"},
	{"Cyrillic", "\\u0400-\\u052F"},
	{"Greek", "\\u0370-\\u03FF\\u1F00-\\u1FFF"},
};

static bool
is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

void
regex_put_char(struct buf *to, uint32_t c)
{
	if (is_word(c))
		buf_char(to, (char)c);
	else if (c <= 0xffff)
		buf_printf(to, "\\u%04X", c);
	else
		buf_printf(to, "\\U%08X", c);
}

/* `count` hexadecimal digits behind `skip` bytes. */
static int
read_hex(struct regex_parse *p, size_t skip, size_t count, uint32_t *ret)
{
	uint32_t n = 0;

	if (p->at.len < skip + count)
		return -EINVAL;
	for (size_t i = skip; i < skip + count; i++) {
		char c = p->at.ptr[i];
		char low = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			n = n * 16 + (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			n = n * 16 + (uint32_t)(low - 'a') + 10;
		else
			return -EINVAL;
	}
	*ret = n;
	regex_skip(p, skip + count);
	return 0;
}

/* \x{1F600}, \u{1F600} */
static int
read_braced(struct regex_parse *p, uint32_t *ret)
{
	const char *end = memchr(p->at.ptr, '}', p->at.len);
	size_t digits = end ? (size_t)(end - p->at.ptr) - 3 : 0;

	if (digits < 1 || digits > 6 || read_hex(p, 3, digits, ret) < 0)
		return regex_fail(p, "\\u{…} takes 1 to 6 hexadecimal digits");
	regex_skip(p, 1);
	return 0;
}

/* \uD83D\uDE00 is one character. */
static int
read_unicode(struct regex_parse *p, uint32_t *ret)
{
	uint32_t low;

	if (read_hex(p, 2, 4, ret) < 0)
		return regex_fail(p, "\\u takes 4 hexadecimal digits");
	if (*ret < 0xd800 || *ret > 0xdfff)
		return 0;
	if (*ret > 0xdbff || !regex_starts(p, "\\u") ||
		read_hex(p, 2, 4, &low) < 0 || low < 0xdc00 || low > 0xdfff)
		return regex_fail(p, "half of a surrogate pair stands alone");
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return 0;
}

/* \x41, \x{1F600}, \u4e2d, \u{1F600}, \cA */
static int
read_number(struct regex_parse *p, char c, uint32_t *ret)
{
	bool braced = p->at.len > 2 && p->at.ptr[2] == '{';

	if (c == 'c') {
		if (p->at.len < 3 || !is_word((uint8_t)p->at.ptr[2]))
			return regex_fail(p, "\\c takes a letter");
		*ret = (uint8_t)p->at.ptr[2] & 0x1f;
		regex_skip(p, 3);
		return 0;
	}
	if (braced)
		return read_braced(p, ret);
	if (c == 'u')
		return read_unicode(p, ret);
	return read_hex(p, 2, 2, ret) < 0
		       ? regex_fail(p, "\\x takes 2 hexadecimal digits")
		       : 0;
}

/* -EAGAIN: the character behind the backslash is itself, and next. */
static int
read_escape(struct regex_parse *p, uint32_t *ret)
{
	static const char letters[] = "nrtfvae", mean[] = "\n\r\t\f\v\a\033";
	char c = p->at.len > 1 ? p->at.ptr[1] : '\0';
	const char *found = c ? strchr(letters, c) : NULL;

	if (p->at.len < 2)
		return regex_fail(p, "it ends with a backslash");
	if (c == 'u' || c == 'x' || c == 'c')
		return read_number(p, c, ret);
	if (c == '0')
		return regex_fail(p, "it looks for a NUL character");
	if (is_word((uint8_t)c) && !found)
		return -ENOENT;
	if (!found) {
		regex_skip(p, 1);
		return -EAGAIN;
	}
	*ret = (uint8_t)mean[found - letters];
	regex_skip(p, 2);
	return 0;
}

static uint32_t
decode(const uint8_t *s, size_t len)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = s[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

int
regex_read_char(struct regex_parse *p, uint32_t *ret)
{
	size_t len;

	if (p->at.ptr[0] == '\\') {
		int r = read_escape(p, ret);

		if (r == 0 && (*ret == 0 || *ret > 0x10ffff))
			return regex_fail(p, "there is no character %X", *ret);
		if (r != -EAGAIN)
			return r;
	}
	len = slice_utf8(p->at);
	if (len == 0 || p->at.ptr[0] == '\0')
		return regex_fail(p, "it is not valid text");
	*ret = decode((const uint8_t *)p->at.ptr, len);
	regex_skip(p, len);
	return 0;
}

/* \p{Han}, \p{Script=Han} */
static int
find_property(struct regex_parse *p, const char **ret)
{
	const char *end = memchr(p->at.ptr, '}', p->at.len);
	struct slice name;
	const char *is;

	if (p->at.len < 4 || p->at.ptr[2] != '{' || !end)
		return regex_fail(p, "\\p takes the name of a script in {}");
	name = slice_of(p->at.ptr + 3, (size_t)(end - p->at.ptr) - 3);
	is = memchr(name.ptr, '=', name.len);
	if (is)
		name = slice_of(is + 1, (size_t)(end - is) - 1);
	for (size_t i = 0; i < array_size(properties); i++)
		if (slice_is(name, properties[i].name)) {
			*ret = properties[i].inside;
			regex_skip(p, (size_t)(end + 1 - p->at.ptr));
			return 0;
		}
	return regex_fail(p,
		"\\p{%.*s} is not known: name the characters in [ ], as in "
		"[\\u4e00-\\u9fff]",
		(int)min(name.len, (size_t)20), name.ptr);
}

static int
find_class(struct regex_parse *p, const char **ret)
{
	if (p->at.len < 2 || p->at.ptr[0] != '\\')
		return -ENOENT;
	if (p->at.ptr[1] == 'p')
		return find_property(p, ret);
	for (size_t i = 0; i < array_size(classes); i++)
		if (p->at.ptr[1] == classes[i].letter) {
			*ret = classes[i].inside;
			regex_skip(p, 2);
			return 0;
		}
	return -ENOENT;
}

int
regex_put_class(struct regex_parse *p)
{
	const char *inside = "";
	int r = find_class(p, &inside);

	if (r == 0)
		buf_printf(p->to, "[%s]", inside);
	return r;
}

/* "[:alpha:]" inside a bracket. */
static bool
put_posix(struct regex_parse *p)
{
	static const char *const names[] = {"alnum", "alpha", "blank", "cntrl",
		"digit", "graph", "lower", "print", "punct", "space", "upper",
		"word", "xdigit"};
	char word[16];

	for (size_t i = 0; i < array_size(names); i++) {
		(void)snprintf(word, sizeof(word), "[:%s:]", names[i]);
		if (!regex_starts(p, word))
			continue;
		buf_str(p->to, word);
		regex_skip(p, strlen(word));
		return true;
	}
	return false;
}

/* A character inside a bracket, where \b is a backspace. */
static int
read_inside(struct regex_parse *p, uint32_t *ret)
{
	int r;

	if (regex_starts(p, "\\b")) {
		*ret = '\b';
		regex_skip(p, 2);
		return 0;
	}
	r = regex_read_char(p, ret);
	if (r == -ENOENT)
		return regex_fail(
			p, "\\%c means nothing inside [ ]", p->at.ptr[1]);
	return r;
}

/* Does "-x" follow, with x a character, not a class or the end? */
static bool
has_range(const struct regex_parse *p)
{
	const char *at = p->at.ptr;

	if (p->at.len < 3 || at[0] != '-' || at[1] == ']')
		return false;
	if (at[1] == '[' && at[2] == ':')
		return false;
	return at[1] != '\\' || !strchr("dDwWsShp", at[2]);
}

static int
put_item(struct regex_parse *p)
{
	const char *inside = "";
	uint32_t low, high;
	int r;

	if (put_posix(p))
		return 0;
	r = find_class(p, &inside);
	if (r == 0)
		buf_str(p->to, inside);
	if (r != -ENOENT)
		return r;
	r = read_inside(p, &low);
	if (r < 0)
		return r;
	regex_put_char(p->to, low);
	if (!has_range(p))
		return 0;
	regex_skip(p, 1);
	r = read_inside(p, &high);
	if (r < 0)
		return r;
	if (high < low)
		return regex_fail(p, "a range inside [ ] goes backwards");
	buf_char(p->to, '-');
	regex_put_char(p->to, high);
	return 0;
}

int
regex_put_bracket(struct regex_parse *p)
{
	bool first = true;

	regex_skip(p, 1);
	buf_char(p->to, '[');
	if (regex_starts(p, "^")) {
		buf_char(p->to, '^');
		regex_skip(p, 1);
	}
	while (p->at.len && (first || p->at.ptr[0] != ']')) {
		int r = put_item(p);

		if (r < 0)
			return r;
		first = false;
	}
	if (p->at.len == 0)
		return regex_fail(p, "a [ is not closed");
	regex_skip(p, 1);
	buf_char(p->to, ']');
	return 0;
}
