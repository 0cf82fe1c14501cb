/*
 * Removing a file: who may, by the rules, then one transaction.
 */
#include "storage/file_remove.h"

#include "base/clock.h"
#include "storage/files_inside.h"

enum { JUDGES = 5 };

struct file_removing {
	struct files *f;
	struct file_remove *rm;
	struct file_look look;
	struct ask ask;
	unsigned judged;
};

static const char remove_sql[] =
	"SELECT r.verdict, r.calls FROM mpcloud.file_remove($1, $2, $3, $4, $5,"
	" $6::jsonb, $7) r";

static void
on_drop(struct job *job)
{
	struct file_removing *g =
		container_of(job, struct file_remove, job)->inside;

	job_cancel(&g->look.job);
	job_cancel(&g->ask.job);
}

static void look(struct file_removing *g);

static void
on_removed(struct job *job)
{
	struct file_removing *g = container_of(
		container_of(job, struct ask, job), struct file_removing, ask);
	struct job *done = &g->rm->job;
	struct slice verdict;

	if (job->err < 0) {
		done->why = job->why;
		job_finish(done, job->err);
		return;
	}
	hot_change_end(g->f->hot, g->rm->path);
	verdict = ask_value(&g->ask, 0, 0);
	if (slice_is(verdict, "judge") && ++g->judged < JUDGES) {
		look(g);
		return;
	}
	if (!slice_is(verdict, "ok")) {
		job_finish(done, file_verdict(g->f, verdict, &done->why));
		return;
	}
	file_woke(g->f, ask_int(&g->ask, 0, 1));
	file_gone_soon(g->f);
	job_finish(done, 0);
}

static void
on_looked(struct job *job)
{
	struct file_removing *g =
		container_of(container_of(job, struct file_look, job),
			struct file_removing, look);
	struct file_remove *rm = g->rm;
	struct arena *a = rm->arena;
	int r = job->err;

	if (r < 0)
		rm->job.why = job->why;
	else
		r = file_judge(
			&g->look, ACCESS_DELETE, &rm->scope, &rm->job.why);
	if (r == 0 && !g->look.found)
		r = ERR_FILE_NONE;
	if (r < 0) {
		job_finish(&rm->job, r);
		return;
	}
	g->ask = (struct ask){.row = pool_row(SLICE("files"), rm->path),
		.home = FILES_HOME,
		.shares = true};
	job_init(&g->ask.job, on_removed);
	hot_change_begin(g->f->hot, rm->path);
	pool_ask(g->f->pool, &g->ask, remove_sql,
		(struct slice[]){slice_str(g->f->conf.env), rm->path,
			slice_str(g->look.info.owner),
			file_number(a, g->f->conf.lane),
			slice_str(g->f->conf.bucket),
			file_caller(a, &rm->scope),
			file_number(a, clock_now_ms())},
		7);
}

static void
look(struct file_removing *g)
{
	g->look =
		(struct file_look){.arena = g->rm->arena, .path = g->rm->path};
	job_init(&g->look.job, on_looked);
	file_look(g->f, &g->look, "");
}

void
file_remove(struct files *f, struct file_remove *rm)
{
	struct file_removing *g = arena_new(rm->arena, struct file_removing);
	int r;

	g->f = f;
	g->rm = rm;
	rm->inside = g;
	job_init(&g->look.job, on_looked);
	job_init(&g->ask.job, on_removed);
	job_begin(&rm->job, f->loop, 0, on_drop);
	r = file_path_check(rm->path, &rm->job.why);
	if (r < 0) {
		job_fail_soon(&rm->job, f->loop, r);
		return;
	}
	look(g);
}
