#pragma once

/*
 * Drives the real mpcloud-script as a keeper would, without a cage: blocking,
 * with a limit on every wait.  Its workers are driven with host_driver's words.
 */

#include "tests/unit/host_driver.h"

struct script_end {
	pid_t pid;
	int channel;
	char room[256 * 1024];
	char failed[8192];   /* TEMPLATE_FAILED's text, "" when it was LOADED */
	char printed[16384]; /* while it was loaded */
	int lines;           /* its stdout and stderr */
};

struct script_ask {
	const char *main;      /* path of main.js; NULL: tests/unit/data's */
	const char *code_dir;  /* NULL: tests/unit/data/script/code */
	const char *handler;   /* NULL: "index.main" */
	const char *cloud_dir; /* NULL: "/nonexistent" */
	const char *env[8];    /* NULL-ended */
	int concurrency;       /* 0: 1 */
};

/* 0: loaded; ERR_FN_FAILED: not. */
int script_start(struct script_end *s, const struct script_ask *ask);
/* A worker, its READY not read yet. */
void script_fork(struct script_end *s, struct worker_end *w);
/* Its wait status, through the template. */
int script_reap(struct script_end *s, struct worker_end *w);
void script_stop(struct script_end *s);
/* Run `code` as an invocation's (data/script/main.js): its answer. */
const char *script_eval(struct worker_end *w, const char *code, uint8_t *type);
