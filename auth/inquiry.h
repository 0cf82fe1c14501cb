#pragma once

/*
 * Single flight: one question to WeChat about one login code, and all who wait
 * for its answer.
 */

#include "auth/account.h"
#include "auth/wechat.h"

enum { CODE_TOP = 128 };

struct inquiry;

struct inquiries {
	struct loop *loop;
	struct fetcher *fetcher;
	struct list open; /* struct inquiry */
};

/* One who waits; embedded in its owner. */
struct waiter {
	struct list on;
	struct inquiry *inquiry;
	/* Once; `q` is valid until it returns. */
	void (*told)(struct waiter *w, struct inquiry *q, int err,
		const struct fault *why);
};

struct inquiry {
	struct list on;      /* inquiries' */
	struct list waiting; /* struct waiter, first come first */
	struct account *account;
	struct wechat_conf conf;
	struct wechat wechat; /* openid, unionid, session_key */
	struct buf sealed;    /* the session_key, made by the first waiter */
	uint8_t mark[16];     /* of it, by seal_mark */
	bool landed;          /* the waiters are being told */
	char code[CODE_TOP + 1];
};

void inquiries_init(
	struct inquiries *all, struct loop *loop, struct fetcher *fetcher);
void waiter_init(
	struct waiter *w, void (*told)(struct waiter *, struct inquiry *, int,
				  const struct fault *));
/* `code` is 1 to 128 bytes without NUL. */
void waiter_join(struct waiter *w, struct inquiries *all,
	struct account *account, struct slice code);
/* It is not told any more; a question that nobody waits for is dropped. */
void waiter_leave(struct waiter *w);
