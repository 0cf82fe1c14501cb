/*
 * A tunnel's life: greeting, question, lookup, connect, relay.  Each state has
 * its deadline; every answer but "connected" ends it.
 *
 * PARK is for node.  Its sockets hand all that they read to TLS in C++ from the
 * beginning, so there is no moment for SOCKS before it.  With PARK the question
 * comes on a connection of its own; when the far side is connected, the same
 * process makes a second connection, to the claiming socket, and that one is
 * the tunnel, from its first byte.  Which belongs to which is told by the
 * process's number, so a process has one parked at a time.
 */
#include "functions/egress_tunnel.h"
#include "functions/egress_reach.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	QUESTION_TOP = 1024, /* greeting, question and what came with them */
	QUESTION_MS = 10000,
	LOOKUP_MS = 15000,
	CONNECT_MS = 10000,
	PARK_MS = 10000,
	IDLE_MS = 3600 * 1000, /* pools keep connections for long */
	ALIVE_S = 60           /* TCP asks whether the other side is there */
};

static const struct egress_address no_address;

static void on_deadline(struct timer *t);
static void on_client(struct fdpoll *poll, int events);
static void offer_next(struct egress *e, pid_t pid);

void
egress_tunnel_move(struct egress_tunnel *t, enum egress_state state)
{
	static const uint64_t ms[] = {
		[EGRESS_GREETING] = QUESTION_MS,
		[EGRESS_ASKING] = QUESTION_MS,
		[EGRESS_LOOKING] = LOOKUP_MS,
		[EGRESS_CONNECTING] = CONNECT_MS,
		[EGRESS_WAITING] = PARK_MS,
		[EGRESS_PARKED] = PARK_MS,
		[EGRESS_RELAYING] = IDLE_MS,
	};

	t->state = state;
	timer_set(&t->timer, &t->egress->loop, ms[state], on_deadline);
}

void
egress_tunnel_free(struct egress_tunnel *t)
{
	struct egress *e = t->egress;
	bool parked = t->state == EGRESS_PARKED;
	pid_t pid = t->pid;

	timer_clear(&t->timer);
	fdpoll_close(&t->poll);
	egress_reach_forget(t);
	if (t->state == EGRESS_RELAYING)
		egress_relay_close(&t->relay);
	fd_closep(&t->client);
	fd_closep(&t->remote);
	buf_done(&t->in);
	list_del(&t->on);
	e->count--;
	free(t);
	if (parked)
		offer_next(e, pid);
}

