#pragma once

/*
 * A call that belongs to another gateway of this machine, because the
 * transaction it names is there, is carried to it over its cloud socket.  Its
 * caller is vouched for with a key that gateways share and workers, who reach
 * that socket too, cannot know.
 */

#include "base/fetch.h"
#include "base/job.h"
#include "base/shm.h"

struct call;
struct forward;
struct fetcher;
struct request;

struct forward_conf {
	const char *socket; /* path of our own cloud socket */
	unsigned index;
	uint64_t timeout_ms;
	size_t answer_top; /* bytes */
};

/* NULL socket or one that is not named cloud-N.sock: nothing is forwarded. */
struct forward *forward_new(struct fetcher *fetcher, const struct shm *shm,
	const struct forward_conf *conf) _returns_value_;
struct forward *forward_free(struct forward *f);
DEFINE_CLEANUP(struct forward *, forward_free)

/* One call on its way. */
struct forward_ask {
	struct job job;      /* err: the other gateway's, with its words */
	struct slice answer; /* in the call's arena */
	/* forward's own */
	struct fetch fetch;
	struct call *call;
	struct forward *forward;
};

/* job_init(&a->job, …) first. */
void forward_call(struct forward *f, struct forward_ask *a, struct call *call,
	unsigned gateway);

/* The other end.  Whether `body` was signed by one of us just now. */
bool forward_verify(
	const struct forward *f, struct slice signature, struct slice body);
