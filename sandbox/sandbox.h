#pragma once

/*
 * The sandbox: WeChat's side of the conversation on one loopback address.
 * This is the state that the endpoints share, and what an endpoint is.
 */

#include "fault.h"
#include "keys.h"
#include "store.h"

#include "base/loop.h"
#include "http/http.h"

struct sandbox {
	struct loop loop;
	struct http *http;
	struct keys keys;
	struct faults faults;
	struct pay *pay;                          /* pay.h */
	char *dir;                                /* where the keys are */
	struct store minis, tokens, users, codes; /* the platform's */
	struct store phones, cloudids, scripted, media, quotas, sent;
	struct list campaigns;   /* of pusher.c; next NULL: none yet */
	struct fetcher *fetcher; /* NULL until something is sent */
	uint64_t counts[128]; /* by the first row of route.def with the path */
};

/* An answer in the making; the body's ceiling is its own. */
struct answer {
	int status;
	const char *type;
	struct buf body;
	bool sign;           /* WeChat Pay's signature goes with it */
	struct later *later; /* NULL: it is complete */
};

/* For an answer that takes time, embedded in what it waits for: the endpoint
 * calls answer_later, and later_send once `answer` is filled, after which the
 * owner may go; or `gone` is called because the client left. */
struct later {
	struct sandbox *s;
	struct exchange *x;
	struct answer *answer;
	void (*gone)(struct later *later);
};
void answer_later(struct sandbox *s, struct exchange *x, struct answer *a,
	struct later *later, void (*gone)(struct later *later));
void later_send(struct later *later);

/* The whole request is there: fill `a`. */
typedef void endpoint_fn(
	struct sandbox *s, struct exchange *x, struct answer *a);

enum family { FAMILY_API, FAMILY_PAY, FAMILY_V2, FAMILY_CONTROL };

#define X(method, path, family, fn) endpoint_fn fn;
#include "route.def"
#undef X

/* The forms of the two servers' errors. */
void answer_errcode(struct answer *a, int errcode, const char *errmsg);
void answer_pay_error(
	struct answer *a, int status, const char *code, const char *message);

/* What stands in the request's path between `head` and `tail`, for rows with {}
 * in their path. */
struct slice path_between(
	const struct exchange *x, const char *head, const char *tail);

/* Users, for whom orders are placed. */
bool user_is_known(const struct sandbox *s, struct slice openid);
/* What the platform's half keeps (api.c); api_open after keys_open. */
void api_init(struct sandbox *s);
int api_open(
	struct sandbox *s, const char *dir, struct fault *why) _must_check_;
void api_done(struct sandbox *s);
/* WeChat Pay's half (pay_setup.c).  pay_open after keys_open and loop_init:
 * `notify_to` stands for the internet to callbacks, may be NULL.  pay_stop
 * before loop_done. */
void pay_init(struct sandbox *s);
int pay_open(struct sandbox *s, const char *dir, const char *notify_to,
	struct fault *why) _must_check_;
void pay_stop(struct sandbox *s);
void pay_done(struct sandbox *s);

int server_start(struct sandbox *s, int fd, struct fault *why) _must_check_;
void server_stop(struct sandbox *s);
