/*
 * Variables and secrets of functions.  One shape for both files and one walk
 * through the four places that a variable can come from, least first.
 */
#include "functions/registry_env.h"

#include "auth/seal.h"
#include "base/mem.h"
#include "base/text.h"
#include "functions/registry_inside.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum {
	NAME_TOP = 128,
	VALUE_TOP = 8 * 1024,
	SUM_TOP = 16 * 1024, /* of one function, fn_settings' own ceiling */
	SEALED_TOP = 4 * VALUE_TOP,
};

/* What the platform itself says to the SDKs (variables.c). */
static const char *const ours[] = {"TENCENTCLOUD_RUNENV", "TENCENTCLOUD_REGION",
	"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TCB_CONTEXT_CNFG",
	"_SCF_TCB_LOG", "TCB_ENV", "SCF_NAMESPACE", "WX_APPID"};

/* --- the two files --- */

static char *
variables_path(const struct registry *r)
{
	return str_printf("%s/env.json", r->state_dir);
}

static char *
secrets_path(const struct registry *r)
{
	return str_printf("%s/secrets", r->state_dir);
}

/* Always an object. */
static int
load(const char *path, json_t **ret, struct fault *why)
{
	json_t *v = NULL;
	int err = registry_read_json(path, &v, why);

	if (err == -ENOENT) {
		*ret = json_object();
		return 0;
	}
	if (err < 0)
		return err;
	if (!json_is_object(v)) {
		json_decref(v);
		return fault_set(
			why, ERR_FORMAT, "%s: a JSON object is wanted", path);
	}
	*ret = v;
	return 0;
}

/* The object of one function, or the global one; NULL when there is none. */
static json_t *
side_of(const json_t *file, const char *function)
{
	json_t *functions = json_object_get(file, "functions");

	return *function ? json_object_get(functions, function)
			 : json_object_get(file, "global");
}

static json_t *
make_side(json_t *file, const char *function)
{
	json_t *side = side_of(file, function), *functions;

	if (side)
		return side;
	side = json_object();
	if (!*function) {
		(void)json_object_set_new(file, "global", side);
		return side;
	}
	functions = json_object_get(file, "functions");
	if (!functions) {
		functions = json_object();
		(void)json_object_set_new(file, "functions", functions);
	}
	(void)json_object_set_new(functions, function, side);
	return side;
}

/* --- what may be set --- */

static bool
name_is_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return strlen(name) <= NAME_TOP;
}

static bool
name_is_ours(const char *name)
{
	for (size_t i = 0; i < array_size(ours); i++)
		if (!strcmp(name, ours[i]))
			return true;
	return !strncmp(name, "MPCLOUD_", 8);
}

static int
check_one(const char *name, const json_t *value, struct fault *why)
{
	size_t len = json_string_length(value);

	if (!name_is_valid(name))
		return fault_set(why, ERR_PARAM,
			"\"%.64s\" is not a variable's name: letters, digits "
			"and _, no digit first, %d at most",
			name, (int)NAME_TOP);
	if (name_is_ours(name))
		return fault_set(why, ERR_PARAM,
			"%.64s is set by mpcloud itself: choose another name",
			name);
	if (json_is_null(value))
		return 0;
	if (!json_is_string(value) || strlen(json_string_value(value)) != len)
		return fault_set(why, ERR_PARAM,
			"%.64s: a text without zero bytes is wanted", name);
	if (len > VALUE_TOP)
		return fault_set(why, ERR_PARAM,
			"%.64s: %zu bytes; %d at the most", name, len,
			(int)VALUE_TOP);
	return 0;
}

static int
check_sum(const json_t *side, struct fault *why)
{
	json_t *all = (json_t *)(uintptr_t)side, *value;
	const char *name;
	size_t sum = 0;

	json_object_foreach (all, name, value)
		sum += strlen(name) + json_string_length(value);
	if (sum > SUM_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"all variables together: %zu bytes; %d at the most",
			sum, (int)SUM_TOP);
	return 0;
}

/* --- sealing --- */

/* A sealed value cannot be moved to another name or function. */
static char *
bound_to(const char *function, const char *name)
{
	return str_printf("variable/%s/%s", function, name);
}

static int
no_key(struct fault *why)
{
	return fault_set(why, ERR_CONFIG,
		"secrets need a key to be sealed with: set "
		"token.master_key_file to a file with 64 hex digits (openssl "
		"rand -hex 32) that the daemon can read, and start it again");
}

static int
seal_value(struct seal *seal, const char *function, const char *name,
	const json_t *value, json_t **ret, struct fault *why)
{
	_free_ char *what = bound_to(function, name);
	_buf_ struct buf sealed = {0}, text = {0};
	int err;

	buf_init(&sealed, SEALED_TOP);
	buf_init(&text, SEALED_TOP);
	err = seal_close(seal, slice_str(what),
		slice_of(json_string_value(value), json_string_length(value)),
		&sealed);
	if (err < 0)
		return fault_set(why, err, "%s: cannot be sealed: %s", name,
			err_text(err));
	text_base64url(&text, buf_all(&sealed));
	*ret = json_stringn(text.ptr, text.len);
	return 0;
}

