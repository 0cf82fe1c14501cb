/*
 * Which version answers.  The one idea: a caller's place among 10,000 is a hash
 * of who he is and of the function's name, so that every gateway gives him the
 * same version without asking anybody, whoever has the gray one keeps it when
 * its share grows, and two functions on trial do not try the same people.
 */
#include "functions/release.h"

#include "base/header_name.h"
#include "base/mem.h"
#include "base/sip.h"
#include "functions/settings.h"

#include <ctype.h>
#include <string.h>

enum {
	VERSION_TOP = 1000000000,
	PLACES = 10000, /* a hundred for each percent */
	OPENIDS_TOP = 1000,
	OPENID_TOP = 64,
	ALIASES_TOP = 100,
	ALIAS_TOP = 60,
	HEADER_TOP = 128,
	VALUE_TOP = 256,
	GUARD_CALLS = 100,
	GUARD_CALLS_TOP = 10000,
	GUARD_MS_TOP = 900000,
};

/* --- reading --- */

static bool
is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	return s.len > 0 && s.len <= VALUE_TOP;
}

/* "name: value" */
static int
parse_header(struct fn_release *r, const json_t *gray, struct fault *why)
{
	struct slice text, name;
	int err = val_str_or(gray, "header", HEADER_TOP + VALUE_TOP + 8,
		SLICE(""), &text, why);

	if (err < 0 || text.len == 0)
		return err;
	if (!memchr(text.ptr, ':', text.len))
		text.len = 0;
	name = text;
	(void)slice_split(&text, ':', &name);
	name = slice_trim(name);
	text = slice_trim(text);
	if (name.len > HEADER_TOP || !header_name_is_valid(name) ||
		!is_value(text))
		return fault_set(why, ERR_PARAM,
			"header: a header's name and its value are wanted, as "
			"\"x-gray: yes\"");
	r->header = str_ndup(name.ptr, name.len);
	r->value = str_ndup(text.ptr, text.len);
	return 0;
}

static int
parse_openids(struct fn_release *r, const json_t *gray, struct fault *why)
{
	const json_t *list = json_object_get(gray, "openids"), *one;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > OPENIDS_TOP)
		return fault_set(why, ERR_PARAM,
			"openids: an array of %d texts at the most",
			(int)OPENIDS_TOP);
	json_array_foreach (list, i, one) {
		size_t len = json_string_length(one);

		if (!json_is_string(one) || !len || len > OPENID_TOP ||
			strlen(json_string_value(one)) != len)
			return fault_set(why, ERR_PARAM,
				"openids[%zu]: a text of 1 to %d characters "
				"is wanted",
				i, (int)OPENID_TOP);
		if (!r->openids)
			r->openids = json_object();
		(void)json_object_set_new(
			r->openids, json_string_value(one), json_true());
	}
	return 0;
}

static int
parse_gray_members(struct fn_release *r, const json_t *gray, struct fault *why)
{
	int64_t version, percent;
	int err = val_int(gray, "version", 1, VERSION_TOP, &version, why);

	if (err == 0)
		err = val_int_or(gray, "percent", 0, 100, 0, &percent, why);
	if (err < 0)
		return err;
	r->gray = (unsigned)version;
	r->percent = (unsigned)percent;
	err = parse_header(r, gray, why);
	return err < 0 ? err : parse_openids(r, gray, why);
}

static int
parse_gray(struct fn_release *r, const json_t *from, struct fault *why)
{
	const json_t *gray = json_object_get(from, "gray");
	int err;

	if (!gray || json_is_null(gray))
		return 0;
	if (!json_is_object(gray))
		return fault_set(why, ERR_PARAM, "gray: an object is wanted");
	err = parse_gray_members(r, gray, why);
	if (err < 0)
		return fault_prefix(why, err, "gray.");
	if (!r->stable)
		return fault_set(why, ERR_PARAM,
			"gray: there must be a stable version beside it");
	if (r->gray == r->stable)
		return fault_set(why, ERR_PARAM,
			"gray.version: %u is the stable version already",
			r->gray);
	return 0;
}

