#pragma once

/*
 * Keeps the platform certificates of all merchants fresh: read from the
 * database at start, asked of WeChat Pay every hour by one gateway (a lease on
 * mpcloud.pay_leases), read by the others, and at once (though at most every
 * two seconds) when something is signed with a serial number that is not known.
 */

#include "base/fetch.h"
#include "db/pool.h"
#include "pay/certs.h"
#include "pay/merchant.h"

struct cert_keeper;

/* `merchants` are borrowed until cert_keeper_take_up or _free. */
struct cert_keeper *cert_keeper_new(struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct merchants *merchants) _returns_value_;
struct cert_keeper *cert_keeper_free(struct cert_keeper *k);
DEFINE_CLEANUP(struct cert_keeper *, cert_keeper_free)
/* After a reload. */
void cert_keeper_take_up(struct cert_keeper *k, struct merchants *merchants);

/* Asking for certificates anew.  Embedded in its owner. */
struct certs_ask {
	struct job job;
	struct list on;
	/* cert.c's */
	struct slice serial;
	bool served; /* a download began since it asked */
};
/* job_init(&ask->job, …) first.  `serial`, which is not known here, is borrowed
 * until done; only what WeChat Pay itself said may ask, since each may cost a
 * download.  0: look again; when it is still unknown, a download that began
 * after this call did not bring it.  ERR_LIMITED: others download just now;
 * ERR_UPSTREAM_CONFIG: nobody refreshes them (a public key alone, or a test),
 * or it is a public key's; else what wxpay.h says.  job_cancel takes it back.
 */
void certs_refresh(struct merchant *m, struct loop *loop, struct certs_ask *ask,
	struct slice serial);

/* GET /v3/certificates's answer: all of it opened with the APIv3 key and read
 * into `ret`.  ERR_PAY_DECRYPT: that is not the key; ERR_FORMAT. */
int certs_read(struct certs *ret, const struct merchant *m, struct slice body,
	struct fault *why) _must_check_;
