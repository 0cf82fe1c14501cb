/*
 * Rounds: each step is one statement or one walk, and says whether there is
 * more of it.  The lease is for the begin of a round and ends by itself, so a
 * gateway that hangs does not keep the others from theirs.  A round may then
 * have another beside it, as one of the operator's may: every step stands that.
 */
#include "storage/lifecycle.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/timer.h"
#include "storage/archive.h"
#include "storage/files_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEASE_MS = 60000, BATCH = 100 };

enum step {
	STEP_LEASE,
	STEP_EXPIRE,
	STEP_ARCHIVE,
	STEP_UPLOADS,
	STEP_SWEEP_DUE,
	STEP_SWEEP,
	STEP_END,
};

struct lifecycle {
	struct files *f;
	struct lifecycle_run *run; /* the operator's, or NULL: by itself */
	struct timer timer;
	struct ask ask;
	struct arena arena;
	struct archive archive;
	struct sweep sweep;
	struct place_work work;
	struct place *place;
	bool working, freed;
	enum step step;
	char holder[33];
	char (*part)[CONTENT_NAME + 1]; /* of an upload that ended */
	int parts;
};

static const char lease_sql[] =
	"SELECT mpcloud.file_lease($1, $2, $3::bigint, $4::bigint)";

static const char expire_sql[] =
	"SELECT removed, calls FROM mpcloud.files_expire($1, $2::bigint, 100,"
	" 1000, $3)";

static const char archive_sql[] =
	"SELECT mpcloud.files_to_archive($1, $2::bigint, 50)";

static const char uploads_sql[] =
	"WITH old AS (DELETE FROM mpcloud.file_uploads WHERE id IN (SELECT id"
	"  FROM mpcloud.file_uploads WHERE touched_at < $1::bigint LIMIT 1)"
	"  RETURNING id) SELECT p.name FROM old LEFT JOIN mpcloud.file_parts p"
	"  ON p.upload = old.id";

static void go(struct lifecycle *l, enum step step);

static void
rest(struct lifecycle *l, int err, const struct fault *why)
{
	struct lifecycle_run *run = l->run;

	arena_clear(&l->arena, 1 << 20);
	if (!run) {
		timer_set(
			&l->timer, l->f->loop, LIFECYCLE_EVERY_MS, l->timer.fn);
		return;
	}
	run->counts = l->sweep.counts;
	run->inside = NULL;
	l->run = NULL;
	if (why)
		run->job.why = *why;
	(void)lifecycle_free(l);
	job_finish(&run->job, err);
}

static void
ask(struct lifecycle *l, const char *sql, const struct slice *params, int count)
{
	job_fn *done = l->ask.job.done;

	l->ask = (struct ask){0};
	job_init(&l->ask.job, done);
	pool_ask(l->f->pool, &l->ask, sql, params, count);
}

static void
count_expired(struct lifecycle *l)
{
	int64_t removed = ask_int(&l->ask, 0, 0);

	if (l->run)
		l->run->expired += removed;
	if (removed) {
		hot_changed_all(l->f->hot);
		file_gone_soon(l->f);
	}
	file_woke(l->f, ask_int(&l->ask, 0, 1));
	go(l, removed >= BATCH ? STEP_EXPIRE : STEP_ARCHIVE);
}

static void
on_archived(struct job *job)
{
	struct lifecycle *l =
		container_of(container_of(job, struct archive, job),
			struct lifecycle, archive);

	if (job->err <
		0) { /* a full disk, mostly: the rest still has to go on */
		event(EVENT_FILE_ARCHIVE, "why",
			fault_text(&job->why, job->err), NULL);
		go(l, STEP_UPLOADS);
		return;
	}
	go(l, STEP_ARCHIVE);
}

static void
archive(struct lifecycle *l)
{
	const char *name[ARCHIVE_TOP];
	int rows = ask_rows(&l->ask);

	if (rows == 0) {
		go(l, STEP_UPLOADS);
		return;
	}
	for (int i = 0; i < rows && i < ARCHIVE_TOP; i++)
		name[i] = arena_str(&l->arena, ask_value(&l->ask, i, 0));
	if (l->run)
		l->run->archived += rows;
	job_init(&l->archive.job, on_archived);
	archive_contents(
		l->f, &l->archive, name, (size_t)min(rows, (int)ARCHIVE_TOP));
}