/* A letter first, so that it is never taken for a version. */
static bool
alias_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (!isalpha((unsigned char)*name) || len > ALIAS_TOP)
		return false;
	for (size_t i = 1; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

static int
parse_alias(struct fn_release *r, const char *name, const json_t *version,
	struct fault *why)
{
	json_int_t n = json_integer_value(version);

	if (!alias_is_valid(name))
		return fault_set(why, ERR_PARAM,
			"aliases: \"%.64s\" is not a name: a letter, then "
			"letters, digits, ., - and _; %d at most",
			name, (int)ALIAS_TOP);
	if (!json_is_integer(version) || n < 1 || n > VERSION_TOP)
		return fault_set(why, ERR_PARAM,
			"aliases.%.60s: the number of a version is wanted",
			name);
	(void)json_object_set_new(r->aliases, name, json_integer(n));
	return 0;
}

static int
parse_aliases(struct fn_release *r, const json_t *from, struct fault *why)
{
	json_t *aliases = json_object_get(from, "aliases"), *version;
	const char *name;
	int err;

	if (!aliases || json_is_null(aliases))
		return 0;
	if (!json_is_object(aliases) || json_object_size(aliases) > ALIASES_TOP)
		return fault_set(why, ERR_PARAM,
			"aliases: an object of %d members at the most",
			(int)ALIASES_TOP);
	r->aliases = json_object();
	json_object_foreach (aliases, name, version) {
		err = parse_alias(r, name, version, why);
		if (err < 0)
			return err;
	}
	return 0;
}

static int
parse_guard(struct fn_release *r, const json_t *from, struct fault *why)
{
	const json_t *guard = json_object_get(from, "guard");
	int64_t errors, ms, calls;
	int err;

	r->guard_calls = GUARD_CALLS;
	if (!guard || json_is_null(guard))
		return 0;
	if (!json_is_object(guard))
		return fault_set(why, ERR_PARAM, "guard: an object is wanted");
	err = val_int_or(guard, "errors", 0, 100, 0, &errors, why);
	if (err == 0)
		err = val_int_or(
			guard, "latency_ms", 0, GUARD_MS_TOP, 0, &ms, why);
	if (err == 0)
		err = val_int_or(guard, "calls", 1, GUARD_CALLS_TOP,
			GUARD_CALLS, &calls, why);
	if (err < 0)
		return fault_prefix(why, err, "guard.");
	r->guard_errors = (unsigned)errors;
	r->guard_ms = ms;
	r->guard_calls = (unsigned)calls;
	return 0;
}

static int
parse_all(struct fn_release *r, const json_t *from, struct fault *why)
{
	struct slice name;
	int64_t stable;
	int err = val_str(from, "name", sizeof(r->name) - 1, &name, why);

	if (err < 0)
		return err;
	if (!fn_name_is_valid(name))
		return fault_set(why, ERR_PARAM,
			"name: a letter, then letters, digits, - and _; 60 "
			"characters at most");
	memcpy(r->name, name.ptr, name.len);
	err = val_int_or(from, "stable", 0, VERSION_TOP, 0, &stable, why);
	if (err < 0)
		return err;
	r->stable = (unsigned)stable;
	err = parse_gray(r, from, why);
	if (err == 0)
		err = parse_aliases(r, from, why);
	return err < 0 ? err : parse_guard(r, from, why);
}

int
release_parse(struct fn_release *ret, const json_t *from, struct fault *why)
{
	struct fn_release r = {0};
	int err;

	if (!json_is_object(from))
		return fault_set(why, ERR_PARAM, "release: not an object");
	err = parse_all(&r, from, why);
	if (err < 0) {
		release_done(&r);
		return fault_prefix(why, err, "release: ");
	}
	*ret = r;
	return 0;
}

/* --- writing --- */

static json_t *
build_gray(const struct fn_release *r)
{
	json_t *gray = json_object(), *list, *one;
	const char *openid;

	(void)json_object_set_new(gray, "version", json_integer(r->gray));
	(void)json_object_set_new(gray, "percent", json_integer(r->percent));
	if (r->header)
		(void)json_object_set_new(gray, "header",
			json_sprintf("%s: %s", r->header, r->value));
	if (!json_object_size(r->openids))
		return gray;
	list = json_array();
	json_object_foreach (r->openids, openid, one)
		(void)json_array_append_new(list, json_string(openid));
	(void)json_object_set_new(gray, "openids", list);
	return gray;
}

json_t *
release_build(const struct fn_release *r)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "name", json_string(r->name));
	(void)json_object_set_new(o, "stable", json_integer(r->stable));
	if (r->gray)
		(void)json_object_set_new(o, "gray", build_gray(r));
	(void)json_object_set_new(o, "aliases",
		r->aliases ? json_deep_copy(r->aliases) : json_object());
	if (r->guard_errors || r->guard_ms)
		(void)json_object_set_new(o, "guard",
			json_pack("{s:i, s:I, s:i}", "errors",
				(int)r->guard_errors, "latency_ms",
				(json_int_t)r->guard_ms, "calls",
				(int)r->guard_calls));
	return o;
}

