/*
 * The life of an upload beside its parts.  Completing one is file_put with the
 * parts as the body: rules, quotas, checksums and triggers are those of any
 * other file, and the parts go only after the file is durable.
 */
#include "storage/resume.h"

#include "base/clock.h"
#include "base/text.h"
#include "storage/files_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { JOIN_MS = 30 * 60 * 1000, UPLOADS_TOP = 1000 /* open ones of a user */ };

struct resuming {
	struct files *f;
	struct resume *op;
	struct file_look look;
	struct ask ask;
	struct file_put put;
	const char **names; /* of the parts */
	bool completes;
	char id[RESUME_ID + 1];
};

static const char create_sql[] =
	"INSERT INTO mpcloud.file_uploads (id, env, path, owner, asker, size,"
	" type, cache_control, disposition, fresh, expires_at, created_at,"
	" touched_at) SELECT $1, $2, $3, '', $4, $5::bigint, $6, $7, $8,"
	" $9::boolean, $10::bigint, $11::bigint, $11::bigint"
	" WHERE $4 = '' OR (SELECT count(*) FROM mpcloud.file_uploads u"
	" WHERE u.env = $2 AND u.asker = $4) < $12::bigint RETURNING 1";

#define SHOWN \
	"SELECT u.path, coalesce(u.size, -1), u.type, u.cache_control," \
	" u.disposition, u.fresh, coalesce(u.expires_at, 0), p.start," \
	" p.size, p.md5, p.name FROM"
#define PARTS " LEFT JOIN mpcloud.file_parts p ON p.upload = u.id"
#define WHOSE "u.id = $1 AND u.env = $2 AND ($3 OR u.asker = $4)"

static const char show_sql[] = SHOWN " mpcloud.file_uploads u" PARTS
				     " WHERE " WHOSE " ORDER BY p.start";

/* The parts must not be taken for forgotten while they are read. */
static const char complete_sql[] =
	"WITH u AS (UPDATE mpcloud.file_uploads u SET touched_at = $5::bigint"
	" WHERE " WHOSE " RETURNING *) " SHOWN " u" PARTS " ORDER BY p.start";

static const char end_sql[] =
	"WITH gone AS (DELETE FROM mpcloud.file_uploads u WHERE u.id = $1"
	"  AND u.env = $2 AND ($3 OR u.asker = $4) RETURNING id)"
	" SELECT p.name FROM gone LEFT JOIN mpcloud.file_parts p"
	" ON p.upload = gone.id";

static void
finish(struct resuming *g, int err, const struct fault *why)
{
	if (err < 0 && why)
		g->op->job.why = *why;
	job_finish(&g->op->job, err);
}

static int
no_upload(struct fault *why)
{
	return fault_set(why, ERR_FILE_NONE,
		"there is no such upload: it has ended or was aborted; begin a "
		"new one");
}

static void
on_drop(struct job *job)
{
	struct resuming *g = container_of(job, struct resume, job)->inside;

	job_cancel(&g->look.job);
	job_cancel(&g->ask.job);
	if (g->put.inside)
		file_put_done(&g->put);
}

static struct resuming *
begin(struct files *f, struct resume *op)
{
	struct resuming *g = arena_new(op->arena, struct resuming);

	g->f = f;
	g->op = op;
	op->inside = g;
	job_init(&g->look.job, NULL);
	job_init(&g->ask.job, NULL);
	job_begin(&op->job, f->loop, 0, on_drop);
	return g;
}

void
resume_done(struct resume *op)
{
	struct resuming *g = op->inside;

	job_cancel(&op->job);
	if (g && g->put.inside)
		file_put_done(&g->put);
	op->inside = NULL;
}

/* ---- create ---- */

static void
on_created(struct job *job)
{
	struct resuming *g = container_of(
		container_of(job, struct ask, job), struct resuming, ask);

	struct fault why = job->why;
	int r = job->err;

	if (r == 0 && ask_rows(&g->ask) == 0)
		r = fault_set(&why, ERR_FILE_QUOTA,
			"%d uploads of this user are open, which is the most: "
			"complete or abort some (they end by themselves after "
			"a day)",
			UPLOADS_TOP);
	g->op->made = r < 0 ? NULL : g->id;
	finish(g, r, &why);
}

