/*
 * The content check of uploaded files: a call whose answer is a verdict.  The
 * call's end and the verdict are one statement (db/routines/file_check.sql), so
 * a file never waits for a call that is over.
 *
 * Some checks take longer than a call (WeChat tells its verdict on a recording
 * by a message).  Such a function answers {wait: SECONDS} and is asked again
 * then, which is no failure, for a day at the most.
 */
#include "trigger/queue_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mark.h"
#include "base/val.h"
#include "storage/files.h"

#include <stdio.h>

enum { WAIT_TOP_S = 3600, WAITS_MS = 86400 * 1000 };

bool
run_is_check(const struct run *run)
{
	return strcmp(run->call.trigger, "check") == 0;
}

static int
refuse_answer(struct run *run)
{
	struct slice said = run->call.result;

	return fault_set(&run->call.job.why, ERR_FN_BAD_ANSWER,
		"a content check answers {pass: true}, {pass: false, reason: "
		"\"\"} or {wait: SECONDS}; this one answered %.*s",
		(int)min(said.len, (size_t)200), said.len ? said.ptr : "");
}

static int
judge_wait(struct run *run, double seconds)
{
	if (clock_now_ms() - run->created_at >= WAITS_MS)
		return fault_set(&run->call.job.why, ERR_FN_BAD_ANSWER,
			"the content check has asked for more time for a day");
	run->verdict = CHECK_WAIT;
	run->wait_ms =
		(int64_t)(min(max(seconds, 1.0), (double)WAIT_TOP_S) * 1000);
	return 0;
}

int
check_judge(struct run *run)
{
	_json_ json_t *v = NULL;
	const json_t *pass, *wait;

	if (val_parse(&v, run->call.result, NULL) < 0)
		v = NULL;
	pass = json_object_get(v, "pass");
	wait = json_object_get(v, "wait");
	if (!pass && json_is_number(wait))
		return judge_wait(run, json_number_value(wait));
	if (!json_is_boolean(pass))
		return refuse_answer(run);
	run->verdict = json_is_true(pass) ? CHECK_PASSED : CHECK_REFUSED;
	if (run->verdict == CHECK_REFUSED)
		run_keep_error(run, val_text(v, "reason"));
	return 0;
}

/* The file's row changes, for whoever keeps it (base/mark.h).  When it is
 * written again the new mark is there before the old one goes: what hangs in
 * the database may count as lost, and is not. */
static void
mark_file(struct run *run, bool begins)
{
	struct mark_table *marks = run->queue->conf.marks;
	_json_ json_t *v = NULL;
	struct slice path;

	if (val_parse(&v, run->call.event, NULL) < 0)
		return;
	path = slice_str(val_text(v, "path"));
	if (begins)
		mark_name_begin(marks, path, clock_mono());
	if (run->marked)
		mark_name_end(marks, path);
	run->marked = begins;
}

static void
write_verdict(struct run *run)
{
	struct number id, claim, version, lane, now;

	run->ask.home = FILES_HOME;
	mark_file(run, true);
	pool_ask(run->queue->conf.pool, &run->ask,
		"SELECT c.ended, c.outcome, c.calls, c.path FROM"
		" mpcloud.file_check_end($1::bigint, $2::bigint, $3::integer,"
		" $4::boolean, $5::text, $6::integer, $7::bigint) c",
		(struct slice[]){number_of(&id, run->id),
			number_of(&claim, run->claim),
			number_of(&version, run->version),
			ask_flag(run->verdict == CHECK_PASSED),
			slice_str(run->error),
			number_of(&lane, run->queue->conf.gateway),
			number_of(&now, clock_now_ms())},
		7);
}

/* A content that nobody waits for any more is not asked about again. */
static void
write_failure(struct run *run)
{
	struct number id, claim, version, at, now;

	pool_ask(run->queue->conf.pool, &run->ask,
		"SELECT mpcloud.queue_end($1::bigint, $2::bigint, $3::text,"
		" $4::integer, $5::text, CASE WHEN x.due THEN $6::text"
		" ELSE 'done' END, $7::bigint, $8::bigint), x.due FROM"
		" (SELECT mpcloud.file_check_due($1::bigint) AS due) x",
		(struct slice[]){number_of(&id, run->id),
			number_of(&claim, run->claim), slice_str(run->outcome),
			number_of(&version, run->version),
			slice_str(run->error), slice_str(run->next),
			number_of(&at, run->run_at),
			number_of(&now, clock_now_ms())},
		8);
}

void
check_write(struct run *run)
{
	if (run->verdict)
		write_verdict(run);
	else
		write_failure(run);
}

static void
verdict_written(struct run *run)
{
	char path[1024 + 1];

	(void)snprintf(path, sizeof(path), "%.*s",
		SLICE_ARG(ask_value(&run->ask, 0, 3)));
	if (slice_is(ask_value(&run->ask, 0, 1), "refused"))
		event(EVENT_FILE_REFUSED, "path", path, "function",
			run->call.function, "why", run->error, NULL);
	if (ask_int(&run->ask, 0, 2) > 0)
		queue_wake(run->queue);
}

void
check_answered(struct run *run)
{
	if (run->marked)
		mark_file(run, false);
}

void
check_written(struct run *run)
{
	_json_ json_t *v = NULL;

	if (run->verdict) {
		verdict_written(run);
		return;
	}
	if (strcmp(run->next, "dead") != 0 ||
		!slice_is(ask_value(&run->ask, 0, 1), "t"))
		return;
	if (val_parse(&v, run->call.event, NULL) < 0)
		v = NULL;
	event(EVENT_FILE_UNCHECKED, "path", val_text(v, "path"), "function",
		run->call.function, "id", EVENT_INT(run->id), "why", run->error,
		NULL);
}
