#pragma once

/* How a runtime makes workers; one row per runtime. */

#include "base/slice.h"

struct keeper;
struct proc;
struct link;

struct engine {
	/* Begin to load; answers with keeper_loaded or keeper_failed. */
	void (*start)(struct keeper *k);
	/* A worker for a gateway: keeper_give or keeper_refuse, now or later.
	 */
	void (*spawn)(struct keeper *k, struct link *link, uint32_t id);
	/* `p` has ended: get its status, then keeper_over. */
	void (*ended)(struct keeper *k, struct proc *p);
	/* After keeper_over, for processes that were no gateway's. */
	void (*lost)(struct keeper *k, struct proc *p, int status);
	void (*stop)(struct keeper *k);
	/* Engines with a template (engine_fork.h): what a fresh child of the
	 * keeper does with its end of the channel.  Does not return. */
	void (*become)(struct keeper *k, int channel);
	/* Its workers say READY before they are given to a gateway. */
	bool greets;
};

extern const struct engine engine_native, engine_node, engine_script;

/* engine.c, what they share. */

/* What a program of ours that runs the author's code is told, as its one
 * argument: JSON; the caller frees. */
char *engine_argument(const struct keeper *k) _returns_value_;
/* In a child of the keeper: keep `fd` as descriptor 3 and nothing else, shut
 * the cage, execute. */
_noreturn_ void engine_exec(struct keeper *k, int fd, char *const *argv);
/* Why a process that ended while it loaded the code did so, for the author. */
enum { ENGINE_TEXT = 128 };
void engine_end_text(const struct proc *p, int status, char ret[ENGINE_TEXT]);
