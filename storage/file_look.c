/*
 * One statement says what is at a path, which version the rules have and how
 * much the asker has stored.  Rules of another version than ours are read
 * before anything is judged, so a change of rules holds from its commit on.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "base/event.h"

static const char look_sql[] =
	"SELECT r.version, u.bytes, " FILE_COLUMNS
	", x.uploader, x.reason FROM (SELECT 1) one"
	" LEFT JOIN mpcloud.files f ON f.env = $1 AND f.path = $2"
	" LEFT JOIN mpcloud.file_rules r ON r.env = $1"
	" LEFT JOIN mpcloud.file_usage u ON u.owner = $3 AND u.env = $1"
	" LEFT JOIN mpcloud.file_refused x ON x.env = $1 AND x.path = $2";
enum { LOOK_FILE = 2, LOOK_UPLOADER = LOOK_FILE + FILE_COLUMN_COUNT };

static const char rules_sql[] =
	"SELECT permission, rules, version FROM mpcloud.file_rules"
	" WHERE env = $1";

static const char *
text(struct arena *arena, const struct ask *ask, int row, int col)
{
	if (ask_is_null(ask, row, col))
		return NULL;
	return arena_str(arena, ask_value(ask, row, col));
}

void
file_row(struct file_info *ret, struct arena *arena, const struct ask *ask,
	int row, int col)
{
	*ret = (struct file_info){
		.path = text(arena, ask, row, col),
		.content = text(arena, ask, row, col + 1),
		.size = ask_int(ask, row, col + 3),
		.etag = arena_printf(arena, "\"%.*s\"",
			SLICE_ARG(ask_value(ask, row, col + 4))),
		.sha256 = text(arena, ask, row, col + 5),
		.type = text(arena, ask, row, col + 6),
		.owner = text(arena, ask, row, col + 7),
		.cache_control = text(arena, ask, row, col + 8),
		.disposition = text(arena, ask, row, col + 9),
		.archived = slice_is(ask_value(ask, row, col + 10), "archive"),
		.pending = slice_is(ask_value(ask, row, col + 11), "pending"),
		.created_ms = ask_int(ask, row, col + 12),
		.changed_ms = ask_int(ask, row, col + 13),
		.expire_ms = ask_int(ask, row, col + 14),
	};
}

/* What is stored was checked when it was set; should it be bad all the same,
 * nobody but admins may. */
static void
take_rules(struct files *f, const struct ask *ask)
{
	struct file_rules *fresh = NULL;
	struct fault why = {0};

	if (ask_rows(ask) > 0 && file_rules_new(&fresh, ask_value(ask, 0, 0),
					 ask_value(ask, 0, 1), &why) < 0) {
		event(EVENT_FILE_RULES, "why", why.text, NULL);
		fresh = file_rules_none();
	}
	(void)file_rules_free(f->rules);
	f->rules = fresh;
	f->rules_version = ask_rows(ask) > 0 ? ask_int(ask, 0, 2) : 0;
}

static void
on_rules(struct job *job)
{
	struct file_look *l = container_of(
		container_of(job, struct ask, job), struct file_look, ask);

	if (job->err == 0)
		take_rules(l->f, &l->ask);
	else
		l->job.why = job->why;
	job_finish(&l->job, job->err);
}

static void
on_looked(struct job *job)
{
	struct file_look *l = container_of(
		container_of(job, struct ask, job), struct file_look, ask);
	struct files *f = l->f;

	if (job->err < 0) {
		l->job.why = job->why;
		job_finish(&l->job, job->err);
		return;
	}
	l->version = l->stamp.rules = ask_int(&l->ask, 0, 0);
	l->used = ask_int(&l->ask, 0, 1);
	l->found = !ask_is_null(&l->ask, 0, LOOK_FILE);
	if (l->found) {
		file_row(&l->info, l->arena, &l->ask, 0, LOOK_FILE);
		l->in_s3 = slice_is(ask_value(&l->ask, 0, LOOK_FILE + 2), "s3");
	} else {
		l->refused = text(l->arena, &l->ask, 0, LOOK_UPLOADER);
		l->reason = text(l->arena, &l->ask, 0, LOOK_UPLOADER + 1);
	}
	if (l->version == f->rules_version) {
		job_finish(&l->job, 0);
		return;
	}
	l->ask = (struct ask){.is_read = true};
	job_init(&l->ask.job, on_rules);
	pool_ask(f->pool, &l->ask, rules_sql,
		(struct slice[]){slice_str(f->conf.env)}, 1);
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct file_look, job)->ask.job);
}

void
file_look(struct files *f, struct file_look *l, const char *who)
{
	l->f = f;
	l->found = false;
	l->info = (struct file_info){0};
	l->refused = l->reason = NULL;
	job_begin(&l->job, f->loop, 0, on_drop); /* the pool has a deadline */
	hot_stamp(f->hot, l->path, &l->stamp);
	l->ask = (struct ask){.is_read = true};
	job_init(&l->ask.job, on_looked);
	pool_ask(f->pool, &l->ask, look_sql,
		(struct slice[]){
			slice_str(f->conf.env), l->path, slice_str(who)},
		3);
}

int
file_judge(const struct file_look *l, enum access_act act,
	const struct file_scope *scope, struct fault *why)
{
	return file_may(l->f->rules, act, scope, l->path,
		l->found ? l->info.owner : NULL, clock_now_ms(), why);
}
