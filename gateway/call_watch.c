/*
 * auth.wsWebSign: where the WebSocket of watch() is, and a short-lived proof of
 * who asks to show there.  Always POST /web, whatever js-sdk does otherwise.
 */
#include "base/clock.h"
#include "gateway/call.h"
#include "gateway/file_door.h"
#include "gateway/gateway.h"
#include "gateway/watch_session.h"
#include "watch/watch_sign.h"

enum { SIGN_TOP = 8192 };

/* "https://host" → "wss://host/ws". */
static void
put_url(struct buf *to, const char *base)
{
	struct slice url = slice_str(base);

	if (slice_starts(url, "http"))
		url = slice_of(url.ptr + 4, url.len - 4);
	buf_str(to, "ws");
	buf_slice(to, url);
	buf_str(to, "/ws");
}

int
call_watch_sign(struct call *c)
{
	struct gateway *g = c->gateway;
	_buf_ struct buf sign, url, data;
	int e;

	buf_init(&sign, SIGN_TOP);
	buf_init(&url, SIGN_TOP);
	buf_init(&data, 3 * SIGN_TOP);
	e = watch_sign_put(g->seal, c->caller, clock_now() / CLOCK_S, &sign);
	if (e < 0)
		return e;
	put_url(&url, file_base(g, c->arena, c->request));
	buf_str(&data, "{\"signStr\":");
	buf_json(&data, buf_all(&sign));
	buf_str(&data, ",\"wsUrl\":");
	buf_json(&data, buf_all(&url));
	buf_str(&data, ",\"secretVersion\":\"1\",\"envId\":");
	buf_json(&data, slice_str(g->conf->server_env));
	buf_char(&data, '}');
	e = buf_check(&data);
	if (e == 0)
		e = call_answer(c, buf_all(&data));
	if (e < 0)
		return e;
	call_end_soon(c);
	return 0;
}
