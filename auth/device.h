#pragma once

/*
 * A user's devices: his token families that have not ended.  Listing them, and
 * ending one, those of one device, or all.
 */

#include "auth/family.h"

/* What a client calls itself, made harmless: valid UTF-8 without control
 * characters, DEVICE_CHARS characters at the most. */
void device_clean(struct slice said, char ret[DEVICE_TOP + 1]);
/* js-sdk's x-device-id when it is of letters, digits, - and _; else "". */
struct slice device_id_clean(struct slice said);

enum { DEVICES_LISTED = 200 };

/* Embedded in its owner; job_init(&d->job, …) first. */
struct devices {
	struct job job;
	/* its own */
	struct ask ask;
};

struct device {
	uint64_t sid;
	struct slice name, kind, appid; /* until done returns */
	int64_t created_ms, used_ms;
};

/* The last used first. */
void devices_list(
	struct devices *d, const struct family_home *home, struct slice uid);
/* In done: how many, and one of them. */
int devices_count(const struct devices *d);
struct device devices_at(const struct devices *d, int i);

/* Embedded in its owner; job_init(&e->job, …) first. */
struct device_end {
	struct job job;
	int ended; /* answer: how many */
	/* its own */
	struct family_home home;
	struct ask ask;
};

/* Which of `uid`'s; what is empty does not narrow. */
struct device_which {
	uint64_t sid;           /* 0: any */
	struct slice device_id; /* sent by js-sdk */
	uint64_t keep;          /* but this one; 0: none */
	const char *reason;     /* families.reason, a word */
};

/* Their refresh tokens and access tokens end.  Fine when there is none. */
void device_end(struct device_end *e, const struct family_home *home,
	struct slice uid, const struct device_which *which);
/* The same at once for a user who is blocked or logged out by the operator. */
void device_end_all(struct device_end *e, const struct family_home *home,
	struct slice uid, const char *reason);
void device_end_done(struct device_end *e);
