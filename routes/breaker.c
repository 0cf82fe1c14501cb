/*
 * Closed, open, half-open: the states and what moves them are the table below.
 *
 * Calls are counted in two halves of the window, so that the figure covers
 * between half of it and all of it and costs two additions.  Half-open lets one
 * call through at a time; one whose end is not known (the client left) decides
 * nothing, and the next is let through.
 */
#include "routes/breaker.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "base/val.h"

#include <stdio.h>

enum { NAME_TOP = 96, BREAKERS = 512, CALLS_TOP = 1000000 };

struct half {
	unsigned calls, errors;
};

struct breaker {
	char name[NAME_TOP];
	enum breaker_state state;
	int64_t half_ends, until; /* of being open */
	struct half now, before;
	bool trying; /* half-open: one is under way */
	int64_t tried_at;
};

struct breakers {
	struct breaker *list[BREAKERS];
	size_t count;
};

/* What an end does to a state: it stays, or. */
enum move { STAY, COUNT, TO_OPEN, TO_CLOSED, TRY_NEXT };

static const enum move moves[3][3] = {
	/*                       FINE       ERROR    UNKNOWN */
	[BREAKER_CLOSED] = {COUNT, COUNT, STAY},
	/* one that began before it opened says nothing new */
	[BREAKER_OPEN] = {STAY, STAY, STAY},
	[BREAKER_HALF_OPEN] = {TO_CLOSED, TO_OPEN, TRY_NEXT},
};

static int
read_time(const json_t *spec, const char *key, int64_t *ret, struct fault *why)
{
	struct slice text;
	int64_t ms;
	int e = val_str_or(spec, key, 32, slice_of(NULL, 0), &text, why);

	if (e < 0 || !text.ptr)
		return e;
	if (quantity_time(text, &ms) < 0 || ms < 100 || ms > 3600000)
		return fault_set(why, ERR_CONFIG,
			"%s: a time from 100ms to 1h is wanted, like 10s", key);
	*ret = ms * CLOCK_MS;
	return 0;
}

static int
check_members(const json_t *spec, struct fault *why)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)spec, key, v)
		if (strcmp(key, "errors") != 0 && strcmp(key, "calls") != 0 &&
			strcmp(key, "within") != 0 && strcmp(key, "open") != 0)
			return fault_set(why, ERR_CONFIG,
				"%.40s: not known here (errors, calls, within, "
				"open)",
				key);
	return 0;
}

int
breaker_rule_parse(struct breaker_rule *ret, const json_t *spec,
	struct breaker_rule preset, struct fault *why)
{
	struct breaker_rule r = preset;
	int64_t errors, calls;
	int e;

	if (json_is_false(spec)) {
		*ret = (struct breaker_rule){0};
		return 0;
	}
	if (!json_is_object(spec))
		return fault_set(why, ERR_CONFIG,
			"must be false or like {\"errors\": 50, \"calls\": 20, "
			"\"within\": \"10s\", \"open\": \"5s\"}");
	e = check_members(spec, why);
	if (e == 0)
		e = val_int_or(spec, "errors", 1, 100, r.errors ? r.errors : 50,
			&errors, why);
	if (e == 0)
		e = val_int_or(
			spec, "calls", 1, CALLS_TOP, r.calls, &calls, why);
	if (e == 0)
		e = read_time(spec, "within", &r.window_ns, why);
	if (e == 0)
		e = read_time(spec, "open", &r.open_ns, why);
	if (e < 0) {
		if (why)
			why->code = ERR_CONFIG;
		return ERR_CONFIG;
	}
	r.errors = (unsigned)errors;
	r.calls = (unsigned)calls;
	*ret = r;
	return 0;
}

struct breaker_rule
breaker_preset(bool is_upstream)
{
	return (struct breaker_rule){
		.errors = is_upstream ? 50 : 0,
		.calls = 20,
		.window_ns = 10 * CLOCK_S,
		.open_ns = 5 * CLOCK_S,
	};
}

struct breakers *
breakers_new(void)
{
	return mem_new(struct breakers);
}

struct breakers *
breakers_free(struct breakers *all)
{
	if (!all)
		return NULL;
	for (size_t i = 0; i < all->count; i++)
		mem_free(all->list[i]);
	return mem_free(all);
}

static void
full_name(char to[NAME_TOP], char kind, const char *name)
{
	(void)snprintf(
		to, NAME_TOP, "%s:%s", kind == 'u' ? "upstream" : "fn", name);
}

