/*
 * Contents that lost their row (mpcloud.file_gone) are removed a moment after
 * the commit that took it, by whichever gateway made them; what a gateway that
 * died left there, the next one takes that comes by (storage/lifecycle.h asks,
 * too).  A content that a row still names (a copy) stays, and its entry goes.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "storage/s3.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	SOON_MS = 200,
	AGAIN_MS = 5000,   /* the database failed */
	LATER_MS = 600000, /* a content could not be removed */
	BATCH = 200,
	PATIENCE = 32768
};

struct gone {
	struct files *f;
	struct timer timer;
	struct ask ask;
	struct place_work work;
	struct place *place;
	bool working, freed;
	/* of the batch */
	char name[BATCH][CONTENT_NAME + 1];
	bool named[BATCH], in_s3[BATCH];
	int64_t gone_at[BATCH];
	int err[BATCH];
	unsigned failed;
	int count, at; /* at: of those in S3 */
	struct s3_op s3;
};

static const char list_sql[] = "SELECT l.content, l.place, l.named, g.gone_at"
			       " FROM mpcloud.file_gone_list($1::bigint, 200) l"
			       " JOIN mpcloud.file_gone g USING (content)";
static_assert(BATCH == 200, "list_sql says so too");

/* Named again or not, the entries' time is over: but not of those that lost
 * another row meanwhile, which has moved gone_at (file_let_go).  What could not
 * be removed comes again, behind those that can. */
static const char done_sql[] =
	"WITH w AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb)"
	"  w (content text, gone_at bigint, again_at bigint)),"
	" failed AS (UPDATE mpcloud.file_gone g SET gone_at = w.again_at FROM w"
	"  WHERE g.content = w.content AND g.gone_at = w.gone_at"
	"  AND w.again_at IS NOT NULL)"
	" DELETE FROM mpcloud.file_gone g USING w"
	" WHERE g.content = w.content AND g.gone_at = w.gone_at"
	" AND w.again_at IS NULL";

static void on_timer(struct timer *timer);

static void
again(struct gone *g, uint64_t ms)
{
	timer_set(&g->timer, g->f->loop, ms, on_timer);
}

static void
on_ended(struct job *job)
{
	struct gone *g = container_of(
		container_of(job, struct ask, job), struct gone, ask);

	if (job->err < 0)
		again(g, AGAIN_MS);
	else if (g->count == BATCH)
		again(g, g->failed ? SOON_MS : 0);
}

/* One line of a batch: they fail for one reason. */
static void
tell_failed(struct gone *g)
{
	for (int i = 0; i < g->count; i++)
		if (g->err[i] < 0 && g->failed++ == 0)
			event(EVENT_FILE_REMOVE, "content", g->name[i], "why",
				err_text(g->err[i]), NULL);
}

static void
end_entries(struct gone *g)
{
	int64_t again_at = clock_now_ms() + LATER_MS;
	_buf_ struct buf list = {0};

	g->failed = 0;
	tell_failed(g);
	buf_init(&list, PATIENCE);
	for (int i = 0; i < g->count; i++) {
		buf_printf(&list, "%s{\"content\":\"%s\",\"gone_at\":%lld",
			i ? "," : "[", g->name[i], (long long)g->gone_at[i]);
		if (g->err[i] < 0)
			buf_printf(&list, ",\"again_at\":%lld",
				(long long)again_at);
		buf_char(&list, '}');
	}
	buf_char(&list, ']');
	g->ask = (struct ask){0};
	job_init(&g->ask.job, on_ended);
	pool_ask(g->f->pool, &g->ask, done_sql,
		(struct slice[]){buf_all(&list)}, 1);
}

static void remove_in_s3(struct gone *g);

static void
on_removed_in_s3(struct job *job)
{
	struct gone *g = container_of(
		container_of(job, struct s3_op, job), struct gone, s3);
	int r = job->err;

	s3_done(&g->s3);
	g->err[g->at++] = r;
	remove_in_s3(g);
}

/* One after the other; then the rows. */
static void
remove_in_s3(struct gone *g)
{
	for (; g->at < g->count; g->at++) {
		if (!g->in_s3[g->at] || g->named[g->at])
			continue;
		if (g->f->s3) {
			job_init(&g->s3.job, on_removed_in_s3);
			s3_delete(g->f->s3, &g->s3, g->name[g->at]);
			return;
		}
		g->err[g->at] = ERR_CONFIG;
	}
	end_entries(g);
}

static void
on_run(struct place_work *w)
{
	struct gone *g = container_of(w, struct gone, work);

	for (int i = 0; i < g->count; i++)
		g->err[i] = g->named[i] || g->in_s3[i]
				    ? 0
				    : place_remove(g->place, g->name[i]);
}

static void
on_removed(struct place_work *w)
{
	struct gone *g = container_of(w, struct gone, work);

	g->working = false;
	if (g->freed) {
		place_unref(g->place);
		(void)mem_free(g);
		return;
	}
	g->at = 0;
	remove_in_s3(g);
}

static void
on_listed(struct job *job)
{
	struct gone *g = container_of(
		container_of(job, struct ask, job), struct gone, ask);

	g->count = 0;
	for (int i = 0; job->err == 0 && i < ask_rows(&g->ask); i++) {
		struct slice name = ask_value(&g->ask, i, 0);

		if (!place_is_name(name))
			continue;
		memcpy(g->name[g->count], name.ptr, name.len);
		g->name[g->count][name.len] = '\0';
		g->in_s3[g->count] = slice_is(ask_value(&g->ask, i, 1), "s3");
		g->gone_at[g->count] = ask_int(&g->ask, i, 3);
		g->named[g->count++] = slice_is(ask_value(&g->ask, i, 2), "t");
	}
	if (job->err < 0) {
		again(g, AGAIN_MS);
	} else if (g->count) {
		g->working = true;
		place_do(g->place, &g->work, on_run, on_removed);
	}
}

static void
on_timer(struct timer *timer)
{
	struct gone *g = container_of(timer, struct gone, timer);
	char now[24];

	if (g->working || g->ask.job.busy || g->s3.job.busy) {
		again(g, SOON_MS);
		return;
	}
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_listed);
	(void)snprintf(now, sizeof(now), "%lld", (long long)clock_now_ms());
	pool_ask(g->f->pool, &g->ask, list_sql,
		(struct slice[]){slice_str(now)}, 1);
}

void
file_gone_soon(struct files *f)
{
	if (!timer_is_set(&f->gone->timer))
		again(f->gone, SOON_MS);
}

struct gone *
gone_new(struct files *f)
{
	struct gone *g = mem_new(struct gone);

	g->f = f;
	g->place = place_ref(f->place);
	job_init(&g->ask.job, on_listed);
	job_init(&g->s3.job, NULL);
	return g;
}

struct gone *
gone_free(struct gone *g)
{
	if (!g)
		return NULL;
	timer_clear(&g->timer);
	job_cancel(&g->ask.job);
	s3_done(&g->s3);
	if (g->working) {
		g->freed = true;
		return NULL;
	}
	place_unref(g->place);
	return mem_free(g);
}
