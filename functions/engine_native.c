/*
 * Native functions: the template is a fork of the keeper that has loaded the
 * author's shared object.  Its workers are given away at once: what they do
 * before READY is nothing.
 */
#include "functions/engine_fork.h"
#include "functions/keeper.h"
#include "functions/template.h"

static void
become_template(struct keeper *k, int channel)
{
	const struct template_native_conf conf = {
		.setup = k->setup, .cage = k->cage, .env = k->env};

	template_native_run(&conf, channel);
}

const struct engine engine_native = {
	.start = fork_start,
	.spawn = fork_spawn,
	.ended = fork_ended,
	.lost = fork_lost,
	.stop = fork_stop,
	.become = become_template,
};
