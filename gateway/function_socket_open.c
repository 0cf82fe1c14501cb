/*
 * Before there is a connection: the function is shown the request as an event
 * of type websocket.upgrade and says {"allowWebSocket": true}, as CloudBase's
 * handleUpgrade does.  Anything else is a no, so that functions which know
 * nothing of WebSockets are never called by one.
 */
#include "base/mem.h"
#include "base/val.h"
#include "gateway/function_socket_inside.h"
#include "gateway/ws_handshake.h"

struct asking {
	struct request *r;
	struct fn_call call;
	struct buf event;
	struct connection *connection;
};

bool
function_socket_is_meant(const struct request *r)
{
	struct slice upgrade = exchange_header(r->x, "Upgrade");

	return upgrade.len && slice_is_nocase(slice_trim(upgrade), "websocket");
}

static void
asking_end(struct request *r)
{
	struct asking *a = r->act;

	buf_done(&a->event);
	if (a->connection)
		connection_free(a->connection);
}

static void
on_dropped(void *owner)
{
	connection_free(owner);
}

/* The function's no: its status and body, or 403 with our words. */
static int
refuse(struct request *r, const json_t *v)
{
	int64_t status = val_number(v, "statusCode");
	const char *body = val_text(v, "body");

	if (status < 400 || status > 599 || !*body)
		return fault_set(&r->why, ERR_DENIED,
			"the function %s does not take this WebSocket: for an "
			"event of type websocket.upgrade it has to return "
			"{\"allowWebSocket\":true}",
			r->function);
	exchange_add_header(r->x, "Content-Type",
		*val_text(v, "contentType") ? val_text(v, "contentType")
					    : "text/plain; charset=utf-8");
	r->typed = true;
	return request_reply(r, (int)status,
		slice_str(arena_str(request_arena(r), slice_str(body))));
}

static int
open_connection(struct asking *a)
{
	struct request *r = a->r;
	const struct conf *conf = r->gateway->conf;
	struct ws_offer offer = ws_offered(r);
	struct connection *owner = take(a->connection);
	struct ws_conf ws = {
		.ops = &connection_ops,
		.owner = owner,
		.message_top = (size_t)conf->sockets_message_size,
		.unsent_top = (size_t)conf->sockets_unsent,
		.ping_ms = (uint64_t)conf->sockets_ping,
		.dropped = on_dropped,
	};

	if (offer.protocol.len)
		ws.protocol = arena_str(request_arena(r), offer.protocol);
	buf_done(&a->event);
	return ws_accept(r, &ws);
}

static int
decide(struct asking *a)
{
	_json_ json_t *v = NULL;
	int e = val_parse(&v, a->call.result, NULL);

	if (e == 0 && json_is_true(json_object_get(v, "allowWebSocket")))
		return open_connection(a);
	return refuse(a->r, v);
}

static void
on_answer(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);
	struct asking *a = container_of(call, struct asking, call);
	struct request *r = a->r;
	int e = job->err;

	r->retry_ms = call->retry_ms;
	if (e == 0)
		e = decide(a);
	else
		r->gateway->count->calls_failed++;
	request_finish(r, e, job->err < 0 ? &job->why : &r->why);
}

/* {"type":…,"connectionId":…, and then the members of `event`. */
static int
build_event(struct asking *a, struct slice event)
{
	struct buf *b = &a->event;

	buf_init(b, (size_t)a->r->gateway->conf->functions_event_size);
	buf_printf(b,
		"{\"type\":\"websocket.upgrade\",\"connectionId\":\"%s\",",
		a->connection->id);
	buf_add(b, event.ptr + 1, event.len - 1);
	return buf_check(b);
}

int
function_socket_open(struct request *r, struct slice event)
{
	struct asking *a;
	int e = ws_check(r, &r->why);

	if (e < 0) {
		exchange_add_header(r->x, "Sec-WebSocket-Version", "13");
		return e;
	}
	a = arena_new(request_arena(r), struct asking);
	a->r = r;
	a->connection = connection_new(r->gateway, &r->caller, r->function);
	e = build_event(a, event);
	r->act = a;
	r->end = asking_end;
	if (e < 0)
		return e;
	a->call = (struct fn_call){
		.function = r->function,
		.caller = &r->caller,
		.request_id = exchange_id(r->x),
		.client_ip = exchange_peer(r->x),
		.source = "wx_client",
		.event = buf_all(&a->event),
		.trigger = "websocket",
		.header = request_header,
		.header_owner = r,
	};
	job_init(&a->call.job, on_answer);
	r->gateway->count->calls++;
	crew_call(r->gateway->crews, &a->call);
	return request_wait(r, &a->call.job);
}
