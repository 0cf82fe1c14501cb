#pragma once

/*
 * Ceilings that the kernel keeps, for all processes of a function together:
 * cgroup v2, where a part of its tree was given to us (systemd: Delegate=yes).
 *
 * A cgroup with controllers holds no processes itself, so the supervisor moves
 * into a leaf, CGROUP_OWN, and each function host makes one beside it.
 */

#include "base/util.h"

#define CGROUP_OWN "mpcloudd"
#define CGROUP_FN  "fn." /* then name, version, process */

struct cgroup_conf {
	const char *name;
	int64_t memory; /* bytes; 0: any */
	unsigned cpu;   /* hundredths of a core; 0: any */
	unsigned pids;  /* 0: any */
};

enum { CGROUP_PATH = 4096 };

/* The folder of our own cgroup.  -ENOENT: this machine has no cgroup v2. */
int cgroup_find(char ret[CGROUP_PATH]) _must_check_;
/* Was `path` given to us, to divide as we like? */
bool cgroup_is_ours(const char *path);
/* Controllers of `path` ("cpu memory pids") as they stand in `file`
 * (cgroup.controllers, cgroup.subtree_control). */
int cgroup_read(const char *path, const char *file, char *ret,
	size_t size) _must_check_;

/* The supervisor, before it starts anybody: move to the leaf, turn the
 * controllers on.  -EPERM: it was not given to us. */
int cgroup_delegate(void) _must_check_;
int cgroup_delegate_at(const char *path) _must_check_;

/* A function's: made by the process that stays outside, while it still may;
 * joined by its child.  -ENOENT, -EPERM: there is none.  -EOPNOTSUPP: it
 * stands, but a controller for what was asked is missing. */
struct cgroup {
	int dir, end; /* -1: none */
};

int cgroup_make(
	const struct cgroup_conf *conf, struct cgroup *ret) _must_check_;
/* `top`: the folder that CGROUP_OWN is in. */
int cgroup_make_at(const char *top, const struct cgroup_conf *conf,
	struct cgroup *ret) _must_check_;
int cgroup_join(const struct cgroup *g) _must_check_;
/* Ends everybody in it, and forgets it. */
void cgroup_end(struct cgroup *g);
