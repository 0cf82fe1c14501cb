/*
 * The loop of `mpcloud dev`.  What it waits for is few: a signal to end, the
 * end of a child, a change of the author's files.  A deploy is waited for in
 * line: nothing else is to be done meanwhile, and what changes is seen after.
 */
#include "cli/dev_live.h"

#include "base/mem.h"
#include "cli/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { STOP_MS = 15000 };

static const int numbers[LIVE_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

static bool
has_ended(pid_t pid, int *status)
{
	int st = 0;

	if (pid <= 0 || waitpid(pid, &st, WNOHANG) != pid)
		return false;
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return true;
}

/* In production systemd starts PostgreSQL again; here we do. */
static int
look_after(struct dev *dev)
{
	int status;

	if (has_ended(dev->daemon, &status)) {
		dev->daemon = 0;
		return dev_fail(dev, "mpcloudd ended", "mpcloudd.log");
	}
	if (!has_ended(dev->pg, &status))
		return EXIT_OK;
	(void)fprintf(stderr,
		"mpcloud: PostgreSQL ended (status %d); starting it again\n",
		status);
	return dev_pg_start(dev);
}

static void
look(struct dev_live *live)
{
	int ended;

	if (has_ended(live->command, &ended)) {
		live->command = 0;
		live->status = ended;
		loop_stop(&live->loop);
		return;
	}
	live->status = look_after(live->dev);
	if (live->status != EXIT_OK)
		loop_stop(&live->loop);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct dev_live *live = signal->data;

	if (number == SIGCHLD)
		look(live);
	else
		loop_stop(&live->loop);
}

static void
on_change(struct dev_watch *w, const json_t *marks, uint64_t since)
{
	dev_reload(container_of(w, struct dev_live, watch), marks, since);
}

/* A program that reads our JSON deploys by itself, unless it says otherwise; a
 * command that is run against the project finds it as it was. */
static bool
wants_watch(const struct cli *cli)
{
	if (cli->options[OPT_WATCH])
		return true;
	return !cli->options[OPT_JSON] && !(cli->rest && cli->rest[0]);
}

int
dev_live_start(struct dev_live *live, struct dev *dev)
{
	*live = (struct dev_live){.dev = dev};
	if (loop_init(&live->loop) < 0)
		return cli_fail(EXIT_FAILED, "the event loop did not start");
	live->functions = json_object();
	dev_watch_init(&live->watch, &live->loop, on_change);
	live->watching = wants_watch(dev->cli);
	if (live->watching)
		dev_reload_start(live);
	return EXIT_OK;
}

int
dev_live_run(struct dev_live *live, pid_t command)
{
	live->command = command;
	for (size_t i = 0; i < LIVE_SIGNALS; i++) {
		(void)uv_signal_init(&live->loop.uv, &live->signals[i]);
		live->signals[i].data = live;
		(void)uv_signal_start(&live->signals[i], on_signal, numbers[i]);
	}
	look(live); /* who ended before we listened */
	if (!dev_was_stopped() && live->status == EXIT_OK &&
		(command <= 0 || live->command > 0))
		loop_run(&live->loop);
	if (live->command > 0)
		spawn_stop(&live->command, SIGTERM, STOP_MS);
	return live->status;
}

void
dev_live_done(struct dev_live *live)
{
	if (!live->dev)
		return;
	dev_watch_done(&live->watch);
	loop_done(&live->loop);
	json_decref(live->functions);
	free(live->collections);
	free(live->routes);
	live->dev = NULL;
}
