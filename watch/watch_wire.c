/*
 * Bodies of frames between gateways: a few numbers, then texts with their
 * lengths.
 */
#include "watch/watch_wire.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/val.h"

enum { CUSTOM_TOP = 1 << 20, CHANGE_LEAST = 2 + 4 * 4 };

void
watch_put_head(struct buf *to, const struct watch_head *h)
{
	put_u64(to, h->number);
	put_u64(to, h->epoch);
	put_u64(to, h->seq);
}

struct watch_head
watch_get_head(struct getter *g)
{
	struct watch_head h;

	h.number = get_u64(g);
	h.epoch = get_u64(g);
	h.seq = get_u64(g);
	return h;
}

void
watch_put_changes(
	struct buf *to, const struct watch_change *changes, size_t count)
{
	put_u32(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct watch_change *c = &changes[i];

		put_u8(to, (uint8_t)c->data);
		put_u8(to, (uint8_t)c->queue);
		put_bytes(to, c->id);
		put_bytes(to, c->doc);
		put_bytes(to, c->updated);
		put_bytes(to, c->removed);
	}
}

int
watch_get_changes(struct getter *g, struct watch_change **ret, size_t *count)
{
	_free_ char *room = NULL;
	struct watch_change *all;
	uint32_t n = get_u32(g);

	if (n > g->left.len / CHANGE_LEAST)
		return ERR_FORMAT;
	room = mem_alloc((n + 1) * sizeof(*all));
	all = (struct watch_change *)(void *)room;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t data = get_u8(g), queue = get_u8(g);

		if (data > WATCH_LIMIT || queue > WATCH_QUEUE_UPDATE)
			return ERR_FORMAT;
		all[i].data = (enum watch_data)data;
		all[i].queue = (enum watch_queue)queue;
		all[i].id = get_bytes(g);
		all[i].doc = get_bytes(g);
		all[i].updated = get_bytes(g);
		all[i].removed = get_bytes(g);
	}
	if (get_end(g) < 0)
		return ERR_FORMAT;
	*ret = (struct watch_change *)(void *)take(room);
	*count = n;
	return 0;
}

static void
put_text(struct buf *to, const char *text)
{
	put_bytes(to, slice_str(text ? text : ""));
}

void
watch_put_begin(struct buf *to, const struct watch_begin *b)
{
	const struct watch_query *q = &b->query;
	_buf_ struct buf custom;

	put_u8(to, b->resumes);
	put_u64(to, b->epoch);
	put_u64(to, b->seq);
	put_bytes(to, q->collection);
	put_bytes(to, q->query);
	put_bytes(to, q->order);
	put_u64(to, (uint64_t)q->limit);
	put_u8(to, q->scope.admin);
	put_text(to, q->scope.openid);
	put_text(to, q->scope.uid);
	put_text(to, q->scope.login_type);
	buf_init(&custom, CUSTOM_TOP);
	if (q->scope.custom)
		val_put(&custom, q->scope.custom);
	put_bytes(to, buf_all(&custom));
	to->full |= custom.full;
}

static struct slice
get_text(struct getter *g, struct arena *arena)
{
	struct slice s = get_bytes(g);

	return slice_of(arena_str(arena, s), s.len);
}

int
watch_get_begin(struct getter *g, struct watch_begin *ret, struct arena *arena,
	json_t **custom)
{
	struct watch_query *q = &ret->query;
	struct slice text;

	*custom = NULL;
	if (g->left.len > arena->ceiling / 2)
		return ERR_TOO_BIG;
	ret->resumes = get_u8(g);
	ret->epoch = get_u64(g);
	ret->seq = get_u64(g);
	q->collection = get_text(g, arena);
	q->query = get_text(g, arena);
	q->order = get_text(g, arena);
	q->limit = (int64_t)get_u64(g);
	q->scope.admin = get_u8(g);
	q->scope.openid = get_text(g, arena).ptr;
	q->scope.uid = get_text(g, arena).ptr;
	q->scope.login_type = get_text(g, arena).ptr;
	text = get_bytes(g);
	if (get_end(g) < 0)
		return ERR_FORMAT;
	if (text.len && val_parse(custom, text, NULL) < 0)
		return ERR_FORMAT;
	q->scope.custom = *custom;
	return 0;
}

void
watch_prove(struct slice secret, struct slice nonce, uint8_t ret[32])
{
	static const char label[] = "mpcloud watch relay ";
	char text[sizeof(label) + WATCH_NONCE];
	size_t len = min(nonce.len, (size_t)WATCH_NONCE);

	memcpy(text, label, sizeof(label) - 1);
	memcpy(text + sizeof(label) - 1, nonce.ptr, len);
	crypto_hmac_sha256(
		secret, slice_of(text, sizeof(label) - 1 + len), ret);
}
