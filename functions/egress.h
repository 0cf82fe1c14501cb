#pragma once

/*
 * The way out of a function's empty network: a SOCKS 5 proxy on a unix socket,
 * served by the process of mpcloud-host that stays outside of the cage.  Names
 * are resolved there, and every address is checked (egress_rule.h) before it is
 * connected to.
 *
 * Two sockets stand in the cage: EGRESS_PATH for SOCKS, and beside it one that
 * node claims parked connections at, see egress_tunnel.c.
 */

#include "base/channel.h"
#include "base/fdpoll.h"
#include "base/timer.h"
#include "functions/egress_rule.h"

#define EGRESS_DIR   "/run"
#define EGRESS_PATH  "/run/egress.sock"
#define EGRESS_CLAIM ".claim" /* after the path of the first */

enum {
	EGRESS_CONNECTIONS = 512, /* of all workers of the function */
	EGRESS_LOOKUPS = 64,      /* names being resolved */
	EGRESS_LEARNED = 64
};

/* Frames between the egress and the keeper. */
enum { EGRESS_GO = 1, EGRESS_LINE = 2 };

/* A name that was asked for and what it resolved to: who looks a name up first
 * and connects to the address means the name. */
struct egress_learned {
	char name[EGRESS_NAME];
	struct egress_address address;
	uint64_t until; /* loop milliseconds */
};

struct egress {
	struct loop loop;
	const struct egress_rules *rules;
	struct list tunnels;
	unsigned count, lookups;
	int listener, claim;
	struct fdpoll listening, claiming, child;
	pid_t pid;
	int pidfd, status;
	struct channel keeper;
	struct timer minute;
	unsigned notes, silent; /* lines of this minute; not said */
	struct egress_learned learned[EGRESS_LEARNED];
	unsigned learned_at;
};

/* What the caller makes before it forks the keeper: unbound sockets, which the
 * keeper gives their names, and a channel. */
struct egress_ends {
	int listener, claim, ours, keepers;
};
int egress_ends_open(struct egress_ends *ret) _must_check_;
/* In the keeper: names and opens the sockets; then say EGRESS_GO. */
int egress_bind(const struct egress_ends *ends, const char *path) _must_check_;

/* Serves until `child` has ended; its wait status.  Negative: it could not
 * begin.  Call without threads. */
int egress_run(const struct egress_rules *rules, const struct egress_ends *ends,
	pid_t child, int *status) _must_check_;

/* A line for the author; the same few a minute. */
void egress_note(struct egress *e, const char *text);
void egress_learn(
	struct egress *e, const char *name, const struct egress_address *a);
/* The name that was looked up and gave this address, "" when none did. */
const char *egress_learned(
	const struct egress *e, const struct egress_address *a, uint16_t port);
