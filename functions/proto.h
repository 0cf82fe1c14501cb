#pragma once

/*
 * The numbers of proto.def: PROTO_INVOKE, HOST_SPAWN, KEEP_SETUP, GATE_CONF …
 * functions/node/proto.mjs repeats PROTO_ for the node runner; a test compares.
 */

#define X_WORKER(name, n, who, body) PROTO_##name = n,
enum proto_message {
#include "functions/proto.def"
};
#undef X_WORKER

#define X_HOST(name, n, who, body) HOST_##name = n,
enum host_message {
#include "functions/proto.def"
};
#undef X_HOST

#define X_KEEP(name, n, who, body) KEEP_##name = n,
enum keep_message {
#include "functions/proto.def"
};
#undef X_KEEP

#define X_GATE(name, n, who, body) GATE_##name = n,
enum gate_message {
#include "functions/proto.def"
};
#undef X_GATE

enum host_gone_reason { GONE_ITSELF, GONE_KILLED, GONE_MEMORY };

/* Ceilings. */
enum { PROTO_LOG_TOP = 8192, PROTO_CALL_TOP = 17 * 1024 * 1024 };
