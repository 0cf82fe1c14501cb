/*
 * May this one come in now?
 *
 * The arithmetic is base/gcra's and the memory is shared; what is left here is
 * whose cell it is and how the verdict is told.  Limits are kept by wall
 * clock, which all gateways see alike.
 */
#include "gateway/admit.h"

#include "auth/caller.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/err.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t
admit_ip_key(const char *ip, char ret[ADMIT_KEY])
{
	struct in6_addr six;
	size_t len;

	if (strchr(ip, ':') && inet_pton(AF_INET6, ip, &six) == 1) {
		if (!IN6_IS_ADDR_V4MAPPED(&six)) {
			memcpy(ret, &six, 8);
			return 8;
		}
		if (inet_ntop(AF_INET, six.s6_addr + 12, ret, ADMIT_KEY))
			return strlen(ret);
	}
	len = strnlen(ip, ADMIT_KEY);
	memcpy(ret, ip, len);
	return len;
}

int64_t
admit_now(struct admit *a)
{
	if (!a->now_ns)
		a->now_ns = clock_coarse();
	return a->now_ns;
}

bool
admit_note(struct admit *a, struct gcra_verdict v, int64_t limit)
{
	if (a->limit && v.allowed && v.remaining >= a->verdict.remaining)
		return false;
	a->verdict = v;
	a->limit = limit;
	a->name = a->policy = NULL;
	return true;
}

static int
ask(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	uint64_t key)
{
	struct gcra_verdict v = gcra_ask(cells, key, rule, admit_now(a));

	(void)admit_note(a, v, rule.burst);
	return v.allowed ? 0 : ERR_LIMITED;
}

int
admit_ip_kept(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	const char *ip, uint64_t *key)
{
	char bytes[ADMIT_KEY];

	if (!rule.interval_ns)
		return 0;
	if (!*key)
		*key = gcra_key(cells, 'i', bytes, admit_ip_key(ip, bytes));
	return ask(a, cells, rule, *key);
}

int
admit_ip(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	const char *ip)
{
	uint64_t key = 0;

	return admit_ip_kept(a, cells, rule, ip, &key);
}

uint64_t
admit_user_key(const struct gcra_table *cells, const struct caller *caller)
{
	return gcra_key(cells, 'u', caller->uid, strlen(caller->uid));
}

int
admit_user(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	const struct caller *caller)
{
	if (!rule.interval_ns || caller->role != CALLER_USER)
		return 0;
	return ask(a, cells, rule,
		caller->rate_key ? caller->rate_key
				 : admit_user_key(cells, caller));
}

static const char *
decimal(int64_t n, char room[DECIMAL_TOP + 1])
{
	*decimal_put(room, n > 0 ? (uint64_t)n : 0) = '\0';
	return room;
}

/* Whole seconds, never too few. */
static int64_t
seconds(int64_t ns)
{
	return (ns + CLOCK_S - 1) / CLOCK_S;
}

static void
say_policy(const struct admit *a, struct exchange *x)
{
	char room[ADMIT_NAME + 64];

	exchange_add_header(x, "RateLimit-Policy", a->policy);
	(void)snprintf(room, sizeof(room), "\"%s\";r=%" PRId64 ";t=%" PRId64,
		a->name, a->verdict.remaining, seconds(a->verdict.reset_ns));
	exchange_add_header(x, "RateLimit", room);
}

void
admit_say(const struct admit *a, struct exchange *x)
{
	char room[DECIMAL_TOP + 1];

	if (!a->limit)
		return;
	exchange_add_header(x, "RateLimit-Limit", decimal(a->limit, room));
	exchange_add_header(
		x, "RateLimit-Remaining", decimal(a->verdict.remaining, room));
	exchange_add_header(x, "RateLimit-Reset",
		decimal(seconds(a->verdict.reset_ns), room));
	if (a->name)
		say_policy(a, x);
	if (!a->verdict.allowed)
		exchange_add_header(x, "Retry-After",
			decimal(max(seconds(a->verdict.retry_ns), (int64_t)1),
				room));
}
