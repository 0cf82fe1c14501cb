#pragma once

/*
 * JSON text looked at without building it (RFC 8259, strictly, UTF-8
 * included): function results and events pass through as they came, and only
 * their form is checked.
 */

#include "base/err.h"
#include "base/slice.h"

enum { SCAN_DEPTH = 512 };

/* 0: one JSON value and nothing else.  ERR_JSON: it is not.  ERR_TOO_BIG: it
 * is nested deeper than SCAN_DEPTH. */
int scan_text(struct slice text) _must_check_;
/* The same, and how many values there are: what building it would cost. */
int scan_count(struct slice text, size_t *ret) _must_check_;
/* The bytes of member `key` of the object `text`, which is checked whole; the
 * last one when there are several, as JavaScript takes it.  -ENOENT: absent.
 * ERR_JSON: not an object. */
int scan_member(
	struct slice text, struct slice key, struct slice *ret) _must_check_;
