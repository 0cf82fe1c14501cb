#pragma once

/*
 * Answers as a bucket of Tencent's COS gives them: XML, which CloudBase's SDKs
 * read after an upload.  Source: cloud.tencent.com/document/product/436/7730.
 */

#include "gateway/request.h"

/* <root>…</root> of an object, as the answer. */
void cos_reply(
	struct request *r, int status, const char *root, const json_t *v);
/* <Error><Code>…: for whom `err` is a refusal; `path`: of the file. */
void cos_fail(
	struct request *r, struct slice path, int err, const struct fault *why);