struct breaker *
breaker_find(struct breakers *all, char kind, const char *name)
{
	char full[NAME_TOP];

	if (!all->count)
		return NULL;
	full_name(full, kind, name);
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->list[i]->name, full) == 0)
			return all->list[i];
	return NULL;
}

struct breaker *
breaker_of(struct breakers *all, char kind, const char *name)
{
	struct breaker *b = breaker_find(all, kind, name);

	if (b || all->count == BREAKERS)
		return b;
	b = mem_new(struct breaker);
	full_name(b->name, kind, name);
	all->list[all->count++] = b;
	return b;
}

static void
open_it(struct breaker *b, const struct breaker_rule *rule, int64_t now)
{
	event(EVENT_BREAKER_OPEN, "of", b->name, "errors",
		EVENT_INT(b->now.errors + b->before.errors), "calls",
		EVENT_INT(b->now.calls + b->before.calls), NULL);
	b->state = BREAKER_OPEN;
	b->until = now + rule->open_ns;
	b->trying = false;
	b->now = b->before = (struct half){0};
}

static void
close_it(struct breaker *b)
{
	event(EVENT_BREAKER_CLOSED, "of", b->name, NULL);
	b->state = BREAKER_CLOSED;
	b->trying = false;
	b->now = b->before = (struct half){0};
}

/* The half that is over becomes the one before. */
static void
move_on(struct breaker *b, const struct breaker_rule *rule, int64_t now)
{
	int64_t half = rule->window_ns / 2;

	if (now < b->half_ends)
		return;
	b->before = now < b->half_ends + half ? b->now : (struct half){0};
	b->now = (struct half){0};
	b->half_ends = now + half;
}

static void
count_it(struct breaker *b, const struct breaker_rule *rule, int64_t now,
	bool error)
{
	uint64_t calls, errors;

	move_on(b, rule, now);
	b->now.calls++;
	b->now.errors += error;
	calls = b->now.calls + b->before.calls;
	errors = b->now.errors + b->before.errors;
	if (error && calls >= rule->calls &&
		errors * 100 >= calls * rule->errors)
		open_it(b, rule, now);
}

int
breaker_ask(struct breaker *b, const struct breaker_rule *rule, int64_t now,
	uint32_t *retry_ms)
{
	if (b->state == BREAKER_CLOSED)
		return 0;
	if (b->state == BREAKER_OPEN && now >= b->until)
		b->state = BREAKER_HALF_OPEN;
	/* One that was let through and never came back is given up. */
	if (b->state == BREAKER_HALF_OPEN &&
		(!b->trying || now - b->tried_at > 60 * CLOCK_S)) {
		b->trying = true;
		b->tried_at = now;
		return 0;
	}
	*retry_ms = (uint32_t)((b->state == BREAKER_OPEN ? b->until - now
							 : rule->open_ns) /
			       CLOCK_MS);
	*retry_ms = max(*retry_ms, 1u);
	return ERR_CIRCUIT_OPEN;
}

void
breaker_tell(struct breaker *b, const struct breaker_rule *rule, int64_t now,
	enum breaker_end end)
{
	switch (moves[b->state][end]) {
	case COUNT:
		count_it(b, rule, now, end == BREAKER_ERROR);
		return;
	case TO_OPEN:
		open_it(b, rule, now);
		return;
	case TO_CLOSED:
		close_it(b);
		return;
	case TRY_NEXT:
		b->trying = false;
		return;
	case STAY:
	default:
		return;
	}
}

size_t
breakers_count(const struct breakers *all)
{
	return all->count;
}

const struct breaker *
breakers_at(const struct breakers *all, size_t i)
{
	return all->list[i];
}

enum breaker_state
breaker_state(const struct breaker *b)
{
	return b->state;
}

const char *
breaker_name(const struct breaker *b)
{
	return b->name;
}

enum breaker_end
breaker_end_of(int err, int status, bool is_upstream)
{
	switch (err) {
	case ERR_FN_TIMEOUT:
	case ERR_FN_MEMORY:
	case ERR_FN_CRASHED:
	case ERR_PROXY_DOWN:
	case ERR_PROXY_TIMEOUT:
	case ERR_BEHIND:
	case ERR_TIMEOUT:
		return BREAKER_ERROR;
	case ERR_FN_FAILED: /* it answered */
		return BREAKER_FINE;
	default:
		break;
	}
	if (err < 0 || !status) /* refused before, or the client left */
		return BREAKER_UNKNOWN;
	return is_upstream && status >= 500 ? BREAKER_ERROR : BREAKER_FINE;
}
