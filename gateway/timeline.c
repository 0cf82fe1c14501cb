/*
 * A step lasts until the next one that was entered; those that were skipped by
 * an error take no time.
 */
#include "gateway/timeline.h"

#include "base/clock.h"
#include "base/event.h"
#include "gateway/request.h"

#include <assert.h>
#include <stdio.h>

static const char *const names[] = {
#define X(step, function, text) [step] = #step,
#include "gateway/request.def"
#undef X
};

static_assert((int)STEP_DONE <= (int)TIMELINE_STEPS, "room for all steps");

enum { TEXT_TOP = 512, WORD_TOP = 16 };

int64_t
timeline_now(const struct request *r)
{
	if (r->timeline.exact)
		return clock_mono();
	return (int64_t)uv_now(&r->gateway->loop->uv) * CLOCK_MS;
}

void
timeline_begin(struct request *r)
{
	const struct conf *conf = r->gateway->conf;

	r->timeline.exact = conf->log_timeline &&
			    exchange_header(r->x, "Mpcloud-Timeline").ptr;
}

/* "know" of STEP_KNOW. */
static void
word_of(int step, char word[WORD_TOP])
{
	const char *p = names[step] + sizeof("STEP_") - 1;
	size_t n = 0;

	for (; n < WORD_TOP - 1 && p[n]; n++)
		word[n] = (char)(p[n] | 0x20);
	word[n] = '\0';
}

/* "route;dur=0.012, act;dur=31.500"; what a step took, in ms. */
static size_t
stages(const struct request *r, int64_t end, char text[TEXT_TOP])
{
	const int64_t *at = r->timeline.entered;
	size_t len = 0;
	char word[WORD_TOP];

	text[0] = '\0';
	for (int i = 0; i < STEP_DONE; i++) {
		int next = i + 1;

		if (!at[i])
			continue;
		while (next < STEP_DONE && !at[next])
			next++;
		word_of(i, word);
		len += (size_t)snprintf(text + len, TEXT_TOP - len,
			"%s%s;dur=%.3f", len ? ", " : "", word,
			(double)((next < STEP_DONE ? at[next] : end) - at[i]) /
				1e6);
	}
	return len;
}

void
timeline_say(struct request *r)
{
	char text[TEXT_TOP];
	int64_t now;

	if (!r->timeline.exact)
		return;
	now = clock_mono();
	(void)stages(r, now, text);
	exchange_add_header(r->x, "Server-Timing",
		arena_printf(request_arena(r), "%s, total;dur=%.3f", text,
			(double)(now - exchange_started(r->x)) / 1e6));
}

void
timeline_end(const struct request *r, int status, int64_t ns)
{
	int64_t top = r->gateway->conf->log_slow_request * CLOCK_MS;
	char text[TEXT_TOP];

	if (!top || ns < top)
		return;
	(void)stages(r, timeline_now(r), text);
	event(EVENT_HTTP_SLOW, "requestId", exchange_id(r->x), "method",
		exchange_method(r->x), "path", exchange_path(r->x), "status",
		EVENT_INT(status), "ms", EVENT_INT(ns / CLOCK_MS), "stages",
		text, NULL);
}
