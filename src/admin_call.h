#pragma once

/*
 * One admin command being carried out: at once, or when a reload or a deploy
 * has come to its end.
 */

#include "src/admin.h"
#include "src/deploy.h"
#include "src/reload.h"

struct supervisor;
struct admin_call;

/* Takes the answer; called once, perhaps from inside admin_call_start. */
typedef void admin_answer_fn(struct admin_call *call, json_t *answer);

struct admin_call {
	struct supervisor *sup;
	admin_answer_fn *answer;
	struct admin_ask ask;
	struct reload_asker reload;
	struct deploy deploy;
};

void admin_call_init(struct admin_call *call, struct supervisor *sup,
	admin_answer_fn *answer);
/* Takes the ask. */
void admin_call_start(struct admin_call *call, struct admin_ask *ask);
/* It will not be answered; what it has begun goes on. */
void admin_call_done(struct admin_call *call);
/* {"ok":false, …}; `said`: what follows the sentence, or NULL. */
json_t *admin_error(
	int err, const struct fault *why, const char *said) _returns_value_;

/* admin_functions.c: commands about what is on disk, and variables. */
void admin_functions(struct admin_call *call);
void admin_versions(struct admin_call *call);
void admin_env(struct admin_call *call);
void admin_env_set(struct admin_call *call);
/* {"ok":true} to be filled. */
json_t *admin_okay(void) _returns_value_;
