#pragma once

/*
 * Where the frames of a WebSocket stream (RFC 6455, 5.2) begin and end, seen by
 * who only passes it on: so that a close frame of ours stands between two
 * frames and not within one.  Pure; nothing is judged and nothing is refused.
 */

#include "base/slice.h"

enum { WS_HEAD_TOP = 14 };

struct ws_edges {
	unsigned char head[WS_HEAD_TOP]; /* as far as it has come */
	unsigned got;
	uint64_t left; /* of the payload */
	bool closed;   /* the frame that ended was a close frame */
};

/* Bytes of `in`, at least one unless it is empty, up to the end of a frame or
 * of `in`. */
size_t ws_edges_cut(struct ws_edges *e, struct slice in);
/* Nothing of a frame has come, or all of it. */
bool ws_edges_between(const struct ws_edges *e);

/* A close frame, at most 125 bytes; `masked`: as a client sends it. */
enum { WS_CLOSE_TOP = 6 + 2 + 123 };
size_t ws_close_put(
	char to[WS_CLOSE_TOP], unsigned code, const char *reason, bool masked);
