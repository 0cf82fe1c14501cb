/*
 * A call's own lines are those of its request id in the function's log.  They
 * are on the disk a moment after the answer; the platform's Report is the last.
 */
#include "cli/cli_fn_log.h"

#include "base/mem.h"
#include "cli/log_files.h"

#include <time.h>
#include <unistd.h>

enum { TRIES = 40, TRY_NS = 25000000 };

struct log_files *
fn_log_begin(const struct cli *cli, const char *name)
{
	_free_ char *dir = str_printf("%s/logs", cli->conf->server_state_dir);
	_free_ char *one = str_dup(name);
	char *names[] = {one, NULL};
	struct log_files *files = log_files_new(dir, names);
	struct log_view all = {.level = 0};

	log_files_tail(files, &all, 0);
	return files;
}

void
fn_log_end(struct log_files *files, const char *request)
{
	const struct timespec pause = {.tv_nsec = TRY_NS};
	struct log_view view = {.request = request,
		.last = "Report",
		.to = stderr,
		.colour = isatty(STDERR_FILENO)};

	for (int i = 0; i < TRIES && !log_files_more(files, &view); i++)
		(void)nanosleep(&pause, NULL);
	log_files_free(files);
}
