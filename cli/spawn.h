#pragma once

/*
 * Starting another program from the command line, with nothing inherited but
 * what is said.
 */

#include "base/err.h"

#include <sys/types.h>

struct spawn {
	const char *const *argv; /* argv[0] is a path, or found in PATH */
	const char *const *env;  /* added to ours; NULL: none */
	const char *dir;         /* working directory; NULL: ours */
	uid_t uid;               /* become; -1: stay */
	gid_t gid;
	const char *log;  /* file for its output; NULL: ours */
	int *out;         /* or: its standard output is read from here */
	int death_signal; /* sent to it when we end; 0: none */
};

int spawn_start(
	const struct spawn *s, pid_t *ret, struct fault *why) _must_check_;
/* Exit status, 128 + signal when killed. */
int spawn_wait(pid_t pid);
/* Both. */
int spawn_run(
	const struct spawn *s, int *status, struct fault *why) _must_check_;
/* Signal, then wait; SIGKILL after `ms`. */
void spawn_stop(pid_t *pid, int signal, int ms);
