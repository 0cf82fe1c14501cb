#pragma once

/*
 * Changing what is deployed: a version is tried beside the one that answers,
 * and takes over when its code is loaded.
 */

#include "base/job.h"

#include <jansson.h>

struct supervisor;
struct function;
struct host;

/* Embedded in an admin command.  job.why: for the author. */
struct deploy {
	struct job job;
	struct function *function;
	unsigned version;
	json_t *missing; /* after success: isolation that is not there */
	char said[4096]; /* after failure: the host's own words */
};

/* job_init(&d->job, …) first.  `entry`: see registry_package. */
void deploy_start(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *entry);
/* The active version, afresh. */
void deploy_again(struct supervisor *s, struct deploy *d, const char *name);
void deploy_done(struct deploy *d);

/* Answer no more calls of it; the files stay. */
int deploy_undo(
	struct supervisor *s, const char *name, struct fault *why) _must_check_;
/* The configuration changed: replace hosts whose settings did. */
void deploy_refresh(struct supervisor *s);
/* Tries that nobody will use now. */
void deploy_give_up(struct supervisor *s);

/* hosts.c: news of a host that is tried. */
void deploy_on_ready(struct host *h);
void deploy_on_end(struct host *h);
