#pragma once

/*
 * Function hosts: one process for each live version of a function (those that
 * its release names), and more while a change is tried beside them (deploy.h).
 */

#include "functions/host_setup.h"
#include "functions/registry.h"
#include "src/child.h"

struct supervisor;
struct gateway;
struct function;
struct deploy;

enum host_role {
	HOST_LIVE,    /* answers calls; started again when it ends */
	HOST_TRIED,   /* of a change; has one try */
	HOST_LEAVING, /* replaced or deleted: finishes what runs */
};

struct host {
	struct child child;
	struct list on; /* hosts.all */
	struct list of; /* function.hosts; on none when leaving */
	struct supervisor *sup;
	struct function *function; /* NULL when leaving */
	enum host_role role;
	bool settled; /* has been ready or failed once */
	bool stale;   /* a change is to replace it */
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
	struct list hosts;           /* struct host: live and tried */
	struct registry_state state; /* what answers */
	struct registry_state next;  /* while changing: what is to answer */
	bool changing;
	bool stale;            /* wants to be compared with the settings */
	bool refreshing;       /* the change comes from that */
	struct deploy *deploy; /* who waits for the change, or NULL */
	char error[512];       /* why it has no host at all */
};

struct hosts {
	struct list functions; /* struct function, by name */
	struct list all;       /* struct host */
	struct list waiters;   /* struct deploy: until nothing is stale */
	struct defer pump;     /* deploy_on_pump */
	unsigned at_once;      /* that load their code at the start */
};

/* Hosts of all that is active on disk. */
int hosts_start(struct supervisor *s, struct fault *why) _must_check_;
void hosts_done(struct supervisor *s);
bool hosts_are_settled(const struct supervisor *s);
bool hosts_are_gone(const struct supervisor *s);
/* KEEP_DRAIN to all: "finish, then end". */
void hosts_drain(struct supervisor *s, uint64_t ms);
/* A gateway is ready: give it a channel to every ready host, and say which
 * versions answer. */
void hosts_meet(struct supervisor *s, struct gateway *g);
json_t *hosts_status(const struct supervisor *s) _returns_value_;

struct function *hosts_find(const struct supervisor *s, const char *name);
/* Found or made. */
struct function *hosts_get(
	struct supervisor *s, const char *name) _returns_value_;
/* Of that version and role; NULL when there is none. */
struct host *hosts_of(
	const struct function *f, enum host_role role, unsigned version);
/* Whether the version that most calls get is ready. */
bool hosts_answer(const struct function *f);
/* Forget a function that nothing is left of. */
void hosts_put(struct function *f);
