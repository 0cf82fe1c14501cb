#pragma once

/*
 * What gateways count about functions, in Prometheus' text form.  Counters are
 * given for each gateway by itself (label gateway), since one that is started
 * anew begins at zero: Prometheus sums them rightly, we could not.
 */

#include "base/buf.h"

#include <jansson.h>

/* `gateways`: [{gateway, functions: as crews_status with stats}]. */
void fn_metrics_put(struct buf *to, const json_t *gateways);
