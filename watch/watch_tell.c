/*
 * What is told is made once, kept for those who come back, and handed to each
 * subscriber in turn.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "watch/watch_inside.h"
#include "watch/watch_text.h"

enum { DRAFT_TOP = 512 << 20 };

void
watch_draft_init(struct watch_draft *d)
{
	*d = (struct watch_draft){0};
	buf_init(&d->text, DRAFT_TOP);
}

void
watch_draft_done(struct watch_draft *d)
{
	buf_done(&d->text);
	d->list = mem_free(d->list);
}

void
watch_draft_add(struct watch_draft *d, enum watch_data data,
	enum watch_queue queue, struct slice id, struct slice doc,
	struct slice updated, struct slice removed)
{
	const struct slice parts[] = {id, doc, updated, removed};
	struct watch_draft_change *c;

	if (d->count == d->room) {
		d->room = max(d->room * 2, (size_t)4);
		d->list = mem_resize(d->list, d->room * sizeof(d->list[0]));
	}
	c = &d->list[d->count++];
	*c = (struct watch_draft_change){.data = data, .queue = queue};
	for (size_t i = 0; i < array_size(parts); i++) {
		c->at[i] = d->text.len;
		c->len[i] = parts[i].len;
		if (parts[i].len)
			buf_slice(&d->text, parts[i]);
	}
}

static struct watch_event *
event_of(struct watches *w, const struct watch_draft *d, uint64_t seq)
{
	size_t bytes = sizeof(struct watch_event) +
		       d->count * sizeof(struct watch_change) + d->text.len;
	struct watch_event *e = mem_alloc(bytes);
	char *text = (char *)&e->changes[d->count];

	list_init(&e->on);
	e->seq = seq;
	e->batch = ++w->batches;
	e->bytes = bytes;
	e->count = d->count;
	if (d->text.len)
		memcpy(text, d->text.ptr, d->text.len);
	for (size_t i = 0; i < d->count; i++) {
		const struct watch_draft_change *c = &d->list[i];
		struct watch_change *to = &e->changes[i];

		*to = (struct watch_change){
			.data = c->data,
			.queue = c->queue,
			.id = {text + c->at[0], c->len[0]},
			.doc = {text + c->at[1], c->len[1]},
			.updated = {text + c->at[2], c->len[2]},
			.removed = {text + c->at[3], c->len[3]},
		};
	}
	return e;
}

static struct watch_join *
join_on(struct list *on)
{
	return container_of(on, struct watch_join, on);
}

/* All of `from`, which may change while they are gone through. */
static void
take_all(struct list *to, struct list *from)
{
	list_init(to);
	while (!list_empty(from)) {
		struct list *on = from->next;

		list_del(on);
		list_add(to, on);
	}
}

static void
drop_oldest(struct watch_one *one)
{
	struct watch_event *e =
		list_first(&one->history, struct watch_event, on);

	list_del(&e->on);
	one->history_count--;
	one->history_bytes -= e->bytes;
	(void)mem_free(e);
}

void
watch_forget_history(struct watch_one *one)
{
	while (one->history_count)
		drop_oldest(one);
}

static void
keep(struct watch_one *one, struct watch_event *e)
{
	list_add(&one->history, &e->on);
	one->history_count++;
	one->history_bytes += e->bytes;
	while (one->history_count > 1 &&
		(one->history_count > WATCH_HISTORY_TOP ||
			one->history_bytes > WATCH_HISTORY_BYTES))
		drop_oldest(one);
}

void
watch_tell(struct watch_one *one, struct watch_draft *d)
{
	struct watches *w = one->w;
	struct watch_event *e;
	struct list todo;

	if (d->count == 0)
		return;
	e = event_of(w, d, ++one->seq);
	w->told++;
	keep(one, e);
	take_all(&todo, &one->subs);
	while (!list_empty(&todo)) {
		struct watch_join *j = join_on(todo.next);

		list_del(&j->on);
		list_add(&one->subs, &j->on);
		w->batch = e->batch;
		j->sub->ops->on_change(j->sub, e->seq, e->changes, e->count);
	}
}

static struct watch_event *
result_of(struct watch_one *one)
{
	const struct slice none = {"", 0};
	struct watch_draft d;
	struct watch_event *e;

	watch_draft_init(&d);
	list_for_each (on, &one->set.all) {
		struct watch_doc *doc = container_of(on, struct watch_doc, on);

		watch_draft_add(&d, WATCH_INIT, WATCH_QUEUE_INIT,
			text_field(doc->text, "\"_id\""), doc->text, none,
			none);
	}
	e = event_of(one->w, &d, one->seq);
	watch_draft_done(&d);
	return e;
}

/* Does the history lead from `seq` to now? */
static bool
can_resume(const struct watch_one *one, const struct watch_join *j)
{
	const struct watch_event *first =
		list_first(&one->history, struct watch_event, on);

	if (!j->resumes || j->epoch != one->epoch || j->seq > one->seq)
		return false;
	return j->seq == one->seq || (first && first->seq <= j->seq + 1);
}

static void
tell_missed(struct watch_one *one, struct watch_join *j)
{
	struct watch_sub *sub = j->sub;

	list_for_each_safe (on, &one->history) {
		struct watch_event *e =
			container_of(on, struct watch_event, on);

		if (e->seq <= j->seq)
			continue;
		one->w->batch = e->batch;
		sub->ops->on_change(sub, e->seq, e->changes, e->count);
		if (sub->inside != j)
			return; /* stopped, or even started anew */
	}
	sub->ops->on_resumed(sub, one->seq);
}

static void
tell_result(
	struct watch_one *one, struct watch_join *j, struct watch_event *result)
{
	struct watch_sub *sub = j->sub;

	if (j->resumes && j->epoch == one->epoch)
		crypto_random(&one->epoch, sizeof(one->epoch));
	else if (j->resumes)
		watch_left_say(one->w, j->epoch);
	one->w->batch = result->batch;
	sub->ops->on_result(sub, one->seq, result->changes, result->count);
}

void
watch_tell_fresh(struct watch_one *one)
{
	struct watch_event *result = NULL;
	struct list todo;

	take_all(&todo, &one->fresh);
	while (!list_empty(&todo)) {
		struct watch_join *j = join_on(todo.next);
		bool resumed = can_resume(one, j);

		list_del(&j->on);
		list_add(&one->subs, &j->on);
		j->tries = 0;
		if (resumed) {
			tell_missed(one, j);
			continue;
		}
		if (!result)
			result = result_of(one);
		tell_result(one, j, result);
	}
	(void)mem_free(result);
}

void
watch_count_bytes(struct watch_one *one)
{
	size_t now = one->set.bytes + one->history_bytes;

	one->w->bytes += now - one->counted;
	one->counted = now;
}
