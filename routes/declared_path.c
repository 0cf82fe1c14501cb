/*
 * Paths as routes declare them: what they mean, whether one fits, and which of
 * two that fit goes first.  This is the definition; the tree (declared_tree.c)
 * is the fast way to the same answer, and the fuzzer holds the two together.
 */
#include "base/mem.h"
#include "routes/declared_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PATH_TOP = 512, NAME_TOP = 40, HOST_TOP = 255 };

static bool
is_param(struct slice segment)
{
	return segment.len >= 2 && segment.ptr[0] == '{' &&
	       segment.ptr[segment.len - 1] == '}';
}

static struct slice
inner(struct slice param)
{
	return slice_of(param.ptr + 1, param.len - 2);
}

static bool
name_is_valid(struct slice name)
{
	if (!name.len || name.len > NAME_TOP ||
		!(isalpha((unsigned char)name.ptr[0]) || name.ptr[0] == '_'))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return true;
}

static int
add_name(struct declared_full *f, struct slice name, struct fault *why)
{
	size_t n = 0;

	for (; f->names[n]; n++)
		if (slice_is(name, f->names[n]))
			return fault_set(why, ERR_PARAM,
				"{%.*s} stands in it twice", SLICE_ARG(name));
	if (n == DECLARED_NAMES - 1)
		return fault_set(why, ERR_PARAM, "too many parameters");
	f->names_own[n] = str_ndup(name.ptr, name.len);
	f->names[n] = f->names_own[n];
	return 0;
}

static int
segment_read(
	struct declared_full *f, struct slice s, bool last, struct fault *why)
{
	if (slice_is(s, "*") && last) {
		f->kind = PATH_PREFIX;
		return add_name(f, s, why);
	}
	if (f->depth++ == DECLARED_SEGMENTS)
		return fault_set(why, ERR_PARAM, "more than %d segments",
			DECLARED_SEGMENTS);
	if (slice_is(s, ".") || slice_is(s, ".."))
		return fault_set(
			why, ERR_PARAM, "\".\" and \"..\" never reach a route");
	if (!s.len && !last)
		return fault_set(why, ERR_PARAM, "a segment is empty (//)");
	if (is_param(s)) {
		if (!name_is_valid(inner(s)))
			return fault_set(why, ERR_PARAM,
				"\"%.*s\": a parameter's name has letters, "
				"digits and _",
				SLICE_ARG(s));
		if (f->kind == PATH_EXACT)
			f->kind = PATH_PARAMS;
		return add_name(f, inner(s), why);
	}
	if (memchr(s.ptr, '?', s.len))
		return fault_set(why, ERR_PARAM,
			"\"%.*s\": a path is without its query: a route "
			"answers whatever that is",
			SLICE_ARG(s));
	for (size_t i = 0; i < s.len; i++)
		if (strchr("{}*#", s.ptr[i]) || (unsigned char)s.ptr[i] < 0x20)
			return fault_set(why, ERR_PARAM,
				"\"%.*s\": a parameter {…} is a whole segment, "
				"a * the last one; for more there is "
				"{\"regex\": …}",
				SLICE_ARG(s));
	return 0;
}

static int
pattern_names(struct declared_full *f, struct fault *why)
{
	char number[16];
	int e = 0;

	for (unsigned i = 1; e == 0 && i <= pattern_groups(f->pattern); i++) {
		const char *name = pattern_group_name(f->pattern, i);

		(void)snprintf(number, sizeof(number), "%u", i);
		e = add_name(f, slice_str(name ? name : number), why);
	}
	return e;
}

