/*
 * {{env.NAME}} in cloudbaserc.json, as CloudBase's own tool has it: the value
 * of NAME in the project's .env.local or .env, else in the environment.  Only
 * functions' entries are looked at; the rest of the file is not for us.
 */
#include "cli/project.h"

#include "base/mem.h"
#include "base/paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_TOP = 1024 * 1024, TEXT_TOP = 64 * 1024 };

/* NAME=VALUE lines; quotes around a value go, # begins a comment. */
static void
read_lines(struct slice text, json_t *to)
{
	struct slice line;

	while (slice_split(&text, '\n', &line)) {
		struct slice value = line, name;

		if (!slice_split(&value, '=', &name))
			continue;
		name = slice_trim(name);
		if (value.len && value.ptr[value.len - 1] == '\r')
			value.len--;
		value = slice_trim(value);
		if (!name.len || name.ptr[0] == '#' || name.len == line.len)
			continue;
		if (value.len > 1 && strchr("\"'", value.ptr[0]) &&
			value.ptr[value.len - 1] == value.ptr[0])
			value = slice_of(value.ptr + 1, value.len - 2);
		(void)json_object_setn_new(to, name.ptr, name.len,
			json_stringn(value.ptr, value.len));
	}
}

static void
read_file(const char *dir, const char *name, json_t *to)
{
	_free_ char *path = str_printf("%s/%s", dir, name);
	_free_ char *text = NULL;
	size_t len;

	if (access(path, R_OK) == 0 &&
		file_read(path, FILE_TOP, &text, &len, NULL) == 0)
		read_lines(slice_of(text, len), to);
}

/* NULL: nobody says. */
static const char *
value_of(const json_t *known, const char *name)
{
	const char *value = json_string_value(json_object_get(known, name));

	return value ? value : getenv(name);
}

/* "{{ env.NAME }}" at the beginning of `text`: its length, and the name. */
static size_t
reference_at(const char *text, char **ret)
{
	const char *at = text + strspn(text, "{"), *name;
	size_t len;

	if (at - text != 2)
		return 0;
	at += strspn(at, " ");
	if (strncmp(at, "env.", 4) != 0)
		return 0;
	name = at + 4;
	for (len = 0; isalnum((unsigned char)name[len]) || name[len] == '_';)
		len++;
	at = name + len;
	at += strspn(at, " ");
	if (!len || strncmp(at, "}}", 2) != 0)
		return 0;
	*ret = str_ndup(name, len);
	return (size_t)(at + 2 - text);
}

static int
put_text(const json_t *known, const char *text, struct buf *to,
	struct fault *why)
{
	while (*text) {
		_free_ char *name = NULL;
		size_t len = *text == '{' ? reference_at(text, &name) : 0;
		const char *value = len ? value_of(known, name) : NULL;

		if (len && !value)
			return fault_set(why, ERR_PARAM,
				"cloudbaserc.json: {{env.%s}}: there is no %s "
				"in the project's .env, nor in the environment",
				name, name);
		if (len)
			buf_str(to, value);
		else
			buf_char(to, *text);
		text += len ? len : 1;
	}
	return 0;
}

/* A new reference. */
static int
fill(const json_t *known, json_t *v, json_t **ret, struct fault *why)
{
	_json_ json_t *all = NULL;
	const char *key;
	json_t *one, *filled = NULL;
	size_t i;
	int r = 0;

	if (json_is_string(v)) {
		_buf_ struct buf to = {0};

		buf_init(&to, TEXT_TOP);
		r = put_text(known, json_string_value(v), &to, why);
		if (r == 0)
			*ret = json_stringn(to.len ? to.ptr : "", to.len);
		return r;
	}
	if (!json_is_object(v) && !json_is_array(v)) {
		*ret = json_incref(v);
		return 0;
	}
	all = json_is_object(v) ? json_object() : json_array();
	json_object_foreach (v, key, one) {
		r = fill(known, one, &filled, why);
		if (r < 0)
			return r;
		(void)json_object_set_new(all, key, filled);
	}
	json_array_foreach (v, i, one) {
		r = fill(known, one, &filled, why);
		if (r < 0)
			return r;
		(void)json_array_append_new(all, filled);
	}
	*ret = take(all);
	return 0;
}

int
project_fill(struct project *p, struct fault *why)
{
	static const char *const members[] = {
		"functions", "functionDefaultConfig"};
	_json_ json_t *known = json_object();

	read_file(p->dir, ".env", known);
	read_file(p->dir, ".env.local", known);
	for (size_t i = 0; i < array_size(members); i++) {
		json_t *v = json_object_get(p->file, members[i]);
		json_t *filled = NULL;
		int r = v ? fill(known, v, &filled, why) : 0;

		if (r < 0)
			return r;
		if (v)
			(void)json_object_set_new(p->file, members[i], filled);
	}
	return 0;
}
