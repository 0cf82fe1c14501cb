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
#include "http/http.h"

struct ws;

struct ws_ops {
	/* A whole message; `text` is valid UTF-8 when is_text. */
	void (*on_message)(struct ws *ws, struct slice message, bool is_text);
	/* Once; ws is freed after it returns.  `code`: of the client's close
	 * frame (1005 when it named none), else of ours, else 1006. */
	void (*on_close)(struct ws *ws, unsigned code);
	/* The handshake is done.  May be NULL. */
	void (*on_open)(struct ws *ws);
};

struct ws_conf {
	const struct ws_ops *ops;
	void *owner;
	const char *protocol; /* chosen subprotocol, or NULL */
	size_t message_top;   /* bytes; more: 1009 */
	size_t unsent_top;    /* bytes; one message may always wait */
	/* Instead of all of ops: the client left before the handshake was
	 * over.  May be NULL. */
	void (*dropped)(void *owner);
	uint64_t ping_ms; /* ping after so long a silence; 0: never.  No
			     answer for as long: the client is gone */
};

/* On a connection where the handshake is over.  `fd` is upgrade's, or
 * ours when `up` is NULL (tests); `early`: bytes that came already. */
struct ws *ws_new(struct loop *loop, int fd, struct upgrade *up,
	const struct ws_conf *conf, struct slice early) _returns_value_;

void *ws_owner(const struct ws *ws);
void ws_send(struct ws *ws, struct slice text);
/* The same text in two parts, so that a part many share is built once. */
void ws_send_parts(struct ws *ws, struct slice head, struct slice rest);
void ws_send_binary(struct ws *ws, struct slice bytes);
/* Nothing is read meanwhile: the client has to wait.  Time does not count
 * against it.  Messages of what was read already (4 KiB) still come. */
void ws_hold(struct ws *ws, bool on);
/* on_close follows, later; no message any more. */
void ws_close(struct ws *ws, unsigned code, const char *reason);
/* At once, with on_close from inside: for the end of the process.  Not from a
 * callback. */
void ws_end(struct ws *ws);
