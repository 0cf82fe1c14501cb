#pragma once

/*
 * KEEP_SETUP: all that a function host is told.  Members of the JSON object:
 *   function   fn_settings as JSON (settings.h)
 *   env        environment id (TCB_ENV, SCF_NAMESPACE)
 *   appid      the mini program's (WX_APPID)
 *   uid, gid   what to become; -1: stay (not root)
 *   cloud_dir  holds cloud-N.sock, one a gateway; visible inside at this path
 *   node       path of the node program
 *   runner     path of functions/node/runner.mjs or functions/script/main.js;
 *              its folder is visible inside
 *   script     path of the program mpcloud-script
 *   strict     bool: refuse when isolation is missing
 *   standby    node processes to keep started ahead (0 for native)
 */

#include "functions/settings.h"

struct host_setup {
	struct fn_settings function;
	char *env, *appid, *cloud_dir, *node, *runner, *script;
	int64_t uid, gid;
	bool strict;
	unsigned standby;
};

int host_setup_parse(struct host_setup *ret, struct slice text,
	struct fault *why) _must_check_;
json_t *host_setup_build(const struct host_setup *s) _returns_value_;
void host_setup_done(struct host_setup *s);
