#pragma once

/*
 * Listening sockets: opened by us or taken over from systemd, held for as long
 * as the daemon lives, inherited by every gateway
 * (its cloud socket by one alone).
 */

#include "base/err.h"
#include "src/privilege.h"

/* Addresses of the configuration; with the ops socket and a cloud socket for
 * each gateway. */
enum { ADDRESSES_TOP = 60, LISTENERS_TOP = 320 };

struct conf;

struct listener {
	const char *kind; /* "tcp", "tls", "metrics", "cloud", "ops": --listen
			     KIND:FD */
	char *address;    /* as configured, or the socket's path */
	int fd;           /* -1: closed */
	int gateway;      /* the only one that has it; -1: all have it */
	bool inherited;
};

struct listeners {
	struct listener all[LISTENERS_TOP];
	size_t count;
};

/* `owner` (NULL: nobody else) is whose gateways' sockets are. */
int listeners_open(struct listeners *ls, const struct conf *conf,
	const struct identity *owner, struct fault *why) _must_check_;
/* The addresses clients come by; the cloud and ops sockets stay, for what still
 * runs. */
void listeners_refuse(struct listeners *ls);
/* All; socket files that we made are removed. */
void listeners_close(struct listeners *ls);
/* Gateway processes to start: the setting, or one per core. */
unsigned listeners_gateways(const struct conf *conf);
/* The addresses alone, without opening: for --check. */
int listeners_check(const struct conf *conf, struct fault *why) _must_check_;
