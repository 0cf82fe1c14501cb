/*
 * Limits as they are written, read into what is asked at every request.
 *
 * {"by": "user", "rate": "100/minute", "burst": 20, "cost": 1,
 *  "concurrent": 4, "name": "calls", "path": "/v1/", "class": "login"}
 *
 * A member that is not known is an error: a limit that was mistyped would be no
 * limit.
 */
#include "routes/limit_rule.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sip.h"
#include "base/val.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A rate of more than one a microsecond is none. */
enum { RATE_TOP = 1000000000, COUNT_TOP = 1000000, NAME_TOP = 48 };
/* What coarse clocks may be behind, with room. */
static const int64_t FINE_NS = 20 * CLOCK_MS;

static const struct {
	const char *word;
	int64_t ns;
} units[] = {
	{"second", CLOCK_S},
	{"minute", 60 * CLOCK_S},
	{"hour", 3600 * CLOCK_S},
	{"day", 86400 * CLOCK_S},
};

static const char *const by_words[LIMIT_BYS_] = {
	[LIMIT_IP] = "ip",
	[LIMIT_HEADER] = "header",
	[LIMIT_USER] = "user",
	[LIMIT_OPENID] = "openid",
	[LIMIT_APIKEY] = "apikey",
	[LIMIT_ROUTE] = "route",
	[LIMIT_FUNCTION] = "function",
};

static const char *const login_paths[] = {"/v1/login", "/v1/token/refresh",
	"/v1/signup", "/v1/password", "/auth/v1/sign", "/auth/v1/token", NULL};
static const char *const function_paths[] = {"/v1/functions/", NULL};
static const char *const call_paths[] = {"/web", "/admin", NULL};
static const char *const database_paths[] = {"/v1/database/", NULL};
static const char *const file_paths[] = {"/v1/files", "/v1/storages", NULL};
static const char *const pay_paths[] = {"/v1/pay/", NULL};
static const char *const wechat_paths[] = {"/v1/wechat/", NULL};

static const struct {
	const char *word;
	const char *const *paths; /* NULL: routes of routes.json */
} classes[] = {
	{"login", login_paths},
	{"functions", function_paths},
	{"calls", call_paths},
	{"database", database_paths},
	{"files", file_paths},
	{"pay", pay_paths},
	{"wechat", wechat_paths},
	{"declared", NULL},
};

static const char *const members[] = {
	"by", "rate", "burst", "cost", "concurrent", "name", "path", "class"};

static int
check_members(const json_t *spec, struct fault *why)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)spec, key, v) {
		bool known = false;

		for (size_t i = 0; i < array_size(members); i++)
			known |= strcmp(members[i], key) == 0;
		if (!known)
			return fault_set(why, ERR_CONFIG,
				"%.40s: not known here (by, rate, burst, cost, "
				"concurrent, name, path, class)",
				key);
	}
	return 0;
}

static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
			    c == '.'))
			return false;
	}
	return s.len > 0;
}

static int
read_by(struct limit_rule *r, const json_t *spec, struct fault *why)
{
	struct slice by;
	int e = val_str(spec, "by", 64, &by, why);

	if (e < 0)
		return e;
	if (slice_starts(by, "header:")) {
		struct slice name = slice_of(by.ptr + 7, by.len - 7);

		if (!is_token(name))
			return fault_set(why, ERR_CONFIG,
				"by: a header's name is needed: header:X-Shop");
		r->by = LIMIT_HEADER;
		r->header = str_ndup(name.ptr, name.len);
		return 0;
	}
	for (size_t i = 0; i < LIMIT_BYS_; i++)
		if (i != LIMIT_HEADER && slice_is(by, by_words[i])) {
			r->by = (enum limit_by)i;
			return 0;
		}
	return fault_set(why, ERR_CONFIG,
		"by: \"%.*s\" is none of ip, user, openid, apikey, route, "
		"function, header:NAME",
		SLICE_ARG(by));
}

/* "100/minute" */
static int
rate_parse(struct slice text, int64_t *count, int64_t *ns, struct fault *why)
{
	struct slice rest = text, number;
	uint64_t n;

	if (slice_split(&rest, '/', &number) &&
		slice_to_u64(slice_trim(number), RATE_TOP, &n) == 0 && n > 0)
		for (size_t i = 0; i < array_size(units); i++)
			if (slice_is(slice_trim(rest), units[i].word)) {
				*count = (int64_t)n;
				*ns = units[i].ns;
				return 0;
			}
	return fault_set(why, ERR_CONFIG,
		"rate: \"%.*s\" is not of the form 100/minute (second, minute, "
		"hour, day)",
		SLICE_ARG(text));
}

static int
read_rate(struct limit_rule *r, const json_t *spec, struct fault *why)
{
	int64_t count = 0, ns = 0, burst, cost;
	struct slice rate;
	int e = val_str_or(spec, "rate", 64, slice_of(NULL, 0), &rate, why);

	if (e < 0 || !rate.ptr)
		return e;
	e = rate_parse(rate, &count, &ns, why);
	if (e == 0 && ns / count < 1000)
		e = fault_set(why, ERR_CONFIG,
			"rate: a million a second at the most");
	if (e == 0)
		e = val_int_or(spec, "burst", 1, RATE_TOP, count, &burst, why);
	if (e == 0)
		e = val_int_or(spec, "cost", 1, RATE_TOP, 1, &cost, why);
	if (e < 0)
		return e;
	if (cost > burst)
		return fault_set(why, ERR_CONFIG,
			"cost: %" PRId64 " is more than the burst of %" PRId64
			", so that nothing would ever be let in",
			cost, burst);
	r->take = (struct gcra_take){
		.rule = {.interval_ns = ns / count, .burst = burst},
		.cost = cost};
	r->fine = r->take.rule.interval_ns * burst < FINE_NS;
	r->policy = str_printf("\"%s\";q=%" PRId64 ";w=%" PRId64, r->name,
		count, (int64_t)(ns / CLOCK_S));
	return 0;
}

