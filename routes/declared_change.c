/*
 * What a route changes of a request and of its answer: headers, query, path,
 * status, JSON fields.  Read once into lists, which are run through for each
 * request (gateway/declared_fill.c), in the order set, add, remove, rename.
 */
#include "base/mem.h"
#include "routes/declared_inside.h"

#include <stdlib.h>
#include <string.h>

enum { FIELD_DEEP = 16 };

static const char *const whats[] = {"set", "add", "remove", "rename"};

/* {"name": "text"} of set and add, ["name"] of remove, by `one`. */
static int
each_name(struct declared_reading *rd, const json_t *v,
	int (*one)(struct declared_reading *rd, const char *name,
		const json_t *value))
{
	const char *name;
	json_t *value;
	size_t i, mark;
	int e = 0;

	if (rd->what == CHANGE_REMOVE) {
		if (!json_is_array(v))
			return declared_refuse(rd, "[\"name\", …] is wanted");
		json_array_foreach (v, i, value) {
			mark = declared_enter_at(rd, i);
			e = json_is_string(value)
				    ? one(rd, json_string_value(value), NULL)
				    : declared_refuse(rd, "a name is wanted");
			if (e < 0)
				return e;
			declared_leave(rd, mark);
		}
		return 0;
	}
	if (!json_is_object(v))
		return declared_refuse(rd, "{\"name\": …} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, value) {
		mark = declared_enter(rd, name);
		e = one(rd, name, value);
		if (e < 0)
			return e;
		declared_leave(rd, mark);
	}
	return 0;
}

static int
put_named(struct declared_reading *rd, struct declared_header **list,
	size_t *count, const char *name, const json_t *value)
{
	struct declared_header *h;

	if (*count == CHANGES_TOP)
		return declared_refuse(rd, "more than %d changes", CHANGES_TOP);
	if (!*list)
		*list = mem_array(CHANGES_TOP, struct declared_header);
	h = &(*list)[(*count)++];
	h->name = str_dup(name);
	h->what = rd->what;
	return value ? declared_read_text(rd, value, &h->value) : 0;
}

static int
one_header(struct declared_reading *rd, const char *name, const json_t *value)
{
	int e = declared_read_header_name(rd, name);

	return e < 0 ? e
		     : put_named(rd, &rd->change->headers,
			       &rd->change->nheaders, name, value);
}

static int
one_query(struct declared_reading *rd, const char *name, const json_t *value)
{
	return put_named(
		rd, &rd->change->query, &rd->change->nquery, name, value);
}

/* "a.b.0": members and places of arrays. */
static int
check_field(struct declared_reading *rd, const char *path)
{
	struct slice rest = slice_str(path), s;
	size_t deep = 0;

	if (!rest.len || rest.len > DECLARED_FIELD_TOP)
		return declared_refuse(rd, "a field's path is wanted: \"a.b\"");
	while (slice_split(&rest, '.', &s))
		if (!s.len || ++deep > FIELD_DEEP)
			return declared_refuse(rd,
				"\"%s\": a field's path is \"a.b\", of at most "
				"%d parts",
				path, FIELD_DEEP);
	return 0;
}

static int
one_field(struct declared_reading *rd, const char *name, const json_t *value)
{
	struct declared_change *c = rd->change;
	struct declared_field *f;
	int e = check_field(rd, name);

	if (e < 0)
		return e;
	if (c->nfields == CHANGES_TOP)
		return declared_refuse(rd, "more than %d changes", CHANGES_TOP);
	if (!c->fields)
		c->fields = mem_array(CHANGES_TOP, struct declared_field);
	f = &c->fields[c->nfields++];
	f->path = str_dup(name);
	f->what = rd->what;
	if (rd->what == CHANGE_SET && json_is_string(value))
		return declared_read_text(rd, value, &f->text);
	if (rd->what == CHANGE_SET)
		f->value = json_deep_copy(value);
	if (rd->what != CHANGE_RENAME)
		return 0;
	if (!json_is_string(value))
		return declared_refuse(rd, "the new name is wanted");
	f->to = str_dup(json_string_value(value));
	return check_field(rd, f->to);
}

