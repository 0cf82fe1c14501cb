#pragma once

/*
 * Engines whose workers are forks of one template: native and script.  All of
 * struct engine's calls but `become` are these.
 */

#include "functions/engine.h"

void fork_start(struct keeper *k);
void fork_spawn(struct keeper *k, struct link *link, uint32_t id);
void fork_ended(struct keeper *k, struct proc *p);
void fork_lost(struct keeper *k, struct proc *p, int status);
void fork_stop(struct keeper *k);
