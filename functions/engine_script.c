/*
 * Script functions: the template is a program of its own, mpcloud-script, for
 * JavaScriptCore is large and must be in no other process of ours.  A fork of
 * it might find a lock of the allocator taken for ever by a thread that is not
 * there any more; so its workers have to say READY, which they do after they
 * have run and allocated a little.
 */
#include "functions/engine_fork.h"
#include "functions/keeper.h"

#include <stdlib.h>

static void
become_template(struct keeper *k, int channel)
{
	char *argv[] = {
		k->setup->script, k->setup->runner, engine_argument(k), NULL};

	engine_exec(k, channel, argv);
}

const struct engine engine_script = {
	.start = fork_start,
	.spawn = fork_spawn,
	.ended = fork_ended,
	.lost = fork_lost,
	.stop = fork_stop,
	.become = become_template,
	.greets = true,
};