int
declared_path_read(struct declared_full *f, struct fault *why)
{
	struct slice rest = slice_str(f->path), s;
	int e = 0;

	if (f->pattern) {
		f->kind = PATH_PATTERN;
		return pattern_names(f, why);
	}
	if (f->path[0] != '/' || rest.len > PATH_TOP)
		return fault_set(why, ERR_PARAM,
			"\"%.60s\": it begins with a slash and has at most %d "
			"bytes: /a/b, /a/{id}, /a/*",
			f->path, PATH_TOP);
	f->kind = PATH_EXACT;
	rest = slice_of(rest.ptr + 1, rest.len - 1);
	while (e == 0 && slice_split(&rest, '/', &s))
		e = segment_read(f, s, !rest.ptr, why);
	return e;
}

static void
capture(struct declared_captures *c, const char *name, struct slice value)
{
	if (!c || c->count == DECLARED_CAPTURES_TOP)
		return;
	c->list[c->count].name = slice_str(name);
	c->list[c->count++].value = value;
}

/* The next segment of a path that begins with a slash, which is cut off. */
static bool
cut_segment(struct slice *path, struct slice *ret)
{
	const char *end;
	size_t n;

	if (!path->len || path->ptr[0] != '/')
		return false;
	end = memchr(path->ptr + 1, '/', path->len - 1);
	n = end ? (size_t)(end - path->ptr) : path->len;
	*ret = slice_of(path->ptr + 1, n - 1);
	*path = slice_of(path->ptr + n, path->len - n);
	return true;
}

static bool
pattern_fits(const struct declared_full *f, struct slice path,
	struct declared_captures *captures)
{
	struct pattern_match m;

	if (pattern_match(f->pattern, path, &m) < 0)
		return false;
	for (size_t i = 1; i < m.count; i++)
		capture(captures, f->names[i - 1],
			m.group[i].ptr ? m.group[i] : SLICE(""));
	return true;
}

static bool
segments_fit(const struct declared_full *f, struct slice want,
	struct slice path, struct declared_captures *captures,
	struct slice *rest)
{
	struct slice a, b;
	size_t names = 0;

	for (size_t i = 0; i < f->depth; i++) {
		if (!cut_segment(&want, &a) || !cut_segment(&path, &b))
			return false;
		if (is_param(a) && b.len)
			capture(captures, f->names[names++], b);
		else if (!slice_eq(a, b))
			return false;
	}
	if (f->kind != PATH_PREFIX)
		return path.len == 0;
	if (rest)
		*rest = path;
	capture(captures, "*",
		path.len ? slice_of(path.ptr + 1, path.len - 1) : path);
	return true;
}

bool
declared_path_fits(const struct declared_full *f, struct slice path,
	struct declared_captures *captures, struct slice *rest)
{
	if (captures)
		captures->count = 0;
	if (f->kind == PATH_PATTERN)
		return pattern_fits(f, path, captures);
	return segments_fit(f, slice_str(f->path), path, captures, rest);
}

bool
declared_path_fits_loosely(const struct declared_full *f, struct slice path)
{
	if (f->kind == PATH_PATTERN)
		return pattern_fits(f, path, NULL);
	return segments_fit(f, slice_str(f->loose), path, NULL, NULL);
}

/* --- hosts --- */

