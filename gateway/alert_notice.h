#pragma once

/*
 * An alert's notice as the webhook wants it: a table of formats.
 */

#include "base/buf.h"
#include "base/slice.h"

struct alert_notice {
	struct slice name, node, severity, text;
	bool resolved;
	int64_t started_ms, ended_ms; /* ended: when it is resolved */
};

/* One JSON text; `format` is alerts.format's word. */
void alert_notice_put(
	struct buf *to, const char *format, const struct alert_notice *n);
