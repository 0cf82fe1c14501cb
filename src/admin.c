/*
 * From a line to a command with its members.  A member that the command does
 * not know is refused: a misspelt one must not be taken for absent.
 */
#include "src/admin.h"

#include "functions/settings.h"

#include <string.h>

enum { VERSION_TOP = 1000000000 };

const struct admin_command admin_commands[ADMIN_COUNT_] = {
#define X(index, name, must, may, text) \
	{ADMIN_##index##_COMMAND, name, must, may, text},
#include "src/admin.def"
#undef X
};

static const struct {
	const char *key;
	unsigned bit;
} members[] = {
	{"name", ADMIN_NAME},
	{"version", ADMIN_VERSION},
	{"entry", ADMIN_ENTRY},
	{"trial", ADMIN_TRIAL},
	{"alias", ADMIN_ALIAS},
	{"values", ADMIN_VALUES},
};

static int
find_command(
	const json_t *v, const struct admin_command **ret, struct fault *why)
{
	struct slice name;
	int r = val_str(v, "cmd", 32, &name, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ADMIN_COUNT_; i++)
		if (slice_is(name, admin_commands[i].name)) {
			*ret = &admin_commands[i];
			return 0;
		}
	return fault_set(why, ERR_ACTION, "cmd: there is no command \"%.*s\"",
		SLICE_ARG(name));
}

static unsigned
member_bit(const char *key)
{
	for (size_t i = 0; i < array_size(members); i++)
		if (!strcmp(members[i].key, key))
			return members[i].bit;
	return 0;
}

static int
check_members(const struct admin_command *c, json_t *v, struct fault *why)
{
	const char *key;
	json_t *value;

	json_object_foreach (v, key, value) {
		if (strcmp(key, "cmd") != 0 &&
			!(member_bit(key) & (c->must | c->may)))
			return fault_set(why, ERR_PARAM,
				"%s: does not take \"%.60s\"", c->name, key);
	}
	for (size_t i = 0; i < array_size(members); i++)
		if (c->must & members[i].bit &&
			!json_object_get(v, members[i].key))
			return fault_set(why, ERR_PARAM, "%s: needs \"%s\"",
				c->name, members[i].key);
	return 0;
}

/* A name is wanted where it must be; elsewhere it may be left out. */
static int
parse_name(struct admin_ask *ask, const json_t *v, struct fault *why)
{
	struct slice name;
	int r;

	if (!json_object_get(v, "name"))
		return 0;
	r = val_str(v, "name", sizeof(ask->name) - 1, &name, why);
	if (r == 0 && !fn_name_is_valid(name))
		r = fault_set(why, ERR_PARAM,
			"name: a letter, then letters, digits, - and _; 60 "
			"characters at most");
	if (r == 0)
		memcpy(ask->name, name.ptr, name.len);
	return r;
}

static int
parse_texts(struct admin_ask *ask, const json_t *v, struct fault *why)
{
	struct slice alias = SLICE("");
	int64_t version = 0;
	int r = parse_name(ask, v, why);

	if (r == 0 && json_object_get(v, "version"))
		r = val_int(v, "version", 1, VERSION_TOP, &version, why);
	if (r == 0 && json_object_get(v, "alias"))
		r = val_str(v, "alias", sizeof(ask->alias) - 1, &alias, why);
	if (r == 0 && memchr(alias.ptr, '\0', alias.len))
		r = fault_set(why, ERR_PARAM, "alias: not a name");
	if (r < 0)
		return r;
	memcpy(ask->alias, alias.ptr, alias.len);
	ask->version = (unsigned)version;
	return 0;
}

static int
parse_object(const json_t *v, const char *key, json_t **ret, struct fault *why)
{
	json_t *member = json_object_get(v, key);

	if (!member || json_is_null(member))
		return 0;
	if (!json_is_object(member))
		return fault_set(why, ERR_PARAM, "%s: must be an object", key);
	*ret = json_incref(member);
	return 0;
}

static int
parse_all(struct admin_ask *ask, json_t *v, struct fault *why)
{
	int r = find_command(v, &ask->command, why);

	if (r == 0)
		r = check_members(ask->command, v, why);
	if (r == 0)
		r = parse_texts(ask, v, why);
	if (r == 0)
		r = parse_object(v, "entry", &ask->entry, why);
	if (r == 0)
		r = parse_object(v, "trial", &ask->trial, why);
	if (r == 0)
		r = parse_object(v, "values", &ask->values, why);
	return r;
}

int
admin_parse(struct admin_ask *ret, struct slice line, struct fault *why)
{
	struct admin_ask ask = {0};
	_json_ json_t *v = NULL;
	int r;

	if (line.len > ADMIN_LINE_TOP)
		return fault_set(why, ERR_TOO_BIG, "a line is %d bytes at most",
			(int)ADMIN_LINE_TOP);
	r = val_parse(&v, line, why);
	if (r == 0 && !json_is_object(v))
		r = fault_set(why, ERR_PARAM, "a command is a JSON object");
	if (r == 0)
		r = parse_all(&ask, v, why);
	if (r < 0)
		admin_ask_done(&ask);
	else
		*ret = ask;
	return r;
}

void
admin_ask_done(struct admin_ask *ask)
{
	json_decref(ask->entry);
	json_decref(ask->trial);
	json_decref(ask->values);
	*ask = (struct admin_ask){0};
}
