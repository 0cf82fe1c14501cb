#pragma once

/*
 * What a deployed function version is, as everybody passes it around: read by
 * the supervisor from the package (cloudbaserc.json's entry, config.json, then
 * the settings' presets), sent to keeper and gateways as JSON.
 */

#include "base/err.h"
#include "base/val.h"

enum fn_runtime { RUNTIME_NODE, RUNTIME_NATIVE, RUNTIME_SCRIPT };

/* What a function reaches beside its cloud. */
enum fn_network {
	NETWORK_NONE,
	NETWORK_INTERNET, /* public addresses only */
	NETWORK_HOSTS,    /* those of `hosts` only, private ones too */
};

struct fn_settings {
	char name[64];    /* [A-Za-z][A-Za-z0-9_-]{0,59} */
	unsigned version; /* 1, 2, … */
	enum fn_runtime runtime;
	char handler[128];          /* "index.main", "index.so" (native) */
	int64_t timeout_ms, memory; /* memory in bytes */
	int64_t tmp;                /* ceiling of its /tmp, bytes */
	unsigned cpu;               /* hundredths of a core, 0: no ceiling */
	unsigned min_workers;       /* kept ready in each gateway, 0: none */
	unsigned workers;           /* at the most, in each gateway */
	unsigned concurrency;       /* calls of a worker at once */
	unsigned calls;   /* of a worker, then it ends; 0: any number */
	unsigned queue;   /* calls that may wait */
	int64_t queue_ms; /* how long one may wait for a worker */
	int64_t idle_ms;  /* then a worker beyond min_workers ends */
	unsigned retries; /* of a call that nobody waits for */
	unsigned inspect; /* port of node's inspector, 0: none */
	enum fn_network network;
	json_t *hosts;       /* array of "host", "host:port", "*.host:port" */
	char *code_dir;      /* absolute path of the version's files */
	json_t *environment; /* object of strings */
	json_t *triggers;    /* array of objects, see package_triggers.h */
	json_t *openapi;     /* array of names: permissions.openapi */
};

/* "node", "native", "script". */
const char *fn_runtime_name(enum fn_runtime runtime);

/* JSON members are named as the struct's; runtime by its name; network "none",
 * "internet" or the array of hosts. */
int fn_settings_parse(struct fn_settings *ret, const json_t *from,
	struct fault *why) _must_check_;
json_t *fn_settings_build(const struct fn_settings *s) _returns_value_;
void fn_settings_done(struct fn_settings *s);
/* Every number as it is when nobody says otherwise. */
void fn_settings_preset(struct fn_settings *s);
bool fn_name_is_valid(struct slice name);
