/*
 * A client's numbers of events go on by one wherever he is, and what he shows
 * when he comes back is only a number and the life (epoch) that it was of in
 * the beginning.  Who was told the whole result elsewhere counts something else
 * by it from then on.  So the engine that tells him says in the change stream
 * that this life was left, and the one whose it is gives its query a new one:
 * there the result is told, too, instead of changes that he would take for
 * others.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "watch/watch_inside.h"

#include <inttypes.h>

static const char say_sql[] =
	"SELECT pg_logical_emit_message(true, '" CHANGES_PREFIX "', $1)";

struct left {
	struct list on;
	struct watches *w;
	struct ask ask;
	uint64_t epoch;
};

static void
left_free(struct left *l)
{
	job_cancel(&l->ask.job);
	list_del(&l->on);
	(void)mem_free(l);
}

static void
on_said(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct left *l = container_of(ask, struct left, ask);
	struct watches *w = l->w;

	if (job->err == 0)
		w->said[w->said_count++ % WATCH_SAID] = l->epoch;
	left_free(l);
}

static bool
is_said(const struct watches *w, uint64_t epoch)
{
	for (size_t i = 0; i < WATCH_SAID; i++)
		if (w->said[i] == epoch)
			return true;
	list_for_each (at, &w->saying)
		if (container_of(at, struct left, on)->epoch == epoch)
			return true;
	return false;
}

void
watch_left_say(struct watches *w, uint64_t epoch)
{
	struct left *l;
	struct slice param;
	char text[24];

	if (is_said(w, epoch))
		return;
	l = mem_new(struct left);
	l->w = w;
	l->epoch = epoch;
	list_add(&w->saying, &l->on);
	(void)snprintf(text, sizeof(text), "%" PRIu64, epoch);
	param = slice_str(text);
	job_init(&l->ask.job, on_said);
	pool_ask(w->docs.pool, &l->ask, say_sql, &param, 1);
}

void
watch_left_hear(struct watches *w, struct slice text)
{
	uint64_t epoch;

	if (slice_to_u64(text, UINT64_MAX, &epoch) < 0)
		return;
	list_for_each (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		list_for_each (on, &coll->queries) {
			struct watch_one *one =
				container_of(on, struct watch_one, on);

			if (one->epoch == epoch)
				crypto_random(&one->epoch, sizeof(one->epoch));
		}
	}
}

void
watch_left_done(struct watches *w)
{
	while (!list_empty(&w->saying))
		left_free(list_first(&w->saying, struct left, on));
}
