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
	int64_t announced; /* of the whole upload; -1: it was not said */
	/* bytes that quotas leave for what is on its way, with this part;
	 * INT64_MAX: there is none */
	int64_t user_room, total_room;
	struct inflow *inflow;
	int64_t flown; /* added to it */
	bool asked, ending;
};

/* Parts count as what they will be: else an upload that nobody ever completes
 * would be room without a limit. */
static const char may_sql[] =
	"SELECT count, announced, user_used, total_used"
	" FROM mpcloud.file_part_may($1, $2, $3::boolean, $4, $5::bigint,"
	" $6::boolean, $7::boolean)";

static const char put_sql[] =
	"SELECT verdict, old FROM mpcloud.file_part_put($1, $2::bigint,"
	" $3::bigint, $4, $5, $6::bigint, $7::bigint, $8::bigint)";

/* Written down or given up: not on its way any more. */
static void
land(struct parting *p)
{
	p->inflow = inflow_leave(&p->f->inflows, p->inflow, p->flown);
	p->flown = 0;
}

static bool
has_user_quota(const struct parting *p)
{
	return p->f->conf.user_quota > 0 && !p->part->scope.admin;
}

static void
drop_content(struct parting *p)
{
	struct content *c = take(p->content);

	land(p);
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
refuse(struct parting *p, struct slice verdict)
{
	struct fault why = {0};

	if (slice_is(verdict, "none"))
		finish(p, no_upload(&why), &why);
	else
		finish(p, file_verdict(p->f, verdict, &why), &why);
}

static void
on_row(struct job *job)
{
	struct parting *p = container_of(
		container_of(job, struct ask, job), struct parting, ask);
	char path[PLACE_PATH];

	if (job->err < 0) {
		finish(p, job->err, &job->why);
		return;
	}
	if (!ask_is_null(&p->ask, 0, 0)) {
		p->asked = false;
		refuse(p, ask_value(&p->ask, 0, 0));
		return;
	}
	if (!ask_is_null(&p->ask, 0, 1)) {
		(void)snprintf(path, sizeof(path), "uploads/%.*s",
			SLICE_ARG(ask_value(&p->ask, 0, 1)));
		(void)unlinkat(place_dir(p->f->place), path, 0);
	}
	p->part->size = content_sums(p->content)->size;
	content_keep(take(p->content));
	land(p);
	finish(p, 0, NULL);
}

static void
put_row(struct parting *p)
{
	const struct content_sums *s = content_sums(p->content);
	struct arena *a = p->part->arena;

	p->ask = (struct ask){.row = pool_row(SLICE("uploads"), p->part->id),
		.home = FILES_HOME,
		.shares = true};
	job_init(&p->ask.job, on_row);
	p->asked = true;
	pool_ask(p->f->pool, &p->ask, put_sql,
		(struct slice[]){p->part->id, file_number(a, p->part->start),
			file_number(a, s->size), slice_str(s->md5),
			slice_str(s->name), file_number(a, clock_now_ms()),
			file_number(a,
				has_user_quota(p) ? p->f->conf.user_quota : 0),
			file_number(a, p->f->conf.total_quota)},
		8);
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

static int64_t
room(bool has, int64_t quota, int64_t used)
{
	return has ? quota - used : INT64_MAX;
}

/* Does another `more` bytes fit, with all that comes in beside it? */
static int
check_room(const struct parting *p, int64_t more, struct fault *why)
{
	int64_t at = p->part->start + content_size(p->content) + more;

	if (at > p->f->conf.file_top)
		return fault_set(why, ERR_TOO_BIG,
			"a file has %lld bytes at most (storage.file_size)",
			(long long)p->f->conf.file_top);
	if (p->announced >= 0 && at > p->announced)
		return fault_set(why, ERR_TOO_BIG,
			"the upload was announced with %lld bytes, and this "
			"part goes beyond them",
			(long long)p->announced);
	if (p->inflow->bytes + more > p->user_room)
		return file_verdict(p->f, SLICE("user_quota"), why);
	if (p->f->inflows.bytes + more > p->total_room)
		return file_verdict(p->f, SLICE("total_quota"), why);
	return 0;
}

static void
on_may(struct job *job)
{
	struct parting *p = container_of(
		container_of(job, struct ask, job), struct parting, ask);
	const struct files_conf *conf = &p->f->conf;
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
	if (r == 0) {
		p->announced = ask_int(&p->ask, 0, 1);
		p->user_room = room(has_user_quota(p), conf->user_quota,
			ask_int(&p->ask, 0, 2));
		p->total_room = room(conf->total_quota > 0, conf->total_quota,
			ask_int(&p->ask, 0, 3));
		p->inflow = inflow_join(
			&p->f->inflows, file_scope_owner(&p->part->scope));
		r = check_room(p, 0, &why);
	}
	finish(p, r, why.code ? &why : NULL);
}

void
resume_part_begin(struct files *f, struct resume_part *part)
{
	struct parting *p = arena_new(part->arena, struct parting);

	p->f = f;
	p->part = part;
	part->inside = p;
	p->content = content_new(f->place, on_step, p);
	content_set_part(p->content);
	job_begin(&part->job, f->loop, END_MS, on_drop);
	p->ask = (struct ask){.is_read = true};
	job_init(&p->ask.job, on_may);
	pool_ask(f->pool, &p->ask, may_sql,
		(struct slice[]){part->id, slice_str(f->conf.env),
			ask_flag(part->scope.admin),
			slice_str(file_scope_owner(&part->scope)),
			file_number(part->arena, part->start),
			ask_flag(has_user_quota(p)),
			ask_flag(f->conf.total_quota > 0)},
		7);
}

int
resume_part_data(struct resume_part *part, struct slice data)
{
	struct parting *p = part->inside;
	int r;

	if (!p->content)
		return ERR_GONE;
	r = check_room(p, (int64_t)data.len, &part->job.why);
	if (r < 0)
		return r;
	r = content_add(p->content, data);
	if (r == 0) {
		inflow_add(&p->f->inflows, p->inflow, (int64_t)data.len);
		p->flown += (int64_t)data.len;
	}
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
