/*
 * Users may do with the queue what they may do anyway, call a function, only
 * later: not so far ahead that nobody remembers it, not more than a number at a
 * time, and not with words (keys, retries) that others' calls would feel.
 */
#include "gateway/queue_ask.h"

#include "auth/caller.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "base/text.h"
#include "gateway/fn_door.h"

enum { RETRIES_TOP = 100, KEY_TOP = 256, ID_BYTES = 16 };

static const int64_t DAY_NS = 24 * 3600 * CLOCK_S;
enum { USER_DAYS = 30, SERVER_DAYS = 366 };

int
queue_ask_time(struct slice text, int64_t *ret, struct fault *why)
{
	uint64_t ms;

	if (slice_to_u64(text, INT64_MAX / CLOCK_MS, &ms) == 0)
		*ret = (int64_t)ms * CLOCK_MS;
	else if (text_untime(text, ret) < 0)
		return fault_set(why, ERR_PARAM,
			"runAt: a time like 2026-12-31T08:00:00+08:00, or "
			"milliseconds since 1970");
	return 0;
}

int
queue_ask_delay(struct slice text, int64_t *ret, struct fault *why)
{
	uint64_t s;
	int64_t ms = 0;

	if (slice_to_u64(text, 1u << 30, &s) == 0)
		ms = (int64_t)s * 1000;
	else if (quantity_time(text, &ms) < 0)
		return fault_set(why, ERR_PARAM,
			"delay: how long from now, like 10s, 5m or 2h");
	*ret = clock_now() + ms * CLOCK_MS;
	return 0;
}

static int
check_user(
	const struct queue_put *put, const struct gateway *g, struct fault *why)
{
	if (!g->conf->functions_client_async)
		return fault_set(why, ERR_DENIED,
			"users may not call functions asynchronously here "
			"(functions.client_async); call one that does it for "
			"them");
	if (*put->key || put->retries >= 0)
		return fault_set(why, ERR_DENIED,
			"%s: only functions and the operator may say this",
			*put->key ? "key" : "retries");
	return 0;
}

static int
check(const struct queue_put *put, const struct gateway *g,
	const struct caller *who, struct fault *why)
{
	bool is_server = caller_is_admin(who);
	int days = is_server ? SERVER_DAYS : USER_DAYS;
	int64_t top = g->conf->functions_queue_event_size;
	int e;

	if (!queue_has(g->queue, put->function))
		return ERR_FN_NOT_FOUND;
	if ((int64_t)put->event.len > top)
		return fault_set(why, ERR_TOO_BIG,
			"the event of an asynchronous call may have %lld bytes "
			"(functions.queue_event_size), this one has %zu: put "
			"what is large into a document or a file",
			(long long)top, put->event.len);
	if (put->run_at > clock_now() + days * DAY_NS)
		return fault_set(why, ERR_PARAM,
			"runAt: at most %d days from now", days);
	if (put->retries < -1 || put->retries > RETRIES_TOP)
		return fault_set(
			why, ERR_PARAM, "retries: 0 to %d", RETRIES_TOP);
	if (strlen(put->key) > KEY_TOP)
		return fault_set(
			why, ERR_PARAM, "key: %d bytes at most", KEY_TOP);
	if (is_server)
		return 0;
	e = fn_door_check(g, who, put->function, why);
	return e < 0 ? e : check_user(put, g, why);
}

int
queue_ask(struct queue_put *put, const struct gateway *g,
	const struct caller *who, struct arena *arena, struct fault *why)
{
	char id[2 * ID_BYTES + 1];
	int e = check(put, g, who, why);

	if (e < 0)
		return e;
	text_random_hex(id, ID_BYTES);
	put->kind = QUEUE_ASYNC;
	put->caller = who;
	put->request_id = arena_str(arena, slice_str(id));
	if (!caller_is_admin(who))
		put->user_top = (unsigned)g->conf->functions_queue_user;
	return 0;
}