static int
read_class(struct limit_rule *r, const json_t *spec, struct fault *why)
{
	struct slice word, path;
	int e = val_str_or(spec, "class", 32, slice_of(NULL, 0), &word, why);

	if (e == 0)
		e = val_str_or(
			spec, "path", 512, slice_of(NULL, 0), &path, why);
	if (e < 0)
		return e;
	if (path.ptr && (path.len == 0 || path.ptr[0] != '/'))
		return fault_set(
			why, ERR_CONFIG, "path: must begin with a slash");
	if (path.ptr)
		r->path = str_ndup(path.ptr, path.len);
	for (size_t i = 0; word.ptr && i < array_size(classes); i++)
		if (slice_is(word, classes[i].word)) {
			r->class = classes[i].paths;
			r->declared = !r->class;
			return 0;
		}
	if (word.ptr)
		return fault_set(why, ERR_CONFIG,
			"class: \"%.*s\" is none of login, functions, calls, "
			"database, files, pay, wechat, declared",
			SLICE_ARG(word));
	return 0;
}

static int
read_name(struct limit_rule *r, const json_t *spec, size_t index,
	const char *where, struct fault *why)
{
	static const uint64_t key[2] = {0x6c696d6974, 0x72756c65};
	_free_ char *id = NULL;
	struct slice name;
	int e = val_str_or(
		spec, "name", NAME_TOP, slice_of(NULL, 0), &name, why);

	if (e < 0)
		return e;
	if (name.ptr && !is_token(name))
		return fault_set(why, ERR_CONFIG,
			"name: letters, digits, - _ and . only");
	r->named = name.ptr;
	r->name = name.ptr ? str_ndup(name.ptr, name.len)
			   : str_printf("%s-%zu", by_words[r->by], index);
	id = str_printf("%s/%s", where, r->name);
	r->id = sip_hash(key, id, strlen(id));
	return 0;
}

static int
rule_read(struct limit_rule *r, const json_t *spec, size_t index,
	const char *where, struct fault *why)
{
	int e;

	if (!json_is_object(spec))
		return fault_set(why, ERR_CONFIG,
			"must be an object like {\"by\": \"user\", \"rate\": "
			"\"100/minute\"}");
	e = check_members(spec, why);
	if (e == 0)
		e = read_by(r, spec, why);
	if (e == 0)
		e = read_name(r, spec, index, where, why);
	if (e == 0)
		e = read_rate(r, spec, why);
	if (e == 0)
		e = read_class(r, spec, why);
	if (e == 0)
		e = val_int_or(spec, "concurrent", 1, COUNT_TOP, 0,
			&r->concurrent, why);
	if (e == 0 && !r->policy && !r->concurrent)
		e = fault_set(why, ERR_CONFIG,
			"rate or concurrent is needed, else it limits nothing");
	return e;
}

/* val_* blame a request's parameter. */
static int
blame(struct fault *why, int e, const char *where, size_t i)
{
	(void)e;
	if (why)
		why->code = ERR_CONFIG;
	return fault_prefix(why, ERR_CONFIG, "%s[%zu].", where, i);
}

/* Two of one name would be counted together. */
static int
check_name(const struct limit_rules *all, size_t i, struct fault *why)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(all->rule[k].name, all->rule[i].name) == 0)
			return fault_set(why, ERR_CONFIG,
				"name: \"%s\" is that of [%zu] too: each "
				"needs its own, because they are counted by "
				"it",
				all->rule[i].name, k);
	return 0;
}

int
limit_rules_new(struct limit_rules **ret, const json_t *rules,
	const char *where, struct fault *why)
{
	size_t count = json_array_size(rules);
	struct limit_rules *all;

	if (!json_is_array(rules) || count > LIMIT_RULES)
		return fault_set(why, ERR_CONFIG,
			"%s: must be an array of %d rules at the most", where,
			LIMIT_RULES);
	all = mem_alloc(sizeof(*all) + count * sizeof(all->rule[0]));
	for (size_t i = 0; i < count; i++) {
		int e;

		all->count++;
		e = rule_read(
			&all->rule[i], json_array_get(rules, i), i, where, why);
		if (e == 0)
			e = check_name(all, i, why);
		if (e < 0) {
			(void)limit_rules_free(all);
			return blame(why, e, where, i);
		}
	}
	*ret = all;
	return 0;
}

struct limit_rules *
limit_rules_free(struct limit_rules *rules)
{
	if (!rules)
		return NULL;
	for (size_t i = 0; i < rules->count; i++) {
		struct limit_rule *r = &rules->rule[i];

		mem_free(r->header);
		mem_free(r->name);
		mem_free(r->policy);
		mem_free(r->path);
	}
	return mem_free(rules);
}
