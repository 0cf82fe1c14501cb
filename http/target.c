/*
 * What a client asks for.  A path is decoded once and strictly: two spellings
 * of one path would be two answers to "may he?", so whatever does not decode
 * cleanly is refused.  A query is data and is read as browsers read it.
 */
#include "http/target.h"

#include "base/text.h"

#include <string.h>

/* The byte a %XX at s stands for, -1 when there is none. */
static int
escape_at(struct slice s, size_t at)
{
	int high, low;

	if (s.len - at < 3)
		return -1;
	high = text_hex_digit(s.ptr[at + 1]);
	low = text_hex_digit(s.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int
path_decode(char *to, struct slice s, struct fault *why)
{
	for (size_t i = 0; i < s.len; i++) {
		int c = s.ptr[i];

		if (c == '%') {
			c = escape_at(s, i);
			if (c <= 0)
				return fault_set(why, ERR_BAD_REQUEST,
					"the path's %%-escapes are not valid");
			i += 2;
		}
		*to++ = (char)c;
	}
	*to = '\0';
	return 0;
}

/* RFC 3986 allows fewer; what it leaves out and browsers send (`"<>^{|}) does
 * no harm.  White space, controls, bytes beyond ASCII and fragments do. */
static const bool target_bytes[256] = {
	['!' ... '"'] = true,
	['$' ... '['] = true,
	[']' ... '~'] = true,
};

static bool
bytes_are_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!target_bytes[(unsigned char)s.ptr[i]])
			return false;
	return s.len > 0;
}

static struct slice
from(struct slice s, size_t at)
{
	return slice_of(s.ptr + at, s.len - at);
}

/* Cut "http://host" off an absolute form. */
static int
authority_cut(struct slice *s, struct slice *ret, struct fault *why)
{
	static const char *const schemes[] = {"http://", "https://"};
	size_t end = 0;

	for (size_t i = 0; i < array_size(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (s->len <= n ||
			!slice_is_nocase(slice_of(s->ptr, n), schemes[i]))
			continue;
		*s = from(*s, n);
		while (end < s->len && s->ptr[end] != '/' && s->ptr[end] != '?')
			end++;
		*ret = slice_of(s->ptr, end);
		*s = from(*s, end);
		if (target_authority_is_valid(*ret))
			return 0;
		break;
	}
	return fault_set(why, ERR_BAD_REQUEST,
		"the request target is not of a form served here");
}

int
target_parse(struct target *ret, struct arena *a, struct slice raw,
	struct fault *why)
{
	struct target t = {.path = "*", .query = {"", 0}};
	struct slice rest = raw;
	const char *mark;
	char *path;
	int r;

	if (!bytes_are_valid(raw))
		return fault_set(why, ERR_BAD_REQUEST,
			"the request target holds bytes that may not be there");
	if (slice_is(raw, "*")) {
		*ret = t;
		return 0;
	}
	if (raw.ptr[0] != '/') {
		r = authority_cut(&rest, &t.authority, why);
		if (r < 0)
			return r;
	}
	mark = rest.len ? memchr(rest.ptr, '?', rest.len) : NULL;
	if (mark) {
		t.query = from(rest, (size_t)(mark - rest.ptr) + 1);
		rest.len = (size_t)(mark - rest.ptr);
	}
	if (rest.len == 0)
		rest = SLICE("/");
	path = arena_try(a, rest.len + 1);
	if (!path)
		return fault_set(why, ERR_TOO_BIG, "the path is too long");
	r = path_decode(path, rest, why);
	if (r < 0)
		return r;
	t.path = path;
	*ret = t;
	return 0;
}

static size_t
form_decode(char *to, struct slice s)
{
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		int c = s.ptr[i] == '+' ? ' ' : s.ptr[i];
		int escaped = s.ptr[i] == '%' ? escape_at(s, i) : -1;

		if (escaped >= 0)
			i += 2;
		to[len++] = (char)(escaped >= 0 ? escaped : c);
	}
	to[len] = '\0';
	return len;
}

struct slice
target_query(struct arena *a, struct slice query, const char *name)
{
	struct slice pair, key;

	while (query.len && slice_split(&query, '&', &pair)) {
		char *value;

		if (!slice_split(&pair, '=', &key))
			continue;
		value = arena_try(a, max(key.len, pair.len) + 1);
		if (!value)
			break;
		if (!slice_is(slice_of(value, form_decode(value, key)), name))
			continue;
		return slice_of(
			value, form_decode(value, pair.ptr ? pair : SLICE("")));
	}
	return (struct slice){NULL, 0};
}

static bool
form_copy(struct arena *a, struct slice s, struct slice *ret)
{
	char *to = arena_try(a, s.len + 1);

	if (to)
		*ret = slice_of(to, form_decode(to, s));
	return to != NULL;
}

bool
target_pair(struct arena *a, struct slice *rest, struct slice *name,
	struct slice *value)
{
	struct slice pair, key;

	do {
		if (!slice_split(rest, '&', &pair))
			return false;
	} while (!slice_split(&pair, '=', &key) || key.len == 0);
	return form_copy(a, key, name) &&
	       form_copy(a, pair.ptr ? pair : SLICE(""), value);
}

/* RFC 3986, 3.2.2: a registered name's bytes. */
static const bool host_bytes[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['$'] = true,
	['%'] = true,
	['&' ... '.'] = true, /* & ' ( ) * + , - . */
	[';'] = true,
	['='] = true,
	['_'] = true,
	['~'] = true,
};

/* The length of "[::1]" at the front, 0 when it is not one. */
static size_t
address_length(struct slice s)
{
	size_t i = 1;

	while (i < s.len && (text_hex_digit(s.ptr[i]) >= 0 || s.ptr[i] == ':' ||
				    s.ptr[i] == '.'))
		i++;
	return i > 1 && i < s.len && s.ptr[i] == ']' ? i + 1 : 0;
}

static size_t
host_length(struct slice s)
{
	size_t i = 0;

	if (s.len && s.ptr[0] == '[')
		return address_length(s);
	while (i < s.len && host_bytes[(unsigned char)s.ptr[i]])
		i++;
	return i;
}

bool
target_authority_is_valid(struct slice s)
{
	size_t i = host_length(s);
	uint64_t port;

	if (i == 0 || i == s.len)
		return i > 0;
	if (s.ptr[i] != ':')
		return false;
	s = from(s, i + 1);
	return s.len == 0 || slice_to_u64(s, UINT16_MAX, &port) == 0;
}
