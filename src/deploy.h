#pragma once

/*
 * Changing what answers.  Every command says which versions are to answer; the
 * hosts that this needs and that are not there are tried beside the others, and
 * when all of them have loaded their code the change is taken up as one.  A
 * function has one change under way at the most.
 */

#include "base/job.h"
#include "functions/host_setup.h"
#include "functions/registry.h"

struct supervisor;
struct function;
struct host;

/* Embedded in an admin command.  job.why: for the author. */
struct deploy {
	struct job job;
	struct list on;            /* hosts.waiters, of deploy_wait */
	struct function *function; /* of a change */
	unsigned version;          /* that is tried, or that answers now */
	json_t *missing; /* after success: isolation that is not there */
	json_t *failed;  /* of deploy_wait: [{name, error}] */
	char said[4096]; /* after failure: the host's own words */
};

/* job_init(&d->job, …) first, in all of these.  job.why says what is wrong.
 * `entry`: see registry_package.  `trial` NULL: the version becomes the stable
 * one; else {gray, guard} as fn_release has them, without the version: it
 * becomes the gray one (where there is a stable one). */
void deploy_start(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *entry, const json_t *trial);
/* Whether that would change nothing: `version` was deployed with `entry` (NULL:
 * with none), runs, and nothing is under way or on trial beside it. */
bool deploy_is_same(struct supervisor *s, const char *name, unsigned version,
	const json_t *entry);
/* All live versions, afresh. */
void deploy_again(struct supervisor *s, struct deploy *d, const char *name);
/* An earlier version as the stable one; 0: the one before. */
void deploy_rollback(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version);
/* A version that is there as the gray one; 0: the trial ends. */
void deploy_gray(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *trial);
/* The gray version as the stable one. */
void deploy_promote(struct supervisor *s, struct deploy *d, const char *name);
/* 0: the alias goes. */
void deploy_alias(struct supervisor *s, struct deploy *d, const char *name,
	const char *alias, unsigned version);
void deploy_done(struct deploy *d);

/* Answer no more calls of it; the files stay. */
int deploy_undo(
	struct supervisor *s, const char *name, struct fault *why) _must_check_;
/* The guard of a gray version struck in a gateway: it is taken back. */
void deploy_on_trouble(struct supervisor *s, struct slice name,
	unsigned version, struct slice text);

/* Settings or variables changed: replace hosts that would be started otherwise
 * now.  `name` NULL: of all functions. */
void deploy_refresh(struct supervisor *s, const char *name);
/* Until that has come to its end; d->failed says what could not be replaced and
 * goes on as it was. */
void deploy_wait(struct supervisor *s, struct deploy *d);
void deploy_on_pump(struct defer *pump);

/* Tries that nobody will use now. */
void deploy_give_up(struct supervisor *s);

/* hosts.c: news of a host that is tried. */
void deploy_on_ready(struct host *h);
void deploy_on_end(struct host *h);

/* What the host of a version is told, from its files and the settings. */
int deploy_plan(struct supervisor *s, const char *name, unsigned version,
	struct host_setup *ret, struct fault *why) _must_check_;
/* The numbers that a release names, each once: an array. */
json_t *deploy_versions(const struct fn_release *release) _returns_value_;
