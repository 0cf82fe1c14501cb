#pragma once

/*
 * What the http_client*.c files share, and nobody else sees.
 */

#include "base/fdpoll.h"
#include "base/resolve.h"
#include "http/http_chunk.h"
#include "http/http_client.h"
#include "http/http_head.h"

#include <sys/socket.h>

enum { ADDRESSES = 8, HOST_TOP = 256, READ_TOP = 32 * 1024 };

struct address {
	struct sockaddr_storage at;
	socklen_t len;
};

struct http_client {
	struct loop *loop;
	struct list idle;    /* struct wire, the last used first */
	struct list busy;    /* struct wire */
	struct list ready;   /* struct wire: to be read, the first to come */
	struct list waiting; /* struct call, for a connection or an address */
	struct list spare;   /* struct call */
	unsigned wires, top, nspare;
	uint64_t connect_ms;
	struct timer sweep; /* of idle connections */
	struct defer serve;
	struct defer turn; /* at its end `answers` begins anew */
	unsigned answers;  /* that were read in this turn */
	uint64_t turns;    /* in which any was, from 1 */
	char host[HOST_TOP], port[8];
	bool is_name;
	struct address address[ADDRESSES];
	size_t addresses;
	uint64_t known_until;   /* of a name, loop ms */
	struct resolve resolve; /* of its addresses */
	char *room;             /* READ_TOP bytes, for one recv */
};

/* A connection. */
struct wire {
	struct list on;
	struct list ready; /* client->ready */
	struct fdpoll poll;
	struct http_client *client;
	struct call *call; /* NULL: idle */
	int fd;
	size_t place; /* of its address */
	bool connecting;
	bool kept;       /* it has had an answer before */
	bool heard;      /* a byte of this answer has come */
	uint64_t rested; /* loop ms */
	uint64_t turn;   /* in which it was read last; client->turns */
	struct buf in;   /* came, and is not used yet */
};

enum call_phase { CALL_HEAD, CALL_BODY, CALL_OVER };
/* What became of bytes: go on, more are needed, the caller has no room. */
enum { EAT_ON, EAT_MORE, EAT_WAIT };

/* A request on its way. */
struct call {
	struct list on; /* waiting or spare */
	struct http_client *client;
	struct fetch *fetch;
	struct wire *wire;
	struct defer resume;
	struct timer connect;
	struct buf out; /* the head and a short body, then pieces */
	size_t out_at;
	int64_t left; /* of the body that is read; -1: not known */
	bool is_head, once, upgrade;
	bool told;    /* all of it is in `out` */
	bool read;    /* some of the body was, and is not kept */
	bool deaf;    /* the server takes no more */
	bool waits;   /* for fetch_go_on, to give data */
	bool fresh;   /* it wants a new connection */
	bool chunked; /* the request's body */
	/* the answer */
	enum call_phase phase;
	struct http_head head;
	size_t seen;
	unsigned interim; /* answers of 1xx */
	uint64_t body_left;
	struct http_chunk chunk;
};

/* http_client.c */
/* False: it waits. */
bool client_place(struct call *c);
/* Waiting requests get the places that became free. */
void client_serve(struct http_client *h);
/* Ends it at the end of the turn; fetch->job.why says more. */
void call_fail(struct call *c, int err);
/* The answer is whole.  Calls the fetch's done. */
void call_done(struct call *c);
void call_connect_late(struct timer *timer);

/* http_client_wire.c */
/* To its addresses from `place` on. */
void wire_open(struct call *c, size_t place);
/* One that rests; `young`: that is surely open. */
struct wire *wire_idle(struct http_client *h, bool young);
void wire_take(struct wire *w, struct call *c);
void wire_rest(struct wire *w);
void wire_close(struct wire *w);
/* The same, but the descriptor stays open. */
int wire_give(struct wire *w);
void wire_listen(struct wire *w, int events);

/* http_client_name.c */
bool client_knows(const struct http_client *h);
void client_look_up(struct http_client *h);

/* http_client_call.c */
void call_begin(struct call *c, const struct http_ask *ask);
/* False: it has ended, or goes on elsewhere. */
bool call_send(struct call *c);
void call_receive(struct call *c);
void call_resume(struct call *c);
