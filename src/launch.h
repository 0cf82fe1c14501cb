#pragma once

/*
 * fork and exec of one of our programs: exactly the named descriptors, a fixed
 * small environment, nobody else's signals, rights or groups.
 */

#include "base/err.h"
#include "src/process.h"

#include <sys/types.h>

struct identity;

enum { LAUNCH_ARGS = 160, LAUNCH_FDS = 80 };

struct launch {
	const struct process_kind *kind;
	const struct identity *as; /* NULL: stay who we are */
	const char *credentials;   /* directory, may be NULL */
	char *args[LAUNCH_ARGS + 1];
	int nargs;
	int fds[LAUNCH_FDS]; /* borrowed; 3, 4, … in the child */
	int nfds;
};

void launch_init(struct launch *l, const struct process_kind *kind);
void launch_done(struct launch *l);
/* Pass `fd`; the answer is its number in the child. */
int launch_fd(struct launch *l, int fd);
void launch_arg(struct launch *l, const char *fmt, ...) _printf_(2, 3);
/* The child leads its own session: kill(-pid) reaches all that it starts. */
int launch_start(struct launch *l, pid_t *ret, struct fault *why) _must_check_;
