/*
 * Counting and its JSON; see crew_stats.h.
 */
#include "functions/crew_stats.h"

#include "base/err.h"

#include <stdlib.h>

static const struct {
	const char *word;
	bool failed;
} ends[] = {
#define X(name, word, failed) [name] = {word, failed},
	CREW_ENDS
#undef X
};

enum crew_end
crew_end_of(int err)
{
	switch (err) {
	case 0:
		return ENDED_OK;
	case ERR_FN_FAILED:
		return ENDED_FAILED;
	case ERR_FN_TIMEOUT:
		return ENDED_TIMEOUT;
	case ERR_FN_MEMORY:
		return ENDED_MEMORY;
	case ERR_FN_CRASHED:
		return ENDED_CRASHED;
	case ERR_FN_CRASHING:
		return ENDED_RESTING;
	case ERR_FN_BAD_ANSWER:
	case ERR_ANSWER_BIG:
		return ENDED_BAD_ANSWER;
	case ERR_BUSY:
	case ERR_LIMITED:
		return ENDED_SHED;
	default:
		return ENDED_REFUSED;
	}
}

const char *
crew_end_word(enum crew_end end)
{
	return ends[end].word;
}

bool
crew_end_is_failure(enum crew_end end)
{
	return ends[end].failed;
}

/* Four buckets an octave; the first eight are one microsecond wide. */
static unsigned
bucket_of(uint64_t us)
{
	unsigned octave;

	if (us < 8)
		return (unsigned)us;
	octave = 63U - (unsigned)__builtin_clzll(us);
	return min((octave - 1) * 4 + (unsigned)(us >> (octave - 2) & 3),
		(unsigned)STATS_BUCKETS - 1);
}

uint64_t
crew_stats_edge(unsigned n)
{
	if (n < 8)
		return n + 1;
	return (uint64_t)(5 + n % 4) << (n / 4 - 1);
}

void
crew_hist_add(struct crew_hist *h, int64_t ns)
{
	uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;

	h->count[bucket_of(us)]++;
	h->sum_us += us;
}

uint64_t
crew_hist_count(const struct crew_hist *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		n += h->count[i];
	return n;
}

uint64_t
crew_hist_at(const struct crew_hist *h, unsigned percent)
{
	uint64_t all = crew_hist_count(h), seen = 0;

	for (unsigned i = 0; i < STATS_BUCKETS && all; i++) {
		seen += h->count[i];
		if (seen * 100 >= all * percent)
			return crew_stats_edge(i);
	}
	return 0;
}

static void
hist_add_all(struct crew_hist *to, const struct crew_hist *from)
{
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		to->count[i] += from->count[i];
	to->sum_us += from->sum_us;
}

void
crew_stats_add(struct crew_stats *to, const struct crew_stats *from)
{
	to->calls += from->calls;
	to->failed += from->failed;
	for (int i = 0; i < ENDS_; i++)
		to->ended[i] += from->ended[i];
	to->starts += from->starts;
	to->memory = to->memory ? to->memory : from->memory;
	to->memory_top = max(to->memory_top, from->memory_top);
	hist_add_all(&to->wait, &from->wait);
	hist_add_all(&to->took, &from->took);
	hist_add_all(&to->cold, &from->cold);
}

static json_t *
hist_build(const struct crew_hist *h)
{
	json_t *buckets = json_array();

	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		if (h->count[i])
			(void)json_array_append_new(
				buckets, json_pack("[I, I]",
						 (json_int_t)crew_stats_edge(i),
						 (json_int_t)h->count[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "count",
		(json_int_t)crew_hist_count(h), "sumUs", (json_int_t)h->sum_us,
		"p50Us", (json_int_t)crew_hist_at(h, 50), "p99Us",
		(json_int_t)crew_hist_at(h, 99), "buckets", buckets);
}

json_t *
crew_stats_build(const struct crew_stats *s)
{
	json_t *ended = json_object(), *all;

	for (int i = 0; i < ENDS_; i++)
		if (s->ended[i])
			(void)json_object_set_new(ended, ends[i].word,
				json_integer((json_int_t)s->ended[i]));
	all = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o}",
		"calls", (json_int_t)s->calls, "failed", (json_int_t)s->failed,
		"ended", ended, "starts", (json_int_t)s->starts, "memory",
		(json_int_t)s->memory, "memoryTop", (json_int_t)s->memory_top,
		"wait", hist_build(&s->wait), "took", hist_build(&s->took),
		"cold", hist_build(&s->cold));
	if (!all)
		abort();
	return all;
}

static uint64_t
number(const json_t *v, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(v, key));
}

static void
hist_take(struct crew_hist *to, const json_t *from)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(from, "buckets"), i, one) {
		json_int_t edge = json_integer_value(json_array_get(one, 0));

		if (edge > 0)
			to->count[bucket_of((uint64_t)edge - 1)] +=
				(uint64_t)json_integer_value(
					json_array_get(one, 1));
	}
	to->sum_us += number(from, "sumUs");
}

void
crew_stats_take(struct crew_stats *to, const json_t *from)
{
	const json_t *ended = json_object_get(from, "ended");

	to->calls += number(from, "calls");
	to->failed += number(from, "failed");
	for (int i = 0; i < ENDS_; i++)
		to->ended[i] += number(ended, ends[i].word);
	to->starts += number(from, "starts");
	to->memory = max(to->memory, number(from, "memory"));
	to->memory_top = max(to->memory_top, number(from, "memoryTop"));
	hist_take(&to->wait, json_object_get(from, "wait"));
	hist_take(&to->took, json_object_get(from, "took"));
	hist_take(&to->cold, json_object_get(from, "cold"));
}
