/*
 * `mpcloud dev`: the order in which a development stack comes up, what is said
 * about it, and how it ends: with Ctrl-C, or with the command that was run
 * against it.
 */
#include "cli/dev_live.h"

#include "base/mem.h"
#include "cli/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_MS = 15000 };

static volatile sig_atomic_t asked_to_stop;

bool
dev_was_stopped(void)
{
	return asked_to_stop != 0;
}

static void
on_signal(int number)
{
	asked_to_stop = number;
}

static int
read_options(struct dev *dev)
{
	int status = cli_number(dev->cli, OPT_PORT, 0, 65535, 8080, &dev->port);

	if (status == EXIT_OK)
		status = cli_number(
			dev->cli, OPT_TLS_PORT, 0, 65535, -1, &dev->tls_port);
	if (status == EXIT_OK)
		status = cli_number(dev->cli, OPT_GATEWAYS, 0, 256,
			dev->cli->options[OPT_INSPECT] ? 1 : 0, &dev->gateways);
	if (status != EXIT_OK)
		return status;
	dev->project =
		realpath(dev->cli->count ? dev->cli->words[0] : ".", NULL);
	if (!dev->project)
		return cli_fail(EXIT_USAGE, "%s: %s",
			dev->cli->count ? dev->cli->words[0] : ".",
			strerror(errno));
	return EXIT_OK;
}

static void
say(const struct dev *dev, const char *text)
{
	if (dev->cli->options[OPT_JSON])
		return;
	(void)printf("%s\n", text);
	(void)fflush(stdout);
}

static int
bring_up(struct dev *dev)
{
	static const struct {
		int (*start)(struct dev *dev);
		const char *text;
	} steps[] = {
		{dev_home, NULL},
		{dev_lock, NULL},
		{dev_programs, NULL},
		{dev_pg_start, "PostgreSQL: a private cluster …"},
		{dev_sandbox_start, "WeChat: the sandbox …"},
		{dev_conf, NULL},
		{dev_daemon_start, "mpcloudd: gateways …"},
	};
	int status = EXIT_OK;

	for (size_t i = 0; i < array_size(steps) && status == EXIT_OK; i++) {
		if (steps[i].text)
			say(dev, steps[i].text);
		status = steps[i].start(dev);
		if (asked_to_stop)
			status = EXIT_FAILED;
	}
	return status;
}

/* A function that does not load ends nothing: it is mended while the rest
 * answers.  A command is run against a whole project only. */
static int
deploy_all(struct dev *dev)
{
	bool with_command = dev->cli->rest && dev->cli->rest[0];
	int status;

	say(dev, "Deploying the project …");
	status = deploy_project(dev->cli, dev->project);
	if (status == EXIT_OK || with_command || status == EXIT_NO_DAEMON)
		return status;
	dev->partial = true;
	if (!dev->cli->options[OPT_JSON])
		dev_print_partial();
	return EXIT_OK;
}

static void
catch_signals(void)
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_signal};

	for (size_t i = 0; i < array_size(numbers); i++)
		(void)sigaction(numbers[i], &sa, NULL);
}

static void
bring_down(struct dev *dev)
{
	spawn_stop(&dev->daemon, SIGTERM, STOP_MS * 3);
	spawn_stop(&dev->sandbox, SIGTERM, STOP_MS);
	spawn_stop(&dev->pg, SIGINT, STOP_MS);
	dev_programs_remove(dev);
	dev_home_leave(dev);
	json_decref(dev->wechat);
	free(dev->project);
	free(dev->home);
	free(dev->run);
	free(dev->url);
	free(dev->tls_url);
	free(dev->ca);
}

static void
print_next(const struct dev *dev)
{
	dev_print_next(dev);
	if (!dev->cli->options[OPT_JSON])
		(void)puts("A function is deployed again when its files are "
			   "saved.");
	(void)puts("Ctrl-C stops everything.");
	(void)fflush(stdout);
}

/* From the deploy to the end. */
static int
live(struct dev *dev)
{
	bool with_command = dev->cli->rest && dev->cli->rest[0];
	struct dev_live live = {0};
	pid_t command = 0;
	int status = dev_live_start(&live, dev);

	if (status == EXIT_OK)
		status = deploy_all(dev);
	if (status == EXIT_OK && with_command)
		status = dev_command(dev, &command);
	else if (status == EXIT_OK && dev->cli->options[OPT_JSON])
		dev_print_json(dev);
	else if (status == EXIT_OK)
		print_next(dev);
	if (status == EXIT_OK)
		status = dev_live_run(&live, command);
	dev_live_done(&live);
	return status;
}

int
cli_dev(struct cli *cli)
{
	struct dev dev = {.cli = cli, .tls_port = -1};
	int status = read_options(&dev);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_STOP])
		return dev_stop(&dev);
	status = dev_check(&dev);
	if (status == EXIT_OK && cli->options[OPT_INSPECT])
		status = dev_inspect_check(&dev);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_DETACH])
		return dev_detach(&dev);
	catch_signals();
	status = bring_up(&dev);
	if (status == EXIT_OK)
		status = live(&dev);
	bring_down(&dev);
	return status;
}
