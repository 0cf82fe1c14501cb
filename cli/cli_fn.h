#pragma once

/* What the commands of `mpcloud fn` share. */

#include "cli/cli.h"

/* Of the daemon's functions those whose versions keep crashing in a gateway get
 * a member "crashing": why, and when the next try is. */
void cli_fn_add_trouble(struct cli *cli, json_t *functions);
