#pragma once

/*
 * Crews against a keeper and workers played by the test, all in one loop over
 * real socket pairs.
 */

#include "base/channel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/stream.h"
#include "functions/crew.h"
#include "functions/proto.h"
#include "tests/unit/test.h"

enum { WORKERS = 16, INVOKES = 64, CALLS = 64, SAID = 512 };

/* A line of the platform's own. */
struct fake_line {
	enum crew_line_kind kind;
	unsigned version;
	char text[256];
};

struct invoke {
	uint32_t id;
	char event[64], context[1024];
};

struct worker {
	struct stream stream;
	uint32_t number;
	struct invoke got[INVOKES];
	unsigned ngot, drains, replies;
	uint32_t last_reply;
	char reply[256];
	bool alive, killed;
};

struct call {
	struct fn_call call;
	char event[64], result[256];
	int done;
};

struct keeper {
	struct channel channel;
	struct worker worker[WORKERS];
	unsigned spawns, started;
	bool refuses, silent;
};
extern struct keeper keeper[2];

struct fixture {
	struct loop loop;
	struct crews *crews;
	struct fn_settings settings;
	struct call call[CALLS];
	unsigned ncalls;
	int order[CALLS], norder;
	struct host_call *asked;
	int asks, drops;
	char asked_body[256], asked_openid[64], line[256], line_id[64];
	bool answers; /* workers do, at once */
	int lines, line_level;
	struct fake_line said[SAID];
	unsigned nsaid;
	int troubles;
	unsigned trouble_version;
	char trouble[256];
	struct timer pulse;
};
extern struct fixture f;

#define until(condition) \
	do { \
		for (int turns_ = 0; !(condition); turns_++) { \
			if (turns_ > 4000) \
				fail_msg("never: %s", #condition); \
			loop_turn(&f.loop, true); \
		} \
	} while (0)

void turns(int n);
void worker_end(struct keeper *k, struct worker *w, int status, uint8_t reason);
/* The i-th call it got has this result. */
void answer(struct worker *w, unsigned i, const char *json);
void deploy(struct keeper *k);
/* GATE_FN_RELEASE with this JSON. */
void release(const char *json);
void host_dies(struct keeper *k);
void on_done(struct job *job);
/* All but crew_call; then with it. */
struct call *call_prepare(void);
struct call *call_start(void);
/* A call's headers: x-try: yes. */
struct slice fake_header(const void *owner, const char *name);
/* A worker whose calls are known to be short. */
struct worker *warm_up(void);
extern const struct caller fake_caller;

int fake_setup(void **state);
int fake_teardown(void **state);
