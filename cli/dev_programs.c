/*
 * As root the gateways and the sandbox run as an ordinary user, who must be
 * able to execute them: programs that only root can reach (a clone in /root)
 * are copied into the run folder.  The supervisor goes with them, because it
 * finds the others beside itself, and so does what function hosts need.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/tree.h"

#include <stdlib.h>
#include <unistd.h>

enum { PROGRAM_TOP = 256 * 1024 * 1024 };

static int
copy_program(const struct dev *dev, const char *name, struct fault *why)
{
	_free_ char *from = path_program(name);
	_free_ char *to = str_printf("%s/%s", dev->programs, name);
	_free_ char *content = NULL;
	size_t len;
	int r = file_read(from, PROGRAM_TOP, &content, &len, why);

	return r < 0 ? r : file_write(to, content, len, 0755, why);
}

static int
copy_runner(const struct dev *dev, const char *runtime, struct fault *why)
{
	struct tree_limits limits = {.files = 200, .bytes = 4 * 1024 * 1024};
	_free_ char *name = str_printf("functions/%s", runtime);
	_free_ char *from = path_data(name);
	_free_ char *parent = str_printf("%s/functions", dev->programs);
	_free_ char *to = str_printf("%s/%s", parent, runtime);
	int r = dir_make(parent, 0755, why);

	return r < 0 ? r : tree_copy(from, to, NULL, &limits, why);
}

/* An optional part of the build. */
static int
copy_script(const struct dev *dev, struct fault *why)
{
	static const char name[] = "mpcloud-script";
	_free_ char *program = path_program(name);
	int r = 0;

	if (access(program, X_OK) == 0)
		r = copy_program(dev, name, why);
	return r < 0 ? r : copy_runner(dev, "script", why);
}

int
dev_programs(struct dev *dev)
{
	static const char *const names[] = {"mpcloudd", "mpcloud-gateway",
		"mpcloud-host", "mpcloud-sandbox"};
	_free_ char *gateway = path_program("mpcloud-gateway");
	struct fault why = {0};
	int r;

	if (dev->uid == (uid_t)-1 || dev_can_reach(dev, gateway))
		return EXIT_OK;
	dev->programs = str_printf("%s/programs", dev->run);
	tree_remove(dev->programs);
	r = dir_make(dev->programs, 0755, &why);
	for (size_t i = 0; r == 0 && i < array_size(names); i++)
		r = copy_program(dev, names[i], &why);
	if (r == 0)
		r = copy_runner(dev, "node", &why);
	if (r == 0)
		r = copy_script(dev, &why);
	return r < 0 ? cli_fail(EXIT_FAILED, "%s", fault_text(&why, r))
		     : EXIT_OK;
}

char *
dev_program(const struct dev *dev, const char *name)
{
	return dev->programs ? str_printf("%s/%s", dev->programs, name)
			     : path_program(name);
}

void
dev_programs_remove(struct dev *dev)
{
	if (dev->programs)
		tree_remove(dev->programs);
	dev->programs = mem_free(dev->programs);
}