/* {"set": …, "remove": …}: those of `whats` whose bit is in `allowed`. */
static int
read_whats(struct declared_reading *rd, const json_t *v, unsigned allowed,
	int (*one)(struct declared_reading *rd, const char *name,
		const json_t *value))
{
	const char *name;
	json_t *value;

	if (!json_is_object(v))
		return declared_refuse(
			rd, "{\"set\": {…}, \"remove\": […]} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, value)
		for (size_t i = 0;; i++) {
			if (i == array_size(whats))
				return declared_refuse(rd,
					"\"%s\" is not known here: set, %s%s",
					name,
					allowed & 2 ? "add, remove" : "remove",
					allowed & 8 ? ", rename" : "");
			if (allowed >> i & 1 && !strcmp(name, whats[i]))
				break;
		}
	for (size_t i = 0; i < array_size(whats); i++) {
		size_t mark;
		int e;

		value = json_object_get(v, whats[i]);
		if (!value)
			continue;
		mark = declared_enter(rd, whats[i]);
		rd->what = (int)i;
		e = each_name(rd, value, one);
		if (e < 0)
			return e;
		declared_leave(rd, mark);
	}
	return 0;
}

static int
read_headers(struct declared_reading *rd, const json_t *v)
{
	return read_whats(rd, v, 1 | 2 | 4, one_header);
}

static int
read_query(struct declared_reading *rd, const json_t *v)
{
	return read_whats(rd, v, 1 | 4, one_query);
}

static int
read_json(struct declared_reading *rd, const json_t *v)
{
	return read_whats(rd, v, 1 | 4 | 8, one_field);
}

static int
read_path(struct declared_reading *rd, const json_t *v)
{
	int e = declared_read_text(rd, v, &rd->change->path);

	if (e == 0 && rd->change->path.whole[0] != '/')
		e = declared_refuse(rd, "it begins with a slash: /v2/{id}");
	return e;
}

static bool
is_status(int64_t n)
{
	return n >= 200 && n <= 599;
}

static int
one_status(struct declared_reading *rd, const char *name, const json_t *v)
{
	struct declared_change *c = rd->change;
	uint64_t from = 0;

	if (slice_to_u64(slice_str(name), 599, &from) < 0 ||
		!is_status((int64_t)from) ||
		!is_status(json_integer_value(v)) ||
		c->nstatuses == array_size(c->statuses))
		return declared_refuse(rd,
			"{\"404\": 200} is wanted, statuses from 200 to 599, "
			"%zu at the most",
			array_size(c->statuses));
	c->statuses[c->nstatuses++] =
		(struct declared_status){(int)from, (int)json_integer_value(v)};
	return 0;
}

static int
read_status(struct declared_reading *rd, const json_t *v)
{
	if (json_is_object(v)) {
		rd->what = CHANGE_SET;
		return each_name(rd, v, one_status);
	}
	if (!is_status(json_integer_value(v)))
		return declared_refuse(rd, "a status from 200 to 599 is "
					   "wanted, or {\"404\": 200}");
	rd->change->status = (int)json_integer_value(v);
	return 0;
}

static const struct declared_member of_request[] = {
	{"path", read_path},
	{"headers", read_headers},
	{"query", read_query},
	{"json", read_json},
};

static const struct declared_member of_response[] = {
	{"status", read_status},
	{"headers", read_headers},
	{"json", read_json},
};

int
declared_change_read(struct declared_change *c, struct declared_reading *rd,
	const json_t *v, bool of_answer)
{
	rd->change = c;
	rd->of_answer = of_answer;
	return of_answer ? declared_members(
				   rd, v, of_response, array_size(of_response))
			 : declared_members(
				   rd, v, of_request, array_size(of_request));
}

static void
headers_done(struct declared_header *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		declared_text_done(&list[i].value);
	}
	free(list);
}

void
declared_change_done(struct declared_change *c)
{
	headers_done(c->headers, c->nheaders);
	headers_done(c->query, c->nquery);
	for (size_t i = 0; i < c->nfields; i++) {
		free(c->fields[i].path);
		free(c->fields[i].to);
		json_decref(c->fields[i].value);
		declared_text_done(&c->fields[i].text);
	}
	free(c->fields);
	declared_text_done(&c->path);
	*c = (struct declared_change){0};
}

/* --- what is asked of it --- */

int
declared_change_status(const struct declared_change *c, int status)
{
	for (size_t i = 0; i < c->nstatuses; i++)
		if (c->statuses[i].from == status)
			return c->statuses[i].to;
	/* What failed is not called a success by one number for all. */
	return c->status && status < 300 ? c->status : status;
}

const struct declared_header *
declared_change_of(
	const struct declared_header *list, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].what != CHANGE_ADD &&
			slice_is_nocase(name, list[i].name))
			return &list[i];
	return NULL;
}
