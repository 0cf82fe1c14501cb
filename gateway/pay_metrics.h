#pragma once

/* What gateways count about payments, in Prometheus' text form. */

#include "base/buf.h"
#include "base/shm.h"

/* Of struct shm_gateway's `notified`. */
enum noted {
#define X(name, text) name,
#include "gateway/notify.def"
#undef X
	NOTED_
};

/* Of its `notify_keys`: what verified a callback. */
enum noted_key { KEY_PUBLIC, KEY_CERTIFICATE, KEY_V2, KEYS_ };

/* The samples of the `count` gateways at `index`. */
void pay_metrics_put(
	struct buf *to, struct shm *shm, const unsigned *index, size_t count);
