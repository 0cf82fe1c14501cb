#pragma once

/*
 * Function hosts: one process for each active function version, and one more
 * while a new version is tried beside it (deploy.h).
 */

#include "functions/host_setup.h"
#include "src/child.h"

struct supervisor;
struct gateway;
struct function;
struct deploy;

enum host_role {
	HOST_ACTIVE,  /* answers calls; started again when it ends */
	HOST_TRIED,   /* of a deploy; has one try */
	HOST_LEAVING, /* replaced or deleted: finishes what runs */
};

struct host {
	struct child child;
	struct list on; /* hosts.all */
	struct supervisor *sup;
	struct function *function; /* NULL when leaving */
	enum host_role role;
	struct host_setup setup;
	json_t *setup_json;
	json_t *missing;   /* isolation that this machine cannot give */
	char error[4096];  /* what the author is told */
	struct buf output; /* lines while loading */
	struct timer overdue;
	struct defer burial;
};

struct function {
	struct list on; /* hosts.functions */
	char name[64];
	struct host *active, *tried; /* either may be NULL */
	struct deploy *deploy;       /* who waits for `tried`, or NULL */
	bool settled;    /* the active one has been ready or failed once */
	char error[512]; /* why it has no host at all */
};

struct hosts {
	struct list functions; /* struct function, by name */
	struct list all;       /* struct host */
};

/* Hosts of all that is active on disk. */
int hosts_start(struct supervisor *s, struct fault *why) _must_check_;
void hosts_done(struct supervisor *s);
bool hosts_are_settled(const struct supervisor *s);
bool hosts_are_gone(const struct supervisor *s);
/* KEEP_DRAIN to all: "finish, then end". */
void hosts_drain(struct supervisor *s, uint64_t ms);
/* A gateway is ready: give it a channel to every ready host. */
void hosts_meet(struct supervisor *s, struct gateway *g);
json_t *hosts_status(const struct supervisor *s) _returns_value_;

struct function *hosts_find(const struct supervisor *s, const char *name);
/* Found or made. */
struct function *hosts_get(
	struct supervisor *s, const char *name) _returns_value_;
/* Forget a function that nothing is left of. */
void hosts_put(struct function *f);
