/*
 * Numbers as JSON writes them and nothing else, so that 007 and +86 stay texts;
 * digits that 64 bits do not hold stay a text, too, because a double would lose
 * some of them.
 */
#include "formats/csv_guess.h"

#include "base/scan.h"
#include "documents/ejson.h"

static size_t
digits(struct slice s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && s.ptr[at + n] >= '0' && s.ptr[at + n] <= '9')
		n++;
	return n;
}

static bool
fits(struct slice s)
{
	bool minus = s.ptr[0] == '-';
	uint64_t n;

	return slice_to_u64(slice_of(s.ptr + minus, s.len - minus),
		       (uint64_t)INT64_MAX + minus, &n) == 0;
}

static bool
is_at(struct slice s, size_t at, const char *any)
{
	return at < s.len && s.ptr[at] && strchr(any, s.ptr[at]);
}

/* Each of these is given where a number has come to, and says where it goes on;
 * 0: it is none. */

/* -?(0|[1-9][0-9]*) */
static size_t
after_whole(struct slice s)
{
	size_t at = is_at(s, 0, "-"), n = digits(s, at);

	return n == 0 || (n > 1 && s.ptr[at] == '0') ? 0 : at + n;
}

/* (\.[0-9]+)? */
static size_t
after_fraction(struct slice s, size_t at)
{
	size_t n;

	if (!at || !is_at(s, at, "."))
		return at;
	n = digits(s, at + 1);
	return n ? at + 1 + n : 0;
}

/* ([eE][+-]?[0-9]+)? */
static size_t
after_exponent(struct slice s, size_t at)
{
	size_t n;

	if (!at || !is_at(s, at, "eE"))
		return at;
	at += 1 + is_at(s, at + 1, "+-");
	n = digits(s, at);
	return n ? at + n : 0;
}

static enum csv_guess
guess_number(struct slice s)
{
	size_t whole = after_whole(s);
	size_t end = after_exponent(s, after_fraction(s, whole));

	if (end == 0 || end != s.len)
		return CSV_TEXT;
	if (end != whole)
		return CSV_DOUBLE;
	return fits(s) ? CSV_INT : CSV_TEXT;
}

static bool
is_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789abcdefABCDEF", s.ptr[i]) || !s.ptr[i])
			return false;
	return true;
}

struct slice
csv_oid(struct slice text)
{
	if (slice_starts(text, "ObjectId(") && text.len == 34 &&
		text.ptr[33] == ')')
		text = slice_of(text.ptr + 9, 24);
	if (text.len != 24 || !is_hex(text))
		return slice_of("", 0);
	return text;
}

static enum csv_guess
guess_quoted(struct slice s)
{
	if (s.len >= 2 && strchr("{[\"", s.ptr[0]) && scan_text(s) == 0)
		return CSV_JSON;
	return CSV_TEXT;
}

static const struct {
	const char *word;
	enum csv_guess guess;
} words[] = {
	{"null", CSV_NULL},
	{"true", CSV_BOOL},
	{"false", CSV_BOOL},
	{"TRUE", CSV_BOOL},
	{"FALSE", CSV_BOOL},
	{"NaN", CSV_DOUBLE},
	{"Infinity", CSV_DOUBLE},
	{"-Infinity", CSV_DOUBLE},
};

enum csv_guess
csv_guess(struct slice text, bool quoted)
{
	int64_t ms;

	if (quoted)
		return guess_quoted(text);
	if (!text.len)
		return CSV_NOTHING;
	for (size_t i = 0; i < array_size(words); i++)
		if (slice_is(text, words[i].word))
			return words[i].guess;
	if (text.len >= 20 && text.len <= 35 && text.ptr[10] == 'T' &&
		ejson_untime(text, &ms) == 0)
		return CSV_DATE;
	if (slice_starts(text, "ObjectId(") && csv_oid(text).len)
		return CSV_OID;
	return guess_number(text);
}
