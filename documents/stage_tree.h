#pragma once

/*
 * What a $project, $addFields or $unset asks for: a tree of paths.
 */

#include "documents/stage.h"

enum tree_mode { TREE_PICK, TREE_OMIT, TREE_ADD };

struct tree_node {
	struct slice step;
	struct tree_node *below, *next;
	bool is_leaf;
	struct expr *expr; /* of a leaf that is computed */
};

struct tree {
	struct pipe *p;
	const char *stage; /* for errors */
	enum tree_mode mode;
	bool has_mode;
	bool without_id, names_id;
	struct tree_node *top;
	unsigned count, depth;
};

/* {"a": 1, "b.c": expression, "d": {"e": 0}} */
int tree_read(struct tree *t, const json_t *v) _must_check_;
/* The path is named, to be there or not. */
int tree_add_flag(
	struct tree *t, const struct path *path, bool yes) _must_check_;
