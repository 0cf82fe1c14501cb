#pragma once

/* Between selftest.c and selftest_notify.c only. */

#include "pay/selftest.h"

void selftest_say(struct selftest *s, const char *name,
	enum selftest_verdict verdict, const char *form, ...) _printf_(4, 5);
/* The next step; the last ends the job. */
void selftest_next(struct selftest *s);
/* Did this key make the signature of s->wxpay's answer? */
bool selftest_verifies(const struct selftest *s, struct rsa *key);
/* Where notify_url leads, and what comes back from there. */
void selftest_check_notify(struct selftest *s);
void selftest_notify_done(struct selftest *s);
