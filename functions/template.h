#pragma once

/*
 * The process that has loaded a function once and forks its workers.  Below are
 * its messages with the keeper, one frame a packet on a seqpacket pair; the
 * template answers in order and does nothing unasked.  What is loaded, and what
 * a fork of it does, is a struct template_ops: template_native.c has one,
 * script_main.c the other.
 */

#include "base/frame.h"

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

enum { TEMPLATE_CHANNEL = 3, TEMPLATE_WORKER = 3, TEMPLATE_WHY_TOP = 4096 };

struct template_ops {
	/* Runs the author's code once; negative: `why` is for him. */
	int (*load)(void *arg, struct buf *why);
	/* In a fork: serve on `fd`, then return, and the process ends. */
	void (*work)(void *arg, int fd);
};

/* With the channel at TEMPLATE_CHANNEL and no other descriptor of worth. */
_noreturn_ void template_serve(const struct template_ops *ops, void *arg);

struct host_setup;
struct cage;

struct template_native_conf {
	const struct host_setup *setup;
	const struct cage *cage;
	char *const *env; /* the code's environment */
};

/* Native functions: in a fresh child of the keeper, without a new program.
 * `fd` is the channel's end; every other descriptor but 0, 1, 2 is closed. */
_noreturn_ void template_native_run(
	const struct template_native_conf *conf, int fd);
