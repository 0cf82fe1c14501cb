/*
 * The platform's own lines in a function's log, written as Tencent's SCF writes
 * them: START, END and Report of a call, and Init Report of one that waited for
 * its worker to start.  A function that is called ten thousand times a second
 * must not be slowed by its log: beyond a rate only calls that say something
 * (failed, cold, slow) are reported, and once a second how many were not.
 */
#include "functions/hand.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { SLOW_NS = 1000000000, MORE = 10, LOOK_MS = 1000, MIB = 1 << 20 };

void
crew_say(struct crew *crew, const char *request_id, int level,
	enum crew_line_kind kind, struct slice text)
{
	const struct crew_line line = {.function = crew->settings.name,
		.version = crew->settings.version,
		.request_id = request_id,
		.level = level,
		.kind = kind,
		.text = text};

	if (crew->crews->ops.on_line)
		crew->crews->ops.on_line(crew->crews, &line);
}

static void
say(struct invocation *inv, enum crew_line_kind kind, const char *text)
{
	crew_say(inv->hand->crew, inv->request_id, 1, kind, slice_str(text));
}

static void
note_left_out(struct crew *crew)
{
	char text[128];

	if (!crew->report.left_out)
		return;
	(void)snprintf(text, sizeof(text),
		"%u calls were not reported here: they were more than %u a "
		"second (functions.report_rate)",
		crew->report.left_out, crew->crews->report_rate);
	crew->report.left_out = 0;
	crew_say(crew, "", 1, LINE_REPORT, slice_str(text));
}

static void
on_left_out(struct timer *timer)
{
	note_left_out(container_of(timer, struct crew, report.timer));
}

void
crew_report_done(struct crew *crew)
{
	timer_clear(&crew->report.timer);
	note_left_out(crew);
}

/* Whether there is room for one more call this second; one that says something
 * finds some longer. */
static bool
has_room(struct crew *crew, int64_t now, bool says_something)
{
	struct crew_report *r = &crew->report;
	unsigned rate = crew->crews->report_rate;

	if (now / CLOCK_S != r->second) {
		r->second = now / CLOCK_S;
		r->lines = r->more = 0;
	}
	if (r->lines < rate) {
		r->lines++;
		return true;
	}
	return says_something && r->more++ < MORE * max(rate, 10u);
}

void
crew_report_begin(struct invocation *inv)
{
	struct crew *crew = inv->hand->crew;
	char text[128];

	if (!crew->crews->ops.on_line || !has_room(crew, inv->begun, inv->cold))
		return;
	inv->told = true;
	(void)snprintf(
		text, sizeof(text), "START RequestId: %s", inv->request_id);
	say(inv, LINE_START, text);
}

/* What the worker holds, " MemUsage:28.10MB"; nothing before it was looked
 * at. */
static const char *
memory_text(const struct invocation *inv, char *room, size_t size)
{
	uint64_t bytes = inv->hand->memory_top;

	if (!bytes)
		bytes = inv->hand->crew->stats.memory;
	room[0] = '\0';
	if (bytes)
		(void)snprintf(
			room, size, " MemUsage:%.2fMB", (double)bytes / MIB);
	return room;
}

void
crew_report_init(struct invocation *inv)
{
	const struct hand *hand = inv->hand;
	char text[192], memory[48];

	if (!inv->told)
		return;
	(void)snprintf(text, sizeof(text),
		"Init Report RequestId: %s Coldstart: %lldms Memory: %" PRId64
		"MB%s",
		inv->request_id,
		(hand->ready - hand->started + CLOCK_MS - 1) / CLOCK_MS,
		hand->crew->settings.memory / MIB,
		memory_text(inv, memory, sizeof(memory)));
	say(inv, LINE_INIT, text);
}

static void
tell_end(struct invocation *inv, int err, int64_t took)
{
	int64_t waited = inv->begun ? inv->begun - inv->asked : 0;
	char text[320], memory[48], queue[48] = "", code[64] = "";

	(void)snprintf(
		text, sizeof(text), "END RequestId: %s", inv->request_id);
	say(inv, LINE_END, text);
	if (waited >= CLOCK_MS)
		(void)snprintf(queue, sizeof(queue), " Queue:%lldms",
			waited / CLOCK_MS);
	if (err < 0)
		(void)snprintf(
			code, sizeof(code), " Code:%s", err_info(err)->wire);
	(void)snprintf(text, sizeof(text),
		"Report RequestId: %s Duration:%.2fms Billed Duration:%lldms "
		"Memory:%" PRId64 "MB%s%s%s",
		inv->request_id, (double)took / CLOCK_MS,
		(took + CLOCK_MS - 1) / CLOCK_MS,
		inv->hand->crew->settings.memory / MIB,
		memory_text(inv, memory, sizeof(memory)), queue, code);
	say(inv, LINE_REPORT, text);
}

void
crew_report_end(struct invocation *inv, int err, int64_t took)
{
	struct crew *crew = inv->hand->crew;
	bool says_something = err < 0 || took >= SLOW_NS;

	if (!crew->crews->ops.on_line)
		return;
	if (inv->told ||
		(says_something && has_room(crew, inv->begun + took, true))) {
		tell_end(inv, err, took);
		return;
	}
	crew->report.left_out++;
	if (!timer_is_set(&crew->report.timer))
		timer_set(&crew->report.timer, crew->crews->loop, LOOK_MS,
			on_left_out);
}
