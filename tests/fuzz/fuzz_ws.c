/* WebSocket frames of a client, and the messages of watch() inside them: no
 * text that is no UTF-8 and none past the ceiling is told, the end is told
 * once, and a message that is read once is read the same again. */
#include "base/mem.h"
#include "base/sock.h"
#include "http/ws.h"
#include "tests/fuzz/fuzz.h"
#include "watch/watch_message.h"

#include <sys/socket.h>

enum { MESSAGE_TOP = 4096, TURNS = 64 };

static void
check_message(struct slice text)
{
	struct watch_message a, b;
	struct fault why;
	int e = watch_message_parse(&a, text, &why);

	must(watch_message_parse(&b, text, &why) == e);
	must(slice_eq(a.watch_id, b.watch_id));
	must(a.query.len <= WATCH_QUERY_TOP && a.order.len <= WATCH_QUERY_TOP);
	must(e < 0 || a.kind < WATCH_MESSAGE_KINDS_);
	watch_message_done(&a);
	watch_message_done(&b);
}

static void
on_message(struct ws *ws, struct slice message, bool is_text)
{
	must(message.len <= MESSAGE_TOP);
	for (struct slice left = message; is_text && left.len;) {
		size_t n = slice_utf8(left);

		must(n > 0);
		left = slice_of(left.ptr + n, left.len - n);
	}
	if (is_text)
		check_message(message);
	ws_send(ws, message);
}

static void
on_close(struct ws *ws, unsigned code)
{
	bool *over = ws_owner(ws);

	must(!*over);
	must(code >= 1000 && code < 5000);
	*over = true;
}

static const struct ws_ops ops = {on_message, on_close, NULL};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loop loop;
	bool over = false;
	struct ws_conf conf = {.ops = &ops,
		.owner = &over,
		.message_top = MESSAGE_TOP,
		.unsent_top = 64 * 1024};
	struct ws *ws;
	int pair[2];

	if (size > 64 * 1024 || loop_init(&loop) < 0 ||
		sock_pair(SOCK_STREAM, pair) < 0)
		return 0;
	ws = ws_new(&loop, pair[0], NULL, &conf, slice_of(data, size / 2));
	must(send(pair[1], data + size / 2, size - size / 2, MSG_NOSIGNAL) >=
		0);
	for (int i = 0; i < TURNS && !over; i++)
		loop_turn(&loop, false);
	if (!over)
		ws_end(ws);
	must(over);
	fd_closep(&pair[1]);
	loop_done(&loop);
	return 0;
}
