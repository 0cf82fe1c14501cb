/*
 * websocket.send and websocket.close: what functions and the operator do with
 * a connection whose id they know.  The id names the gateway that holds it.
 */
#include "base/text.h"
#include "gateway/call.h"
#include "gateway/function_socket.h"
#include "gateway/gateway.h"

enum { ID_TOP = 128, DATA_TOP = 16 << 20, REASON_TOP = 120 };

static void
on_forwarded(struct job *job)
{
	struct call *c = container_of(job, struct call, op.forward.job);

	c->answer = c->op.forward.answer;
	call_end(c, job->err, &job->why);
}

/* True: another gateway has the connection and was asked. */
static bool
is_elsewhere(struct call *c, int at)
{
	if ((unsigned)at == c->gateway->index || c->is_forwarded)
		return false;
	c->op.forward = (struct forward_ask){0};
	job_init(&c->op.forward.job, on_forwarded);
	call_wait(c, &c->op.forward.job);
	forward_call(c->gateway->forward, &c->op.forward, c, (unsigned)at);
	return true;
}

static int
id_of(struct call *c, struct slice *id, int *at)
{
	int e = val_str(c->body, "connectionId", ID_TOP, id, &c->job.why);

	if (e < 0)
		return e;
	*at = function_socket_gateway(*id);
	return *at < 0 ? ERR_SOCKET_GONE : 0;
}

static int
end(struct call *c, int e)
{
	if (e == 0)
		e = call_answer(c, SLICE("{}"));
	if (e == 0)
		call_end_soon(c);
	return e;
}

static int
send_bytes(struct call *c, struct slice id, struct slice data)
{
	_buf_ struct buf bytes;

	buf_init(&bytes, DATA_TOP);
	if (text_unbase64(&bytes, data) < 0)
		return fault_set(&c->job.why, ERR_PARAM,
			"data: is no base64, as isBase64Encoded says");
	return function_socket_send(c->gateway, id, buf_all(&bytes), false);
}

int
call_websocket_send(struct call *c)
{
	struct slice id, data;
	bool base64;
	int at, e;

	e = id_of(c, &id, &at);
	if (e == 0)
		e = val_str(c->body, "data", DATA_TOP, &data, &c->job.why);
	if (e == 0)
		e = val_bool_or(c->body, "isBase64Encoded", false, &base64,
			&c->job.why);
	if (e < 0)
		return e;
	if (is_elsewhere(c, at))
		return 0;
	if (base64)
		return end(c, send_bytes(c, id, data));
	return end(c, function_socket_send(c->gateway, id, data, true));
}

int
call_websocket_close(struct call *c)
{
	struct slice id, reason;
	int64_t code;
	int at, e;

	e = id_of(c, &id, &at);
	if (e == 0)
		e = val_int_or(
			c->body, "code", 1000, 4999, 1000, &code, &c->job.why);
	if (e == 0)
		e = val_str_or(c->body, "reason", REASON_TOP, slice_of("", 0),
			&reason, &c->job.why);
	if (e < 0)
		return e;
	if (code != 1000 && code < 3000)
		return fault_set(&c->job.why, ERR_PARAM,
			"code: 1000, or one of your own from 3000 to 4999");
	if (is_elsewhere(c, at))
		return 0;
	return end(c, function_socket_close(c->gateway, id, (unsigned)code,
			      arena_str(c->arena, reason)));
}
