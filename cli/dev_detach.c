/*
 * A stack in the background: `mpcloud dev --detach` starts itself once more
 * without a terminal, waits for its JSON line, runs the command against it and
 * leaves it running; the lock file's owner is whom `--stop` ends.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_TRIES = 6000, TRY_US = 10000, LOG_TOP = 1024 * 1024 };

static int
open_lock(const struct dev *dev)
{
	_free_ char *path = str_printf("%s/dev.lock", dev->home);

	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static int
holder(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? atoi(text) : 0;
}

/* Held, by an open descriptor, as long as we live. */
int
dev_lock(struct dev *dev)
{
	int fd = open_lock(dev);

	if (fd < 0)
		return cli_fail(EXIT_FAILED, "%s/dev.lock: %s", dev->home,
			strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return cli_fail(EXIT_FAILED,
			"this project runs already (pid %d); `mpcloud dev %s "
			"--stop` stops it",
			holder(fd), dev->project);
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		return cli_fail(EXIT_FAILED, "%s/dev.lock: %s", dev->home,
			strerror(errno));
	dev->locked = true;
	return EXIT_OK;
}

int
dev_stop(struct dev *dev)
{
	_close_ int fd = -1;
	int status = dev_home(dev), pid;

	if (status != EXIT_OK)
		return status;
	fd = open_lock(dev);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) {
		(void)puts("nothing is running for this project");
		return EXIT_OK;
	}
	pid = holder(fd);
	if (pid <= 1 || kill(pid, SIGTERM) < 0)
		return cli_fail(
			EXIT_FAILED, "pid %d: %s", pid, strerror(errno));
	for (int i = 0; i < STOP_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			(void)puts("stopped");
			return EXIT_OK;
		}
		(void)usleep(TRY_US);
	}
	return cli_fail(EXIT_FAILED, "pid %d does not end", pid);
}

/* Our own arguments again, without --detach and the command. */
static int
start_self(struct dev *dev, int *out, pid_t *pid)
{
	static const struct {
		enum cli_option option;
		const char *word;
	} passed[] = {{OPT_PORT, "--port"}, {OPT_TLS_PORT, "--tls-port"},
		{OPT_GATEWAYS, "--gateways"}, {OPT_USER, "--user"},
		{OPT_SET, "--set"}, {OPT_INSPECT, "--inspect"}};
	_free_ char *program = path_program("mpcloud");
	_free_ char *log = str_printf("%s/dev.log", dev->home);
	const char *argv[array_size(passed) * 2 + 7] = {
		"setsid", program, "dev", dev->project, "--json", "--watch"};
	size_t n = 6;
	struct fault why = {0};
	struct spawn s = {.argv = argv,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.log = log,
		.out = out};

	for (size_t i = 0; i < array_size(passed); i++) {
		if (!dev->cli->options[passed[i].option])
			continue;
		argv[n++] = passed[i].word;
		argv[n++] = dev->cli->options[passed[i].option];
	}
	if (spawn_start(&s, pid, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	return EXIT_OK;
}

static char *
text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));

	return text ? str_dup(text) : NULL;
}

/* What it said before it gave up. */
static void
tell_log(const struct dev *dev, size_t from)
{
	_free_ char *path = str_printf("%s/dev.log", dev->home);
	_free_ char *text = NULL;
	size_t len = 0;

	if (file_read(path, LOG_TOP, &text, &len, NULL) == 0 && len > from)
		(void)fputs(text + from, stderr);
}

static size_t
log_size(const struct dev *dev)
{
	_free_ char *path = str_printf("%s/dev.log", dev->home);
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static int
read_ready(struct dev *dev, int fd, size_t said)
{
	FILE *f = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n = f ? getline(&line, &room, f) : -1;
	_json_ json_t *v = NULL;
	int r = n > 0 ? val_parse(&v, slice_of(line, (size_t)n), NULL) : -1;

	free(line);
	if (f)
		(void)fclose(f);
	if (r < 0) {
		tell_log(dev, said);
		return cli_fail(EXIT_FAILED, "it did not start (%s/dev.log)",
			dev->home);
	}
	dev->url = text_of(v, "url");
	dev->tls_url = text_of(v, "tlsUrl");
	dev->ca = text_of(v, "ca");
	dev->wechat = json_pack("{s:O}", "base", json_object_get(v, "sandbox"));
	dev->cli->conf_path = text_of(v, "config");
	dev->partial = json_is_true(json_object_get(v, "partial"));
	return EXIT_OK;
}

/* The mistakes went into a file that nobody looks at.  As in the foreground a
 * command is run against a whole project only; what is there stays up to be
 * mended. */
static int
tell_partial(const struct dev *dev, size_t said)
{
	if (!dev->partial)
		return EXIT_OK;
	tell_log(dev, said);
	dev_print_partial();
	return dev->cli->rest && dev->cli->rest[0] ? EXIT_FAILED : EXIT_OK;
}

int
dev_detach(struct dev *dev)
{
	pid_t self = 0, command = 0;
	int out = -1, status = dev_home(dev);
	size_t said = status == EXIT_OK ? log_size(dev) : 0;

	if (status == EXIT_OK)
		status = start_self(dev, &out, &self);
	if (status == EXIT_OK)
		status = read_ready(dev, out, said);
	if (status != EXIT_OK)
		return status;
	status = tell_partial(dev, said);
	if (status == EXIT_OK && dev->cli->rest && dev->cli->rest[0]) {
		status = dev_command(dev, &command);
		if (status == EXIT_OK)
			status = spawn_wait(command);
	}
	dev_print_next(dev);
	dev_print_stop(dev);
	return status;
}
