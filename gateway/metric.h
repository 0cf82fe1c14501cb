#pragma once

/*
 * What Prometheus reads: answers and their times by route, requests that we
 * make by server asked, statements by kind, and what events said.  A gateway
 * counts into shared memory (base/series.h); the one that is asked adds all of
 * them up, but for what only a gateway itself knows.
 */

#include "base/buf.h"
#include "base/shm.h"

#include <jansson.h>

struct request;

/* At a request's end: counts it and its time under its route. */
void metric_request(const struct request *r, int status, int64_t ns);

/* What is read of the shared memory, of the `count` gateways at `index`. */
void metric_page(
	struct buf *to, struct shm *shm, const unsigned *index, size_t count);
/* What gateways told of themselves: [{gateway, own: metric_own}]. */
void metric_own_put(struct buf *to, const json_t *gateways);

struct gateway;
/* Connections, requests under way, events so far, memory. */
json_t *metric_own(const struct gateway *g) _returns_value_;