/* A few bytes into an empty socket: all or it is broken. */
static int
say(struct egress_tunnel *t, struct slice bytes)
{
	ssize_t n = send(
		t->client, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n == (ssize_t)bytes.len ? 0 : ERR_GONE;
}

static int
answer(struct egress_tunnel *t, enum egress_reply reply,
	const struct egress_address *a)
{
	struct buf b _buf_ = {0};

	buf_init(&b, 64);
	egress_socks_answer(&b, reply, a, t->port);
	return say(t, buf_all(&b));
}

void
egress_tunnel_finish(struct egress_tunnel *t, enum egress_reply reply,
	const struct egress_address *a)
{
	(void)answer(t, reply, a);
	egress_tunnel_free(t);
}

void
egress_tunnel_refuse(struct egress_tunnel *t, const struct fault *why,
	const struct egress_address *a)
{
	egress_note(t->egress, why->text);
	egress_tunnel_finish(t, EGRESS_REFUSED, a);
}

static void
on_relay_end(struct egress_relay *relay)
{
	egress_tunnel_free(container_of(relay, struct egress_tunnel, relay));
}

/* The bytes that came after the question belong to the far side. */
static void
begin_relay(struct egress_tunnel *t)
{
	int client = take_fd(t->client), remote = take_fd(t->remote);

	fdpoll_close(&t->poll);
	if (egress_relay_open(&t->relay, &t->egress->loop, client, remote,
		    on_relay_end) < 0) {
		egress_tunnel_free(t);
		return;
	}
	egress_tunnel_move(t, EGRESS_RELAYING);
	egress_relay_give(&t->relay, 1, buf_all(&t->in));
	buf_done(&t->in);
}

/* Parking */

static struct egress_tunnel *
find(struct egress *e, pid_t pid, enum egress_state state)
{
	list_for_each (at, &e->tunnels) {
		struct egress_tunnel *t =
			container_of(at, struct egress_tunnel, on);

		if (t->pid == pid && t->state == state)
			return t;
	}
	return NULL;
}

/* Whoever waits longest. */
static void
offer_next(struct egress *e, pid_t pid)
{
	struct egress_tunnel *t;

	while (!find(e, pid, EGRESS_PARKED) &&
		(t = find(e, pid, EGRESS_WAITING))) {
		if (answer(t, EGRESS_OK, &t->to[t->to_at]) == 0)
			egress_tunnel_move(t, EGRESS_PARKED);
		else
			egress_tunnel_free(t);
	}
}

static pid_t
peer_pid(int fd)
{
	struct ucred who = {0};
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0
		       ? 0
		       : who.pid;
}

void
egress_tunnel_claim(struct egress *e, int client)
{
	pid_t pid = peer_pid(client);
	struct egress_tunnel *t = pid ? find(e, pid, EGRESS_PARKED) : NULL;

	if (!t) {
		(void)close(client);
		return;
	}
	fdpoll_close(&t->poll);
	fd_closep(&t->client);
	t->client = client;
	buf_done(&t->in);
	begin_relay(t);
	offer_next(e, pid);
}

void
egress_tunnel_connected(struct egress_tunnel *t)
{
	int on = 1, alive = ALIVE_S;

	egress_reach_forget(t);
	(void)setsockopt(t->remote, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(t->remote, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(
		t->remote, IPPROTO_TCP, TCP_KEEPIDLE, &alive, sizeof(alive));
	if (t->command == EGRESS_PARK) {
		egress_tunnel_move(t, EGRESS_WAITING);
		offer_next(t->egress, t->pid);
	} else if (answer(t, EGRESS_OK, &t->to[t->to_at]) < 0) {
		egress_tunnel_free(t);
	} else {
		begin_relay(t);
	}
}

/* The question */

static void
ask_name(struct egress_tunnel *t)
{
	struct fault why = {0};

	if (egress_rules_name(t->egress->rules, t->name, t->port, &why) < 0)
		egress_tunnel_refuse(t, &why, &no_address);
	else
		egress_reach_name(t);
}

static void
ask_address(struct egress_tunnel *t, const struct egress_address *a)
{
	struct egress *e = t->egress;
	struct fault why = {0};
	const char *name;
	int r = egress_rules_address(e->rules, "", a, t->port, &why);

	if (r < 0 && *(name = egress_learned(e, a, t->port)))
		r = egress_rules_address(e->rules, name, a, t->port, NULL);
	if (r < 0) {
		egress_tunnel_refuse(t, &why, a);
		return;
	}
	t->to[t->to_len++] = *a;
	if (t->command == EGRESS_RESOLVE)
		egress_tunnel_finish(t, EGRESS_OK, a);
	else
		egress_reach_all(t);
}

static void
on_question(struct egress_tunnel *t, const struct egress_ask *ask)
{
	struct egress_address a = ask->address;

	t->command = ask->command;
	t->family = t->command == EGRESS_RESOLVE ? ask->port : 0;
	t->port = t->command == EGRESS_RESOLVE ? 0 : ask->port;
	if (ask->command != EGRESS_CONNECT && ask->command != EGRESS_PARK &&
		ask->command != EGRESS_RESOLVE)
		egress_tunnel_finish(t, EGRESS_NO_COMMAND, &no_address);
	else if (ask->command != EGRESS_RESOLVE && ask->port == 0)
		egress_tunnel_finish(t, EGRESS_NO_PORT, &no_address);
	else if (ask->name.len == 0 || egress_address_parse(&a, ask->name))
		ask_address(t, &a);
	else if (!egress_name_clean(ask->name, t->name))
		egress_tunnel_finish(t, EGRESS_NO_HOST, &no_address);
	else
		ask_name(t);
}

/* 1: go on; 0: more bytes are needed; negative: it is over. */
static int
take_greeting(struct egress_tunnel *t, struct slice *left)
{
	static const char yes[] = {5, 0}, no[] = {5, (char)0xff};
	bool ok = false;
	int r = egress_socks_greet(left, &ok);

	if (r <= 0)
		return r;
	if (!ok) {
		(void)say(t, slice_of(no, 2));
		return ERR_DENIED;
	}
	r = say(t, slice_of(yes, 2));
	if (r == 0)
		egress_tunnel_move(t, EGRESS_ASKING);
	return r < 0 ? r : 1;
}

static void
take_bytes(struct egress_tunnel *t)
{
	struct slice left = buf_all(&t->in);
	struct egress_ask ask = {0};
	int r = 1;

	if (t->state == EGRESS_GREETING)
		r = take_greeting(t, &left);
	if (r > 0)
		r = egress_socks_ask(&left, &ask);
	if (r == ERR_PARAM) {
		egress_tunnel_finish(t, EGRESS_NO_FAMILY, &no_address);
	} else if (r < 0) {
		egress_tunnel_free(t);
	} else if (r == 0) {
		buf_drop(&t->in, t->in.len - left.len);
	} else {
		char name[256];

		/* Its bytes move. */
		memcpy(name, ask.name.ptr ? ask.name.ptr : "", ask.name.len);
		ask.name.ptr = name;
		buf_drop(&t->in, t->in.len - left.len);
		/* From now on only its end is of interest. */
		(void)fdpoll_set(&t->poll, UV_PRIORITIZED);
		on_question(t, &ask);
	}
}

static void
on_client(struct fdpoll *poll, int events)
{
	struct egress_tunnel *t =
		container_of(poll, struct egress_tunnel, poll);
	ssize_t n;
	char *at;

	if (!events || t->state > EGRESS_ASKING) {
		egress_tunnel_free(t); /* it has gone */
		return;
	}
	at = buf_reserve(&t->in, 256);
	n = at ? recv(t->client, at, 256, MSG_DONTWAIT) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		egress_tunnel_free(t);
		return;
	}
	buf_grown(&t->in, (size_t)n);
	take_bytes(t);
}

static void
on_deadline(struct timer *timer)
{
	struct egress_tunnel *t =
		container_of(timer, struct egress_tunnel, timer);

	if (t->state == EGRESS_LOOKING) {
		egress_tunnel_finish(t, EGRESS_TIMEOUT, &no_address);
	} else if (t->state == EGRESS_CONNECTING) {
		egress_reach_next(t, -ETIMEDOUT);
	} else if (t->state == EGRESS_RELAYING && t->moved != t->relay.moved) {
		t->moved = t->relay.moved;
		egress_tunnel_move(t, EGRESS_RELAYING);
	} else {
		egress_tunnel_free(t);
	}
}

static bool
is_full(struct egress *e, int client)
{
	static const char no[] = {5, (char)0xff};
	char text[128];

	if (e->count < EGRESS_CONNECTIONS)
		return false;
	(void)!send(client, no, sizeof(no), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)snprintf(text, sizeof(text),
		"network: this function has %d connections open already: "
		"close some, or use a pool",
		EGRESS_CONNECTIONS);
	egress_note(e, text);
	return true;
}

void
egress_tunnel_new(struct egress *e, int client)
{
	struct egress_tunnel *t;

	if (is_full(e, client)) {
		(void)close(client);
		return;
	}
	t = mem_new(struct egress_tunnel);
	t->egress = e;
	t->client = client;
	t->remote = -1;
	t->pid = peer_pid(client);
	buf_init(&t->in, QUESTION_TOP);
	list_add(&e->tunnels, &t->on);
	e->count++;
	egress_tunnel_move(t, EGRESS_GREETING);
	if (fdpoll_open(&t->poll, &e->loop, client, UV_READABLE, on_client) < 0)
		egress_tunnel_free(t);
}
