/*
 * Two questions.  The result, with the snapshot that it was seen in: commits
 * that the snapshot saw are in it, all others come after it, so each counts
 * once.  And which changed documents fit: many at once, each as its transaction
 * left it.
 */
#include "base/mem.h"
#include "watch/watch_inside.h"
#include "watch/watch_text.h"

enum {
	SCRATCH_TOP = 512 << 20,
	REST_LEAST_MS = 50,
	REST_MOST_MS = 5000,
	OVERTAKEN_MS = 2, /* until what was told can be seen */
};

enum { COLUMN_K, COLUMN_DOC, COLUMN_KEY, COLUMN_SNAPSHOT, COLUMN_PUBLISHED };

static const struct coll_info *
info_of(const struct watch_one *one)
{
	return one->names.info[0];
}

static void
drop_first(struct watch_one *one)
{
	struct watch_pending *p =
		list_first(&one->pending, struct watch_pending, on);

	list_del(&p->on);
	watch_commit_unref(p->commit);
	(void)mem_free(p);
}

void
watch_ask_drop_pending(struct watch_one *one)
{
	while (!list_empty(&one->pending))
		drop_first(one);
}

static void
on_rested(struct timer *timer)
{
	struct watch_one *one = container_of(timer, struct watch_one, rest);

	if (!one->w->streams)
		one->state = WATCH_WAITING;
	else
		watch_ask_result(one);
}

static void
rest(struct watch_one *one, uint64_t ms)
{
	one->state = WATCH_RESTING;
	watch_ask_drop_pending(one);
	timer_set(&one->rest, one->w->loop, ms, on_rested);
}

/* What the database refused: ours to try again, or theirs. */
static void
on_refused(struct watch_one *one, int err)
{
	const struct fault why = one->ask.job.why;

	switch (err) {
	case ERR_DB_STALE:
	case ERR_DB_NO_COLLECTION:
	case ERR_DB_DENIED:
		watch_one_scatter(one);
		return;
	case ERR_DB_PARAM:
	case ERR_DB_OPERATOR:
	case ERR_DB_EXISTS:
	case ERR_TOO_BIG:
	case ERR_ANSWER_BIG:
		watch_one_end(one, err, &why);
		return;
	default:
		one->rest_ms =
			min(max(one->rest_ms * 2, (uint64_t)REST_LEAST_MS),
				(uint64_t)REST_MOST_MS);
		rest(one, one->rest_ms);
	}
}

/* The rows but for the last, which is the snapshot's. */
static int
read_rows(struct watch_one *one, struct watch_set *to, struct fault *why)
{
	int rows = ask_rows(&one->ask) - 1;
	size_t top = (size_t)one->w->docs.limits.result_top;
	_buf_ struct buf text = {0};

	if (rows > WATCH_DOCS_TOP)
		return fault_set(
			why, ERR_WATCH_BIG, "%s", err_text(ERR_WATCH_BIG));
	buf_init(&text, 64 << 20);
	for (int i = 0; i < rows; i++) {
		struct slice key = ask_value(&one->ask, i, COLUMN_KEY);

		buf_clear(&text);
		text_shown(&text, key, ask_value(&one->ask, i, COLUMN_DOC),
			one->hides_openid);
		(void)watch_set_put(to, key, buf_all(&text));
		if (text.full || to->bytes > top)
			return fault_set(why, ERR_ANSWER_BIG,
				"the watched result is larger than %zu bytes: "
				"ask for fewer documents, or raise "
				"database.result_top",
				top);
	}
	return 0;
}

static void
note(struct watch_set *touched, const struct watch_commit *c)
{
	static const char *const did[] = {[CHANGE_INSERT] = "i",
		[CHANGE_UPDATE] = "u",
		[CHANGE_DELETE] = "d"};

	for (size_t i = 0; i < c->count; i++) {
		const struct watch_row *row = &c->rows[i];
		const struct watch_doc *was = watch_set_find(touched, row->key);

		if (row->is_over)
			continue;
		if (was && was->text.ptr[0] == 'i' &&
			row->kind == CHANGE_UPDATE)
			continue;
		(void)watch_set_put(
			touched, row->key, slice_str(did[row->kind]));
	}
}

/* Commits that the snapshot saw are in the result. */
static void
skip_seen(struct watch_one *one, const struct watch_snapshot *s,
	struct watch_set *touched)
{
	list_for_each_safe (on, &one->pending) {
		struct watch_pending *p =
			container_of(on, struct watch_pending, on);

		if (!watch_snapshot_saw(s, p->commit->xid))
			continue;
		note(touched, p->commit);
		list_del(&p->on);
		watch_commit_unref(p->commit);
		(void)mem_free(p);
	}
}

static void
take_up(struct watch_one *one, struct watch_set *fresh,
	const struct watch_set *touched)
{
	one->complete = !one->want->bounded ||
			fresh->count < (size_t)one->want->req.limit;
	one->state = WATCH_LIVE;
	one->rest_ms = 0;
	timer_clear(&one->late);
	if (one->known) {
		watch_replace(one, fresh, touched);
	} else {
		watch_set_move(&one->set, fresh);
		one->known = true;
	}
	watch_one_touch(one);
}

