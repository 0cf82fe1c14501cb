#pragma once

/* What can be wrong with a merchant's settings.  For merchant.c only. */

#include "pay/merchant.h"

/* 0, or ERR_CONFIG with the setting's name and what to do. */
int merchant_check(
	const struct merchant_conf *c, struct fault *why) _must_check_;
/* The same of the keys, once they are loaded. */
int merchant_check_keys(const struct merchant *m, const struct merchant_conf *c,
	struct fault *why) _must_check_;
/* Is anything of v3 said? */
bool merchant_conf_has_v3(const struct merchant_conf *c);
/* Does WeChat Pay stand on this machine (its address is http)? */
bool merchant_conf_is_sandbox(const struct merchant_conf *c);