void
release_done(struct fn_release *r)
{
	r->header = mem_free(r->header);
	r->value = mem_free(r->value);
	json_decref(r->openids);
	json_decref(r->aliases);
	r->openids = r->aliases = NULL;
}

/* --- choosing --- */

bool
release_names(const struct fn_release *r, unsigned version)
{
	const char *name;
	json_t *its;

	if (!version)
		return false;
	if (version == r->stable || version == r->gray)
		return true;
	json_object_foreach (r->aliases, name, its)
		if (json_integer_value(its) == version)
			return true;
	return false;
}

/* Where a caller stands.  The function's name is the key, which makes it no
 * secret: a caller who looks for an openid with a place of his liking has to
 * get it from WeChat. */
static unsigned
place_of(const struct fn_release *r, const char *who)
{
	static const uint64_t none[2] = {0, 0};
	uint64_t key[2] = {sip_hash(none, r->name, strlen(r->name)), 0};

	return (unsigned)(sip_hash(key, who, strlen(who)) % PLACES);
}

/* Who is nobody takes turns: a walk in steps of the golden ratio, which comes
 * by every place equally often and soon (Weyl). */
static unsigned
next_place(void)
{
	static uint32_t at;

	at += 0x9E3779B9U;
	return (unsigned)(((uint64_t)at * PLACES) >> 32);
}

static bool
sends_header(const struct fn_release *r, const struct release_call *call)
{
	return r->header && call->header &&
	       slice_is(slice_trim(call->header(call->owner, r->header)),
		       r->value);
}

static bool
gets_gray(const struct fn_release *r, const struct release_call *call)
{
	bool known = call->openid && *call->openid;
	unsigned place;

	if (!r->gray)
		return false;
	if (known && json_object_get(r->openids, call->openid))
		return true;
	if (sends_header(r, call))
		return true;
	if (!r->percent)
		return false;
	if (known)
		place = place_of(r, call->openid);
	else if (call->route_key && *call->route_key)
		place = place_of(r, call->route_key);
	else
		place = next_place();
	return place < r->percent * (PLACES / 100);
}

unsigned
release_pick(const struct fn_release *r, const struct release_call *call)
{
	const char *q = call->qualifier;
	uint64_t version;

	if (!q || !*q || !strcmp(q, "$LATEST"))
		return gets_gray(r, call) ? r->gray : r->stable;
	if (slice_to_u64(slice_str(q), VERSION_TOP, &version) == 0)
		return release_names(r, (unsigned)version) ? (unsigned)version
							   : 0;
	return (unsigned)json_integer_value(json_object_get(r->aliases, q));
}
