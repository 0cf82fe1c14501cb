#pragma once

/*
 * watch() for one client: CloudBase's protocol over a WebSocket, as the
 * realtime part of @cloudbase/js-sdk speaks it.  The client's numbers of events
 * rise by one; a queryID is a sealed text (watch_sign.h), so a client may go on
 * at any gateway.  endpoint_ws accepts it.  docs/watch.md says the messages.
 */

#include "http/ws.h"

struct gateway;
struct watch_sessions;

/* What the sessions of a gateway share: the text of the last change, which
 * many clients are told. */
struct watch_sessions *watch_sessions_new(struct gateway *g) _returns_value_;
struct watch_sessions *watch_sessions_free(struct watch_sessions *all);
DEFINE_CLEANUP(struct watch_sessions *, watch_sessions_free)

/* The ops of a session's WebSocket and a new one, for tests; its owner is freed
 * after on_close. */
extern const struct ws_ops watch_session_ops;
void *watch_session_new(struct gateway *g) _returns_value_;
