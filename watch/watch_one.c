/*
 * One followed query: when it asks, when it looks at what was committed, when
 * it ends.
 *
 *   WAITING ─ stream ─→ ASKING ──→ LIVE ⇄ JUDGING
 *      ↑                  ↑ └→ RESTING ┘   │
 *      └── stream lost ───┴────────────────┘
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "documents/access.h"
#include "watch/watch_inside.h"

enum {
	LATE_MS = 8000, /* a client waits ten seconds for its result */
	TRIES_TOP = 3,  /* of subscribers whose rules keep changing */
};

static const uint64_t SEQ_LEAST = 1ull << 40, SEQ_MASK = (1ull << 49) - 1;

static void
on_late(struct timer *timer)
{
	struct watch_one *one = container_of(timer, struct watch_one, late);
	const struct watches *w = one->w;
	struct fault why = w->trouble;

	if (!why.text[0])
		(void)fault_set(&why, ERR_WATCH_STREAM,
			"the database did not answer in time: try again");
	watch_one_end(one, ERR_WATCH_STREAM, &why);
}

struct watch_one *
watch_one_new(struct watch_coll *coll, struct watch_join *first,
	const struct buf *identity)
{
	struct watches *w = coll->w;
	struct watch_one *one = mem_new(struct watch_one);

	one->w = w;
	one->coll = coll;
	one->want = first->want;
	one->want->refs++;
	one->names.count = 1;
	one->names.info[0] = take(first->names.info[0]);
	one->identity = mem_dup(identity->ptr, identity->len);
	one->identity_len = identity->len;
	one->number = ++w->number;
	crypto_random(&one->epoch, sizeof(one->epoch));
	crypto_random(&one->seq, sizeof(one->seq));
	one->seq = SEQ_LEAST + (one->seq & SEQ_MASK);
	one->hides_openid =
		!access_shows_openid(one->names.info[0], &one->want->req.scope);
	watch_set_init(&one->set);
	watch_set_follow(&one->set, &coll->index, one);
	list_init(&one->history);
	list_init(&one->pending);
	list_init(&one->subs);
	list_init(&one->fresh);
	list_init(&one->dirty);
	list_init(&one->busy);
	list_init(&one->loose);
	list_init(&one->idle);
	if (coll->same != one->names.info[0]->version)
		coll->same = list_empty(&coll->queries)
				     ? one->names.info[0]->version
				     : -1;
	list_add(&coll->queries, &one->on);
	job_init(&one->ask.job, NULL);
	watch_hint_make(one, one->names.info[0]);
	watch_one_busy(one);
	w->queries++;
	timer_set(&one->late, w->loop, LATE_MS, on_late);
	watch_one_touch(one);
	return one;
}

void
watch_one_start(struct watch_one *one)
{
	watch_ask_drop_pending(one);
	if (one->state == WATCH_ASKING || one->state == WATCH_JUDGING)
		one->ask_again = true;
	else if (one->state != WATCH_RESTING)
		one->state = WATCH_WAITING;
	watch_one_touch(one);
}

void
watch_one_touch(struct watch_one *one)
{
	if (list_empty(&one->dirty))
		list_add(&one->w->dirty, &one->dirty);
	loop_defer(one->w->loop, &one->w->pump);
}

/* Can it change the result?  Asked only when nothing is pending, for then the
 * result is what the commit meets. */
static bool
concerns(const struct watch_one *one, struct watch_commit *c)
{
	if (c->anew)
		return true;
	for (size_t i = 0; i < c->count; i++) {
		struct watch_row *row = &c->rows[i];

		if (row->is_over)
			continue;
		if (row->kind != CHANGE_DELETE &&
			watch_hint_judge(one, row) != WATCH_FITS_NOT)
			return true;
		if (watch_set_find(&one->set, row->key))
			return true;
	}
	return false;
}

void
watch_one_busy(struct watch_one *one)
{
	if (list_empty(&one->busy))
		list_add(&one->coll->busy, &one->busy);
}

