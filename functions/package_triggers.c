/*
 * Triggers, checked while their author is here.  What each type takes is a
 * table of its members; the members' own checks are small functions.
 */
#include "functions/package_triggers.h"

#include "base/mem.h"
#include "functions/cron.h"
#include "functions/http_path.h"

#include <ctype.h>
#include <string.h>

enum {
	TRIGGERS_TOP = 100, /* of a function */
	NAME_TOP = 60,
	TEXT_TOP = 1024,
	MESSAGE_TOP = 4096,
	PARTS_TOP = 16,
	MEMBERS = 6,
};

/* Checks `from`'s member and puts it into `to` as everybody reads it. */
typedef int member_fn(
	const json_t *from, json_t *to, const char *key, struct fault *why);

struct member {
	const char *key;
	member_fn *read;
};

struct type {
	const char *name;
	struct member members[MEMBERS];
	const char *const *events;
};

static const char *const document_events[] = {
	"create", "update", "delete", NULL};
static const char *const file_events[] = {"create", "delete", NULL};
static const char *const login_events[] = {"every", "first", NULL};
static const char *const pay_events[] = {"paid", "refunded", NULL};

/* --- members --- */

static int
text_of(const json_t *from, const char *key, size_t top, struct slice preset,
	struct slice *ret, struct fault *why)
{
	int r = val_str_or(from, key, top, preset, ret, why);

	if (r == 0 && memchr(ret->ptr, '\0', ret->len))
		return fault_set(why, ERR_PARAM, "%s: a zero byte in it", key);
	return r;
}

static void
put(json_t *to, const char *key, struct slice text)
{
	(void)json_object_set_new(to, key, json_stringn(text.ptr, text.len));
}

static int
take_cron(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct cron cron;
	struct slice text;
	int r = val_str(from, key, TEXT_TOP, &text, why);

	if (r < 0)
		return r;
	r = cron_parse(&cron, text, why);
	if (r < 0)
		return fault_prefix(why, r, "%s: ", key);
	put(to, key, text);
	return 0;
}

static int
take_zone(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	_cleanup_(zone_freep) struct zone *zone = NULL;
	struct slice text;
	int r = text_of(from, key, TEXT_TOP, SLICE(""), &text, why);

	if (r < 0)
		return r;
	r = zone_open(&zone, text, why);
	if (r < 0)
		return fault_prefix(why, r, "%s: ", key);
	put(to, key, text);
	return 0;
}

static int
take_missed(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct slice text;
	int r = text_of(from, key, 16, SLICE("skip"), &text, why);

	if (r < 0)
		return r;
	if (!slice_is(text, "skip") && !slice_is(text, "once") &&
		!slice_is(text, "all"))
		return fault_set(why, ERR_PARAM,
			"%s: skip, once or all, not \"%.*s\"", key,
			SLICE_ARG(text));
	put(to, key, text);
	return 0;
}

static int
take_message(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct slice text;
	int r = text_of(from, key, MESSAGE_TOP, SLICE(""), &text, why);

	if (r == 0)
		put(to, key, text);
	return r;
}

/* CloudBase writes it as "config"; "/" at the end says nothing. */
static int
take_path(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	const char *its = json_object_get(from, key) ? key : "config";
	struct slice text;
	int r = text_of(from, its, TEXT_TOP, SLICE(""), &text, why);

	if (r < 0)
		return r;
	while (text.len > 1 && text.ptr[text.len - 1] == '/')
		text.len--;
	r = http_path_check(text, why);
	if (r == 0)
		put(to, key, text);
	return r;
}

/* Whether a call needs an access token. */
static int
take_auth(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	bool auth;
	int r = val_bool_or(from, key, false, &auth, why);

	if (r == 0 && auth)
		(void)json_object_set_new(to, key, json_true());
	return r;
}

static int
add_method(json_t *to, const json_t *one, struct fault *why)
{
	const char *text = json_string_value(one);
	char upper[17] = "";
	size_t len = json_string_length(one);

	for (size_t i = 0; text && i < len && len < sizeof(upper); i++) {
		if (!isalpha((unsigned char)text[i]))
			break;
		upper[i] = (char)toupper((unsigned char)text[i]);
	}
	if (!len || strlen(upper) != len || !http_method_bits(slice_str(upper)))
		return fault_set(why, ERR_PARAM,
			"methods: an array of HTTP methods is wanted, as "
			"[\"GET\", \"POST\"]");
	(void)json_array_append_new(to, json_string(upper));
	return 0;
}

