/*
 * One part of an upload: written like a content, and named by a row.  What it
 * replaces is let go after the row's commit.
 */
#include "base/clock.h"
#include "storage/files_inside.h"
#include "storage/resume.h"

#include <stdio.h>
#include <unistd.h>

enum {
	ROOM_MS = 60000,
	END_MS = 120000,
	PARTS_TOP = 10000 /* of one upload, as S3 has it */
};

struct parting {
	struct files *f;
	struct resume_part *part;
	struct content *content;
	struct ask ask;
	int64_t room; /* bytes that the asker's quota leaves for this part */
	bool asked, ending;
};

/* Parts count as what they will be: else an upload that nobody ever completes
 * would be room without a limit. */
static const char may_sql[] =
	"SELECT (SELECT count(*) FROM mpcloud.file_parts p"
	"  WHERE p.upload = u.id AND p.start <> $5::bigint),"
	" CASE WHEN $6::boolean THEN"
	"  (SELECT coalesce(sum(p.size), 0)::bigint FROM mpcloud.file_uploads o"
	"   JOIN mpcloud.file_parts p ON p.upload = o.id"
	"   WHERE o.asker = $4 AND o.env = $2"
	"   AND NOT (p.upload = u.id AND p.start = $5::bigint))"
	"  + (SELECT coalesce(sum(g.bytes), 0)::bigint FROM mpcloud.file_usage "
	"g"
	"   WHERE g.owner = $4 AND g.env = $2) ELSE 0 END"
	" FROM mpcloud.file_uploads u"
	" WHERE u.id = $1 AND u.env = $2 AND ($3 OR u.asker = $4)";

/* The upload's row is locked, so that it neither ends nor is completed
 * meanwhile. */
static const char put_sql[] =
	"WITH u AS (UPDATE mpcloud.file_uploads SET touched_at = $6::bigint"
	"  WHERE id = $1 RETURNING id),"
	" old AS (SELECT p.name FROM mpcloud.file_parts p, u"
	"  WHERE p.upload = u.id AND p.start = $2::bigint),"
	" fresh AS (INSERT INTO mpcloud.file_parts AS p"
	"  (upload, start, size, md5, name)"
	"  SELECT u.id, $2::bigint, $3::bigint, $4, $5 FROM u"
	"  ON CONFLICT (upload, start) DO UPDATE SET size = excluded.size,"
	"  md5 = excluded.md5, name = excluded.name RETURNING 1)"
	" SELECT (SELECT count(*) FROM fresh), (SELECT name FROM old)";

static void
drop_content(struct parting *p)
{
	struct content *c = take(p->content);

	if (!c)
		return;
	if (p->asked)
		content_keep(c);
	else
		content_drop(c);
}

static void
on_drop(struct job *job)
{
	struct parting *p = container_of(job, struct resume_part, job)->inside;

	job_cancel(&p->ask.job);
	if (p->ending)
		drop_content(p);
}

static void
finish(struct parting *p, int err, const struct fault *why)
{
	if (err < 0)
		drop_content(p);
	if (err < 0 && why)
		p->part->job.why = *why;
	job_finish(&p->part->job, err);
}

static int
no_upload(struct fault *why)
{
	return fault_set(why, ERR_FILE_NONE,
		"there is no such upload: it has ended or was aborted; begin a "
		"new one");
}

static void
on_row(struct job *job)
{
	struct parting *p = container_of(
		container_of(job, struct ask, job), struct parting, ask);
	struct fault why = {0};
	char path[PLACE_PATH];

	if (job->err < 0) {
		finish(p, job->err, &job->why);
		return;
	}
	if (ask_int(&p->ask, 0, 0) == 0) {
		p->asked = false;
		finish(p, no_upload(&why), &why);
		return;
	}
	if (!ask_is_null(&p->ask, 0, 1)) {
		(void)snprintf(path, sizeof(path), "uploads/%.*s",
			SLICE_ARG(ask_value(&p->ask, 0, 1)));
		(void)unlinkat(place_dir(p->f->place), path, 0);
	}
	p->part->size = content_sums(p->content)->size;
	content_keep(take(p->content));
	finish(p, 0, NULL);
}

