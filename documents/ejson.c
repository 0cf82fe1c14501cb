/*
 * The stored form → Extended JSON, text to text: jsonb's text is known to be
 * well formed, so it is copied piece by piece and only numbers and tagged
 * values are looked at.
 */
#include "documents/ejson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct copy {
	const char *at, *end;
	struct buf *to;
	enum ejson_form form;
};

static void put_value(struct copy *c);

static void
skip_space(struct copy *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
		c->at++;
}

/* The string at c->at, quotes and all. */
static struct slice
take_string(struct copy *c)
{
	const char *from = c->at++;

	while (c->at < c->end && *c->at != '"')
		c->at += *c->at == '\\' ? 2 : 1;
	c->at = c->at < c->end ? c->at + 1 : c->end;
	return slice_of(from, (size_t)(c->at - from));
}

/* A number or a word. */
static struct slice
take_word(struct copy *c)
{
	const char *from = c->at;

	while (c->at < c->end && !strchr(",]} \n", *c->at))
		c->at++;
	return slice_of(from, (size_t)(c->at - from));
}

/* Is it an integer that 64 bits hold? */
static bool
to_int(struct slice s, int64_t *ret)
{
	bool minus = s.len && s.ptr[0] == '-';
	uint64_t n = 0;
	size_t digits = s.len - minus;

	if (digits == 0 || digits > 19)
		return false;
	for (size_t i = minus; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.ptr[i] - '0');
	}
	if (n > (uint64_t)INT64_MAX + minus)
		return false;
	*ret = minus ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

/* The shortest text that reads back as the same double. */
static void
put_double(struct buf *to, double d)
{
	char text[40];
	int digits = 15;

	do
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
	while (strtod(text, NULL) != d && digits++ < 17);
	buf_str(to, text);
	if (!strpbrk(text, ".e"))
		buf_str(to, ".0");
}

/* Numbers of jsonb are decimal: 1e+300 comes with all its digits. */
static double
to_double(struct slice s)
{
	char room[400], *text = room;
	double d;

	if (s.len >= sizeof(room))
		text = malloc(s.len + 1);
	if (!text)
		abort();
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	d = strtod(text, NULL);
	if (text != room)
		free(text);
	return d;
}

static void
put_number(struct copy *c, struct slice s)
{
	bool canonical = c->form == EJSON_CANONICAL;
	int64_t n = 0;
	bool is_int = to_int(s, &n);

	if (!is_int) {
		buf_str(c->to, canonical ? "{\"$numberDouble\":\"" : "");
		put_double(c->to, to_double(s));
		buf_str(c->to, canonical ? "\"}" : "");
		return;
	}
	if (canonical)
		buf_str(c->to, n >= INT32_MIN && n <= INT32_MAX
				       ? "{\"$numberInt\":\""
				       : "{\"$numberLong\":\"");
	buf_i64(c->to, n);
	buf_str(c->to, canonical ? "\"}" : "");
}

bool
ejson_put_time(struct buf *to, int64_t ms)
{
	time_t s = ms / 1000;
	struct tm tm;
	char text[40];

	if (ms < 0 || ms > INT64_C(253402300799999) || !gmtime_r(&s, &tm))
		return false;
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_str(to, text);
	if (ms % 1000)
		buf_printf(to, ".%03d", (int)(ms % 1000));
	buf_char(to, 'Z');
	return true;
}

static bool
put_iso_date(struct buf *to, int64_t ms)
{
	size_t from = to->len;

	buf_str(to, "{\"$date\":\"");
	if (!ejson_put_time(to, ms)) {
		to->len = from;
		return false;
	}
	buf_str(to, "\"}");
	return true;
}

/* {"$date": ms}; false: not of that form, nothing was put. */
static bool
put_date(struct copy *c)
{
	struct copy in = *c;
	int64_t ms;

	skip_space(&in);
	if (!to_int(take_word(&in), &ms))
		return false;
	if (in.at >= in.end || *in.at != '}')
		return false;
	if (c->form == EJSON_CANONICAL || !put_iso_date(c->to, ms))
		buf_printf(c->to,
			"{\"$date\":{\"$numberLong\":\"%" PRId64 "\"}}", ms);
	c->at = in.at + 1;
	return true;
}

