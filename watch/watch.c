/*
 * The engine, and how a subscriber finds his query: what he asks is parsed,
 * bound to the collection's permission or rule for him, and made a statement;
 * who has the same statement shares one result.  When the permission changes
 * all look for their query again.
 */
#include "watch/watch.h"

#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "watch/watch_inside.h"

enum {
	TICK_MS = 1000,
	QUIET_TICKS = 60, /* without a query: the stream ends */
	AWAY_TICKS = 30,  /* without a stream: watchers are told */
	/* The catalog hears of changes by itself, of a collection that another
	 * gateway dropped only when it is asked. */
	LOOK_TICKS = 3,
	SCRATCH_TOP = 512 << 20,
	IDENTITY_TOP = 16 << 20,
};

static struct watch_one *
one_on(struct list *on)
{
	return container_of(on, struct watch_one, on);
}

static void
coll_free(struct watch_coll *coll)
{
	watch_commit_unref(take(coll->commit));
	watch_index_done(&coll->index);
	job_cancel(&coll->look.job);
	catalog_end(&coll->look);
	list_del(&coll->on);
	for (size_t i = 0; i < WATCH_FIELDS; i++)
		(void)mem_free(coll->field[i]);
	(void)mem_free(coll->name);
	(void)mem_free(coll->table);
	(void)mem_free(coll);
}

/* Freed by the tick: who goes through its queries may be still at it. */
void
watch_coll_drop(struct watch_coll *coll)
{
	if (list_empty(&coll->queries))
		timer_set(&coll->w->start, coll->w->loop, 0, coll->w->start.fn);
}

static struct watch_coll *
coll_get(struct watches *w, const struct coll_info *info)
{
	struct watch_coll *coll;

	list_for_each (at, &w->colls) {
		coll = container_of(at, struct watch_coll, on);
		if (slice_is(info->coll.name, coll->name))
			return coll;
	}
	coll = mem_new(struct watch_coll);
	coll->w = w;
	coll->name = str_ndup(info->coll.name.ptr, info->coll.name.len);
	coll->table = str_ndup(info->coll.table.ptr, info->coll.table.len);
	list_init(&coll->queries);
	list_init(&coll->loose);
	list_init(&coll->busy);
	watch_index_init(&coll->index);
	list_add(&w->colls, &coll->on);
	job_init(&coll->look.job, NULL);
	watch_stream_enter(coll);
	return coll;
}

/* --- the subscribers --- */

static void
join_free(struct watch_join *j)
{
	struct watch_one *one = j->one;

	list_del(&j->on);
	defer_clear(&j->soon);
	job_cancel(&j->names.job);
	catalog_end(&j->names);
	(void)watch_want_free(j->want);
	j->sub->inside = NULL;
	j->w->subs--;
	(void)mem_free(j);
	if (one)
		watch_one_linger(one);
}

void
watch_join_end(struct watch_join *j, int err, const struct fault *why)
{
	struct watch_sub *sub = j->sub;
	const struct fault said = why ? *why : (struct fault){0};

	join_free(j);
	sub->ops->on_end(sub, err, &said);
}

static void
join_one(struct watch_join *j, struct watch_one *one)
{
	j->one = one;
	list_del(&j->on);
	list_add(&one->fresh, &j->on);
	catalog_end(&j->names);
	watch_one_linger(one);
	if (one->known)
		watch_one_touch(one);
}

static int
open_stream(struct watches *w, struct fault *why)
{
	struct changes_ops ops = watch_stream_ops;

	w->quiet = 0;
	if (w->changes)
		return 0;
	ops.owner = w;
	w->away = 0;
	w->trouble = (struct fault){0};
	return changes_new(&w->changes, w->loop, w->url, w->schema, &ops, why);
}

static int
make_one(struct watch_join *j, const struct buf *identity,
	struct watch_one **ret, struct fault *why)
{
	struct watches *w = j->w;
	int r;

	while ((w->queries >= w->conf.queries_top ||
		       w->bytes > w->conf.memory_top) &&
		watch_one_make_room(w))
		;
	if (w->queries >= w->conf.queries_top)
		return fault_set(why, ERR_BUSY,
			"%zu distinct queries are watched on this server and "
			"[watch] queries allows no more",
			w->queries);
	if (w->bytes > w->conf.memory_top)
		return fault_set(why, ERR_BUSY,
			"the results that are watched on this server fill "
			"[watch] memory");
	r = open_stream(w, why);
	if (r < 0)
		return r;
	*ret = watch_one_new(coll_get(w, j->names.info[0]), j, identity);
	return 0;
}

