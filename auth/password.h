#pragma once

/*
 * Hashing passwords: argon2id (RFC 9106), in libuv's threads, since one costs
 * tens of milliseconds and as many MiB.  Two run at once; so many more may
 * wait, beyond that ERR_BUSY.  The only user of libargon2.
 */

#include "base/job.h"
#include "base/list.h"
#include "base/slice.h"

enum {
	PASSWORD_ENCODED = 255, /* bytes of "$argon2id$v=19$m=…" */
	PASSWORD_TOP = 512,     /* bytes of a password */
	PASSWORD_RUNNING = 2,
};

struct password_conf {
	uint32_t memory_kib, iterations, lanes;
	unsigned waiting_top;
};

struct passwords;
struct passwords *passwords_new(struct loop *loop) _returns_value_;
/* What still runs ends by itself; nobody is told any more. */
struct passwords *passwords_free(struct passwords *all);
void passwords_configure(
	struct passwords *all, const struct password_conf *conf);

struct password_work;
/* Embedded in its owner. */
struct password {
	struct job job;
	/* answer */
	bool good;  /* password_check: it is that password */
	bool stale; /* and was hashed with other parameters than ours now */
	char encoded[PASSWORD_ENCODED + 1]; /* password_make's */
	/* its own */
	struct password_work *work;
};

/* job_init(&p->job, …) first; what is given is copied.  ERR_BUSY. */
void password_make(
	struct passwords *all, struct password *p, struct slice plain);
/* `encoded` empty: there is no such user; the same work, and never good. */
void password_check(struct passwords *all, struct password *p,
	struct slice plain, struct slice encoded);
