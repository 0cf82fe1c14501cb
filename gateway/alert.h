#pragma once

/*
 * Alerts: conditions that are looked at every few seconds by one gateway of
 * each machine and, when they hold long enough, told to a webhook or a
 * function, once for all machines, again while they last, and when they end.
 * How they stand is in mpcloud.alerts, so a restart tells nothing twice and
 * forgets nothing.
 */

#include "base/util.h"

struct alerts;
struct gateway;

struct alerts *alerts_new(struct gateway *g) _returns_value_;
struct alerts *alerts_free(struct alerts *a);
DEFINE_CLEANUP(struct alerts *, alerts_free)
/* Once the schema is there. */
void alerts_start(struct alerts *a);
/* When the first of the TLS certificates ends, and of which section it is
 * ("server", "tls shop"; copied); INT64_MAX: there is none. */
void alerts_set_certificate(
	struct alerts *a, int64_t cert_until_ms, const char *whose);