static struct watch_one *
find_one(const struct watches *w, const struct coll_info *info,
	const struct buf *identity)
{
	list_for_each (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		if (!slice_is(info->coll.name, coll->name))
			continue;
		list_for_each (on, &coll->queries) {
			struct watch_one *one = one_on(on);

			if (one->identity_len == identity->len &&
				memcmp(one->identity, identity->ptr,
					identity->len) == 0)
				return one;
		}
	}
	return NULL;
}

/* The collection is known. */
static int
join_named(struct watch_join *j, struct fault *why)
{
	struct watches *w = j->w;
	_buf_ struct buf identity;
	struct watch_one *one = NULL;
	int r;

	buf_init(&identity, IDENTITY_TOP);
	r = watch_sql_identity(w, j->want, j->names.info[0], &identity, why);
	arena_clear(&w->scratch, SCRATCH_TOP);
	if (r < 0)
		return r;
	one = find_one(w, j->names.info[0], &identity);
	if (!one)
		r = make_one(j, &identity, &one, why);
	if (r == 0)
		join_one(j, one);
	return r;
}

static void on_names(struct job *job);

static void
ask_names(struct watch_join *j, bool anew)
{
	struct catalog_ask *a = &j->names;

	catalog_end(a);
	a->env = j->w->env;
	a->name[0] = j->want->req.collection;
	a->count = 1;
	a->anew = anew;
	job_init(&a->job, on_names);
	if (catalog_ask(j->w->docs.catalog, a))
		on_names(&a->job);
}

/* What is denied by what was known a moment ago is looked at once more. */
static void
on_names(struct job *job)
{
	struct watch_join *j =
		container_of(container_of(job, struct catalog_ask, job),
			struct watch_join, names);
	struct fault why = job->why;
	int r = job->err;

	if (r == 0)
		r = join_named(j, &why);
	if (r == 0)
		return;
	if ((r == ERR_DB_DENIED || r == ERR_DB_NO_COLLECTION) && !j->names.anew)
		ask_names(j, true);
	else
		watch_join_end(j, r, &why);
}

static void
on_soon(struct defer *defer)
{
	struct watch_join *j = container_of(defer, struct watch_join, soon);

	if (j->err < 0)
		watch_join_end(j, j->err, &j->why);
	else
		ask_names(j, j->tries > 0);
}

void
watch_join_look(struct watch_join *j)
{
	j->resumes = false;
	list_del(&j->on);
	list_add(&j->w->joins, &j->on);
	loop_defer(j->w->loop, &j->soon);
}

static void
join(struct watches *w, struct watch_sub *s, const struct watch_query *query,
	bool resumes, uint64_t epoch, uint64_t seq)
{
	struct watch_join *j = mem_new(struct watch_join);

	j->sub = s;
	j->w = w;
	s->inside = j;
	list_init(&j->on);
	list_add(&w->joins, &j->on);
	defer_init(&j->soon, on_soon);
	job_init(&j->names.job, on_names);
	j->resumes = resumes;
	j->epoch = epoch;
	j->seq = seq;
	j->err = watch_want_new(&j->want, w, query, &j->why);
	w->subs++;
	loop_defer(w->loop, &j->soon);
}

void
watch_start(
	struct watches *w, struct watch_sub *s, const struct watch_query *query)
{
	join(w, s, query, false, 0, 0);
}

void
watch_resume(struct watches *w, struct watch_sub *s,
	const struct watch_query *query, uint64_t epoch, uint64_t seq)
{
	join(w, s, query, true, epoch, seq);
}

void
watch_stop(struct watch_sub *s)
{
	if (s->inside)
		join_free(s->inside);
}

uint64_t
watch_epoch(const struct watch_sub *s)
{
	const struct watch_join *j = s->inside;

	return j && j->one ? j->one->epoch : 0;
}

uint64_t
watch_number(const struct watch_sub *s)
{
	const struct watch_join *j = s->inside;

	return j && j->one ? j->one->number : 0;
}

/* --- the engine --- */

static void
on_pump(struct defer *defer)
{
	struct watches *w = container_of(defer, struct watches, pump);

	while (!list_empty(&w->dirty)) {
		struct list *on = w->dirty.next;

		list_del(on);
		watch_one_pump(container_of(on, struct watch_one, dirty));
	}
}

/* Collections that nobody watches any more; queries that cannot begin. */
static void
on_later(struct timer *timer)
{
	struct watches *w = container_of(timer, struct watches, start);
	bool hopeless = !w->streams && w->trouble.code == ERR_WATCH_STREAM;

	list_for_each_safe (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		list_for_each_safe (on, &coll->queries)
			if (hopeless && !one_on(on)->known)
				watch_one_end(one_on(on), ERR_WATCH_STREAM,
					&w->trouble);
		if (list_empty(&coll->queries))
			coll_free(coll);
	}
}

