#pragma once

/*
 * multipart/form-data (RFC 7578): bytes → parts.  Pure; nothing is copied, the
 * parts point into the body.
 */

#include "base/err.h"
#include "base/slice.h"

enum { MULTIPART_PARTS = 64, MULTIPART_HEAD = 8192 };

struct part {
	struct slice name;
	struct slice filename; /* as sent; ptr NULL: it has none */
	struct slice type;     /* Content-Type; ptr NULL: it has none */
	struct slice body;
};

struct multipart {
	size_t count;
	struct part part[MULTIPART_PARTS];
};

/* The Content-Type header says multipart/form-data. */
bool multipart_is(struct slice content_type);
/* All of `body`, in the order of its parts.  ERR_PARAM: the form is broken (no
 * boundary, no end, a part without a name, two of one name); ERR_TOO_BIG: more
 * parts, or longer heads of parts, than the ceilings above. */
int multipart_parse(struct multipart *ret, struct slice content_type,
	struct slice body, struct fault *why) _must_check_;
/* The same in two pieces, for who reads a form as it comes (upload_form.h): the
 * boundary of a Content-Type; a part's head without the empty line after it,
 * its body is left alone.  ERR_PARAM. */
int multipart_boundary(struct slice content_type, struct slice *ret,
	struct fault *why) _must_check_;
int multipart_head(struct part *ret, struct slice head) _must_check_;
/* NULL: none of this name. */
const struct part *multipart_find(const struct multipart *m, const char *name);
