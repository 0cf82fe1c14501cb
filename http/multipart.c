/*
 * multipart/form-data as the SDKs of cloud functions send it.
 *
 * The boundary alone divides the body (RFC 2046, section 5.1.1): "--boundary"
 * at the start of a line, white space, the end of the line; two more hyphens
 * end it all.  Only what RFC 7578 uses of a part's head is read, the
 * Content-Disposition's name and filename and the Content-Type.  A part that is
 * encoded (Content-Transfer-Encoding, which that RFC forbids) is refused: its
 * bytes would be taken for what they are not.  So are two parts of one name,
 * since whoever checks the one might use the other.
 */
#include "http/multipart.h"

#include <string.h>

enum { BOUNDARY_TOP = 70 };

bool
multipart_is(struct slice content_type)
{
	struct slice kind = {NULL, 0};

	(void)slice_split(&content_type, ';', &kind);
	return slice_is_nocase(slice_trim(kind), "multipart/form-data");
}

/* ---- parameters of a header: ; name=value; name="value" ---- */

static size_t
quoted_len(struct slice s)
{
	for (size_t i = 1; i < s.len; i++)
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	return 0;
}

/* The next parameter of *rest; 0: no more, negative: broken. */
static int
param_next(struct slice *rest, struct slice *key, struct slice *value)
{
	struct slice s = slice_trim(*rest);
	size_t n = 0;

	while (s.len && (s.ptr[0] == ';'))
		s = slice_trim(slice_of(s.ptr + 1, s.len - 1));
	if (!s.len)
		return 0;
	while (n < s.len && s.ptr[n] != '=' && s.ptr[n] != ';')
		n++;
	if (n == s.len || s.ptr[n] != '=')
		return ERR_PARAM;
	*key = slice_trim(slice_of(s.ptr, n));
	s = slice_of(s.ptr + n + 1, s.len - n - 1);
	if (s.len && s.ptr[0] == '"') {
		n = quoted_len(s);
		if (!n)
			return ERR_PARAM;
		*value = slice_of(s.ptr + 1, n - 2);
	} else {
		for (n = 0; n < s.len && s.ptr[n] != ';';)
			n++;
		*value = slice_trim(slice_of(s.ptr, n));
	}
	*rest = slice_of(s.ptr + n, s.len - n);
	return 1;
}

int
multipart_boundary(struct slice type, struct slice *ret, struct fault *why)
{
	struct slice kind, key, value;
	int r;

	(void)slice_split(&type, ';', &kind);
	while ((r = param_next(&type, &key, &value)) > 0)
		if (slice_is_nocase(key, "boundary")) {
			if (!value.len || value.len > BOUNDARY_TOP)
				break;
			*ret = value;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"Content-Type: multipart/form-data needs a boundary of 1 to "
		"%d bytes",
		BOUNDARY_TOP);
}

/* ---- lines that divide ---- */

struct divider {
	size_t at, end; /* of the bytes before it; of itself */
	bool last;
};

/* What follows "--boundary": maybe "--", white space, the end of the line. */
static bool
divider_ends(struct slice body, size_t at, struct divider *d)
{
	d->last = at + 2 <= body.len && memcmp(body.ptr + at, "--", 2) == 0;
	if (d->last)
		at += 2;
	while (at < body.len && (body.ptr[at] == ' ' || body.ptr[at] == '\t'))
		at++;
	d->end = at;
	if (d->last && at == body.len)
		return true;
	if (at + 2 > body.len || memcmp(body.ptr + at, "\r\n", 2) != 0)
		return false;
	d->end = at + 2;
	return true;
}

/* The next one at or after `from`. */
static bool
divider_find(struct slice body, struct slice boundary, size_t from,
	struct divider *ret)
{
	while (from + 2 + boundary.len <= body.len) {
		const char *p = memmem(body.ptr + from, body.len - from,
			boundary.ptr, boundary.len);
		size_t at;

		if (!p)
			return false;
		at = (size_t)(p - body.ptr);
		from = at + 1;
		if (at < 2 || memcmp(p - 2, "--", 2) != 0)
			continue;
		at -= 2;
		if (at && (at < 2 || memcmp(body.ptr + at - 2, "\r\n", 2) != 0))
			continue;
		ret->at = at ? at - 2 : 0;
		if (divider_ends(body, at + 2 + boundary.len, ret))
			return true;
	}
	return false;
}

