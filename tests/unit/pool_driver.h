#pragma once

/*
 * What the tests of connections share: a real server, a pool on a loop, and
 * asks that note their answer.
 */

#include "base/mem.h"
#include "db/pool.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

extern struct testpg *server;

/* An ask, how often it was answered, and the first value of the answer. */
struct one {
	struct ask ask;
	int done, err;
	char value[64], why[256];
	int64_t changed;
};

struct fixture {
	struct loop loop;
	struct pool *pool;
};

/* Whole program: the server. */
int start(void **state);
int stop(void **state);

/* Two connections, or as said. */
void setup(struct fixture *f);
void setup_with(struct fixture *f, unsigned connections, uint64_t timeout_ms,
	unsigned waiting_top);
void teardown(struct fixture *f);

void on_done(struct job *job);
/* Asked, not waited for; `param` may be NULL. */
void ask_with(struct fixture *f, struct one *o, const char *sql, bool is_read,
	const char *param);
/* Turns the loop until the first `count` of `o` are answered. */
void wait_for(struct fixture *f, const struct one *o, int count);
/* Asked as a write and waited for. */
void run(struct fixture *f, struct one *o, const char *sql, const char *param);
