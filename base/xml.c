/*
 * Why not a library: the ones there are read all of XML, and what is dangerous
 * in XML is exactly what WeChat's messages do not have.  A reader that knows
 * elements, text and CDATA has no switch that somebody could forget.
 *
 * The one idea: the text was found to be UTF-8 without control characters
 * before anything else looks at it, so the rest only has to know six
 * characters.
 */
#include "base/xml.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	const char *begin, *at, *end;
	unsigned count;
	struct fault *why;
};

static const struct {
	const char *name;
	char is;
} entities[] = {
	{"&lt;", '<'},
	{"&gt;", '>'},
	{"&amp;", '&'},
	{"&quot;", '"'},
	{"&apos;", '\''},
};

static int read_inside(struct reader *r, unsigned depth, json_t **ret);

static int
bad(struct reader *r, const char *what)
{
	return fault_set(r->why, ERR_FORMAT, "XML, byte %zu: %s",
		(size_t)(r->at - r->begin) + 1, what);
}

static struct slice
rest(const struct reader *r)
{
	return slice_of(r->at, (size_t)(r->end - r->at));
}

/* The next bytes are `word`: step over it. */
static bool
step(struct reader *r, const char *word)
{
	if (!slice_starts(rest(r), word))
		return false;
	r->at += strlen(word);
	return true;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct reader *r)
{
	while (r->at < r->end && is_space(*r->at))
		r->at++;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool
xml_is_name(struct slice name)
{
	if (name.len == 0 || name.len > XML_NAME_TOP || !is_letter(*name.ptr))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_name_char(name.ptr[i]))
			return false;
	return true;
}

bool
xml_is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.ptr[i];

		if (c < ' ' && !is_space((char)c))
			return false;
		if (c == 0xef && s.len - i >= 3 && s.ptr[i + 1] == '\xbf' &&
			(s.ptr[i + 2] == '\xbe' || s.ptr[i + 2] == '\xbf'))
			return false; /* U+FFFE, U+FFFF */
	}
	return text_is_utf8(s);
}

static int
read_name(struct reader *r, struct slice *ret)
{
	const char *from = r->at;

	while (r->at < r->end && is_name_char(*r->at))
		r->at++;
	*ret = slice_of(from, (size_t)(r->at - from));
	if (xml_is_name(*ret))
		return 0;
	r->at = from;
	return bad(r, "an element's name is needed here (no comments, DOCTYPE "
		      "or processing instructions)");
}

