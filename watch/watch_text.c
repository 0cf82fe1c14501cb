/*
 * The text is PostgreSQL's own (jsonb), so it is taken to be well-formed; but
 * no reader leaves its bounds if it is not.  Members of both documents come in
 * the same order, which makes looking one up a short step.
 */
#include "watch/watch_text.h"

#include <string.h>

enum {
	DEPTH_TOP = 64,
	/* bytes looked at in vain for names that one of two does not have: past
	 * it the whole document is said */
	VAIN_TOP = 4 << 20,
};

static const char *
skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t'))
		at++;
	return at;
}

/* Behind the string that begins at `at`. */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

/* Behind the value that begins at `at`. */
static const char *
skip_value(const char *at, const char *end)
{
	int depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (depth-- == 0)
				return at;
			at++;
		} else if (*at == ',' && depth == 0) {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return end;
}

struct text_members
text_members(struct slice object)
{
	const char *at = object.ptr, *end = object.ptr + object.len;

	at = skip_space(at, end);
	return (struct text_members){at < end ? at + 1 : end, end};
}

bool
text_member(struct text_members *m, struct slice *name, struct slice *value)
{
	const char *at = skip_space(m->at, m->end), *from;

	if (at < m->end && *at == ',')
		at = skip_space(at + 1, m->end);
	if (at >= m->end || *at != '"')
		return false;
	from = at;
	at = skip_string(at, m->end);
	if (at - from < 2 || at[-1] != '"')
		return false; /* cut off */
	*name = slice_of(from, (size_t)(at - from));
	at = skip_space(at, m->end);
	if (at < m->end && *at == ':')
		at = skip_space(at + 1, m->end);
	from = at;
	at = skip_value(at, m->end);
	*value = slice_of(from, (size_t)(at - from));
	m->at = at;
	return true;
}

bool
text_element(struct text_members *m, struct slice *value)
{
	const char *at = skip_space(m->at, m->end), *from;

	if (at < m->end && *at == ',')
		at = skip_space(at + 1, m->end);
	from = at;
	at = skip_value(at, m->end);
	*value = slice_of(from, (size_t)(at - from));
	m->at = at;
	return at > from;
}

static bool
find_member(struct slice object, const char *quoted, struct slice *ret)
{
	struct text_members m = text_members(object);
	struct slice name;

	while (text_member(&m, &name, ret))
		if (slice_is(name, quoted))
			return true;
	return false;
}

struct slice
text_field(struct slice object, const char *quoted)
{
	struct slice value;

	return find_member(object, quoted, &value) ? value
						   : (struct slice){NULL, 0};
}

void
text_shown(
	struct buf *to, struct slice key, struct slice doc, bool hides_openid)
{
	struct text_members m = text_members(doc);
	struct slice name, value;
	bool first = true;

	buf_char(to, '{');
	if (!find_member(doc, "\"_id\"", &value)) {
		buf_str(to, "\"_id\": ");
		buf_json(to, key);
		first = false;
	}
	while (text_member(&m, &name, &value)) {
		if (hides_openid && slice_is(name, "\"_openid\""))
			continue;
		buf_str(to, first ? "" : ", ");
		buf_slice(to, name);
		buf_str(to, ": ");
		buf_slice(to, value);
		first = false;
	}
	buf_char(to, '}');
}

struct diff {
	struct buf *updated, *removed, path;
	size_t vain;
	bool whole;
};

/* What lodash would not take for one step of a path, or never sets. */
static bool
is_step(struct slice name)
{
	static const char *const never[] = {
		"\"\"", "\"__proto__\"", "\"constructor\"", "\"prototype\""};

	for (size_t i = 0; i < array_size(never); i++)
		if (slice_is(name, never[i]))
			return false;
	for (size_t i = 1; i + 1 < name.len; i++)
		if (strchr(".[]\\\"", name.ptr[i]))
			return false;
	return true;
}

