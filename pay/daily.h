#pragma once

/*
 * Every day's bill is compared by itself, after 10:00 of the next day in China,
 * when WeChat Pay has made it; days that were missed (the last week's) too. All
 * gateways of all nodes try, and one gets each day (mpcloud.bill_next).
 */

#include "pay/order.h"

struct daily;

struct daily *daily_new(
	struct loop *loop, struct pool *pool, struct pay *pay) _returns_value_;
struct daily *daily_free(struct daily *daily);
DEFINE_CLEANUP(struct daily *, daily_free)
/* Off: what runs ends, nothing new begins. */
void daily_configure(struct daily *daily, bool on);
/* Once the schema is there. */
void daily_start(struct daily *daily);
