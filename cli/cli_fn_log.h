#pragma once

/* `mpcloud fn invoke --log`: what a call wrote. */

#include "cli/cli.h"

struct log_files;

/* Before the call: what is there is not its. */
struct log_files *fn_log_begin(
	const struct cli *cli, const char *name) _returns_value_;
/* After it, on standard error: the lines of this request, to its last or until
 * none has come for a while.  Frees `files`. */
void fn_log_end(struct log_files *files, const char *request);
