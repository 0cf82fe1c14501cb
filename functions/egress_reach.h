#pragma once

/* What a tunnel does between its question and its answer: look a name up,
 * connect to one address after the other. */

#include "functions/egress_tunnel.h"

/* t->name, which is allowed: to its addresses, or with RESOLVE to an answer. */
void egress_reach_name(struct egress_tunnel *t);
/* To one of t->to. */
void egress_reach_all(struct egress_tunnel *t);
/* To the next one: the last one failed with `err`. */
void egress_reach_next(struct egress_tunnel *t, int err);
/* Nobody waits for it any more. */
void egress_reach_forget(struct egress_tunnel *t);
