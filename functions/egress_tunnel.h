#pragma once

/* One connection of a function to the egress, from its first byte to the end.
 */

#include "functions/egress.h"
#include "functions/egress_relay.h"
#include "functions/egress_socks.h"

/* On egress->tunnels in every state; egress_tunnel_move alone changes it. */
enum egress_state {
	EGRESS_GREETING,
	EGRESS_ASKING,
	EGRESS_LOOKING,    /* the name is being resolved */
	EGRESS_CONNECTING, /* to one address after the other */
	EGRESS_WAITING,    /* connected; its process has another one parked */
	EGRESS_PARKED,     /* connected; to be claimed */
	EGRESS_RELAYING
};

enum { EGRESS_ADDRESSES = 8 };

struct egress_tunnel {
	struct list on;
	struct egress *egress;
	enum egress_state state;
	struct timer timer;
	int client, remote;
	struct fdpoll poll; /* of the client until it relays */
	struct fdpoll connecting;
	struct egress_lookup *lookup;
	struct buf in;
	pid_t pid; /* of the client */
	uint8_t command;
	char name[EGRESS_NAME]; /* "": an address was asked for */
	uint16_t port;
	uint16_t family; /* RESOLVE: 4, 6; 0: either */
	struct egress_address to[EGRESS_ADDRESSES];
	unsigned to_len, to_at;
	struct egress_relay relay;
	uint64_t moved; /* when last looked */
};

/* Take the descriptor. */
void egress_tunnel_new(struct egress *e, int client);
void egress_tunnel_claim(struct egress *e, int client);

/* For egress_reach.c. */
void egress_tunnel_move(struct egress_tunnel *t, enum egress_state state);
void egress_tunnel_free(struct egress_tunnel *t);
void egress_tunnel_connected(struct egress_tunnel *t);
/* Answer and end. */
void egress_tunnel_finish(struct egress_tunnel *t, enum egress_reply reply,
	const struct egress_address *a);
void egress_tunnel_refuse(struct egress_tunnel *t, const struct fault *why,
	const struct egress_address *a);
