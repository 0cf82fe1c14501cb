#pragma once

/*
 * What js-sdk sends over the WebSocket of watch(): JSON texts
 * {watchId?, requestId, msgType, msgData, exMsgData?}.  Reaches nothing, so
 * that the fuzzer can have it.
 */

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

enum watch_message_kind {
	WATCH_LOGIN,
	WATCH_PING,
	WATCH_INIT_WATCH,
	WATCH_REBUILD_WATCH,
	WATCH_CHECK_LAST,
	WATCH_CLOSE_WATCH,
	WATCH_MESSAGE_KINDS_
};

enum { WATCH_ID_TOP = 256, WATCH_QUERY_TOP = 16 * 1024 };

struct watch_message {
	enum watch_message_kind kind;
	struct slice watch_id, request_id; /* "" without one */
	struct slice sign;                 /* LOGIN */
	struct slice collection;
	struct slice query; /* JSON; "": all */
	struct slice order; /* [{"field","direction"}…]; "": none */
	int64_t limit;      /* -1: none */
	struct slice query_id;
	int64_t event_id;
	/* what the slices lie in */
	json_t *json;
	struct buf made_query, made_order;
};

/* ERR_JSON, ERR_PARAM; of a message that is wrong watch_id and request_id are
 * filled as far as they were read.  watch_message_done in any case. */
int watch_message_parse(struct watch_message *m, struct slice text,
	struct fault *why) _must_check_;
void watch_message_done(struct watch_message *m);