static void
run_uploads(struct place_work *w)
{
	struct lifecycle *l = container_of(w, struct lifecycle, work);
	char path[PLACE_PATH];

	for (int i = 0; i < l->parts; i++) {
		(void)snprintf(path, sizeof(path), "uploads/%s", l->part[i]);
		(void)unlinkat(place_dir(l->place), path, 0);
	}
}

static void
lifecycle_end(struct lifecycle *l)
{
	place_unref(l->place);
	arena_done(&l->arena);
	(void)mem_free(l->part);
	(void)mem_free(l);
}

static void
on_uploads(struct place_work *w)
{
	struct lifecycle *l = container_of(w, struct lifecycle, work);

	l->working = false;
	if (l->freed)
		lifecycle_end(l);
	else
		go(l, STEP_UPLOADS);
}

static void
end_uploads(struct lifecycle *l)
{
	int rows = ask_rows(&l->ask);

	if (rows == 0) {
		go(l, STEP_SWEEP_DUE);
		return;
	}
	if (l->run)
		l->run->uploads++;
	l->part = mem_free(l->part);
	l->part = mem_alloc_array((size_t)rows, sizeof(l->part[0]));
	l->parts = 0;
	for (int i = 0; i < rows; i++) {
		struct slice name = ask_value(&l->ask, i, 0);

		if (place_is_name(name))
			memcpy(l->part[l->parts++], name.ptr, name.len);
	}
	l->working = true;
	place_do(l->place, &l->work, run_uploads, on_uploads);
}

static void
on_swept(struct job *job)
{
	struct lifecycle *l = container_of(
		container_of(job, struct sweep, job), struct lifecycle, sweep);

	if (l->sweep.counts.litter || l->sweep.counts.lost)
		event(EVENT_FILE_SWEPT, "litter",
			EVENT_INT(l->sweep.counts.litter), "bytes",
			EVENT_INT(l->sweep.counts.bytes), "lost",
			EVENT_INT(l->sweep.counts.lost), NULL);
	rest(l, job->err, job->err < 0 ? &job->why : NULL);
}

static void
on_asked(struct job *job)
{
	struct lifecycle *l = container_of(
		container_of(job, struct ask, job), struct lifecycle, ask);
	bool yes;

	if (job->err < 0) {
		rest(l, job->err, &job->why);
		return;
	}
	yes = ask_rows(&l->ask) > 0 && slice_is(ask_value(&l->ask, 0, 0), "t");
	switch (l->step) {
	case STEP_LEASE:
		if (yes)
			go(l, STEP_EXPIRE);
		else
			rest(l, 0, NULL);
		return;
	case STEP_EXPIRE:
		count_expired(l);
		return;
	case STEP_ARCHIVE:
		archive(l);
		return;
	case STEP_UPLOADS:
		end_uploads(l);
		return;
	case STEP_SWEEP_DUE:
		if (yes)
			go(l, STEP_SWEEP);
		else
			rest(l, 0, NULL);
		return;
	case STEP_SWEEP:
	case STEP_END:
	default:
		return;
	}
}

static void
take_lease(
	struct lifecycle *l, const char *work, const char *holder, int64_t ms)
{
	int64_t now = clock_now_ms();

	ask(l, lease_sql,
		(struct slice[]){slice_str(work), slice_str(holder),
			file_number(&l->arena, now),
			file_number(&l->arena, now + ms)},
		4);
}

static void
go(struct lifecycle *l, enum step step)
{
	struct slice env = slice_str(l->f->conf.env);
	struct slice now;
	char once[33];

	arena_clear(&l->arena, 1 << 20);
	now = file_number(&l->arena, clock_now_ms());
	l->step = step;
	switch (step) {
	case STEP_LEASE:
		take_lease(l, "lifecycle", l->holder, LEASE_MS);
		return;
	case STEP_EXPIRE:
		ask(l, expire_sql,
			(struct slice[]){
				env, now, slice_str(l->f->conf.bucket)},
			3);
		return;
	case STEP_ARCHIVE:
		ask(l, archive_sql, (struct slice[]){env, now}, 2);
		return;
	case STEP_UPLOADS:
		ask(l, uploads_sql,
			(struct slice[]){file_number(&l->arena,
				clock_now_ms() - LIFECYCLE_UPLOAD_MS)},
			1);
		return;
	case STEP_SWEEP_DUE:
		file_gone_soon(l->f);
		if (l->run) {
			go(l, STEP_SWEEP);
			return;
		}
		/* a lease that its holder cannot take again: once a day */
		text_random_hex(once, 16);
		take_lease(l, "sweep", once, LIFECYCLE_SWEEP_MS);
		return;
	case STEP_SWEEP:
		job_init(&l->sweep.job, on_swept);
		sweep_start(l->f, &l->sweep, SWEEP_AGE_MS);
		return;
	case STEP_END:
	default:
		return;
	}
}

