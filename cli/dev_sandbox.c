/*
 * The WeChat sandbox of a project: started on a free port, it says in one JSON
 * line where it listens and which keys it made.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "cli/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int
read_description(struct dev *dev, int fd)
{
	FILE *f = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n = f ? getline(&line, &room, f) : -1;
	int r = n > 0 ? val_parse(&dev->wechat, slice_of(line, (size_t)n), NULL)
		      : -1;

	free(line);
	if (f)
		(void)fclose(f);
	if (r < 0)
		return dev_fail(
			dev, "the WeChat sandbox did not start", "sandbox.log");
	return EXIT_OK;
}

int
dev_sandbox_start(struct dev *dev)
{
	_free_ char *program = dev_program(dev, "mpcloud-sandbox");
	_free_ char *log = str_printf("%s/sandbox.log", dev->home);
	_free_ char *dir = NULL;
	int out = -1, status = dev_folder(dev, "sandbox", &dir);
	const char *const argv[] = {
		program, "--listen", "127.0.0.1:0", "--dir", dir, NULL};
	struct fault why = {0};
	struct spawn s = {.argv = argv,
		.uid = dev->uid,
		.gid = dev->gid,
		.dir = "/",
		.log = log,
		.out = &out,
		.death_signal = SIGTERM};

	if (status != EXIT_OK)
		return status;
	if (spawn_start(&s, &dev->sandbox, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	return read_description(dev, out);
}
