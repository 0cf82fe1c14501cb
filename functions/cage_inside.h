#pragma once

/* What the cage's files share; nobody else includes this. */

#include "functions/cage.h"

enum place_kind {
	PLACE_TREE,   /* bound read-only; a symlink stays one */
	PLACE_COPY,   /* a small file, copied */
	PLACE_DEVICE, /* bound, may be written */
	PLACE_EMPTY,  /* hides a folder of the tree it stands in */
};

struct place {
	const char *path;
	enum place_kind kind;
};

/* Everything of the host that a function may see, besides conf->dirs. */
extern const struct place cage_places[];
extern const size_t cage_places_len;

int cage_try_tree(struct cage *c);
int cage_try_seccomp(struct cage *c);
int cage_try_landlock(struct cage *c);
int cage_landlock(const struct cage *c);

/* The same for the process that stays outside and serves the egress. */
int cage_seccomp_outside(void);
int cage_landlock_outside(void);
