#pragma once

/*
 * One BSON document at a time, out of the bytes of a file.  libbson checks and
 * reads them; bson_doc.c is its only user.
 */

#include "base/buf.h"
#include "base/err.h"
#include "formats/input.h"

#include <jansson.h>

/* The bytes that come next are a document: peeked at, not taken.  1; 0: the
 * end; ERR_FORMAT: they are not. */
int bson_doc_peek(
	struct input *in, struct slice *ret, struct fault *why) _must_check_;
/* As a line of canonical Extended JSON.  ERR_PARAM: damaged inside. */
int bson_doc_put(
	struct buf *to, struct slice doc, struct fault *why) _must_check_;
/* As a value, relaxed, for what describes data. */
int bson_doc_read(
	json_t **ret, struct slice doc, struct fault *why) _must_check_;
