#pragma once

/* multipart/form-data, as far as it takes to say what was uploaded. */

#include "base/slice.h"

struct upload_part {
	struct slice name, filename, type, content;
};

/* The next part of `*rest`, which begins as the body.  `content_type` is the
 * request's.  False: no more, or not of the form (then *bad). */
bool upload_next(struct slice content_type, struct slice *rest,
	struct upload_part *ret, bool *bad);
