/*
 * The member "mpcloud" of a function's entry: what CloudBase has no word for.
 * One table of numbers, in the units that people think in.
 */
#include "functions/package.h"

#include "base/mem.h"
#include "functions/egress_rule.h"

#include <string.h>

struct number {
	const char *key;
	double low, high; /* in the author's unit */
	int64_t scale;    /* of ours in one of his */
	bool whole;
	size_t at, size;
	const char *unit;
};

#define NUMBER(key, low, high, scale, whole, member, unit) \
	{ \
		key, low, high, scale, whole, \
			offsetof(struct fn_settings, member), \
			sizeof(((struct fn_settings *)0)->member), unit \
	}

#define MIB (1024LL * 1024)

static const struct number numbers[] = {
	NUMBER("workers", 1, 10000, 1, true, workers, "workers"),
	NUMBER("minWorkers", 0, 10000, 1, true, min_workers, "workers"),
	NUMBER("queue", 0, 1000000, 1, true, queue, "calls"),
	NUMBER("queueWait", 0.001, 900, 1000, false, queue_ms, "seconds"),
	NUMBER("idle", 0, 86400, 1000, false, idle_ms, "seconds"),
	NUMBER("calls", 0, 1000000000, 1, true, calls, "calls"),
	NUMBER("retries", 0, 100, 1, true, retries, "retries"),
	NUMBER("tmp", 1, 16384, MIB, true, tmp, "MiB"),
	NUMBER("cpu", 0, 1000, 100, false, cpu, "cores"),
	NUMBER("inspect", 0, 65535, 1, true, inspect, "port"),
};

/* What else may stand there. */
static const char *const others[] = {"network", "runtime"};

static bool
is_known(const char *key)
{
	for (size_t i = 0; i < array_size(numbers); i++)
		if (!strcmp(key, numbers[i].key))
			return true;
	for (size_t i = 0; i < array_size(others); i++)
		if (!strcmp(key, others[i]))
			return true;
	return false;
}

/* A misspelled one would silently be the preset. */
static int
check_known(const json_t *ours, struct fault *why)
{
	json_t *all = (json_t *)(uintptr_t)ours, *value;
	_buf_ struct buf known = {0};
	const char *key;

	buf_init(&known, 256);
	for (size_t i = 0; i < array_size(numbers); i++)
		buf_printf(&known, "%s, ", numbers[i].key);
	json_object_foreach (all, key, value)
		if (!is_known(key))
			return fault_set(why, ERR_PARAM,
				"%.40s: is not known; there are %snetwork and "
				"runtime",
				key, known.ptr);
	return 0;
}

static int
parse_number(struct fn_settings *ret, const struct number *n,
	const json_t *ours, struct fault *why)
{
	const json_t *v = json_object_get(ours, n->key);
	double value = json_number_value(v);
	char *at = (char *)ret + n->at;
	int64_t scaled;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_number(v) || (n->whole && !json_is_integer(v)) ||
		value < n->low || value > n->high)
		return fault_set(why, ERR_PARAM,
			"%s: a%s number from %g to %.10g (%s) is wanted",
			n->key, n->whole ? " whole" : "", n->low, n->high,
			n->unit);
	scaled = (int64_t)(value * (double)n->scale + 0.5);
	if (n->size == sizeof(unsigned))
		*(unsigned *)(void *)at = (unsigned)scaled;
	else
		*(int64_t *)(void *)at = scaled;
	return 0;
}

/* fn_settings' own reader knows the three shapes. */
static int
parse_network(struct fn_settings *ret, const json_t *ours, struct fault *why)
{
	const json_t *v = json_object_get(ours, "network");
	const char *text = json_string_value(v);

	ret->hosts = json_array();
	if (json_is_array(v)) {
		ret->network = NETWORK_HOSTS;
		json_decref(ret->hosts);
		ret->hosts = json_deep_copy(v);
		return egress_rules_check(v, why);
	} else if (!v || json_is_null(v) || json_is_false(v) ||
		   (text && !strcmp(text, "none"))) {
		ret->network = NETWORK_NONE;
	} else if (json_is_true(v) || (text && !strcmp(text, "internet"))) {
		ret->network = NETWORK_INTERNET;
	} else {
		return fault_set(why, ERR_PARAM,
			"network: \"none\", \"internet\" or an array of hosts "
			"is wanted");
	}
	return 0;
}

static int
parse_all(struct fn_settings *ret, const json_t *ours, struct fault *why)
{
	int r = check_known(ours, why);

	for (size_t i = 0; r == 0 && i < array_size(numbers); i++)
		r = parse_number(ret, &numbers[i], ours, why);
	if (r == 0)
		r = parse_network(ret, ours, why);
	if (r == 0 && ret->min_workers > ret->workers)
		return fault_set(why, ERR_PARAM,
			"minWorkers: %u, but there are %u workers at the most",
			ret->min_workers, ret->workers);
	return r;
}

int
package_settings(struct fn_settings *ret, const json_t *ours,
	const struct registry_presets *presets, struct fault *why)
{
	int r;

	ret->workers = presets->workers;
	ret->queue = presets->queue;
	ret->idle_ms = presets->idle_ms;
	if (!ours || json_is_null(ours))
		ours = NULL;
	else if (!json_is_object(ours))
		return fault_set(
			why, ERR_PARAM, "mpcloud: an object is wanted");
	r = parse_all(ret, ours, why);
	return r < 0 ? fault_prefix(why, r, "mpcloud.") : 0;
}
