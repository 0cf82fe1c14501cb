#pragma once

/*
 * A merchant's settings with their keys loaded, as they were when somebody
 * began to use them: a reload makes a new one, running orders keep theirs.
 */

#include "base/crypto.h"
#include "pay/order.h"

struct merchant {
	unsigned refs;
	char *appid, *mchid, *serial, *notify_url, *api_base, *public_key_id;
	struct rsa *private_key, *public_key; /* ours; WeChat Pay's */
};

/* An empty mchid: payment is off, nothing else is looked at.  ERR_CONFIG names
 * the setting. */
int merchant_new(struct merchant **ret, const struct pay_conf *conf,
	struct fault *why) _must_check_;
struct merchant *merchant_ref(struct merchant *m) _returns_value_;
struct merchant *merchant_unref(struct merchant *m);
DEFINE_CLEANUP(struct merchant *, merchant_unref)
bool merchant_is_on(const struct merchant *m);
