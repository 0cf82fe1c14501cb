#pragma once

/*
 * A stack of its own for an invocation that may have to wait while others run.
 * One thread, switched by hand: fiber_resume runs the fiber until it yields.
 */

#include "base/util.h"

struct fiber;
typedef void fiber_fn(void *arg);

/* `fn` must not return: it yields when it has nothing to do.  NULL when there
 * is no memory for a stack (a function's memory is limited). */
struct fiber *fiber_new(fiber_fn *fn, void *arg);
struct fiber *fiber_free(struct fiber *f);

void fiber_resume(struct fiber *f);
/* From inside `f`. */
void fiber_yield(struct fiber *f);
