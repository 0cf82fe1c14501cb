#pragma once

/*
 * The rules of an environment's files as a project states them,
 * storage/rules.json:
 *
 *   {"permission": "CUSTOM",
 *    "rules": {"read": true, "write": "resource.openid == auth.openid"},
 *    "lifecycle": [{"prefix": "tmp/", "expire": "1d"}]}
 *
 * or CloudBase's own form, the rules alone: {"read": …, "write": …}.  What is
 * absent is as without a file: PRIVATE, no lifecycle.
 */

#include "base/val.h"
#include "storage/files.h"

struct file_rules_op {
	struct job job; /* ERR_PARAM says what is wrong in the file */
	struct arena *arena;
	/* answer */
	bool changed;     /* of set */
	struct slice now; /* what is in force, as JSON */
	/* its own */
	struct ask ask;
	struct files *f;
};
/* job_init, arena first. */
void file_rules_set(
	struct files *f, struct file_rules_op *op, const json_t *file);
void file_rules_show(struct files *f, struct file_rules_op *op);
/* Without a database: is the file right? */
int file_rules_check(const json_t *file, struct fault *why) _must_check_;