static void
on_seen(struct watch_one *one, const struct watch_snapshot *s)
{
	struct watch_set fresh, touched;
	struct fault why = {0};
	int r;

	if (watch_stream_overtook(one, s)) {
		rest(one, OVERTAKEN_MS);
		return;
	}
	watch_set_init(&fresh);
	watch_set_init(&touched);
	r = read_rows(one, &fresh, &why);
	if (r == 0) {
		skip_seen(one, s, &touched);
		take_up(one, &fresh, &touched);
	} else {
		watch_one_end(one, r, &why);
	}
	watch_set_done(&fresh);
	watch_set_done(&touched);
}

/* A stream that does not have this table is begun anew, once for all who find
 * out. */
static void
not_published(struct watch_one *one)
{
	struct watches *w = one->w;

	one->state = WATCH_WAITING;
	watch_ask_drop_pending(one);
	if (!w->streams)
		return;
	w->streams = false;
	changes_again(w->changes);
}

static void
on_result(struct job *job)
{
	struct watch_one *one = container_of(
		container_of(job, struct ask, job), struct watch_one, ask);
	struct watch_snapshot s = {0};
	int rows = ask_rows(&one->ask);

	one->w->evaluations++;
	if (one->ask_again) {
		rest(one, 0);
	} else if (job->err < 0) {
		on_refused(one, job->err);
	} else if (rows < 1 ||
		   watch_snapshot_parse(&s, ask_value(&one->ask, rows - 1,
						    COLUMN_SNAPSHOT)) < 0) {
		watch_one_end(one, ERR_INTERNAL, NULL);
	} else if (ask_value(&one->ask, rows - 1, COLUMN_PUBLISHED).ptr[0] !=
		   't') {
		not_published(one);
	} else {
		on_seen(one, &s);
	}
	watch_snapshot_done(&s);
}

static void
ask(struct watch_one *one, const struct sql *s, job_fn *done)
{
	job_init(&one->ask.job, done);
	one->ask.is_read = true;
	one->ask_again = false;
	watch_one_busy(one);
	one->asked = one->w->commits;
	one->asked_newest = one->w->newest;
	pool_ask_shape(one->w->docs.pool, &one->ask, buf_all(&s->text),
		s->param, s->count);
}

void
watch_ask_result(struct watch_one *one)
{
	struct watches *w = one->w;
	struct fault why = {0};
	struct sql s;
	int r;

	sql_init(&s, &w->scratch);
	r = watch_sql_result(w, one->want, info_of(one), &s, &why);
	if (r == 0) {
		one->state = WATCH_ASKING;
		ask(one, &s, on_result);
	}
	sql_done(&s);
	arena_clear(&w->scratch, SCRATCH_TOP);
	if (r < 0)
		watch_one_end(one, r, &why);
}

static void
on_judged(struct job *job)
{
	struct watch_one *one = container_of(
		container_of(job, struct ask, job), struct watch_one, ask);

	one->w->evaluations++;
	if (one->ask_again) {
		rest(one, 0);
		return;
	}
	if (job->err < 0) {
		on_refused(one, job->err);
		return;
	}
	for (int i = 0; i < ask_rows(&one->ask); i++) {
		int64_t n = ask_int(&one->ask, i, 0);

		if (n > 0 && (size_t)n <= one->judged_count)
			one->judged[n - 1].fits = true;
	}
	one->state = WATCH_LIVE;
	watch_one_touch(one);
}

static void
add_judged(struct watch_one *one, struct buf *rows, struct watch_commit *c,
	struct watch_row *row)
{
	if (one->judged_count == one->judged_room) {
		one->judged_room = max(one->judged_room * 2, (size_t)16);
		one->judged = mem_resize(
			one->judged, one->judged_room * sizeof(one->judged[0]));
	}
	one->judged[one->judged_count++] =
		(struct watch_judged){.commit = c, .row = row};
	buf_str(rows, rows->len ? ",[" : "[[");
	buf_json(rows, row->key);
	buf_char(rows, ',');
	buf_slice(rows, row->doc);
	buf_char(rows, ']');
}

/* From the head of the pending ones; a commit is not divided. */
static void
gather(struct watch_one *one, struct buf *rows)
{
	one->batch = 0;
	one->judged_count = 0;
	list_for_each (on, &one->pending) {
		struct watch_commit *c =
			container_of(on, struct watch_pending, on)->commit;

		if (one->batch && (one->judged_count > WATCH_BATCH_ROWS ||
					  rows->len > WATCH_BATCH_BYTES))
			break;
		one->batch++;
		if (c->anew)
			break;
		for (size_t i = 0; i < c->count; i++) {
			struct watch_row *row = &c->rows[i];

			if (!row->is_over && row->kind != CHANGE_DELETE &&
				watch_hint_judge(one, row) == WATCH_FITS_MAYBE)
				add_judged(one, rows, c, row);
		}
	}
	if (rows->len)
		buf_char(rows, ']');
}

bool
watch_ask_judge(struct watch_one *one)
{
	struct watches *w = one->w;
	_buf_ struct buf rows;
	struct fault why = {0};
	struct sql s;
	int r;

	buf_init(&rows, (size_t)2 * WATCH_COMMIT_TOP);
	gather(one, &rows);
	if (one->judged_count == 0)
		return false;
	sql_init(&s, &w->scratch);
	r = buf_check(&rows);
	if (r == 0)
		r = watch_sql_judge(
			w, one->want, info_of(one), buf_all(&rows), &s, &why);
	if (r == 0) {
		one->state = WATCH_JUDGING;
		ask(one, &s, on_judged);
	}
	sql_done(&s);
	arena_clear(&w->scratch, SCRATCH_TOP);
	if (r < 0)
		watch_ask_result(one);
	return true;
}