/* As it stands, without the spaces; inside a tag numbers are plain. */
static void
put_verbatim(struct copy *c, unsigned depth)
{
	while (c->at < c->end) {
		char now = *c->at;

		if (now == '"') {
			buf_slice(c->to, take_string(c));
			continue;
		}
		c->at++;
		if (now == ' ' || now == '\n')
			continue;
		buf_char(c->to, now);
		if (now == '{' || now == '[')
			depth++;
		else if ((now == '}' || now == ']') && --depth == 0)
			return;
	}
}

static const char *const verbatim_tags[] = {"\"$numberDouble\"",
	"\"$numberDecimal\"", "\"$oid\"", "\"$binary\"",
	"\"$regularExpression\"", "\"$timestamp\"", "\"$minKey\"",
	"\"$maxKey\""};

/* After "{" and a key that begins with $. */
static bool
put_tagged(struct copy *c, struct slice key)
{
	if (slice_is(key, "\"$date\""))
		return put_date(c);
	for (size_t i = 0; i < array_size(verbatim_tags); i++)
		if (slice_is(key, verbatim_tags[i])) {
			buf_char(c->to, '{');
			buf_slice(c->to, key);
			buf_char(c->to, ':');
			put_verbatim(c, 1);
			return true;
		}
	return false;
}

/* `key`, then what follows it. */
static void
put_member(struct copy *c, struct slice key, bool *first)
{
	if (!*first)
		buf_char(c->to, ',');
	*first = false;
	buf_slice(c->to, key);
	buf_char(c->to, ':');
	put_value(c);
}

/* Past the colon after a key, and past the comma after a member. */
static void
skip_mark(struct copy *c, char mark)
{
	skip_space(c);
	if (c->at < c->end && *c->at == mark)
		c->at++;
	skip_space(c);
}

static void
skip_value(struct copy *c)
{
	_buf_ struct buf nowhere = {0};
	struct copy skip = *c;

	buf_init(&nowhere, 0);
	skip.to = &nowhere;
	put_value(&skip);
	c->at = skip.at;
}

/* Members of an object, `c->at` at the first; leaves "_id" out when asked. */
static void
put_members(struct copy *c, bool first, bool without_id)
{
	while (c->at < c->end && *c->at == '"') {
		struct slice key = take_string(c);

		skip_mark(c, ':');
		if (without_id && slice_is(key, "\"_id\""))
			skip_value(c);
		else
			put_member(c, key, &first);
		skip_mark(c, ',');
	}
	if (c->at < c->end)
		c->at++;
	buf_char(c->to, '}');
}

static void
put_object(struct copy *c)
{
	struct slice key;
	bool first = true;

	c->at++;
	skip_space(c);
	if (c->end - c->at > 2 && c->at[1] == '$') {
		key = take_string(c);
		skip_mark(c, ':');
		if (put_tagged(c, key))
			return;
		buf_char(c->to, '{');
		put_member(c, key, &first);
		skip_mark(c, ',');
		put_members(c, false, false);
		return;
	}
	buf_char(c->to, '{');
	put_members(c, true, false);
}

static void
put_array(struct copy *c)
{
	bool first = true;

	c->at++;
	buf_char(c->to, '[');
	skip_space(c);
	while (c->at < c->end && *c->at != ']') {
		if (!first)
			buf_char(c->to, ',');
		first = false;
		put_value(c);
		skip_mark(c, ',');
	}
	if (c->at < c->end)
		c->at++;
	buf_char(c->to, ']');
}

static void
put_value(struct copy *c)
{
	struct slice word;

	skip_space(c);
	if (c->at >= c->end)
		return;
	switch (*c->at) {
	case '{':
		put_object(c);
		return;
	case '[':
		put_array(c);
		return;
	case '"':
		buf_slice(c->to, take_string(c));
		return;
	default:
		word = take_word(c);
		if (word.len && strchr("-0123456789", word.ptr[0]))
			put_number(c, word);
		else
			buf_slice(c->to, word);
		/* on, whatever it was */
		c->at += word.len == 0;
		return;
	}
}

void
ejson_put(struct buf *to, struct slice stored, enum ejson_form form)
{
	struct copy c = {stored.ptr, stored.ptr + stored.len, to, form};

	put_value(&c);
}

void
ejson_put_doc(struct buf *to, struct slice key, struct slice id,
	struct slice doc, enum ejson_form form)
{
	struct copy c = {doc.ptr, doc.ptr + doc.len, to, form};

	buf_str(to, "{\"_id\":");
	if (id.len)
		ejson_put(to, id, form);
	else
		buf_json(to, key);
	c.at++;
	skip_space(&c);
	put_members(&c, false, true);
}
