#pragma once

/*
 * The platform certificates of one merchant that are good just now.  Counted,
 * and shared by a merchant's settings before and after a reload, so that a
 * reload never begins without one; replaced as a whole by pay/cert.c.
 */

#include "base/crypto.h"
#include "base/job.h"
#include "base/list.h"

struct cert_keeper;

enum { CERTS_TOP = 16 };

struct cert {
	struct cert_facts facts; /* serial, times */
	struct rsa *key;
	char *pem;
};

struct certs {
	unsigned refs;
	char *mchid;
	size_t count;
	struct cert cert[CERTS_TOP];
	int64_t fetched_ms; /* from WeChat Pay; 0: never */
	/* cert.c's: not before; asked for last; told of their age last */
	int64_t retry_ms, asked_ms, warned_ms;
	/* who refreshes them; NULL: nobody */
	struct cert_keeper *keeper;
};

/* Are these the same serial number? */
bool cert_serial_is(struct slice serial, const char *hex);

struct certs *certs_new(const char *mchid) _returns_value_;
struct certs *certs_ref(struct certs *c) _returns_value_;
struct certs *certs_unref(struct certs *c);
DEFINE_CLEANUP(struct certs *, certs_unref)
/* One more, read from PEM; ERR_FORMAT: not a certificate, or not the one that
 * `serial` names; one that is there already is left. */
int certs_add(struct certs *c, struct slice serial, struct slice pem,
	struct fault *why) _must_check_;
/* Takes over what `from` holds, in place of its own. */
void certs_swap(struct certs *c, struct certs *from);
/* By serial, hex digits of either case; NULL: none.  What has expired verifies
 * nothing. */
struct rsa *certs_find(
	const struct certs *c, struct slice serial, int64_t now_ms);
/* The one that is good and was made last; NULL: none. */
const struct cert *certs_newest(const struct certs *c, int64_t now_ms);
