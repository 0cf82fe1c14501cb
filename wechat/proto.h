#pragma once

/*
 * Protocol buffers on the wire, as far as CloudBase's SDKs use them: varints,
 * fixed numbers and length-delimited fields (https://protobuf.dev/programming-
 * guides/encoding).  Groups are refused.
 */

#include "base/buf.h"
#include "base/err.h"

enum proto_wire {
	PROTO_VARINT = 0,
	PROTO_FIXED64 = 1,
	PROTO_BYTES = 2, /* text, bytes, messages */
	PROTO_FIXED32 = 5,
};

struct proto_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum proto_wire wire;
	uint64_t value;     /* of the number kinds */
	struct slice bytes; /* of PROTO_BYTES; points into the message */
};

/* The next field, which is taken off *rest.  1; 0: the message is over;
 * ERR_FORMAT. */
int proto_next(struct slice *rest, struct proto_field *ret) _must_check_;

/* int32 and int64: a negative number has ten bytes. */
void proto_put_int(struct buf *to, uint32_t number, int64_t value);
/* string, bytes, and messages that were built before. */
void proto_put_bytes(struct buf *to, uint32_t number, struct slice value);
