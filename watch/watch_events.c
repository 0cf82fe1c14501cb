/*
 * Events of the watch protocol.  Documents travel as JSON inside strings, what
 * is absent as an empty string, and `removedFields` has a small letter: so the
 * SDK reads it.
 */
#include "watch/watch_events.h"

#include <inttypes.h>

static const char *const data_words[] = {
#define WATCH_DATA(name, word) [name] = word,
#include "watch/watch_change.def"
};

static const char *const queue_words[] = {
#define WATCH_QUEUE(name, word) [name] = word,
#include "watch/watch_change.def"
};

static struct slice
text(struct slice s)
{
	return s.ptr ? s : slice_of("", 0);
}

/* The SDK makes the document itself from what was updated. */
static struct slice
doc_of(const struct watch_change *c)
{
	bool patched = c->data == WATCH_UPDATE &&
		       c->queue == WATCH_QUEUE_UPDATE &&
		       (c->updated.len || c->removed.len);

	return text(patched ? slice_of("", 0) : c->doc);
}

static void
put_event(struct buf *to, uint64_t id, const struct watch_change *c)
{
	buf_printf(to,
		"{\"ID\":%" PRIu64
		",\"DataType\":\"%s\",\"QueueType\":\"%s\",\"DocID\":",
		id, data_words[c->data], queue_words[c->queue]);
	buf_slice(to, c->id);
	buf_str(to, ",\"Doc\":");
	buf_json(to, doc_of(c));
	buf_str(to, ",\"UpdatedFields\":");
	buf_json(to, text(c->updated));
	buf_str(to, ",\"removedFields\":");
	buf_json(to, text(c->removed));
	buf_char(to, '}');
}

void
watch_events_put(struct buf *to, bool more, uint64_t id,
	const struct watch_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (more || i)
			buf_char(to, ',');
		put_event(to, id, &changes[i]);
	}
}

void
watch_events_put_empty(struct buf *to, uint64_t id)
{
	const struct watch_change nobody[] = {
		{.data = WATCH_INIT,
			.queue = WATCH_QUEUE_INIT,
			.id = SLICE("\"\""),
			.doc = SLICE("{\"_id\":\"\"}")},
		{.data = WATCH_REMOVE,
			.queue = WATCH_DEQUEUE,
			.id = SLICE("\"\"")},
	};

	watch_events_put(to, false, id, nobody, array_size(nobody));
}
