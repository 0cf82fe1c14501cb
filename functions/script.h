#pragma once

/*
 * The script runtime's inside: one engine that has evaluated
 * functions/script/main.js and the author's code, then serves a worker's socket
 * in a fork of itself.  functions/script/README.md is the contract between
 * these files and that JavaScript.
 */

#include "base/buf.h"

#include <jansson.h>

struct script_conf {
	const char *code_dir, *runtime_dir, *cloud_dir, *handler;
	const char *egress;  /* path of the way out, or NULL */
	const json_t *setup; /* host.setup */
	char *const *env;    /* host.env, "NAME=value", NULL-ended */
};

struct script;

/* One a process: the engine cannot be ended. */
int script_new(struct script **ret, const struct script_conf *conf,
	struct buf *why) _must_check_;
/* Run the author's code and what it leaves behind, until that is quiet. */
int script_load(struct script *s, struct buf *why) _must_check_;
/* In a fork: READY, then invocations, until the socket is closed or drained. */
int script_serve(struct script *s, int fd);
