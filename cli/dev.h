#pragma once

/*
 * Development mode: everything a project needs, on this machine, under
 * PROJECT/.mpcloud; the same programs and code paths as in production, only
 * addresses and keys differ.
 */

#include "base/buf.h"
#include "cli/cli.h"

#include <sys/types.h>

enum { DEV_UIDS = 1000 }; /* of a project's functions */

struct dev {
	struct cli *cli;
	char *project;  /* absolute */
	char *home;     /* PROJECT/.mpcloud, or elsewhere when the user cannot
			   reach it */
	char *run;      /* short, for socket paths */
	char *programs; /* copies of ours; NULL: they run where they are */
	uid_t uid;      /* of database, gateways, sandbox; -1: ours */
	gid_t gid;
	const char *user;
	int64_t uid_first; /* of the functions' users */
	int64_t port, tls_port, gateways;
	pid_t pg, sandbox, daemon;
	bool locked;    /* nobody else uses home and run */
	bool partial;   /* some of the project was not deployed */
	json_t *wechat; /* the sandbox's own description */
	char *url, *tls_url, *ca;
};

/* dev_home.c: folders and the user.  EXIT_…, the reason printed. */
int dev_home(struct dev *dev);
/* The short folder in /tmp goes when nothing is left in it. */
void dev_home_leave(const struct dev *dev);
/* A folder in home, owned by dev's user. */
int dev_folder(const struct dev *dev, const char *name, char **ret);
/* Can dev's user execute this file, or get to files in this folder? */
bool dev_can_reach(const struct dev *dev, const char *path);

/* dev_programs.c: where our programs are that dev's user must execute. */
int dev_programs(struct dev *dev);
char *dev_program(const struct dev *dev, const char *name) _returns_value_;
void dev_programs_remove(struct dev *dev);

/* dev_pg.c, dev_sandbox.c: start and stop. */
int dev_pg_start(struct dev *dev);
int dev_sandbox_start(struct dev *dev);

/* dev_conf.c: keys, certificate, mpcloud.conf; sets cli's configuration. */
int dev_conf(struct dev *dev);
/* --set and the project itself, before anything is started. */
int dev_check(const struct dev *dev);
/* Appends NAME's .conf text of key/value pairs; later ones win.  Unit-tested.
 */
int dev_conf_text(struct buf *to, const char *const (*pairs)[2], size_t count,
	struct fault *why) _must_check_;

/* dev_daemon.c: mpcloudd, until it answers. */
int dev_daemon_start(struct dev *dev);

/* dev_say.c */
/* EXIT_FAILED; prints `what` and the last line of home/`log`. */
int dev_fail(const struct dev *dev, const char *what, const char *log);
/* The same for mpcloudd, with what to do about a port that is taken. */
int dev_not_ready(const struct dev *dev);
void dev_print_next(const struct dev *dev);
void dev_print_stop(const struct dev *dev);
/* Some of the project did not take; its mistakes were printed before. */
void dev_print_partial(void);
void dev_print_json(const struct dev *dev);
/* Starts the command after "--" with MPCLOUD_URL and the like set. */
int dev_command(struct dev *dev, pid_t *ret);

/* dev_detach.c: one stack a project, in the background. */
int dev_lock(struct dev *dev);
int dev_detach(struct dev *dev);
int dev_stop(struct dev *dev);

/* dev_inspect.c: changes the entry of the function that --inspect names. */
struct project;
int dev_inspect(const struct cli *cli, struct project *p,
	struct fault *why) _must_check_;
/* Before anything is started.  EXIT_…, printed. */
int dev_inspect_check(const struct dev *dev);

/* cli_dev.c: a signal asked for the end. */
bool dev_was_stopped(void);

/* cli_deploy.c and cli_deploy_check.c, for dev too. */
/* What can be said against the project before anything runs. */
int deploy_check(const char *project);
int deploy_project(struct cli *cli, const char *project);
/* Its collections only. */
int deploy_database(struct cli *cli, const char *project);
/* cli_deploy_routes.c: routes.json, if there is one, and its static folders. */
int deploy_routes(struct cli *cli, const char *project);
/* What stands in routes.json and its folders, as a text; the caller frees.
 * `each` is called with each folder. */
char *deploy_routes_look(const char *project,
	void (*each)(void *owner, const char *folder), void *owner);
