#pragma once

/*
 * The sandbox: WeChat's side of the conversation on one loopback address.
 * This is the state that the endpoints share, and what an endpoint is.
 */

#include "fault.h"
#include "keys.h"
#include "store.h"

#include "base/loop.h"
#include "gateway/http.h"

struct sandbox {
	struct loop loop;
	struct http *http;
	struct keys keys;
	struct faults faults;
	struct store users, codes, orders;
	struct {
		char *now;        /* the stable token */
		int64_t ends_s;   /* unix seconds */
		int64_t forced_s; /* the last force_refresh */
		int64_t day;      /* of the count below, UTC+8 */
		unsigned forced;
	} token;
	uint64_t counts[32]; /* by row of route.def */
};

/* An answer in the making; the body's ceiling is its own. */
struct answer {
	int status;
	const char *type;
	struct buf body;
	bool sign; /* WeChat Pay's signature goes with it */
};

/* The whole request is there: fill `a`. */
typedef void endpoint_fn(
	struct sandbox *s, struct exchange *x, struct answer *a);

enum family { FAMILY_API, FAMILY_PAY, FAMILY_CONTROL };

#define X(method, path, family, fn) endpoint_fn fn;
#include "route.def"
#undef X

/* The forms of the two servers' errors. */
void answer_errcode(struct answer *a, int errcode, const char *errmsg);
void answer_pay_error(
	struct answer *a, int status, const char *code, const char *message);

/* Users, for whom orders are placed. */
bool user_is_known(const struct sandbox *s, struct slice openid);
/* login.c and pay.c set up what they keep. */
void login_init(struct sandbox *s);
void login_done(struct sandbox *s);
void pay_init(struct sandbox *s);
void pay_done(struct sandbox *s);

int server_start(struct sandbox *s, int fd, struct fault *why) _must_check_;
void server_stop(struct sandbox *s);
