/*
 * What a request fills into the texts of its route, and into JSON.  It is a
 * stranger's and is made harmless for its place.
 */
#include "gateway/declared_fill.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"
#include "gateway/declared_request.h"
#include "gateway/request.h"

#include <string.h>

enum { TEXT_TOP = 64 * 1024, FILL_TOP = 4096 };

struct slice
declared_fill_value(struct request *r, const char *name)
{
	const struct declared_captures *c = r->captures;

	for (size_t i = 0; c && i < c->count; i++)
		if (slice_is(c->list[i].name, name))
			return c->list[i].value;
	if (strcmp(name, "$host") == 0)
		return exchange_header(r->x, "Host");
	if (strcmp(name, "$path") == 0)
		return slice_str(exchange_path(r->x));
	if (strcmp(name, "$query") == 0)
		return declared_query(r);
	if (strcmp(name, "$method") == 0)
		return slice_str(exchange_method(r->x));
	if (strcmp(name, "$ip") == 0)
		return slice_str(exchange_peer(r->x));
	if (strcmp(name, "$user") == 0)
		return slice_str(r->caller.uid);
	if (strcmp(name, "$request") == 0)
		return slice_str(exchange_id(r->x));
	return SLICE("");
}

static void
put_path(struct buf *to, struct slice s)
{
	struct slice segment;

	for (bool first = true; slice_split(&s, '/', &segment); first = false) {
		if (!first)
			buf_char(to, '/');
		text_url(to, segment);
	}
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	return false;
}

static int
put_value(struct buf *to, struct request *r, const char *name,
	enum declared_place place)
{
	struct slice s = declared_fill_value(r, name);

	if (place == PLACE_HEADER && has_control(s))
		return fault_set(&r->why, ERR_BAD_REQUEST,
			"the path holds control characters");
	/* the query is encoded already, and the host is one (RFC 9112, 3.2) */
	if (strcmp(name, "$host") == 0) {
		buf_slice(to, s);
		return 0;
	}
	if (place == PLACE_PATH && strcmp(name, "$query") != 0)
		put_path(to, s);
	else if (place == PLACE_QUERY && strcmp(name, "$query") != 0)
		text_url(to, s);
	else
		buf_slice(to, s);
	return 0;
}

int
declared_fill(const struct declared_text *t, struct request *r,
	enum declared_place place, struct slice *ret)
{
	struct buf b _buf_ = {0};
	int e = 0;

	buf_init(&b, TEXT_TOP);
	for (size_t i = 0; e == 0 && i < t->count; i++)
		if (t->piece[i].is_name)
			e = put_value(&b, r, t->piece[i].text, place);
		else
			buf_str(&b, t->piece[i].text);
	if (e == 0)
		e = buf_check(&b);
	if (e == 0)
		*ret = slice_str(arena_str(request_arena(r), buf_all(&b)));
	return e;
}

/* --- JSON fields --- */

/* The holder of a field's last part, made on the way when `make`; NULL: there
 * is none. */
static json_t *
holder_of(json_t *at, const char *path, bool make, char *last, size_t room)
{
	struct slice rest = slice_str(path), s;

	while (slice_split(&rest, '.', &s)) {
		json_t *next = NULL;
		uint64_t i = 0;

		if (s.len >= room)
			return NULL;
		memcpy(last, s.ptr, s.len);
		last[s.len] = '\0';
		if (!rest.ptr)
			return at;
		if (json_is_object(at))
			next = json_object_get(at, last);
		else if (json_is_array(at) && slice_to_u64(s, 1 << 20, &i) == 0)
			next = json_array_get(at, (size_t)i);
		if (!next && make && json_is_object(at)) {
			next = json_object();
			(void)json_object_set_new(at, last, next);
		}
		at = next;
	}
	return NULL;
}

static json_t *
part_get(const json_t *at, const char *last)
{
	uint64_t i;

	if (json_is_object(at))
		return json_object_get(at, last);
	if (json_is_array(at) &&
		slice_to_u64(slice_str(last), 1 << 20, &i) == 0)
		return json_array_get(at, (size_t)i);
	return NULL;
}

static void
part_set(json_t *at, const char *last, json_t *value)
{
	uint64_t i;

	if (json_is_object(at))
		(void)json_object_set_new(at, last, value);
	else if (json_is_array(at) &&
		 slice_to_u64(slice_str(last), 1 << 20, &i) == 0)
		(void)json_array_set_new(at, (size_t)i, value);
	else
		json_decref(value);
}

static void
part_remove(json_t *at, const char *last)
{
	uint64_t i;

	if (json_is_object(at))
		(void)json_object_del(at, last);
	else if (json_is_array(at) &&
		 slice_to_u64(slice_str(last), 1 << 20, &i) == 0)
		(void)json_array_remove(at, (size_t)i);
}

static int
field_value(const struct declared_field *f, struct request *r, json_t **ret)
{
	struct slice text;
	int e;

	if (f->value) {
		*ret = json_deep_copy(f->value);
		return 0;
	}
	e = declared_fill(&f->text, r, PLACE_JSON, &text);
	*ret = e == 0 ? json_stringn(text.ptr, text.len) : NULL;
	if (e == 0 && !*ret) /* a path that is no UTF-8 */
		e = fault_set(
			&r->why, ERR_BAD_REQUEST, "the path is not UTF-8 text");
	return e;
}

static int
field_change(const struct declared_field *f, struct request *r, json_t *all)
{
	char last[DECLARED_FIELD_TOP + 1];
	json_t *at = holder_of(
		all, f->path, f->what == CHANGE_SET, last, sizeof(last));
	json_t *value = NULL;
	int e;

	if (!at)
		return 0;
	if (f->what == CHANGE_SET) {
		e = field_value(f, r, &value);
		if (e == 0)
			part_set(at, last, value);
		return e;
	}
	value = json_incref(part_get(at, last));
	if (value)
		part_remove(at, last);
	if (value && f->what == CHANGE_RENAME) {
		at = holder_of(all, f->to, true, last, sizeof(last));
		if (at)
			part_set(at, last, json_incref(value));
	}
	json_decref(value);
	return 0;
}

int
declared_fill_json(const struct declared_change *c, struct request *r,
	struct slice in, struct slice *ret, struct fault *why)
{
	_json_ json_t *all = NULL;
	struct buf b _buf_ = {0};
	size_t values = VAL_REQUEST_TOP;
	int e = val_parse_some(&all, in, &values, why);

	if (e < 0)
		return e;
	if (!json_is_object(all))
		return fault_set(why, ERR_JSON, "not a JSON object");
	for (size_t i = 0; i < c->nfields; i++) {
		e = field_change(&c->fields[i], r, all);
		if (e < 0)
			return e;
	}
	buf_init(&b, in.len * 6 + CHANGES_TOP * FILL_TOP * 8);
	val_put(&b, all);
	e = buf_check(&b);
	if (e < 0)
		return e;
	*ret = buf_all(&b);
	{
		char *room = arena_try(request_arena(r), ret->len + 1);

		if (!room)
			return ERR_TOO_BIG;
		memcpy(room, ret->ptr, ret->len);
		*ret = slice_of(room, ret->len);
	}
	return 0;
}
