#pragma once

/*
 * What is done once before there are children: checks that no single setting's
 * row can make, directories, credentials.
 */

#include "base/err.h"

struct conf;
struct identity;

/* What conf_parse cannot see: settings that need each other, users. */
int startup_check(const struct conf *conf, struct fault *why) _must_check_;
/* log.level takes effect. */
void startup_log(const struct conf *conf);
/* run_dir, run_dir/cloud, state_dir, state_dir/logs (which gateways write). */
int startup_dirs(const struct conf *conf, const struct identity *owner,
	struct fault *why) _must_check_;
/* The directory where gateways find the service's credentials, or NULL: the
 * one systemd made or, when gateways run as another user, who may not read
 * that, copies of its files in run_dir/credentials.  The caller frees. */
int startup_credentials(const char *run_dir, const struct identity *owner,
	char **ret, struct fault *why) _must_check_;
void startup_forget_credentials(const char *run_dir);
