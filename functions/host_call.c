/*
 * cloud.* requests of running functions.  The worker numbers them; the answer
 * may come much later, when the worker or the invocation is over.
 */
#include "functions/hand.h"

#include "base/mem.h"
#include "base/scan.h"
#include "base/val.h"

/* How many one worker may have, and what those of one function may hold
 * together: its code decides how large they are, the memory is ours.  A value
 * that is built weighs more than its text. */
enum { ASKS_TOP = 1024, ASKS_WEIGHT = 128 * 1024 * 1024 };

struct host_ask {
	struct host_call call;
	struct list on; /* hand->asks */
	struct hand *hand;
	struct invocation *inv;
	uint32_t number;
	size_t weight;
	void (*on_drop)(struct host_call *call, void *owner);
	void *owner;
	char body[];
};

static size_t
weight_of(struct slice json)
{
	size_t values;
	int r = scan_count(json, &values);

	/* What is not JSON is refused unbuilt, soon. */
	if (r < 0)
		values = 0;
	return 2 * json.len + min(values, (size_t)VAL_REQUEST_TOP) * VAL_WEIGHT;
}

/* Its worker has its answer, or is gone. */
static void
ask_leave(struct host_ask *ask)
{
	list_del(&ask->on);
	if (!ask->hand)
		return;
	ask->hand->nasks--;
	ask->hand->crew->asks_weight -= ask->weight;
	ask->hand = NULL;
}

static void
ask_free(struct host_ask *ask)
{
	ask_leave(ask);
	invocation_unref(ask->inv);
	(void)mem_free(ask);
}

/* An answer of our own. */
static void
refuse(struct hand *hand, uint32_t number, int err, const char *text)
{
	_buf_ struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b,
		"{\"requestId\":\"\",\"code\":\"%s\",\"message\":\"%s\"}",
		err_info(err)->wire, text);
	stream_send(&hand->stream, PROTO_REPLY, number, buf_all(&b));
}

void
host_ask_start(struct hand *hand, uint32_t number, struct slice body)
{
	struct crews *crews = hand->crew->crews;
	struct getter g = getter_of(body);
	struct invocation *inv = invocation_find(hand, get_u32(&g));
	struct slice json = get_rest(&g);
	struct host_ask *ask;
	size_t weight;

	if (g.bad || json.len > PROTO_CALL_TOP) {
		hand_kill(hand, hand_not_a_message);
		return;
	}
	if (!inv) {
		refuse(hand, number, ERR_FORBIDDEN,
			"the invocation that asks has ended");
		return;
	}
	weight = weight_of(json);
	if (hand->nasks >= ASKS_TOP ||
		hand->crew->asks_weight + weight > ASKS_WEIGHT) {
		refuse(hand, number, ERR_BUSY,
			"the function has too many requests under way");
		return;
	}
	ask = mem_alloc(sizeof(*ask) + json.len + 1);
	memcpy(ask->body, json.ptr, json.len);
	ask->hand = hand;
	ask->inv = invocation_ref(inv);
	ask->number = number;
	ask->weight = weight;
	hand->crew->asks_weight += weight;
	ask->call.caller = &inv->caller;
	ask->call.request_id = inv->request_id;
	ask->call.function = inv->function;
	ask->call.route_key = inv->route_key;
	ask->call.openapi = hand->crew->openapi;
	ask->call.body = slice_of(ask->body, json.len);
	list_add(&hand->asks, &ask->on);
	hand->nasks++;
	crews->ops.on_call(crews, &ask->call);
}

void
host_call_reply(struct host_call *call, struct slice json)
{
	struct host_ask *ask = container_of(call, struct host_ask, call);

	if (ask->hand)
		stream_send(&ask->hand->stream, PROTO_REPLY, ask->number, json);
	ask_free(ask);
}

void
host_call_on_drop(struct host_call *call,
	void (*on_drop)(struct host_call *call, void *owner), void *owner)
{
	struct host_ask *ask = container_of(call, struct host_ask, call);

	ask->on_drop = on_drop;
	ask->owner = owner;
}

void
host_asks_drop(struct hand *hand)
{
	struct host_ask *ask;

	while ((ask = list_first(&hand->asks, struct host_ask, on))) {
		ask_leave(ask);
		if (!ask->on_drop)
			continue; /* it ends with its reply */
		ask->on_drop(&ask->call, ask->owner);
		ask_free(ask);
	}
}
