/*
 * Limits that are kept in Valkey: one question for all rules of a step.
 *
 * The request waits for the answer with its deadline.  When none comes, this
 * machine's own count decides, so that a Valkey that is away costs exactness
 * between machines and nothing else.
 */
#include "gateway/limit_inside.h"

#include "base/crypto.h"
#include "base/text.h"
#include "base/valkey.h"
#include "gateway/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MARK = 16 };

struct remote {
	struct request *r;
	struct limit_asks *asks;
	struct valkey_ask ask;
	struct valkey_take takes[];
};

/* The same on all machines, and none can be made to look like another. */
static void
put_key(char to[VALKEY_KEY], const struct limit_ask *ask)
{
	uint8_t sum[SHA256_LEN];
	char value[2 * MARK + 1];

	crypto_sha256(ask->value, sum);
	text_hex_string(value, sum, MARK);
	(void)snprintf(
		to, VALKEY_KEY, "%016" PRIx64 ":%s", ask->rule->id, value);
}

static void
note_all(const struct remote *a)
{
	for (size_t i = 0; i < a->asks->count; i++)
		if (a->asks->one[i].rule->policy)
			limit_note(a->r, a->asks->one[i].rule,
				a->takes[i].verdict);
}

static void
keep_lease(const struct remote *a)
{
	struct limit_hold *h;

	if (!a->ask.lease)
		return;
	h = arena_new(request_arena(a->r), struct limit_hold);
	h->lease = a->ask.lease;
	h->next = a->r->limits;
	a->r->limits = h;
}

static void
on_taken(struct job *job)
{
	struct valkey_ask *ask = container_of(job, struct valkey_ask, job);
	struct remote *a = container_of(ask, struct remote, ask);
	struct request *r = a->r;
	struct fault why;
	int e = job->err;

	if (e == 0 || e == ERR_LIMITED) {
		note_all(a);
		keep_lease(a);
		if (e == ERR_LIMITED)
			e = limit_refuse(r, a->asks->one[ask->refused].rule);
	} else {
		r->gateway->count->counted_here++;
		e = limit_local(r, a->asks);
	}
	why = r->why;
	request_go_on(r, e, &why);
}

/* The rules may be replaced while it waits: what is needed of them is copied.
 */
static struct limit_asks *
asks_copy(struct request *r, const struct limit_asks *asks)
{
	struct arena *arena = request_arena(r);
	struct limit_asks *copy = arena_new(arena, struct limit_asks);

	copy->count = asks->count;
	for (size_t i = 0; i < asks->count; i++) {
		const struct limit_ask *from = &asks->one[i];
		struct limit_rule *rule = arena_new(arena, struct limit_rule);

		*rule = *from->rule;
		rule->name = arena_str(arena, slice_str(rule->name));
		if (rule->policy)
			rule->policy =
				arena_str(arena, slice_str(rule->policy));
		copy->one[i].rule = rule;
		copy->one[i].value = slice_of(
			arena_str(arena, from->value), from->value.len);
	}
	return copy;
}

int
limit_remote(struct request *r, struct limit_asks *asks)
{
	struct valkey *v = r->gateway->valkey;
	struct remote *a;

	if (!valkey_is_up(v)) {
		r->gateway->count->counted_here++;
		return limit_local(r, asks);
	}
	a = arena_get(request_arena(r),
		sizeof(*a) + asks->count * sizeof(a->takes[0]));
	a->r = r;
	a->asks = asks_copy(r, asks);
	for (size_t i = 0; i < asks->count; i++) {
		put_key(a->takes[i].key, &asks->one[i]);
		a->takes[i].take = asks->one[i].rule->take;
		a->takes[i].concurrent = asks->one[i].rule->concurrent;
	}
	a->ask.takes = a->takes;
	a->ask.count = asks->count;
	job_init(&a->ask.job, on_taken);
	valkey_take(v, &a->ask);
	return request_hold(r, &a->ask.job);
}
