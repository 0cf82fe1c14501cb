/*
 * KEEP_SETUP, read and written: one table of texts, the rest by hand.
 */
#include "functions/host_setup.h"

#include "base/mem.h"

#include <string.h>

enum { TEXT_TOP = 4096, STANDBY_TOP = 64 };

struct text {
	const char *key;
	size_t at;
	bool is_path;
};

static const struct text texts[] = {
	{"env", offsetof(struct host_setup, env), false},
	{"appid", offsetof(struct host_setup, appid), false},
	{"cloud_dir", offsetof(struct host_setup, cloud_dir), true},
	{"node", offsetof(struct host_setup, node), true},
	{"runner", offsetof(struct host_setup, runner), true},
	{"script", offsetof(struct host_setup, script), true},
};

static char **
text_of(struct host_setup *s, const struct text *t)
{
	return (char **)(void *)((char *)s + t->at);
}

static int
parse_texts(struct host_setup *s, const json_t *from, struct fault *why)
{
	for (size_t i = 0; i < array_size(texts); i++) {
		struct slice text;
		int r = val_str_or(
			from, texts[i].key, TEXT_TOP, SLICE(""), &text, why);

		if (r < 0)
			return r;
		if (memchr(text.ptr, '\0', text.len))
			return fault_set(
				why, ERR_PARAM, "%s: not a text", texts[i].key);
		if (texts[i].is_path && text.len > 0 && text.ptr[0] != '/')
			return fault_set(why, ERR_PARAM, "%s: an absolute path",
				texts[i].key);
		*text_of(s, &texts[i]) = str_ndup(text.ptr, text.len);
	}
	return 0;
}

static int
parse_rest(struct host_setup *s, const json_t *from, struct fault *why)
{
	int64_t standby;
	int r = val_int_or(from, "uid", -1, INT32_MAX, -1, &s->uid, why);

	if (r == 0)
		r = val_int_or(from, "gid", -1, INT32_MAX, -1, &s->gid, why);
	if (r == 0)
		r = val_bool_or(from, "strict", false, &s->strict, why);
	if (r == 0)
		r = val_int_or(
			from, "standby", 0, STANDBY_TOP, 0, &standby, why);
	if (r < 0)
		return r;
	s->standby = (unsigned)standby;
	return 0;
}

static int
parse_all(struct host_setup *s, struct slice text, struct fault *why)
{
	_json_ json_t *from = NULL;
	int r = val_parse(&from, text, why);

	if (r < 0)
		return r;
	r = fn_settings_parse(
		&s->function, json_object_get(from, "function"), why);
	if (r == 0)
		r = parse_texts(s, from, why);
	if (r == 0)
		r = parse_rest(s, from, why);
	if (r == 0 && s->function.runtime == RUNTIME_NODE &&
		(!*s->node || !*s->runner))
		r = fault_set(why, ERR_PARAM,
			"node, runner: needed for a node function");
	if (r == 0 && s->function.runtime == RUNTIME_SCRIPT &&
		(!*s->script || !*s->runner))
		r = fault_set(why, ERR_PARAM,
			"script, runner: needed for a script function");
	return r;
}

int
host_setup_parse(struct host_setup *ret, struct slice text, struct fault *why)
{
	struct host_setup s = {0};
	int r = parse_all(&s, text, why);

	if (r < 0) {
		host_setup_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

json_t *
host_setup_build(const struct host_setup *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "function", fn_settings_build(&s->function));
	for (size_t i = 0; i < array_size(texts); i++) {
		const char *value =
			*(char *const *)(const void *)((const char *)s +
						       texts[i].at);

		json_object_set_new(
			o, texts[i].key, json_string(value ? value : ""));
	}
	json_object_set_new(o, "uid", json_integer(s->uid));
	json_object_set_new(o, "gid", json_integer(s->gid));
	json_object_set_new(o, "strict", json_boolean(s->strict));
	json_object_set_new(o, "standby", json_integer(s->standby));
	return o;
}

void
host_setup_done(struct host_setup *s)
{
	fn_settings_done(&s->function);
	for (size_t i = 0; i < array_size(texts); i++) {
		char **at = text_of(s, &texts[i]);

		*at = mem_free(*at);
	}
}