static int
take_methods(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	const json_t *list = json_object_get(from, key), *one;
	_json_ json_t *all = json_array();
	size_t i;
	int r;

	if (list && !json_is_null(list) &&
		(!json_is_array(list) || json_array_size(list) > PARTS_TOP))
		return fault_set(why, ERR_PARAM,
			"%s: an array of HTTP methods is wanted, as [\"GET\", "
			"\"POST\"]",
			key);
	json_array_foreach (list, i, one) {
		r = add_method(all, one, why);
		if (r < 0)
			return r;
	}
	(void)json_object_set(to, key, all);
	return 0;
}

static int
take_collection(
	const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct slice text;
	int r = text_of(from, key, TEXT_TOP, SLICE(""), &text, why);

	if (r == 0 && !text.len)
		return fault_set(why, ERR_PARAM,
			"%s: the name of a collection is wanted", key);
	if (r == 0)
		put(to, key, text);
	return r;
}

static int
take_prefix(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct slice text;
	int r = text_of(from, key, TEXT_TOP, SLICE(""), &text, why);

	while (r == 0 && text.len && text.ptr[0] == '/')
		text = slice_of(text.ptr + 1, text.len - 1);
	if (r == 0)
		put(to, key, text);
	return r;
}

/* Of several mini programs the one whose messages are meant; "" is any. */
static int
take_appid(const json_t *from, json_t *to, const char *key, struct fault *why)
{
	struct slice text;
	int r = text_of(from, key, NAME_TOP, SLICE(""), &text, why);

	if (r == 0)
		put(to, key, text);
	return r;
}

/* WeChat adds events at any time: only their form is looked at. */
static bool
is_push_event(const json_t *one)
{
	const char *text = json_string_value(one);

	if (!text || !*text || strlen(text) > 2 * NAME_TOP)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
			return false;
	return true;
}

/* None: all messages. */
static int
take_push_events(
	const json_t *from, json_t *to, const char *key, struct fault *why)
{
	const json_t *list = json_object_get(from, key), *one;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || !json_array_size(list) ||
		json_array_size(list) > TRIGGERS_TOP)
		return fault_set(why, ERR_PARAM,
			"%s: an array of MsgType and Event is wanted, as "
			"[\"text\", \"user_enter_tempsession\"]; leave it out "
			"for all messages",
			key);
	json_array_foreach (list, i, one)
		if (!is_push_event(one))
			return fault_set(why, ERR_PARAM,
				"%s[%zu]: a MsgType (\"text\"), an Event "
				"(\"user_enter_tempsession\"), \"message\" or "
				"\"event\" is wanted",
				key, i);
	(void)json_object_set_new(to, key, json_deep_copy(list));
	return 0;
}

static const struct type types[] = {
	{"timer",
		{{"config", take_cron}, {"timezone", take_zone},
			{"missed", take_missed}, {"message", take_message}},
		NULL},
	{"http",
		{{"path", take_path}, {"methods", take_methods},
			{"auth", take_auth}},
		NULL},
	{"document", {{"collection", take_collection}}, document_events},
	{"file", {{"prefix", take_prefix}}, file_events},
	{"login", {{0}}, login_events},
	{"pay", {{0}}, pay_events},
	{"push", {{"appid", take_appid}, {"events", take_push_events}}, NULL},
};

/* --- events --- */

static json_t *
all_events(const struct type *t)
{
	json_t *all = json_array();

	/* Of a login either the first or every one: the first of the table. */
	if (t->events == login_events) {
		(void)json_array_append_new(all, json_string(t->events[0]));
		return all;
	}
	for (size_t i = 0; t->events[i]; i++)
		(void)json_array_append_new(all, json_string(t->events[i]));
	return all;
}

static bool
is_event(const struct type *t, const char *text)
{
	for (size_t i = 0; text && t->events[i]; i++)
		if (!strcmp(t->events[i], text))
			return true;
	return false;
}

static int
bad_events(const struct type *t, struct fault *why)
{
	_buf_ struct buf known = {0};

	buf_init(&known, 128);
	for (size_t i = 0; t->events[i]; i++)
		buf_printf(&known, "%s\"%s\"", i ? ", " : "", t->events[i]);
	return fault_set(
		why, ERR_PARAM, "events: an array of %s is wanted", known.ptr);
}

static int
take_events(
	const struct type *t, const json_t *from, json_t *to, struct fault *why)
{
	const json_t *list = json_object_get(from, "events"), *one;
	size_t i;

	if (!t->events)
		return 0;
	if (!list || json_is_null(list)) {
		(void)json_object_set_new(to, "events", all_events(t));
		return 0;
	}
	if (!json_is_array(list) || !json_array_size(list) ||
		json_array_size(list) > PARTS_TOP)
		return bad_events(t, why);
	json_array_foreach (list, i, one)
		if (!is_event(t, json_string_value(one)))
			return bad_events(t, why);
	(void)json_object_set_new(to, "events", json_deep_copy(list));
	return 0;
}

