#pragma once

/*
 * Where a thread of control stands: its stack and the registers that a function
 * must preserve.  Switching is an ordinary call, without system calls.
 */

#include "base/util.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

struct place {
#if defined(__x86_64__) || defined(__aarch64__)
	void *sp; /* what is preserved lies on the stack */
#else
	ucontext_t context;
	void (*entry)(void *arg);
	void *arg;
#endif
};

/* At the beginning of entry(arg), which must not return, on this stack. */
void place_init(struct place *p, void *stack, size_t size,
	void (*entry)(void *arg), void *arg);
/* Goes on at `to`; comes back when somebody goes to `from`. */
void place_switch(struct place *from, struct place *to);