static void
put_utf8(struct buf *to, uint32_t c)
{
	if (c < 0x80) {
		buf_char(to, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_char(to, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_char(to, (char)(0xe0 | c >> 12));
		} else {
			buf_char(to, (char)(0xf0 | c >> 18));
			buf_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_char(to, (char)(0x80 | (c & 0x3f)));
}

static bool
is_char(unsigned long c)
{
	return c == '\t' || c == '\n' || c == '\r' ||
	       (c >= ' ' && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) &&
		       c != 0xfffe && c != 0xffff);
}

/* "&#10;" and "&#xA;", `at` behind the #. */
static int
read_number(struct reader *r, struct buf *to)
{
	bool hex = step(r, "x");
	const char *from = r->at;
	char digits[9] = "";
	size_t len;
	unsigned long c;

	while (r->at < r->end &&
		strchr(hex ? "0123456789abcdefABCDEF" : "0123456789", *r->at))
		r->at++;
	len = (size_t)(r->at - from);
	if (len == 0 || len >= sizeof(digits) || !step(r, ";"))
		return bad(r, "not a character reference");
	memcpy(digits, from, len);
	c = strtoul(digits, NULL, hex ? 16 : 10);
	if (!is_char(c))
		return bad(r, "a character that XML does not have");
	put_utf8(to, (uint32_t)c);
	return 0;
}

static int
read_reference(struct reader *r, struct buf *to)
{
	for (size_t i = 0; i < array_size(entities); i++)
		if (step(r, entities[i].name)) {
			buf_char(to, entities[i].is);
			return 0;
		}
	if (step(r, "&#"))
		return read_number(r, to);
	return bad(r, "an entity other than lt, gt, amp, quot, apos");
}

/* Line ends become \n. */
static void
put_line_end(struct reader *r, struct buf *to)
{
	buf_char(to, '\n');
	if (!step(r, "\r\n"))
		r->at++;
}

static int
read_cdata(struct reader *r, struct buf *to)
{
	while (r->at < r->end) {
		if (step(r, XML_CDATA_END))
			return 0;
		if (*r->at == '\r')
			put_line_end(r, to);
		else
			buf_char(to, *r->at++);
	}
	return bad(r, "CDATA without an end");
}

/* Up to the next tag. */
static int
read_text(struct reader *r, struct buf *to)
{
	int e = 0;

	while (e == 0 && r->at < r->end) {
		if (step(r, XML_CDATA))
			e = read_cdata(r, to);
		else if (*r->at == '<')
			return 0;
		else if (*r->at == '&')
			e = read_reference(r, to);
		else if (slice_starts(rest(r), XML_CDATA_END))
			e = bad(r, "]]> outside of CDATA");
		else if (*r->at == '\r')
			put_line_end(r, to);
		else
			buf_char(to, *r->at++);
	}
	return e < 0 ? e : bad(r, "it ends too early");
}

/* A second one of a name makes an array of the first. */
static void
object_add(json_t *object, struct slice name, json_t *value)
{
	json_t *had = json_object_getn(object, name.ptr, name.len);
	json_t *list;

	if (!had) {
		(void)json_object_setn_new(object, name.ptr, name.len, value);
	} else if (json_is_array(had)) {
		(void)json_array_append_new(had, value);
	} else {
		list = json_array();
		(void)json_array_append(list, had);
		(void)json_array_append_new(list, value);
		(void)json_object_setn_new(object, name.ptr, name.len, list);
	}
}

/* <name>…</name> or <name/>, `at` behind the first <. */
static int
read_element(
	struct reader *r, unsigned depth, struct slice *ret_name, json_t **ret)
{
	_json_ json_t *value = NULL;
	struct slice name, closing;
	int e = read_name(r, &name);

	if (e < 0)
		return e;
	if (depth > XML_DEPTH_TOP || ++r->count > XML_COUNT_TOP)
		return fault_set(r->why, ERR_TOO_BIG,
			"XML with more than %d elements in each other or %d in "
			"all",
			XML_DEPTH_TOP, XML_COUNT_TOP);
	skip_space(r);
	*ret_name = name;
	if (step(r, "/>")) {
		*ret = json_string("");
		return 0;
	}
	if (!step(r, ">"))
		return bad(r, "> is needed here; attributes are not taken");
	e = read_inside(r, depth, &value);
	if (e == 0)
		e = read_name(r, &closing);
	if (e < 0)
		return e;
	skip_space(r);
	if (!slice_eq(name, closing) || !step(r, ">"))
		return bad(r, "this does not close the element that is open");
	*ret = take(value);
	return 0;
}

/* What an element holds, up to and over "</". */
static int
read_inside(struct reader *r, unsigned depth, json_t **ret)
{
	_buf_ struct buf text;
	_json_ json_t *object = NULL;
	int e;

	buf_init(&text, XML_TEXT_TOP);
	while ((e = read_text(r, &text)) == 0 && !step(r, "</")) {
		json_t *value = NULL;
		struct slice name;

		r->at++;
		e = read_element(r, depth + 1, &name, &value);
		if (e < 0)
			return e;
		if (!object)
			object = json_object();
		object_add(object, name, value);
	}
	for (size_t i = 0; e == 0 && object && i < text.len; i++)
		if (!is_space(text.ptr[i]))
			e = bad(r, "text beside elements");
	if (e < 0)
		return e;
	*ret = object ? take(object)
		      : json_stringn(buf_all(&text).ptr, text.len);
	return 0;
}

/* <?xml version="1.0" encoding="UTF-8"?>: may stand there, and says nothing
 * else. */
static int
read_declaration(struct reader *r)
{
	static const char *const words[] = {"version=\"1.0\"", "version='1.0'",
		"encoding=\"UTF-8\"", "encoding='UTF-8'", "encoding=\"utf-8\"",
		"encoding='utf-8'", "standalone=\"yes\"", "standalone='yes'"};
	bool found = true;

	(void)step(r, "\xef\xbb\xbf");
	skip_space(r);
	if (!step(r, "<?xml "))
		return 0;
	while (found) {
		found = false;
		skip_space(r);
		for (size_t i = 0; i < array_size(words); i++)
			found = found || step(r, words[i]);
	}
	if (!step(r, "?>"))
		return bad(r, "only version 1.0 and UTF-8 are read");
	skip_space(r);
	return 0;
}

static int
read_root(struct reader *r, const char *root, json_t **ret)
{
	_json_ json_t *value = NULL;
	struct slice name;
	int e = read_declaration(r);

	if (e < 0)
		return e;
	if (!step(r, "<"))
		return bad(r, "an element is needed here");
	e = read_element(r, 1, &name, &value);
	if (e < 0)
		return e;
	skip_space(r);
	if (r->at != r->end)
		return bad(r, "something follows the end");
	if (!slice_is(name, root))
		return fault_set(r->why, ERR_FORMAT,
			"XML: the outermost element must be <%s>", root);
	if (json_is_object(value))
		*ret = take(value);
	else if (strspn(json_string_value(value), " \n\t") ==
		 json_string_length(value))
		*ret = json_object();
	else
		return fault_set(
			r->why, ERR_FORMAT, "XML: <%s> holds text only", root);
	return 0;
}

int
xml_parse(json_t **ret, const char *root, struct slice text, struct fault *why)
{
	struct reader r = {.begin = text.ptr,
		.at = text.ptr,
		.end = text.ptr + text.len,
		.why = why};

	if (text.len > XML_TEXT_TOP)
		return fault_set(why, ERR_TOO_BIG, "XML of more than %d bytes",
			XML_TEXT_TOP);
	if (!xml_is_text(text))
		return fault_set(why, ERR_FORMAT,
			"XML: not UTF-8, or with control characters");
	return read_root(&r, root, ret);
}
