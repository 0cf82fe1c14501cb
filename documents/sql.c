/*
 * The only place where a name becomes SQL, and the only one that numbers
 * parameters.
 */
#include "documents/sql.h"

enum { TEXT_TOP = 256 << 10, TEXT_USUAL = 500 };

void
sql_init(struct sql *s, struct arena *arena)
{
	s->arena = arena;
	s->count = 0;
	s->full = false;
	buf_init(&s->text, TEXT_TOP);
	(void)buf_reserve(&s->text, TEXT_USUAL);
}

void
sql_done(struct sql *s)
{
	buf_done(&s->text);
}

int
sql_check(const struct sql *s, struct fault *why)
{
	if (s->full || buf_check(&s->text) < 0)
		return fault_set(why, ERR_DB_PARAM,
			"the request has too many conditions or changes");
	return 0;
}

void
sql_add(struct sql *s, const char *text)
{
	buf_str(&s->text, text);
}

int
sql_hold(struct sql *s, struct slice value)
{
	if (s->count >= ASK_PARAMS) {
		s->full = true;
		return s->count;
	}
	s->once[s->count] = NULL;
	s->param[s->count++] = value;
	return s->count;
}

static void
mention(struct sql *s, int n, const char *type)
{
	buf_char(&s->text, '$');
	buf_i64(&s->text, n);
	buf_str(&s->text, "::");
	buf_str(&s->text, type);
}

void
sql_param(struct sql *s, struct slice value, const char *type)
{
	mention(s, sql_hold(s, value), type);
}

/* The number of a parameter that sql_param_once gave before; 0: none. */
static int
find_once(const struct sql *s, struct slice value, const char *type)
{
	for (int i = 0; i < s->count; i++)
		if (s->once[i] && slice_eq(s->param[i], value) &&
			strcmp(s->once[i], type) == 0)
			return i + 1;
	return 0;
}

void
sql_param_once(struct sql *s, struct slice value, const char *type)
{
	int n = find_once(s, value, type);

	if (!n) {
		n = sql_hold(s, value);
		if (!s->full)
			s->once[n - 1] = type;
	}
	mention(s, n, type);
}

void
sql_param_buf(struct sql *s, const struct buf *value, const char *type)
{
	char *copy = arena_try(s->arena, value->len + 1);

	if (!copy || buf_check(value) < 0) {
		s->full = true;
		return;
	}
	memcpy(copy, buf_all(value).ptr, value->len);
	sql_param(s, slice_of(copy, value->len), type);
}

void
sql_array_item(struct buf *to, struct slice item)
{
	buf_char(to, '"');
	for (size_t i = 0; i < item.len; i++) {
		if (item.ptr[i] == '"' || item.ptr[i] == '\\')
			buf_char(to, '\\');
		buf_char(to, item.ptr[i]);
	}
	buf_char(to, '"');
}

void
sql_param_path(struct sql *s, const struct path *path)
{
	_buf_ struct buf list;
	int n;

	buf_init(&list, 8192);
	buf_char(&list, '{');
	for (unsigned i = 0; i < path->count; i++) {
		if (i)
			buf_char(&list, ',');
		sql_array_item(&list, path->step[i]);
	}
	buf_char(&list, '}');
	n = find_once(s, buf_all(&list), "text[]");
	if (n) {
		mention(s, n, "text[]");
		return;
	}
	sql_param_buf(s, &list, "text[]");
	if (!s->full)
		s->once[s->count - 1] = "text[]";
}

void
sql_param_i64(struct sql *s, int64_t n)
{
	_buf_ struct buf text;

	buf_init(&text, 32);
	buf_i64(&text, n);
	sql_param_buf(s, &text, "bigint");
}

void
sql_ident(struct buf *to, struct slice name)
{
	const char *at = name.ptr, *end = name.ptr + name.len, *quote;

	buf_char(to, '"');
	while (at < end && (quote = memchr(at, '"', (size_t)(end - at)))) {
		buf_add(to, at, (size_t)(quote + 1 - at));
		buf_char(to, '"');
		at = quote + 1;
	}
	buf_add(to, at, (size_t)(end - at));
	buf_char(to, '"');
}
