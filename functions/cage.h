#pragma once

/*
 * The cage a function host puts itself into before the first line of the
 * user's code is loaded: namespaces, a file tree of its own, another user, no
 * privileges, forbidden system calls, limits, Landlock.  Every measure is a row
 * of a table (cage.c); one that the machine cannot give is named in `missing`
 * and the rest still stands.
 */

#include "base/err.h"
#include "base/val.h"
#include "functions/cgroup.h"
#include "functions/egress.h"

#include <sys/types.h>

struct cage_conf {
	int64_t uid, gid;        /* what to become when root; -1: nobody */
	bool strict;             /* a missing measure is an error */
	bool network;            /* the host's own: for node's inspector only */
	enum fn_runtime runtime; /* which system calls */
	const char *name;        /* of the function and its version */
	const char *dirs[8]; /* visible inside, read-only, at their own path */
	int64_t memory;      /* bytes of address space of a child; 0: any */
	int64_t data;        /* bytes of its private memory; 0: any */
	int64_t tmp;         /* bytes of /tmp */
	int64_t all_memory;  /* bytes of the whole cage */
	unsigned processes;  /* processes and threads of the cage */
	unsigned cpu;        /* hundredths of a core; 0: any */
	const struct egress_rules *egress; /* NULL: no way out */
};

struct cage {
	const struct cage_conf *conf;
	json_t *missing; /* array of texts */
	int proc_fd;     /* a /proc that shows all of the cage; -1: none */
	uid_t uid;
	gid_t gid;
	bool root;     /* started as root */
	bool own_pids; /* we are pid 1 */
	bool own_users;
	bool own_network, own_tree, landlock;
	struct cgroup cgroup;
	struct egress_ends egress;
	char egress_path[64]; /* as it is seen inside; "": none */
};

/* Returns in the caged process, which is pid 1 of its own PID namespace where
 * that can be had; the process that called stays outside, waits for it, and
 * ends as it ends.  `control` is kept by the caged one alone.  Call without
 * threads.  ERR_CONFIG when strict and something is missing. */
int cage_enter(struct cage *c, const struct cage_conf *conf, int control,
	struct fault *why) _must_check_;

/* In a child that is going to run the user's code: limits and a Landlock domain
 * of its own, so that it cannot look into its neighbours. */
int cage_shut(const struct cage *c) _must_check_;

void cage_done(struct cage *c);
