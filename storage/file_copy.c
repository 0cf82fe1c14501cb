/*
 * Copying: the rules are asked for the source (read; delete, too, when it
 * moves) and for what is at the new path, then one transaction does it.  What
 * comes from a path whose contents need no check to one whose do is checked
 * there; from one of those it was, or cannot be copied yet.
 */
#include "storage/file_copy.h"

#include "base/clock.h"
#include "storage/files_inside.h"

enum { JUDGES = 5 };

struct file_copying {
	struct files *f;
	struct file_copy *copy;
	struct file_look from, to;
	struct ask ask;
	unsigned judged;
};

static const char copy_sql[] =
	"SELECT c.verdict, c.calls FROM mpcloud.file_copy($1, $2, $3, $4, $5,"
	" $6, $7::boolean, $8::boolean, $9, $10, $11, $12, $13::jsonb, $14,"
	" $15::jsonb) c";

static void
on_drop(struct job *job)
{
	struct file_copying *g =
		container_of(job, struct file_copy, job)->inside;

	job_cancel(&g->from.job);
	job_cancel(&g->to.job);
	job_cancel(&g->ask.job);
}

static void look(struct file_copying *g);

static void
on_copied(struct job *job)
{
	struct file_copying *g = container_of(
		container_of(job, struct ask, job), struct file_copying, ask);
	struct job *done = &g->copy->job;
	struct slice verdict;

	if (job->err < 0) {
		done->why = job->why;
		job_finish(done, job->err);
		return;
	}
	hot_change_end(g->f->hot, g->copy->to);
	if (g->copy->move)
		hot_change_end(g->f->hot, g->copy->from);
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

static int
judge(struct file_copying *g, struct fault *why)
{
	struct file_copy *c = g->copy;
	int r = file_judge(&g->from, ACCESS_READ, &c->scope, why);

	if (r == 0 && !g->from.found)
		r = ERR_FILE_NONE;
	if (r == 0 && c->move)
		r = file_judge(&g->from, ACCESS_DELETE, &c->scope, why);
	if (r == 0)
		r = file_judge(&g->to,
			g->to.found ? ACCESS_UPDATE : ACCESS_CREATE, &c->scope,
			why);
	if (r == 0 && g->to.found && !c->overwrite)
		r = file_verdict(g->f, SLICE("exists"), why);
	return r;
}

static void
copy_row(struct file_copying *g)
{
	const struct files_conf *conf = &g->f->conf;
	struct file_copy *c = g->copy;
	struct arena *a = c->arena;

	g->ask = (struct ask){.row = pool_row(SLICE("files"), c->to),
		.home = FILES_HOME,
		.shares = true};
	job_init(&g->ask.job, on_copied);
	hot_change_begin(g->f->hot, c->to);
	if (c->move)
		hot_change_begin(g->f->hot, c->from);
	pool_ask(g->f->pool, &g->ask, copy_sql,
		(struct slice[]){
			slice_str(conf->env),
			c->from,
			c->to,
			slice_str(g->from.info.owner),
			g->to.found ? slice_str(g->to.info.owner)
				    : slice_of(NULL, 0),
			slice_str(file_scope_owner(&c->scope)),
			ask_flag(c->overwrite),
			ask_flag(c->move),
			file_number(a, conf->user_quota),
			file_number(a, conf->total_quota),
			file_number(a, conf->lane),
			slice_str(conf->bucket),
			file_caller(a, &c->scope),
			file_number(a, clock_now_ms()),
			file_is_checked(g->f, &c->scope, c->from)
				? slice_of(NULL, 0)
				: file_check(g->f, a, &c->scope, c->to),
		},
		15);
}

static void
on_to(struct job *job)
{
	struct file_copying *g =
		container_of(container_of(job, struct file_look, job),
			struct file_copying, to);
	struct file_copy *c = g->copy;
	int r = job->err;

	if (r < 0)
		c->job.why = job->why;
	else
		r = judge(g, &c->job.why);
	if (r < 0)
		job_finish(&c->job, r);
	else
		copy_row(g);
}

static void
on_from(struct job *job)
{
	struct file_copying *g =
		container_of(container_of(job, struct file_look, job),
			struct file_copying, from);

	if (job->err < 0) {
		g->copy->job.why = job->why;
		job_finish(&g->copy->job, job->err);
		return;
	}
	g->to = (struct file_look){
		.arena = g->copy->arena, .path = g->copy->to};
	job_init(&g->to.job, on_to);
	file_look(g->f, &g->to, "");
}

static void
look(struct file_copying *g)
{
	g->from = (struct file_look){
		.arena = g->copy->arena, .path = g->copy->from};
	job_init(&g->from.job, on_from);
	file_look(g->f, &g->from, "");
}

void
file_copy(struct files *f, struct file_copy *copy)
{
	struct file_copying *g = arena_new(copy->arena, struct file_copying);
	int r;

	g->f = f;
	g->copy = copy;
	copy->inside = g;
	job_init(&g->from.job, on_from);
	job_init(&g->to.job, on_to);
	job_init(&g->ask.job, on_copied);
	job_begin(&copy->job, f->loop, 0, on_drop);
	r = file_path_check(copy->from, &copy->job.why);
	if (r == 0)
		r = file_path_check(copy->to, &copy->job.why);
	if (r < 0) {
		job_fail_soon(&copy->job, f->loop, r);
		return;
	}
	look(g);
}
