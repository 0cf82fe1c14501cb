/*
 * From what the database says to what a subscriber hears.
 *
 * A result with a limit of its own is kept up as long as it is known which
 * documents it must hold: while it is not full, and while a full one in the
 * order of _id only meets changes that cannot move its end.  Else it is asked
 * anew, and what the commits since then did is told as one change.
 */
#include "watch/watch_inside.h"
#include "watch/watch_text.h"

enum { TEXT_TOP = 64 << 20 };

static const struct slice NONE = {"", 0};

static struct slice
id_of(const struct watch_doc *doc)
{
	return text_field(doc->text, "\"_id\"");
}

/* From one version to another. */
static void
add_update(struct watch_draft *d, const struct watch_doc *old, struct slice new)
{
	_buf_ struct buf updated, removed;
	enum text_change change;

	buf_init(&updated, TEXT_TOP);
	buf_init(&removed, TEXT_TOP);
	change = text_diff(&updated, &removed, old->text, new);
	if (updated.full || removed.full)
		change = TEXT_WHOLE;
	if (change == TEXT_PATHS)
		watch_draft_add(d, WATCH_UPDATE, WATCH_QUEUE_UPDATE,
			text_field(new, "\"_id\""), new, buf_all(&updated),
			buf_all(&removed));
	else if (change == TEXT_WHOLE)
		watch_draft_add(d, WATCH_REPLACE, WATCH_QUEUE_UPDATE,
			text_field(new, "\"_id\""), new, NONE, NONE);
}

static void
apply_row(struct watch_one *one, struct watch_draft *d,
	const struct watch_row *row, bool fits)
{
	struct watch_doc *old = watch_set_find(&one->set, row->key);
	_buf_ struct buf text = {0};

	if (!fits) {
		if (!old)
			return;
		watch_draft_add(d,
			row->kind == CHANGE_DELETE ? WATCH_REMOVE
						   : WATCH_UPDATE,
			WATCH_DEQUEUE, id_of(old), NONE, NONE, NONE);
		watch_set_del(&one->set, old);
		return;
	}
	buf_init(&text, TEXT_TOP);
	text_shown(&text, row->key, row->doc, one->hides_openid);
	if (old)
		add_update(d, old, buf_all(&text));
	else
		watch_draft_add(d,
			row->kind == CHANGE_INSERT ? WATCH_ADD : WATCH_UPDATE,
			WATCH_ENQUEUE, text_field(buf_all(&text), "\"_id\""),
			buf_all(&text), NONE, NONE);
	if (!old || !slice_eq(old->text, buf_all(&text)))
		(void)watch_set_put(&one->set, row->key, buf_all(&text));
}

/* `at`: the next of those of this commit that the database was asked about, in
 * its order; of the others it is known. */
static bool
fits(const struct watch_one *one, struct watch_row *row, size_t *at)
{
	while (*at < one->judged_count && one->judged[*at].row < row)
		++*at;
	if (*at < one->judged_count && one->judged[*at].row == row)
		return one->judged[*at].fits;
	return row->kind != CHANGE_DELETE &&
	       watch_hint_judge(one, row) == WATCH_FITS;
}

static size_t
judged_begin(const struct watch_one *one, const struct watch_commit *c)
{
	size_t at = 0;

	while (at < one->judged_count && one->judged[at].commit != c)
		at++;
	return at;
}

/* Behind the end of a full result in the order of _id? */
static bool
is_behind(const struct watch_one *one, struct slice key)
{
	const struct watch_doc *last =
		list_last(&one->set.all, struct watch_doc, on);
	int order;

	if (!last)
		return false;
	order = memcmp(key.ptr, last->key.ptr, min(key.len, last->key.len));
	return order > 0 || (order == 0 && key.len > last->key.len);
}

/* Is it known which documents the result holds after this commit? */
static bool
is_sure(const struct watch_one *one, const struct watch_commit *c)
{
	size_t at = judged_begin(one, c), count = one->set.count;

	if (!one->want->bounded)
		return true;
	for (size_t i = 0; i < c->count; i++) {
		struct watch_row *row = &c->rows[i];
		bool in, yes;

		if (row->is_over)
			continue;
		in = watch_set_find(&one->set, row->key) != NULL;
		yes = fits(one, row, &at);
		count += (size_t)(yes && !in) - (size_t)(!yes && in);
		if (one->complete || (!in && !yes))
			continue;
		if (one->want->ordered || yes != in)
			if (one->want->ordered || in ||
				!is_behind(one, row->key))
				return false;
		count -= (size_t)(yes && !in);
	}
	return !one->complete || count <= (size_t)one->want->req.limit;
}

enum watch_applied
watch_apply(struct watch_one *one, struct watch_commit *c)
{
	size_t at = judged_begin(one, c);
	struct watch_draft d;

	if (c->anew || !is_sure(one, c))
		return APPLIED_NOT;
	watch_draft_init(&d);
	for (size_t i = 0; i < c->count; i++) {
		struct watch_row *row = &c->rows[i];
		bool yes;

		if (row->is_over)
			continue;
		yes = fits(one, row, &at);
		if (!one->complete && yes &&
			!watch_set_find(&one->set, row->key))
			continue; /* behind the end */
		apply_row(one, &d, row, yes);
	}
	watch_tell(one, &d);
	watch_draft_done(&d);
	return APPLIED;
}

/* What the commits that the new result holds already did to a document: 'i',
 * 'u' or 'd', or 0. */
static char
touched(const struct watch_set *t, struct slice key)
{
	const struct watch_doc *d = watch_set_find(t, key);

	return d ? d->text.ptr[0] : 0;
}

static void
add_gone(struct watch_one *one, struct watch_draft *d,
	const struct watch_set *fresh, const struct watch_set *t)
{
	list_for_each_safe (on, &one->set.all) {
		struct watch_doc *doc = container_of(on, struct watch_doc, on);
		char did = touched(t, doc->key);
		enum watch_data data = did == 'd'           ? WATCH_REMOVE
				       : did                ? WATCH_UPDATE
				       : one->want->bounded ? WATCH_LIMIT
							    : WATCH_REMOVE;

		if (watch_set_find(fresh, doc->key))
			continue;
		watch_draft_add(
			d, data, WATCH_DEQUEUE, id_of(doc), NONE, NONE, NONE);
	}
}

static void
add_present(struct watch_one *one, struct watch_draft *d,
	const struct watch_set *fresh, const struct watch_set *t)
{
	list_for_each (on, &fresh->all) {
		struct watch_doc *doc = container_of(on, struct watch_doc, on);
		const struct watch_doc *old =
			watch_set_find(&one->set, doc->key);
		char did = touched(t, doc->key);
		enum watch_data data = did == 'u' ? WATCH_UPDATE
				       : did || !one->want->bounded
					       ? WATCH_ADD
					       : WATCH_LIMIT;

		if (old)
			add_update(d, old, doc->text);
		else
			watch_draft_add(d, data, WATCH_ENQUEUE, id_of(doc),
				doc->text, NONE, NONE);
	}
}

void
watch_replace(struct watch_one *one, struct watch_set *fresh,
	const struct watch_set *t)
{
	struct watch_draft d;

	watch_draft_init(&d);
	add_gone(one, &d, fresh, t);
	add_present(one, &d, fresh, t);
	watch_set_move(&one->set, fresh);
	watch_tell(one, &d);
	watch_draft_done(&d);
}
