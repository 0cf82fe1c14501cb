/*
 * The daemon of a development stack: started like systemd would, then asked
 * on its admin socket until every gateway is ready.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "base/sock.h"
#include "cli/sandbox_ask.h"
#include "cli/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_TRIES = 6000, TRY_US = 10000 };

static bool
is_listening(const struct dev *dev)
{
	_free_ char *path =
		str_printf("%s/admin.sock", dev->cli->conf->server_run_dir);
	_close_ int fd = -1;

	return sock_connect_unix(path, &fd) == 0;
}

static bool
all_ready(const json_t *status)
{
	json_t *gateways = json_object_get(status, "gateways"), *g;
	size_t at;

	json_array_foreach (gateways, at, g) {
		const char *state =
			json_string_value(json_object_get(g, "state"));

		if (!state || strcmp(state, "ready") != 0)
			return false;
	}
	return json_array_size(gateways) > 0;
}

static int
wait_ready(struct dev *dev, json_t **ret)
{
	for (int i = 0; i < READY_TRIES; i++, (void)usleep(TRY_US)) {
		_json_ json_t *answer = NULL;

		if (waitpid(dev->daemon, NULL, WNOHANG) != 0) {
			dev->daemon = 0;
			return dev_not_ready(dev);
		}
		if (!is_listening(dev))
			continue;
		if (cli_admin(dev->cli, json_pack("{s:s}", "cmd", "status"),
			    &answer) != EXIT_OK)
			continue;
		if (!all_ready(answer))
			continue;
		*ret = take(answer);
		return EXIT_OK;
	}
	return dev_not_ready(dev);
}

static void
take_addresses(struct dev *dev, const json_t *status)
{
	json_t *listeners = json_object_get(status, "listeners"), *l;
	size_t at;

	json_array_foreach (listeners, at, l) {
		const char *kind =
			json_string_value(json_object_get(l, "kind"));
		const char *address =
			json_string_value(json_object_get(l, "address"));

		if (!kind || !address)
			continue;
		if (!strcmp(kind, "tcp") && !dev->url)
			dev->url = str_printf("http://%s", address);
		if (!strcmp(kind, "tls") && !dev->tls_url)
			dev->tls_url = str_printf("https://%s", address);
	}
}

/* The address of message push, as it would be written into WeChat's console. */
static int
take_pushes(const char *base, const char *url, struct fault *why)
{
	_free_ char *address = str_printf("%s/v1/wechat/push", url);
	_json_ json_t *answer = NULL;

	return sandbox_ask(base, "/sandbox/push-url",
		json_pack("{s:s}", "url", address), &answer, why);
}

/* The notify_url of a development stack is an address of the internet's, as
 * WeChat Pay wants it; what the sandbox sends there comes to this gateway. */
static int
take_callbacks(const struct dev *dev)
{
	const char *base =
		json_string_value(json_object_get(dev->wechat, "base"));
	_json_ json_t *answer = NULL;
	struct fault why = {0};
	int r;

	if (!base || !dev->url)
		return EXIT_OK;
	r = sandbox_ask(base, "/sandbox/settings",
		json_pack("{s:s}", "notify_to", dev->url), &answer, &why);
	if (r == 0)
		r = take_pushes(base, dev->url, &why);
	return r < 0 ? cli_fail(EXIT_FAILED, "the WeChat sandbox: %s",
			       fault_text(&why, r))
		     : EXIT_OK;
}

int
dev_daemon_start(struct dev *dev)
{
	_free_ char *program = dev_program(dev, "mpcloudd");
	_free_ char *log = str_printf("%s/mpcloudd.log", dev->home);
	_free_ char *data =
		dev->programs ? str_printf("MPCLOUD_DATA=%s", dev->programs)
			      : NULL;
	const char *const argv[] = {
		program, "--config", dev->cli->conf_path, NULL};
	const char *const env[] = {data, NULL};
	_json_ json_t *status = NULL;
	struct fault why = {0};
	struct spawn s = {.argv = argv,
		.env = env,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.log = log,
		.death_signal = SIGTERM};
	int r;

	(void)mkdir(dev->cli->conf->server_run_dir, 0755);
	if (spawn_start(&s, &dev->daemon, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	r = wait_ready(dev, &status);
	if (r != EXIT_OK)
		return r;
	take_addresses(dev, status);
	return take_callbacks(dev);
}