static struct slice
or_null(struct slice s)
{
	return s.len ? s : slice_of(NULL, 0);
}

static void
on_looked(struct job *job)
{
	struct resuming *g =
		container_of(container_of(job, struct file_look, job),
			struct resuming, look);
	struct resume *op = g->op;
	struct arena *a = op->arena;
	struct fault why = job->why;
	int r = job->err;

	if (r == 0)
		r = file_judge(&g->look,
			g->look.found ? ACCESS_UPDATE : ACCESS_CREATE,
			&op->scope, &why);
	if (r == 0 && op->fresh && g->look.found)
		r = file_verdict(g->f, SLICE("exists"), &why);
	if (r < 0) {
		finish(g, r, &why);
		return;
	}
	text_random_hex(g->id, RESUME_ID / 2);
	g->ask = (struct ask){0};
	job_init(&g->ask.job, on_created);
	pool_ask(g->f->pool, &g->ask, create_sql,
		(struct slice[]){slice_str(g->id), slice_str(g->f->conf.env),
			op->path, slice_str(file_scope_owner(&op->scope)),
			op->size >= 0 ? file_number(a, op->size)
				      : slice_of(NULL, 0),
			op->type.len ? op->type
				     : SLICE("application/octet-stream"),
			or_null(op->cache_control), or_null(op->disposition),
			ask_flag(op->fresh),
			op->expire_ms ? file_number(a, op->expire_ms)
				      : slice_of(NULL, 0),
			file_number(a, clock_now_ms()),
			file_number(a, UPLOADS_TOP)},
		12);
}

void
resume_create(struct files *f, struct resume *op)
{
	struct resuming *g = begin(f, op);
	int r = file_path_check(op->path, &op->job.why);

	if (r == 0 && op->size > f->conf.file_top)
		r = fault_set(&op->job.why, ERR_TOO_BIG,
			"a file has %lld bytes at most (storage.file_size)",
			(long long)f->conf.file_top);
	if (r < 0) {
		job_fail_soon(&op->job, f->loop, r);
		return;
	}
	g->look = (struct file_look){.arena = op->arena, .path = op->path};
	job_init(&g->look.job, on_looked);
	file_look(f, &g->look, file_scope_owner(&op->scope));
}

/* ---- show ---- */

static void
read_parts(struct resuming *g)
{
	struct resume *op = g->op;
	size_t rows = (size_t)ask_rows(&g->ask);

	op->count = 0;
	op->offset = 0;
	op->size = ask_int(&g->ask, 0, 1);
	op->parts = arena_get(op->arena, (rows + 1) * sizeof(op->parts[0]));
	g->names = arena_get(op->arena, (rows + 1) * sizeof(g->names[0]));
	for (size_t i = 0; i < rows; i++) {
		struct resume_part_row *p = &op->parts[op->count];

		if (ask_is_null(&g->ask, (int)i, 7))
			continue;
		p->start = ask_int(&g->ask, (int)i, 7);
		p->size = ask_int(&g->ask, (int)i, 8);
		p->md5 = arena_str(op->arena, ask_value(&g->ask, (int)i, 9));
		g->names[op->count++] =
			arena_str(op->arena, ask_value(&g->ask, (int)i, 10));
		if (p->start == op->offset)
			op->offset += p->size;
	}
}

static void complete(struct resuming *g);

static void
on_shown(struct job *job)
{
	struct resuming *g = container_of(
		container_of(job, struct ask, job), struct resuming, ask);
	struct fault why = job->why;
	int r = job->err;

	if (r == 0 && ask_rows(&g->ask) == 0)
		r = no_upload(&why);
	if (r < 0) {
		finish(g, r, &why);
		return;
	}
	read_parts(g);
	g->op->size = ask_int(&g->ask, 0, 1);
	if (g->completes)
		complete(g);
	else
		finish(g, 0, NULL);
}

