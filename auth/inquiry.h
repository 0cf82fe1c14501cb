#pragma once

/*
 * Single flight: one question to WeChat about one login code, and all who wait
 * for its answer, in this gateway and in the others of this machine.
 */

#include "auth/account.h"
#include "auth/wechat.h"
#include "base/shm.h"

enum { CODE_TOP = 128 };

struct inquiry;

struct inquiries {
	struct loop *loop;
	struct fetcher *fetcher;
	struct shm *shm;
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
	struct list on; /* inquiries' */
	struct inquiries *all;
	struct list waiting; /* struct waiter, first come first */
	struct account *account;
	struct wechat_conf conf;
	/* openid, unionid, session_key; without the key when another gateway
	 * asked at the same time: it keeps that */
	struct wechat wechat;
	int64_t began;     /* clock_mono */
	struct timer look; /* for what the other gateway was told */
	unsigned looks;
	struct buf sealed; /* the session_key, made by the first waiter */
	uint8_t mark[16];  /* of it, by seal_mark */
	bool landed;       /* the waiters are being told */
	char code[CODE_TOP + 1];
};

void inquiries_init(struct inquiries *all, struct loop *loop,
	struct fetcher *fetcher, struct shm *shm);
void waiter_init(
	struct waiter *w, void (*told)(struct waiter *, struct inquiry *, int,
				  const struct fault *));
/* `code` is 1 to 128 bytes without NUL. */
void waiter_join(struct waiter *w, struct inquiries *all,
	struct account *account, struct slice code);
/* It is not told any more; a question that nobody waits for is dropped. */
void waiter_leave(struct waiter *w);