static void
put_row(struct parting *p)
{
	const struct content_sums *s = content_sums(p->content);
	struct arena *a = p->part->arena;

	p->ask = (struct ask){.row = pool_row(SLICE("uploads"), p->part->id)};
	job_init(&p->ask.job, on_row);
	p->asked = true;
	pool_ask(p->f->pool, &p->ask, put_sql,
		(struct slice[]){p->part->id, file_number(a, p->part->start),
			file_number(a, s->size), slice_str(s->md5),
			slice_str(s->name), file_number(a, clock_now_ms())},
		6);
}

static void
on_step(struct content *c, void *owner)
{
	struct parting *p = owner;
	const struct content_sums *s = content_sums(c);
	struct fault why = {0};
	int r = content_error(c);

	if (!p->part->job.busy)
		return;
	if (r == 0 && content_is_whole(c) && p->part->md5.len &&
		!slice_is_nocase(p->part->md5, s->md5))
		r = fault_set(&why, ERR_FILE_CHECKSUM,
			"the MD5 of the bytes that came is %s: send the part "
			"again",
			s->md5);
	if (r < 0)
		finish(p, r, why.code ? &why : NULL);
	else if (!p->ending)
		finish(p, 0, NULL);
	else if (content_is_whole(c))
		put_row(p);
}

static bool
has_quota(const struct parting *p)
{
	return p->f->conf.user_quota > 0 && !p->part->scope.admin;
}

static void
on_may(struct job *job)
{
	struct parting *p = container_of(
		container_of(job, struct ask, job), struct parting, ask);
	struct fault why = {0};
	int r = job->err;

	if (r < 0)
		why = job->why;
	else if (ask_rows(&p->ask) == 0)
		r = no_upload(&why);
	else if (ask_int(&p->ask, 0, 0) >= PARTS_TOP)
		r = fault_set(&why, ERR_TOO_BIG,
			"an upload has %d parts at most: send larger ones",
			PARTS_TOP);
	else if (has_quota(p))
		p->room = p->f->conf.user_quota - ask_int(&p->ask, 0, 1);
	if (r == 0 && p->room <= 0)
		r = ERR_FILE_QUOTA;
	finish(p, r, why.code ? &why : NULL);
}

void
resume_part_begin(struct files *f, struct resume_part *part)
{
	struct parting *p = arena_new(part->arena, struct parting);

	p->f = f;
	p->part = part;
	p->room = INT64_MAX;
	part->inside = p;
	p->content = content_new(f->place, on_step, p);
	content_set_part(p->content);
	job_begin(&part->job, f->loop, END_MS, on_drop);
	p->ask = (struct ask){.is_read = true};
	job_init(&p->ask.job, on_may);
	pool_ask(f->pool, &p->ask, may_sql,
		(struct slice[]){part->id, slice_str(f->conf.env),
			part->scope.admin ? SLICE("t") : SLICE("f"),
			slice_str(file_scope_owner(&part->scope)),
			file_number(part->arena, part->start),
			has_quota(p) ? SLICE("t") : SLICE("f")},
		6);
}

int
resume_part_data(struct resume_part *part, struct slice data)
{
	struct parting *p = part->inside;
	int r;

	if (!p->content)
		return ERR_GONE;
	if (part->start + content_size(p->content) + (int64_t)data.len >
		p->f->conf.file_top)
		return fault_set(&part->job.why, ERR_TOO_BIG,
			"a file has %lld bytes at most (storage.file_size)",
			(long long)p->f->conf.file_top);
	if (content_size(p->content) + (int64_t)data.len > p->room)
		return ERR_FILE_QUOTA;
	r = content_add(p->content, data);
	if (r == CONTENT_WAIT)
		job_begin(&part->job, p->f->loop, ROOM_MS, on_drop);
	return r;
}

void
resume_part_end(struct resume_part *part)
{
	struct parting *p = part->inside;
	int r;

	p->ending = true;
	job_begin(&part->job, p->f->loop, END_MS, on_drop);
	r = p->content ? content_end(p->content) : ERR_GONE;
	if (r < 0) {
		drop_content(p);
		job_fail_soon(&part->job, p->f->loop, r);
	}
}

void
resume_part_done(struct resume_part *part)
{
	job_cancel(&part->job);
	if (part->inside)
		drop_content(part->inside);
	part->inside = NULL;
}
