#pragma once

/* What the function_socket*.c files share. */

#include "base/buf.h"
#include "base/pace.h"
#include "base/timer.h"
#include "functions/crew.h"
#include "gateway/function_socket.h"
#include "gateway/sockets.h"

enum { CONNECTION_ID = 64 };

/* What waits for the function: a message, or the beginning or end. */
struct waiting {
	struct list on;
	const char *type; /* "websocket.message" … */
	bool is_text;
	size_t len;
	char data[];
};

struct connection {
	struct socket socket;
	struct gateway *gateway;
	struct ws *ws;      /* NULL: closed */
	struct arena arena; /* of the caller's strings and the names */
	struct caller caller;
	const char *function;
	struct list queue;
	size_t queued, queued_bytes;
	struct pace pace;
	struct fn_call call; /* of the first of the queue */
	struct buf event;
	char request_id[33];
	struct timer again; /* the call was not begun: later */
	struct timer life;
	unsigned tries, code;
	bool calling, over;
	char id[CONNECTION_ID];
};

/* function_socket.c.  `who` and `function` are copied. */
struct connection *connection_new(struct gateway *g, const struct caller *who,
	const char *function) _returns_value_;
void connection_free(struct connection *c);
extern const struct ws_ops connection_ops;