static void
on_timer(struct timer *timer)
{
	struct lifecycle *l = container_of(timer, struct lifecycle, timer);

	go(l, STEP_LEASE);
}

static struct lifecycle *
make(struct files *f)
{
	struct lifecycle *l = mem_new(struct lifecycle);

	l->f = f;
	l->place = place_ref(f->place);
	arena_init(&l->arena, 1 << 20);
	text_random_hex(l->holder, 16);
	job_init(&l->ask.job, on_asked);
	job_init(&l->archive.job, on_archived);
	job_init(&l->sweep.job, on_swept);
	return l;
}

struct lifecycle *
lifecycle_new(struct files *f)
{
	struct lifecycle *l = make(f);

	timer_set(&l->timer, f->loop, LIFECYCLE_EVERY_MS, on_timer);
	return l;
}

struct lifecycle *
lifecycle_free(struct lifecycle *l)
{
	if (!l)
		return NULL;
	timer_clear(&l->timer);
	job_cancel(&l->ask.job);
	job_cancel(&l->archive.job);
	job_cancel(&l->sweep.job);
	if (l->working)
		l->freed = true;
	else
		lifecycle_end(l);
	return NULL;
}

static void
on_drop(struct job *job)
{
	struct lifecycle_run *run =
		container_of(job, struct lifecycle_run, job);

	(void)lifecycle_free(take(run->inside));
}

void
lifecycle_run(struct files *f, struct lifecycle_run *run)
{
	struct lifecycle *l = make(f);

	run->expired = run->archived = run->uploads = 0;
	run->inside = l;
	l->run = run;
	job_begin(&run->job, f->loop, 0, on_drop);
	go(l, STEP_EXPIRE);
}

static int
parse_age(struct buf *to, const char *name, const json_t *v, size_t at,
	struct fault *why)
{
	int64_t ms = 0;

	if (!v)
		return 0;
	if (!json_is_string(v) ||
		quantity_time(slice_str(json_string_value(v)), &ms) < 0 ||
		ms <= 0)
		return fault_set(why, ERR_PARAM,
			"lifecycle[%zu].%s: a time as \"30d\" or \"12h\"", at,
			name);
	buf_printf(to, ",\"%s\":%" PRId64, name, ms);
	return 0;
}

static int
parse_entry(struct buf *to, const json_t *e, size_t at, struct fault *why)
{
	const json_t *prefix = json_object_get(e, "prefix");
	const json_t *expire = json_object_get(e, "expire");
	const json_t *archive_after = json_object_get(e, "archive");
	int r;

	if (!json_is_string(prefix) ||
		json_string_length(prefix) > FILE_PATH_TOP)
		return fault_set(why, ERR_PARAM,
			"lifecycle[%zu].prefix: how paths begin, as \"tmp/\"; "
			"\"\" is all",
			at);
	if ((!expire && !archive_after) ||
		json_object_size(e) !=
			1 + (size_t) !!expire + (size_t) !!archive_after)
		return fault_set(why, ERR_PARAM,
			"lifecycle[%zu]: it has prefix and expire, archive or "
			"both",
			at);
	buf_str(to, at ? ",{\"prefix\":" : "{\"prefix\":");
	buf_json(to, slice_str(json_string_value(prefix)));
	r = parse_age(to, "expire", expire, at, why);
	if (r == 0)
		r = parse_age(to, "archive", archive_after, at, why);
	buf_char(to, '}');
	return r;
}

int
lifecycle_parse(struct buf *to, const json_t *list, struct fault *why)
{
	size_t at;
	const json_t *e;
	int r = 0;

	if (!json_is_array(list) || json_array_size(list) > LIFECYCLE_RULES)
		return fault_set(why, ERR_PARAM,
			"lifecycle: a list of %d entries at most",
			LIFECYCLE_RULES);
	buf_char(to, '[');
	for (at = 0; at < json_array_size(list) && r == 0; at++) {
		e = json_array_get(list, at);
		r = parse_entry(to, e, at, why);
	}
	buf_char(to, ']');
	return r < 0 ? r : buf_check(to);
}