static int
open_value(struct seal *seal, const char *function, const char *name,
	const json_t *value, json_t **ret, struct fault *why)
{
	_free_ char *what = bound_to(function, name);
	_buf_ struct buf sealed = {0}, plain = {0};
	int err;

	if (!seal)
		return no_key(why);
	buf_init(&sealed, SEALED_TOP);
	buf_init(&plain, SEALED_TOP);
	err = text_unbase64url(&sealed,
		slice_of(json_string_value(value), json_string_length(value)));
	if (err == 0)
		err = seal_open(
			seal, slice_str(what), buf_all(&sealed), &plain);
	if (err == 0)
		*ret = json_stringn(plain.len ? plain.ptr : "", plain.len);
	if (plain.ptr)
		mem_wipe(plain.ptr, plain.room);
	if (err < 0)
		return fault_set(why, ERR_CONFIG,
			"secret %s cannot be opened: was the key of "
			"token.master_key_file exchanged? Put it back, or set "
			"the secret again",
			name);
	return 0;
}

/* --- commands --- */

/* `seal` NULL: as they are. */
static int
change(json_t *side, struct seal *seal, const char *function,
	const json_t *values, struct fault *why)
{
	json_t *all = (json_t *)(uintptr_t)values, *value, *put;
	const char *name;
	int err;

	json_object_foreach (all, name, value) {
		err = check_one(name, value, why);
		if (err < 0)
			return err;
		if (json_is_null(value)) {
			(void)json_object_del(side, name);
			continue;
		}
		put = json_incref(value);
		if (seal) {
			json_decref(put);
			err = seal_value(
				seal, function, name, value, &put, why);
			if (err < 0)
				return err;
		}
		(void)json_object_set_new(side, name, put);
	}
	return 0;
}

static int
set_all(const char *path, struct seal *seal, const char *function,
	const json_t *values, struct fault *why)
{
	_json_ json_t *file = NULL;
	json_t *side;
	int err = load(path, &file, why);

	if (err < 0)
		return err;
	side = make_side(file, function);
	err = change(side, seal, function, values, why);
	if (err == 0 && !seal)
		err = check_sum(side, why);
	if (err < 0)
		return err;
	if (*function && !json_object_size(side))
		(void)json_object_del(
			json_object_get(file, "functions"), function);
	return registry_write_json(path, file, why);
}

int
registry_env_set(const struct registry *r, const char *function,
	const json_t *values, struct fault *why)
{
	_free_ char *path = variables_path(r);

	return set_all(path, NULL, function, values, why);
}

static bool
only_takes_away(const json_t *values)
{
	json_t *all = (json_t *)(uintptr_t)values, *value;
	const char *name;

	json_object_foreach (all, name, value)
		if (!json_is_null(value))
			return false;
	return true;
}

int
registry_secret_set(const struct registry *r, struct seal *seal,
	const char *function, const json_t *values, struct fault *why)
{
	_free_ char *path = secrets_path(r);

	if (!seal && !only_takes_away(values))
		return no_key(why);
	return set_all(path, seal, function, values, why);
}

/* --- what a function gets --- */

static void
put_all(json_t *to, const json_t *from)
{
	if (from)
		(void)json_object_update(to, (json_t *)(uintptr_t)from);
}

static int
open_all(json_t *to, const json_t *side, struct seal *seal,
	const char *function, struct fault *why)
{
	json_t *all = (json_t *)(uintptr_t)side, *value, *plain = NULL;
	const char *name;
	int err;

	json_object_foreach (all, name, value) {
		err = open_value(seal, function, name, value, &plain, why);
		if (err < 0)
			return err;
		(void)json_object_set_new(to, name, plain);
	}
	return 0;
}

int
registry_env_merge(const struct registry *r, struct seal *seal,
	const char *function, const json_t *own, json_t **ret,
	struct fault *why)
{
	_free_ char *path = variables_path(r), *sealed_path = secrets_path(r);
	_json_ json_t *file = NULL, *sealed = NULL, *all = json_object();
	int err = load(path, &file, why);

	if (err == 0)
		err = load(sealed_path, &sealed, why);
	if (err < 0)
		return err;
	put_all(all, side_of(file, ""));
	err = open_all(all, side_of(sealed, ""), seal, "", why);
	if (err < 0)
		return err;
	put_all(all, own);
	put_all(all, side_of(file, function));
	err = open_all(all, side_of(sealed, function), seal, function, why);
	if (err == 0)
		err = check_sum(all, why);
	if (err == 0)
		*ret = take(all);
	return err;
}

/* --- what may be shown --- */

static json_t *
names_of(const json_t *side)
{
	json_t *all = (json_t *)(uintptr_t)side, *value, *names = json_array();
	const char *name;

	json_object_foreach (all, name, value)
		(void)json_array_append_new(names, json_string(name));
	return names;
}

static json_t *
list_secrets(const json_t *file)
{
	json_t *functions = json_object(), *value;
	const char *name;

	json_object_foreach (json_object_get(file, "functions"), name, value)
		(void)json_object_set_new(functions, name, names_of(value));
	return json_pack("{s:o, s:o}", "global",
		names_of(json_object_get(file, "global")), "functions",
		functions);
}

static json_t *
member_or_empty(const json_t *file, const char *key)
{
	json_t *v = json_object_get(file, key);

	return v ? json_incref(v) : json_object();
}

int
registry_env_list(const struct registry *r, json_t **ret, struct fault *why)
{
	_free_ char *path = variables_path(r), *sealed_path = secrets_path(r);
	_json_ json_t *file = NULL, *sealed = NULL;
	int err = load(path, &file, why);

	if (err == 0)
		err = load(sealed_path, &sealed, why);
	if (err < 0)
		return err;
	*ret = json_pack("{s:{s:o, s:o}, s:o}", "variables", "global",
		member_or_empty(file, "global"), "functions",
		member_or_empty(file, "functions"), "secrets",
		list_secrets(sealed));
	return 0;
}
