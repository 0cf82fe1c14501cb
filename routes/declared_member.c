/*
 * The reading of routes.json: tables of members, and where in the file we are.
 * What is in no table is refused with its place and the nearest that is known,
 * since a misspelled "auth" would leave a route open.
 */
#include "base/buf.h"
#include "base/header_name.h"
#include "base/mem.h"
#include "routes/declared_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_TOP = 4096, NAME_TOP = 64 };

int
declared_refuse(struct declared_reading *rd, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(rd->why, ERR_CONFIG, "%s: %.*s%s%s", rd->source->name,
		(int)rd->where->len, rd->where->len ? rd->where->ptr : "",
		rd->where->len ? ": " : "", text);
}

size_t
declared_enter(struct declared_reading *rd, const char *name)
{
	size_t mark = rd->where->len;

	buf_printf(rd->where, "%s%.60s", mark ? "." : "", name);
	return mark;
}

size_t
declared_enter_at(struct declared_reading *rd, size_t i)
{
	size_t mark = rd->where->len;

	buf_printf(rd->where, "[%zu]", i);
	return mark;
}

void
declared_leave(struct declared_reading *rd, size_t mark)
{
	rd->where->len = mark;
	rd->where->full = false;
}

static int
refuse_member(struct declared_reading *rd, const char *name,
	const struct declared_member *rows, size_t count)
{
	struct buf all _buf_ = {0};
	size_t best = SIZE_MAX, nearest = 0;

	buf_init(&all, 160);
	for (size_t i = 0; i < count; i++) {
		size_t d = slice_distance(
			slice_str(name), slice_str(rows[i].name));

		if (d < best) {
			best = d;
			nearest = i;
		}
		buf_printf(&all, "%s%s", i ? ", " : "", rows[i].name);
	}
	if (best <= 3 && best < strlen(name))
		return declared_refuse(rd,
			"\"%.40s\" is not known here; did you mean \"%s\"?",
			name, rows[nearest].name);
	return declared_refuse(rd, "\"%.40s\" is not known here: %.*s", name,
		(int)all.len, all.ptr);
}

int
declared_members(struct declared_reading *rd, const json_t *v,
	const struct declared_member *rows, size_t count)
{
	const char *name;
	json_t *value;

	if (!json_is_object(v))
		return declared_refuse(rd, "an object {…} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, value) {
		size_t i = 0;

		while (i < count && strcmp(rows[i].name, name) != 0)
			i++;
		/* a note for the reader */
		if (i == count && strcmp(name, "//") != 0)
			return refuse_member(rd, name, rows, count);
	}
	/* in the table's order: later rows may look at earlier ones */
	for (size_t i = 0; i < count; i++) {
		size_t mark;
		int e;

		value = json_object_get(v, rows[i].name);
		if (!value)
			continue;
		mark = declared_enter(rd, rows[i].name);
		e = rows[i].read(rd, value);
		if (e < 0)
			return e;
		declared_leave(rd, mark);
	}
	return 0;
}

int
declared_read_string(struct declared_reading *rd, const json_t *v, size_t top,
	const char **ret)
{
	const char *s = json_string_value(v);

	if (!s || !*s || strlen(s) != json_string_length(v))
		return declared_refuse(rd, "a text is wanted");
	if (strlen(s) > top)
		return declared_refuse(rd, "longer than %zu bytes", top);
	*ret = s;
	return 0;
}

int
declared_read_text(
	struct declared_reading *rd, const json_t *v, struct declared_text *ret)
{
	struct fault why = {0};
	const char *s = "";

	/* an empty text is one */
	if (!json_is_string(v) || json_string_length(v)) {
		int e = declared_read_string(rd, v, TEXT_TOP, &s);

		if (e < 0)
			return e;
	}
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return declared_refuse(
				rd, "control characters may not stand in it");
	if (declared_text_parse(ret, s, rd->route->names, &why) < 0)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

int
declared_header_token(struct declared_reading *rd, const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_TOP)
		return declared_refuse(rd, "a header's name is wanted");
	if (!header_name_is_valid(slice_of(name, len)))
		return declared_refuse(rd, "\"%s\" is no header's name", name);
	return 0;
}

int
declared_read_header_name(struct declared_reading *rd, const char *name)
{
	/* What says how the bytes travel is HTTP's, not a route's. */
	static const char *const ours[] = {"Connection", "Content-Length",
		"Transfer-Encoding", "Upgrade", "Keep-Alive", "TE", "Trailer",
		"Date", "X-Request-Id"};
	int e = declared_header_token(rd, name);

	if (e < 0)
		return e;
	for (size_t i = 0; i < array_size(ours); i++)
		if (slice_is_nocase(slice_str(name), ours[i]))
			return declared_refuse(
				rd, "%s is set by the server alone", ours[i]);
	return 0;
}
