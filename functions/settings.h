#pragma once

/*
 * What a deployed function version is, as everybody passes it around: read by
 * the supervisor from the package (cloudbaserc.json's entry, config.json, then
 * the settings' presets), sent to keeper and gateways as JSON.
 */

#include "base/err.h"
#include "base/val.h"

enum fn_runtime { RUNTIME_NODE, RUNTIME_NATIVE };

struct fn_settings {
	char name[64];    /* [A-Za-z][A-Za-z0-9_-]{0,59} */
	unsigned version; /* 1, 2, … */
	enum fn_runtime runtime;
	char handler[128]; /* "index.main" (node), "index.so" (native) */
	int64_t timeout_ms, memory; /* memory in bytes */
	unsigned workers, concurrency, queue;
	int64_t idle_ms;
	bool network;        /* reach beyond the cloud socket */
	char *code_dir;      /* absolute path of the version's files */
	json_t *environment; /* object of strings */
};

/* JSON members are named as the struct's, runtime "node" or "native". */
int fn_settings_parse(struct fn_settings *ret, const json_t *from,
	struct fault *why) _must_check_;
json_t *fn_settings_build(const struct fn_settings *s) _returns_value_;
void fn_settings_done(struct fn_settings *s);
bool fn_name_is_valid(struct slice name);