struct slice
declared_host_of(struct arena *a, struct slice host)
{
	const char *colon = host.len ? memrchr(host.ptr, ':', host.len) : NULL;
	char *text;

	/* [::1]:8080 */
	if (colon && !memchr(colon, ']', host.len - (size_t)(colon - host.ptr)))
		host.len = (size_t)(colon - host.ptr);
	if (host.len && host.ptr[host.len - 1] == '.')
		host.len--;
	host.len = min(host.len, (size_t)HOST_TOP);
	text = arena_str(a, host);
	for (size_t i = 0; i < host.len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return slice_of(text, host.len);
}

bool
declared_host_fits(const char *pattern, struct slice host)
{
	size_t n;

	if (!pattern)
		return true;
	if (pattern[0] != '*')
		return slice_is(host, pattern);
	n = strlen(pattern + 1);
	return host.len > n &&
	       memcmp(host.ptr + host.len - n, pattern + 1, n) == 0;
}

/* --- conditions --- */

static unsigned
method_bit(struct slice method)
{
	return slice_is(method, "GET") ? 1 : http_method_bits(method);
}

static bool
header_fits(const struct declared_condition *c, const struct declared_ask *ask)
{
	struct slice value = ask->header ? ask->header(ask->request, c->name)
					 : (struct slice){NULL, 0};

	if (c->absent || !value.ptr)
		return c->absent && !value.ptr;
	if (c->pattern)
		return pattern_match(c->pattern, value, NULL) == 0;
	return !c->equals || slice_is(value, c->equals);
}

enum declared_why
declared_check(const struct declared_full *f, const struct declared_ask *ask,
	struct slice host, size_t *which)
{
	if (!declared_host_fits(f->host, host))
		return WHY_HOST;
	if (f->methods != HTTP_ANY_METHOD &&
		!(f->methods & method_bit(ask->method)))
		return WHY_METHOD;
	for (size_t i = 0; i < f->nheaders; i++) {
		if (header_fits(&f->header[i], ask))
			continue;
		if (which)
			*which = i;
		return WHY_HEADER;
	}
	return FITS;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
has_condition(const struct declared_full *f, const struct declared_condition *c)
{
	for (size_t i = 0; i < f->nheaders; i++) {
		const struct declared_condition *o = &f->header[i];

		if (strcasecmp(o->name, c->name) == 0 &&
			o->absent == c->absent &&
			is_same_text(o->equals, c->equals) &&
			is_same_text(o->regex, c->regex))
			return true;
	}
	return false;
}

/* Parameters may have other names. */
static bool
is_same_path(const struct declared_full *a, const struct declared_full *b)
{
	struct slice x = slice_str(a->path), y = slice_str(b->path), s, t;

	if (a->kind != b->kind || a->depth != b->depth)
		return false;
	if (a->kind == PATH_PATTERN)
		return strcmp(a->path, b->path) == 0;
	for (size_t i = 0; i < a->depth; i++)
		if (!cut_segment(&x, &s) || !cut_segment(&y, &t) ||
			(is_param(s) ? !is_param(t) : !slice_eq(s, t)))
			return false;
	return true;
}

bool
declared_covers(const struct declared_full *a, const struct declared_full *b)
{
	if (!is_same_path(a, b) || !is_same_text(a->host, b->host) ||
		(b->methods & ~a->methods))
		return false;
	for (size_t i = 0; i < a->nheaders; i++)
		if (!has_condition(b, &a->header[i]))
			return false;
	return true;
}

/* --- which goes first --- */

/* The exact host, then the longest of those with a star, then any. */
static size_t
host_rank(const struct declared_full *f)
{
	if (!f->host)
		return SIZE_MAX;
	return f->host[0] != '*' ? 0 : SIZE_MAX - 1 - strlen(f->host);
}

static int
compare_segments(const struct declared_full *a, const struct declared_full *b)
{
	struct slice x = slice_str(a->path), y = slice_str(b->path), s, t;

	for (size_t i = 0; i < min(a->depth, b->depth); i++) {
		if (!cut_segment(&x, &s) || !cut_segment(&y, &t))
			break;
		if (is_param(s) != is_param(t))
			return is_param(s) ? 1 : -1;
	}
	return 0;
}

static unsigned
conditions(const struct declared_full *f)
{
	return (unsigned)f->nheaders * 2 + (f->methods != HTTP_ANY_METHOD);
}

int
declared_compare(const struct declared_full *a, const struct declared_full *b)
{
	int r = (int)a->kind - (int)b->kind;

	if (r)
		return r;
	if (host_rank(a) != host_rank(b))
		return host_rank(a) < host_rank(b) ? -1 : 1;
	if (a->kind == PATH_PREFIX && a->depth != b->depth)
		return a->depth > b->depth ? -1 : 1;
	r = a->kind == PATH_PATTERN ? 0 : compare_segments(a, b);
	if (r)
		return r;
	if (conditions(a) != conditions(b))
		return conditions(a) > conditions(b) ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}