/* ---- a part ---- */

static int
disposition_take(struct part *part, struct slice value)
{
	struct slice kind = {NULL, 0}, key, text;
	int r;

	(void)slice_split(&value, ';', &kind);
	if (!slice_is_nocase(slice_trim(kind), "form-data"))
		return ERR_PARAM;
	while ((r = param_next(&value, &key, &text)) > 0)
		if (slice_is_nocase(key, "name"))
			part->name = text;
		else if (slice_is_nocase(key, "filename"))
			part->filename = text;
	return r;
}

static int
header_take(struct part *part, struct slice line)
{
	struct slice key;

	if (!slice_split(&line, ':', &key) || !line.ptr)
		return ERR_PARAM;
	line = slice_trim(line);
	if (slice_is_nocase(key, "Content-Disposition"))
		return disposition_take(part, line);
	if (slice_is_nocase(key, "Content-Type"))
		part->type = line;
	if (slice_is_nocase(key, "Content-Transfer-Encoding") &&
		!slice_is_nocase(line, "binary") &&
		!slice_is_nocase(line, "8bit") &&
		!slice_is_nocase(line, "7bit"))
		return ERR_PARAM;
	return 0;
}

int
multipart_head(struct part *part, struct slice head)
{
	while (head.len) {
		const char *end = memmem(head.ptr, head.len, "\r\n", 2);
		size_t n = end ? (size_t)(end - head.ptr) : head.len;
		int e = header_take(part, slice_of(head.ptr, n));

		if (e < 0)
			return e;
		n = end ? n + 2 : n;
		head = slice_of(head.ptr + n, head.len - n);
	}
	return part->name.len ? 0 : ERR_PARAM;
}

static int
part_parse(struct multipart *m, struct slice bytes, struct fault *why)
{
	struct part part = {.name = {NULL, 0}};
	size_t top = min(bytes.len, (size_t)MULTIPART_HEAD);
	const char *end = memmem(bytes.ptr, top, "\r\n\r\n", 4);
	size_t n;

	if (m->count == MULTIPART_PARTS)
		return fault_set(why, ERR_TOO_BIG,
			"the form has more than %d parts", MULTIPART_PARTS);
	if (!end && bytes.len > MULTIPART_HEAD)
		return fault_set(why, ERR_TOO_BIG,
			"part %zu of the form: its head is longer than %d "
			"bytes",
			m->count + 1, MULTIPART_HEAD);
	n = end ? (size_t)(end - bytes.ptr) : 0;
	if (!end || multipart_head(&part, slice_of(bytes.ptr, n)) < 0)
		return fault_set(why, ERR_PARAM,
			"part %zu of the form: a head with "
			"Content-Disposition: "
			"form-data; name=\"…\" is needed",
			m->count + 1);
	for (size_t i = 0; i < m->count; i++)
		if (slice_eq(m->part[i].name, part.name))
			return fault_set(why, ERR_PARAM,
				"part %zu of the form: there was one of this "
				"name before",
				m->count + 1);
	part.body = slice_of(end + 4, bytes.len - n - 4);
	m->part[m->count++] = part;
	return 0;
}

int
multipart_parse(struct multipart *ret, struct slice content_type,
	struct slice body, struct fault *why)
{
	struct divider from, to;
	struct slice boundary;
	int e;

	ret->count = 0;
	e = multipart_boundary(content_type, &boundary, why);
	if (e < 0)
		return e;
	if (!divider_find(body, boundary, 0, &from))
		return fault_set(why, ERR_PARAM,
			"the form does not hold the boundary that its "
			"Content-Type names");
	while (!from.last) {
		/* The line's end before a divider is the divider's. */
		if (!divider_find(body, boundary, from.end - 2, &to) ||
			to.at < from.end)
			return fault_set(why, ERR_PARAM,
				"the form ends within part %zu",
				ret->count + 1);
		e = part_parse(ret,
			slice_of(body.ptr + from.end, to.at - from.end), why);
		if (e < 0)
			return e;
		from = to;
	}
	return 0;
}

const struct part *
multipart_find(const struct multipart *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (slice_is(m->part[i].name, name))
			return &m->part[i];
	return NULL;
}
