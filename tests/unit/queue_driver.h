#pragma once

/*
 * Queues on a real server, whose calls the test answers: crew_call is played.
 */

#include "base/clock.h"
#include "functions/crew.h"
#include "tests/unit/pool_driver.h"
#include "trigger/queue.h"

enum { QUEUES = 4, CALLED = 4096, HOUR_MS = 3600000 };
#define T0_MS 1800000000000LL

struct called {
	struct fn_call *call; /* NULL: over */
	struct queue *queue;  /* whose crews it was called with */
	char function[64], event[256], request_id[64], trigger[16];
	char openid[64], source[32];
};

struct queues {
	struct fixture f;
	struct queue *queue[QUEUES];
	struct called called[CALLED];
	unsigned ncalled;
};
extern struct queues q;

int queue_suite_start(void **state);
/* Everything empty; the clock stands at T0_MS. */
void queue_setup(void);
void queue_teardown(void);
struct queue_conf queue_conf_of(unsigned gateway);
/* The i-th queue begins to claim. */
void queue_up(unsigned i);
void queue_up_with(unsigned i, const struct queue_conf *conf);
/* Times pass for all of them. */
void clock_ms(int64_t ms);
/* Put by the first queue and waited for; its id. */
int64_t put_call(const char *function, const char *event);
/* The i-th call that was made ends. */
void answer_call(unsigned i, int err, const char *why);
/* First value of a statement. */
const char *sql(const char *fmt, ...) _printf_(1, 2);
void turn(int n);

#define until(condition) \
	do { \
		for (int turns_ = 0; !(condition); turns_++) { \
			if (turns_ > 20000) \
				fail_msg("never: %s", #condition); \
			turn(1); \
		} \
	} while (0)
#define until_sql(value, ...) until(strcmp(sql(__VA_ARGS__), value) == 0)
