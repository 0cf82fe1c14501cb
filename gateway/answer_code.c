/*
 * Compression of answers from memory.
 *
 * A secret and a stranger's text in one compressed answer can be told apart by
 * its length (BREACH).  That needs a browser that sends the visitor's
 * credentials with the stranger's requests: our tokens are in a header that no
 * other page can send, and login answers are never compressed.  A function
 * that uses cookies must not put both into one answer of a route that
 * compresses (docs/routes.md says so).
 */
#include "gateway/answer_code.h"

#include "base/compress.h"
#include "gateway/reply.h"
#include "gateway/request.h"

#include <string.h>

static struct slice
type_of(const struct request *r)
{
	return r->typed && r->err == 0 ? exchange_added(r->x, "Content-Type")
				       : SLICE(REPLY_JSON);
}

static bool
may_be_changed(const struct request *r)
{
	struct slice control = exchange_added(r->x, "Cache-Control");

	return !exchange_added(r->x, "Content-Encoding").ptr &&
	       !exchange_added(r->x, "Content-Range").ptr &&
	       !(control.len &&
		       memmem(control.ptr, control.len, "no-transform", 12));
}

static void
say_vary(struct request *r)
{
	struct slice has = exchange_added(r->x, "Vary");
	const char *all = "Accept-Encoding";

	if (has.ptr)
		all = arena_printf(request_arena(r), "%.*s, Accept-Encoding",
			SLICE_ARG(has));
	exchange_drop_header(r->x, "Vary");
	exchange_add_any_header(r->x, SLICE("Vary"), slice_str(all));
}

static void
weaken_tag(struct request *r)
{
	struct slice tag = exchange_added(r->x, "ETag");
	const char *weak;

	if (!tag.len || tag.ptr[0] != '"')
		return;
	weak = arena_printf(request_arena(r), "W/%.*s", SLICE_ARG(tag));
	exchange_drop_header(r->x, "ETag");
	exchange_add_any_header(r->x, SLICE("ETag"), slice_str(weak));
}

void
answer_code(struct request *r, size_t least)
{
	struct slice accept;
	enum compress_coding coding;
	struct buf b _buf_ = {0};
	char *room;

	if (r->answer.len < least || r->answer.len > ANSWER_CODE_TOP ||
		!compress_gains(type_of(r)) || !may_be_changed(r))
		return;
	say_vary(r);
	accept = exchange_header(r->x, "Accept-Encoding");
	coding = compress_choose(accept, 1 << COMPRESS_GZIP | 1 << COMPRESS_BR);
	if (coding == COMPRESS_NOT)
		return;
	buf_init(&b, r->answer.len);
	if (compress_put(&b, r->answer, coding, false) < 0)
		return;
	room = arena_try(request_arena(r), b.len);
	if (!room)
		return;
	memcpy(room, b.ptr, b.len);
	r->answer = slice_of(room, b.len);
	exchange_add_header(r->x, "Content-Encoding", compress_name(coding));
	weaken_tag(r);
}