/* --- one trigger --- */

static const struct type *
find_type(struct slice name)
{
	for (size_t i = 0; i < array_size(types); i++)
		if (slice_is(name, types[i].name))
			return &types[i];
	return NULL;
}

static bool
name_is_valid(struct slice name)
{
	if (!name.len || name.len > NAME_TOP ||
		!isalpha((unsigned char)name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) &&
			name.ptr[i] != '-' && name.ptr[i] != '_')
			return false;
	return true;
}

static bool
is_member(const struct type *t, const char *key)
{
	if (!strcmp(key, "name") || !strcmp(key, "type") ||
		(t->events && !strcmp(key, "events")) ||
		(!strcmp(t->name, "http") && !strcmp(key, "config")))
		return true;
	for (size_t i = 0; i < MEMBERS && t->members[i].key; i++)
		if (!strcmp(key, t->members[i].key))
			return true;
	return false;
}

/* A misspelled member would silently be the preset. */
static int
check_members(const struct type *t, const json_t *from, struct fault *why)
{
	json_t *all = (json_t *)(uintptr_t)from, *value;
	const char *key;

	json_object_foreach (all, key, value)
		if (!is_member(t, key))
			return fault_set(why, ERR_PARAM,
				"\"%.40s\" is no member of a trigger of type "
				"%s",
				key, t->name);
	return 0;
}

static int
take_members(
	const struct type *t, const json_t *from, json_t *to, struct fault *why)
{
	int r = check_members(t, from, why);

	for (size_t i = 0; r == 0 && i < MEMBERS && t->members[i].key; i++)
		r = t->members[i].read(from, to, t->members[i].key, why);
	return r == 0 ? take_events(t, from, to, why) : r;
}

static int
parse_one(const json_t *from, json_t *to, struct fault *why)
{
	const struct type *t;
	struct slice type, name;
	int r;

	if (!json_is_object(from))
		return fault_set(why, ERR_PARAM, "an object is wanted");
	r = val_str(from, "type", 32, &type, why);
	if (r < 0)
		return r;
	t = find_type(type);
	if (!t)
		return fault_set(why, ERR_PARAM,
			"type: timer, http, document, file, login, pay or "
			"push, not "
			"\"%.*s\"",
			SLICE_ARG(type));
	r = val_str_or(from, "name", NAME_TOP, type, &name, why);
	if (r < 0)
		return r;
	if (!name_is_valid(name))
		return fault_set(why, ERR_PARAM,
			"name: a letter, then letters, digits, - and _; %d at "
			"most",
			(int)NAME_TOP);
	put(to, "name", name);
	put(to, "type", type);
	return take_members(t, from, to, why);
}

/* --- all --- */

static bool
same_name(const json_t *a, const json_t *b)
{
	return json_equal(
		json_object_get(a, "name"), json_object_get(b, "name"));
}

/* In its namesake's place, or at the end. */
static int
add_one(json_t *to, json_t *one, size_t from, struct fault *why)
{
	json_t *other;
	size_t i;

	json_array_foreach (to, i, other) {
		if (!same_name(other, one))
			continue;
		if (i >= from)
			return fault_set(why, ERR_PARAM,
				"name: \"%s\" is another trigger's already",
				json_string_value(
					json_object_get(one, "name")));
		(void)json_array_set(to, i, one);
		return 0;
	}
	(void)json_array_append(to, one);
	return 0;
}

static int
add_all(json_t *to, const json_t *list, struct fault *why)
{
	size_t before = json_array_size(to), i;
	const json_t *one;
	int r;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > TRIGGERS_TOP)
		return fault_set(why, ERR_PARAM,
			"triggers: an array of %d at the most",
			(int)TRIGGERS_TOP);
	json_array_foreach (list, i, one) {
		_json_ json_t *taken = json_object();

		r = parse_one(one, taken, why);
		if (r == 0)
			r = add_one(to, taken, before, why);
		if (r < 0)
			return fault_prefix(why, r, "triggers[%zu]: ", i);
	}
	return 0;
}

int
package_triggers(const json_t *config, const json_t *entry, json_t **ret,
	struct fault *why)
{
	_json_ json_t *all = json_array();
	int r = add_all(all, config, why);

	if (r < 0)
		return fault_prefix(why, r, "config.json: ");
	r = add_all(all, entry, why);
	if (r == 0)
		*ret = take(all);
	return r;
}
