#pragma once

/*
 * What Prometheus reads: counters and latency histograms in the gateways' shared
 * memory, by route and status class.  A name has a row in metric.def; a route's
 * series is found by its name once and kept by number.  Lock-free; each gateway
 * writes its own cells, the one that is asked adds them up.
 */

#include "base/err.h"
#include "base/slice.h"

struct request;
struct gateway;

/* At a request's end: counts it and its latency under its route. */
void metric_request(const struct request *r, int status, int64_t ns);
/* The whole page, text format 0.0.4. */
struct buf;
void metric_page(const struct gateway *g, struct buf *to);
