#pragma once

/* endpoint_function.c's part that answers before the function is called. */

#include "base/util.h"

struct request;

bool endpoint_queue_is_meant(const struct request *r);
/* r->function and the body are checked. */
int endpoint_queue_put(struct request *r, const char *qualifier);
