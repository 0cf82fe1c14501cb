#pragma once

/*
 * WebSockets to a function (connectContainer, a function's own path).  The
 * function is asked whether it takes one (CloudBase's websocket.upgrade), then
 * called for each message, one after the other; it says something on its own
 * by the actions websocket.send and websocket.close, in any gateway of the
 * machine.  docs/watch.md has the events.
 */

#include "base/slice.h"
#include "gateway/gateway.h"
#include "gateway/request.h"

/* Does the client want to speak WebSocket? */
bool function_socket_is_meant(const struct request *r);
/* Of an endpoint: `event` is the request as an HTTP event of r->function;
 * copied.  STEP_WAIT or an error. */
int function_socket_open(struct request *r, struct slice event);

/* "3-0123…": of a connection of gateway 3; -1: no id of ours. */
int function_socket_gateway(struct slice id);
/* For actions; of this gateway's connections.  ERR_SOCKET_GONE. */
int function_socket_send(struct gateway *g, struct slice id, struct slice data,
	bool is_text) _must_check_;
int function_socket_close(struct gateway *g, struct slice id, unsigned code,
	const char *reason) _must_check_;
