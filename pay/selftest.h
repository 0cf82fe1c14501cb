#pragma once

/*
 * Is this merchant set up right?  One check after the other, each with its
 * probable cause when it fails: for `mpcloud pay selftest`.  Nothing of it
 * costs money; the one order it tries has no payer and is closed if it is
 * taken.
 */

#include "pay/gate.h"

enum { SELFTEST_TOP = 24, SELFTEST_WORDS = 480 };

enum selftest_verdict {
	SELFTEST_GOOD,
	SELFTEST_WARN,    /* works today */
	SELFTEST_BAD,     /* payments do not work, or callbacks */
	SELFTEST_UNKNOWN, /* could not be looked at; `words` says why */
};

struct selftest_line {
	/* "keys", "signature", "clock", "answers", "certificates", "appid",
	 * "notify_url" */
	const char *name;
	enum selftest_verdict verdict;
	/* whole sentences: what was seen; when bad, what to do */
	char words[SELFTEST_WORDS];
};

/* Embedded in its owner; large. */
struct selftest {
	struct job job;
	/* answer, in the order they were made; also after an error */
	struct selftest_line line[SELFTEST_TOP];
	size_t count;
	/* its own */
	struct gate_home home;
	struct merchant *merchant;
	struct arena arena;
	struct defer soon;
	unsigned step, app;
	struct gate gate;
	struct wxpay wxpay;
	struct fetch fetch;
	uv_getaddrinfo_t *resolver;
	bool fetching;
	char no[40];
	char host[256];
};

/* job_init(&s->job, …) first, of a struct that is zero.  The job's err is 0
 * when all could be tried, whatever came out; `m` is held until selftest_done.
 */
void selftest_start(
	struct selftest *s, const struct gate_home *home, struct merchant *m);
/* Cancels it when it still runs. */
void selftest_done(struct selftest *s);
/* BAD when one is, else WARN when one is, else GOOD. */
enum selftest_verdict selftest_verdict(const struct selftest *s);
/* "ok", "warning", "FAILED", "not checked". */
const char *selftest_word(enum selftest_verdict verdict);