void
watch_one_commit(struct watch_one *one, struct watch_commit *c)
{
	struct watch_pending *p;

	/* what is asked later sees it */
	if (one->state == WATCH_WAITING || one->state == WATCH_RESTING)
		return;
	if (one->state == WATCH_LIVE && list_empty(&one->pending) &&
		!concerns(one, c))
		return;
	p = mem_new(struct watch_pending);
	p->commit = c;
	c->refs++;
	list_add(&one->pending, &p->on);
	watch_one_busy(one);
	if (one->state == WATCH_LIVE)
		watch_one_touch(one);
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

/* One commit after the other.  False: the result is asked anew. */
static bool
apply_batch(struct watch_one *one)
{
	while (one->batch && one->state == WATCH_LIVE) {
		const struct watch_pending *p =
			list_first(&one->pending, struct watch_pending, on);

		if (watch_apply(one, p->commit) == APPLIED_NOT) {
			one->batch = 0;
			watch_ask_result(one);
			return false;
		}
		one->batch--;
		drop_first(one);
	}
	return true;
}

/* Too many documents, too much memory: true when it has ended. */
static bool
is_over(struct watch_one *one)
{
	struct watches *w = one->w;
	struct fault why = {0};

	watch_count_bytes(one);
	if (one->set.count > WATCH_DOCS_TOP) {
		(void)fault_set(
			&why, ERR_WATCH_BIG, "%s", err_text(ERR_WATCH_BIG));
		watch_one_end(one, ERR_WATCH_BIG, &why);
		return true;
	}
	while (w->bytes > w->conf.memory_top && !list_empty(&w->idle)) {
		bool is_itself = w->idle.next == &one->idle;

		(void)watch_one_make_room(w);
		if (is_itself)
			return true;
	}
	if (w->bytes <= w->conf.memory_top)
		return false;
	watch_forget_history(one);
	watch_count_bytes(one);
	if (w->bytes <= w->conf.memory_top)
		return false;
	(void)fault_set(&why, ERR_BUSY,
		"the results that are watched on this server need more memory "
		"than [watch] memory allows");
	watch_one_end(one, ERR_BUSY, &why);
	return true;
}

void
watch_one_pump(struct watch_one *one)
{
	if (one->known && !list_empty(&one->fresh))
		watch_tell_fresh(one);
	if (one->state == WATCH_WAITING && one->w->streams) {
		watch_ask_result(one);
		return;
	}
	if (one->state != WATCH_LIVE || !apply_batch(one)) {
		if (one->known)
			(void)is_over(one);
		return;
	}
	if (is_over(one))
		return;
	if (list_empty(&one->pending))
		list_del(&one->busy); /* what concerns it is brought to it */
	else if (!watch_ask_judge(one))
		watch_one_touch(one); /* a batch that needs no asking */
}

static void
on_lingered(struct timer *timer)
{
	watch_one_free(container_of(timer, struct watch_one, timer));
}

void
watch_one_linger(struct watch_one *one)
{
	list_del(&one->idle);
	if (!list_empty(&one->subs) || !list_empty(&one->fresh)) {
		timer_clear(&one->timer);
		return;
	}
	list_add(&one->w->idle, &one->idle);
	timer_set(&one->timer, one->w->loop,
		one->known ? one->w->conf.linger_ms : 0, on_lingered);
}

bool
watch_one_make_room(struct watches *w)
{
	struct watch_one *one = list_first(&w->idle, struct watch_one, idle);

	if (one)
		watch_one_free(one);
	return one != NULL;
}

/* Each leaves before it is called; those who come back come by start. */
static void
empty(struct watch_one *one, struct list *to)
{
	struct list *const both[] = {&one->subs, &one->fresh};

	list_init(to);
	for (size_t i = 0; i < array_size(both); i++)
		while (!list_empty(both[i])) {
			struct list *on = both[i]->next;

			list_del(on);
			list_add(to, on);
			container_of(on, struct watch_join, on)->one = NULL;
		}
}

void
watch_one_end(struct watch_one *one, int err, const struct fault *why)
{
	const struct fault said = why ? *why : (struct fault){0};
	struct list todo;

	empty(one, &todo);
	watch_one_free(one);
	while (!list_empty(&todo))
		watch_join_end(container_of(todo.next, struct watch_join, on),
			err, &said);
}

void
watch_one_scatter(struct watch_one *one)
{
	const struct fault said = one->ask.job.why;
	struct list todo;

	empty(one, &todo);
	watch_one_free(one);
	while (!list_empty(&todo)) {
		struct watch_join *j =
			container_of(todo.next, struct watch_join, on);

		list_del(&j->on);
		if (j->tries++ >= TRIES_TOP)
			watch_join_end(j, ERR_DB_STALE, &said);
		else
			watch_join_look(j);
	}
}

void
watch_one_free(struct watch_one *one)
{
	struct watches *w = one->w;

	job_cancel(&one->ask.job);
	timer_clear(&one->timer);
	timer_clear(&one->late);
	timer_clear(&one->rest);
	watch_ask_drop_pending(one);
	watch_forget_history(one);
	watch_set_done(&one->set);
	watch_count_bytes(one);
	list_del(&one->on);
	list_del(&one->dirty);
	list_del(&one->busy);
	list_del(&one->idle);
	watch_hint_free(one);
	catalog_end(&one->names);
	w->queries--;
	watch_coll_drop(one->coll);
	(void)watch_want_free(one->want);
	(void)mem_free(one->identity);
	(void)mem_free(one->judged);
	(void)mem_free(one);
}
