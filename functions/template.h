#pragma once

/*
 * The process that has loaded a native function once and forks its workers.
 * Below are its messages with the keeper, one frame a packet on a seqpacket
 * pair; the template answers in order and does nothing unasked.
 */

#include "functions/cage.h"
#include "functions/host_setup.h"

/* clang-format off */
enum template_message {
	TEMPLATE_LOADED = 1,  /* template: workers can be forked */
	TEMPLATE_FAILED = 2,  /* template: text, why not; it ends */
	TEMPLATE_FORK = 3,    /* keeper: id; descriptors: socket, stdout, stderr */
	TEMPLATE_FORKED = 4,  /* template: id; u32 pid; one descriptor: its pidfd */
	TEMPLATE_REFUSED = 5, /* template: id; text */
	TEMPLATE_REAP = 6,    /* keeper: id; u32 pid of a worker that has ended */
	TEMPLATE_REAPED = 7   /* template: id; u32 wait status */
};
/* clang-format on */

struct template_conf {
	const struct host_setup *setup;
	const struct cage *cage;
	char *const *env; /* the code's environment */
};

/* In a fresh child of the keeper: `fd` is the channel's end.  Closes every
 * other descriptor but 0, 1 and 2. */
_noreturn_ void template_run(const struct template_conf *conf, int fd);
