#pragma once

/*
 * WebSocket (RFC 6455) on an upgraded connection of ours.  The only user of
 * libwslay.  Frames of a turn are written together; what may wait unsent has a
 * ceiling, past it the client is too slow and is closed (1013).  Compression is
 * not negotiated.
 */

#include "base/loop.h"
#include "base/slice.h"
#include "base/timer.h"
#include "gateway/http.h"

struct request;
struct ws;

struct ws_ops {
	/* A whole message; `text` is valid UTF-8 when is_text. */
	void (*on_message)(struct ws *ws, struct slice message, bool is_text);
	/* Once; ws is freed after it returns.  `code`: of the close frame, 1006
	 * when there was none. */
	void (*on_close)(struct ws *ws, unsigned code);
	/* The handshake is done. */
	void (*on_open)(struct ws *ws);
};

struct ws_conf {
	const struct ws_ops *ops;
	void *owner;
	const char *protocol; /* chosen subprotocol, or NULL */
	size_t message_top;   /* bytes; more: 1009 */
	size_t unsent_top;    /* bytes */
	uint64_t ping_ms;     /* ping after so long a silence; 0: never.  No
				 answer for as long: the client is gone */
};

/* Is this a valid handshake (RFC 6455, 4.2.1)?  ERR_PARAM says what is not. */
int ws_check(const struct request *r, struct fault *why) _must_check_;
/* From an endpoint: answers 101; the request ends, `conf` is copied. */
int ws_accept(struct request *r, const struct ws_conf *conf) _must_check_;

void *ws_owner(const struct ws *ws);
const char *ws_peer(const struct ws *ws);
void ws_send(struct ws *ws, struct slice text);
/* The same text in two parts, so that a part many share is built once. */
void ws_send_parts(struct ws *ws, struct slice head, struct slice rest);
void ws_send_binary(struct ws *ws, struct slice bytes);
/* on_close follows. */
void ws_close(struct ws *ws, unsigned code, const char *reason);
