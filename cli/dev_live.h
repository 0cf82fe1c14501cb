#pragma once

/*
 * A development stack while it runs: signals, children, and the author's files.
 * A function whose files change is deployed anew within moments; one that does
 * not load is told, and its version before goes on.
 */

#include "cli/dev.h"
#include "cli/dev_watch.h"
#include "cli/project.h"

enum { LIVE_SIGNALS = 4 };

struct dev_live {
	struct dev *dev;
	struct loop loop;
	uv_signal_t signals[LIVE_SIGNALS];
	struct dev_watch watch;
	/* {NAME: {"entry": its entry, "files": what they were like}} */
	json_t *functions;
	char *collections; /* the same of database/ */
	char *routes;      /* of routes.json and its folders */
	pid_t command;
	bool watching;
	int status; /* to end with */
};

/* Begins to watch the project, before it is deployed: no save is missed. */
int dev_live_start(struct dev_live *live, struct dev *dev);
/* Until Ctrl-C, the daemon's end, or the command's (0: there is none). */
int dev_live_run(struct dev_live *live, pid_t command);
void dev_live_done(struct dev_live *live);

/* dev_reload.c: the files have changed. */
void dev_reload_start(struct dev_live *live);
void dev_reload(struct dev_live *live, const json_t *marks, uint64_t since);

/* dev_deploy.c: the next version, laid down and loaded.  EXIT_…, printed. */
int dev_deploy(struct cli *cli, const struct project *p, const char *name,
	unsigned *ret);
