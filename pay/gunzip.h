#pragma once

/* Bills come packed (tar_type=GZIP): one gzip member, unpacked whole. */

#include "base/buf.h"

bool gunzip_is(struct slice in);
/* Appended, up to the buffer's ceiling (ERR_TOO_BIG); ERR_FORMAT: cut or
 * changed. */
int gunzip(struct buf *to, struct slice in) _must_check_;
/* The other way, for whoever asks for a packed one. */
int gzip(struct buf *to, struct slice in) _must_check_;
