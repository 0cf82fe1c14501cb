#pragma once

/*
 * One reload: read the file, ask every gateway to take it, and take it only
 * when all did.  A file that is bad, or that one gateway refuses, changes
 * nothing.
 */

#include "base/job.h"
#include "base/slice.h"

#include <jansson.h>

struct supervisor;
struct conf;

enum { RELOAD_MS = 10000 };

/* Embedded in an admin command. */
struct reload_asker {
	struct job job; /* err 0: taken */
	struct reload *of;
};

struct reload {
	struct reload_asker *asker; /* or NULL */
	struct conf *fresh;
	char *text;
	unsigned waiting; /* gateways that have not answered */
	bool again;       /* asked for while one runs */
	struct timer late;
	struct fault why; /* why not, code 0: all is well */
};

/* job_init(&a->job, …) first. */
void reload_ask(struct supervisor *s, struct reload_asker *a);
/* The acts of phase.def. */
void reload_begin(struct supervisor *s);
void reload_end(struct supervisor *s);
void reload_done(struct supervisor *s);
/* A gateway's answer. */
void reload_answer(
	struct supervisor *s, bool took, const char *who, struct slice text);
/* Settings of the file in force that only a restart takes up. */
json_t *reload_pending(const struct supervisor *s) _returns_value_;