/* Its permission, rules, its very existence: who was made for others looks
 * again. */
void
watch_coll_define(struct watch_coll *coll, int64_t version)
{
	if (coll->same == version)
		return;
	coll->same = version;
	list_for_each_safe (on, &coll->queries) {
		struct watch_one *one = one_on(on);

		if (one->names.info[0]->version != version)
			watch_one_scatter(one);
	}
}

static void
check(struct watch_coll *coll)
{
	watch_coll_define(coll, coll->look.info[0]->version);
	catalog_end(&coll->look);
}

static void
on_looked(struct job *job)
{
	struct watch_coll *coll =
		container_of(container_of(job, struct catalog_ask, job),
			struct watch_coll, look);

	if (job->err == 0)
		check(coll);
}

static void
look(struct watches *w, struct watch_coll *coll)
{
	struct catalog_ask *a = &coll->look;

	if (a->job.busy)
		return;
	a->env = w->env;
	a->name[0] = slice_str(coll->name);
	a->count = 1;
	a->anew = w->ticks % LOOK_TICKS == 0;
	job_init(&a->job, on_looked);
	if (catalog_ask(w->docs.catalog, a))
		check(coll);
}

static void
end_all(struct watches *w)
{
	list_for_each_safe (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		while (!list_empty(&coll->queries))
			watch_one_end(one_on(coll->queries.next),
				ERR_WATCH_STREAM, &w->trouble);
	}
}

static void
on_tick(struct timer *timer)
{
	struct watches *w = container_of(timer, struct watches, tick);

	timer_set(timer, w->loop, TICK_MS, on_tick);
	w->ticks++;
	list_for_each_safe (at, &w->colls)
		look(w, container_of(at, struct watch_coll, on));
	w->quiet = w->queries ? 0 : w->quiet + 1;
	w->away = w->changes && !w->streams ? w->away + 1 : 0;
	if (w->away == AWAY_TICKS)
		end_all(w);
	if (w->changes && w->quiet > QUIET_TICKS) {
		w->changes = changes_free(w->changes);
		w->streams = w->paused = false;
	}
}

int
watches_new(struct watches **ret, struct loop *loop,
	const struct watches_conf *conf, struct fault *why)
{
	struct watches *w = mem_new(struct watches);

	(void)why;
	w->loop = loop;
	w->url = str_dup(conf->url);
	w->env = str_dup(conf->env);
	w->schema = str_printf("env_%s", conf->env);
	w->seen = mem_array(WATCH_SEEN, struct watch_seen);
	arena_init(&w->scratch, SCRATCH_TOP);
	list_init(&w->colls);
	list_init(&w->joins);
	list_init(&w->dirty);
	list_init(&w->idle);
	list_init(&w->saying);
	defer_init(&w->pump, on_pump);
	w->start.fn = on_later;
	watches_configure(w, conf);
	timer_set(&w->tick, loop, TICK_MS, on_tick);
	*ret = w;
	return 0;
}

void
watches_configure(struct watches *w, const struct watches_conf *conf)
{
	w->conf = *conf;
	w->conf.url = w->url;
	w->conf.env = w->env;
	w->docs = *conf->docs;
	w->docs.replicas = NULL;
	w->docs.limits.limit_top = WATCH_DOCS_TOP + 1;
}

/* Nobody is told: who watches is taken down before. */
struct watches *
watches_free(struct watches *w)
{
	if (!w)
		return NULL;
	w->changes = changes_free(w->changes);
	while (!list_empty(&w->joins))
		join_free(container_of(w->joins.next, struct watch_join, on));
	list_for_each_safe (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		while (!list_empty(&coll->queries)) {
			struct watch_one *one = one_on(coll->queries.next);
			struct list *const both[] = {&one->subs, &one->fresh};

			for (size_t i = 0; i < array_size(both); i++)
				while (!list_empty(both[i]))
					join_free(container_of(both[i]->next,
						struct watch_join, on));
			watch_one_free(one);
		}
		coll_free(coll);
	}
	watch_left_done(w);
	timer_clear(&w->tick);
	timer_clear(&w->start);
	defer_clear(&w->pump);
	arena_done(&w->scratch);
	(void)mem_free(w->seen);
	(void)mem_free(w->url);
	(void)mem_free(w->env);
	(void)mem_free(w->schema);
	return mem_free(w);
}

uint64_t
watches_batch(const struct watches *w)
{
	return w->batch;
}

struct watches_count
watches_count(const struct watches *w)
{
	return (struct watches_count){
		.queries = w->queries,
		.subs = w->subs,
		.evaluations = w->evaluations,
		.changes = w->told,
	};
}