static void
ask(struct resuming *g, const char *sql, job_fn *done, bool is_read)
{
	struct resume *op = g->op;

	g->ask = (struct ask){.is_read = is_read};
	job_init(&g->ask.job, done);
	pool_ask(g->f->pool, &g->ask, sql,
		(struct slice[]){op->id, slice_str(g->f->conf.env),
			ask_flag(op->scope.admin),
			slice_str(file_scope_owner(&op->scope)),
			file_number(op->arena, clock_now_ms())},
		sql == complete_sql ? 5 : 4);
}

void
resume_show(struct files *f, struct resume *op)
{
	ask(begin(f, op), show_sql, on_shown, true);
}

/* ---- abort, and after it is complete ---- */

static void
on_ended(struct job *job)
{
	struct resuming *g = container_of(
		container_of(job, struct ask, job), struct resuming, ask);
	int dir = place_dir(g->f->place), rows = ask_rows(&g->ask);
	struct fault why = job->why;
	char path[PLACE_PATH];
	int r = job->err;

	if (g->completes) /* the file is there, the rest is the sweep's */
		r = 0;
	else if (r == 0 && rows == 0)
		r = no_upload(&why);
	for (int i = 0; job->err == 0 && i < rows; i++) {
		if (ask_is_null(&g->ask, i, 0))
			continue;
		(void)snprintf(path, sizeof(path), "uploads/%.*s",
			SLICE_ARG(ask_value(&g->ask, i, 0)));
		(void)unlinkat(dir, path, 0);
	}
	finish(g, r, &why);
}

void
resume_abort(struct files *f, struct resume *op)
{
	ask(begin(f, op), end_sql, on_ended, false);
}

/* ---- complete ---- */

static void
on_put(struct job *job)
{
	struct resuming *g = container_of(
		container_of(job, struct file_put, job), struct resuming, put);

	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	g->op->info = g->put.info;
	ask(g, end_sql, on_ended, false);
}

static void
on_begun(struct job *job)
{
	struct resuming *g = container_of(
		container_of(job, struct file_put, job), struct resuming, put);

	if (job->err < 0) {
		finish(g, job->err, &job->why);
		return;
	}
	file_put_join(&g->put, g->names, g->op->count);
	job->done = on_put;
	file_put_end(&g->put);
}

/* No byte is missing or there twice. */
static int
check_parts(const struct resuming *g, int64_t size, struct fault *why)
{
	const struct resume *op = g->op;
	int64_t at = 0;

	for (size_t i = 0; i < op->count; i++) {
		if (op->parts[i].start != at)
			return fault_set(why, ERR_PARAM,
				"the parts do not fit: one begins at %" PRId64
				", all before it end at %" PRId64,
				op->parts[i].start, at);
		at += op->parts[i].size;
	}
	if (size >= 0 && at != size)
		return fault_set(why, ERR_PARAM,
			"%" PRId64 " bytes are there, %" PRId64
			" were announced: send the rest",
			at, size);
	return 0;
}

static struct slice
text(const struct resuming *g, int col)
{
	if (ask_is_null(&g->ask, 0, col))
		return slice_of("", 0);
	return slice_str(arena_str(g->op->arena, ask_value(&g->ask, 0, col)));
}

static void
complete(struct resuming *g)
{
	struct resume *op = g->op;
	struct fault why = {0};
	int64_t size = ask_int(&g->ask, 0, 1);
	int r = check_parts(g, size, &why);

	if (r < 0) {
		finish(g, r, &why);
		return;
	}
	g->put = (struct file_put){
		.arena = op->arena,
		.scope = op->scope,
		.path = text(g, 0),
		.type = text(g, 2),
		.cache_control = text(g, 3),
		.disposition = text(g, 4),
		.size = op->offset,
		.md5 = op->md5,
		.sha256 = op->sha256,
		.fresh = slice_is(ask_value(&g->ask, 0, 5), "t"),
		.expire_ms = ask_int(&g->ask, 0, 6),
		.end_ms = JOIN_MS,
	};
	job_init(&g->put.job, on_begun);
	file_put_begin(g->f, &g->put);
}

void
resume_complete(struct files *f, struct resume *op)
{
	struct resuming *g = begin(f, op);

	g->completes = true;
	ask(g, complete_sql, on_shown, false);
}