/* An object that is no date, no ObjectId or the like. */
static bool
is_plain(struct slice value)
{
	struct text_members m = text_members(value);
	struct slice name, member;

	if (value.len == 0 || value.ptr[0] != '{')
		return false;
	return !text_member(&m, &name, &member) || name.ptr[1] != '$';
}

/* The member `name`, looked for from where the last one was. */
static bool
find(struct diff *d, struct text_members *at, struct slice object,
	struct slice name, struct slice *ret)
{
	struct text_members m = *at;
	struct slice one;

	for (int turn = 0; turn < 2; turn++) {
		while (text_member(&m, &one, ret))
			if (slice_eq(one, name)) {
				*at = m;
				return true;
			}
		m = text_members(object);
	}
	d->vain += object.len;
	d->whole |= d->vain > VAIN_TOP;
	return false;
}

static void
put(struct diff *d, struct buf *to, char open)
{
	buf_char(to, to->len ? ',' : open);
	buf_char(to, '"');
	buf_slice(to, buf_all(&d->path));
	buf_char(to, '"');
}

/* Adds a step; the length to go back to. */
static size_t
enter(struct diff *d, struct slice name)
{
	size_t len = d->path.len;

	if (len)
		buf_char(&d->path, '.');
	buf_add(&d->path, name.ptr + 1, name.len - 2);
	return len;
}

static void
leave(struct diff *d, size_t len)
{
	d->path.len = len;
	if (d->path.ptr)
		d->path.ptr[len] = '\0';
}

static void compare(
	struct diff *d, struct slice old, struct slice new, unsigned depth);

static void
compare_member(struct diff *d, struct slice name, struct slice was,
	struct slice is, unsigned depth)
{
	size_t len;

	if (slice_eq(was, is))
		return;
	if (!is_step(name)) {
		d->whole = true;
		return;
	}
	len = enter(d, name);
	if (was.ptr && depth < DEPTH_TOP && is_plain(was) && is_plain(is)) {
		compare(d, was, is, depth + 1);
	} else {
		put(d, d->updated, '{');
		buf_char(d->updated, ':');
		buf_slice(d->updated, is);
	}
	leave(d, len);
}

static void
compare_removed(struct diff *d, struct slice old, struct slice new)
{
	struct text_members m = text_members(old), at = text_members(new);
	struct slice name, value, other;

	while (!d->whole && text_member(&m, &name, &value)) {
		size_t len;

		if (find(d, &at, new, name, &other))
			continue;
		if (!is_step(name)) {
			d->whole = true;
			return;
		}
		len = enter(d, name);
		put(d, d->removed, '[');
		leave(d, len);
	}
}

static void
compare(struct diff *d, struct slice old, struct slice new, unsigned depth)
{
	struct text_members m = text_members(new), at = text_members(old);
	struct slice name, value, was;

	while (!d->whole && text_member(&m, &name, &value)) {
		was = (struct slice){NULL, 0};
		if (!find(d, &at, old, name, &was))
			was = (struct slice){NULL, 0};
		compare_member(d, name, was, value, depth);
	}
	if (!d->whole)
		compare_removed(d, old, new);
}

/* A member "a.b" of the document itself would be taken for the path. */
static bool
has_odd_name(struct slice doc)
{
	struct text_members m = text_members(doc);
	struct slice name, value;

	while (text_member(&m, &name, &value))
		if (!is_step(name))
			return true;
	return false;
}

enum text_change
text_diff(struct buf *updated, struct buf *removed, struct slice old,
	struct slice new)
{
	struct diff d = {.updated = updated, .removed = removed};

	buf_clear(updated);
	buf_clear(removed);
	if (slice_eq(old, new))
		return TEXT_SAME;
	if (has_odd_name(old) || has_odd_name(new))
		return TEXT_WHOLE;
	buf_init(&d.path, 1 << 20);
	compare(&d, old, new, 0);
	d.whole |= d.path.full;
	buf_done(&d.path);
	if (d.whole || (!updated->len && !removed->len))
		return TEXT_WHOLE;
	if (updated->len)
		buf_char(updated, '}');
	if (removed->len)
		buf_char(removed, ']');
	return TEXT_PATHS;
}
