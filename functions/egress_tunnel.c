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

#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
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
	CONNECT_NEXT_MS = 3000, /* when there is another address to try */
	PARK_MS = 10000,
	IDLE_MS = 3600 * 1000, /* pools keep connections for long */
	ALIVE_S = 60	       /* TCP asks whether the other side is there */
};

struct egress_lookup {
	uv_getaddrinfo_t request;
	struct egress *egress;
	struct egress_tunnel *tunnel; /* NULL: it has gone */
};

static const struct egress_address no_address;

static void on_deadline(struct timer *t);
static void on_client(uv_poll_t *poll, int status, int events);
static void connect_next(struct egress_tunnel *t, int err);
static void offer_next(struct egress *e, pid_t pid);

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
close_poll(uv_poll_t **poll)
{
	if (!*poll)
		return;
	(*poll)->data = NULL;
	uv_close((uv_handle_t *)take(*poll), on_poll_closed);
}

static void
tunnel_move(struct egress_tunnel *t, enum egress_state state)
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

static void
tunnel_free(struct egress_tunnel *t)
{
	struct egress *e = t->egress;
	bool parked = t->state == EGRESS_PARKED;
	pid_t pid = t->pid;

	timer_clear(&t->timer);
	close_poll(&t->poll);
	close_poll(&t->connecting);
	if (t->lookup)
		t->lookup->tunnel = NULL;
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

static void
finish(struct egress_tunnel *t, enum egress_reply reply,
	const struct egress_address *a)
{
	(void)answer(t, reply, a);
	tunnel_free(t);
}

static void
refuse(struct egress_tunnel *t, const struct fault *why,
	const struct egress_address *a)
{
	egress_note(t->egress, why->text);
	finish(t, EGRESS_REFUSED, a);
}

static void
on_relay_end(struct egress_relay *relay)
{
	tunnel_free(container_of(relay, struct egress_tunnel, relay));
}

/* The bytes that came after the question belong to the far side. */
static void
begin_relay(struct egress_tunnel *t)
{
	int client = take_fd(t->client), remote = take_fd(t->remote);

	close_poll(&t->poll);
	if (egress_relay_open(&t->relay, &t->egress->loop, client, remote,
		    on_relay_end) < 0) {
		tunnel_free(t);
		return;
	}
	tunnel_move(t, EGRESS_RELAYING);
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
			tunnel_move(t, EGRESS_PARKED);
		else
			tunnel_free(t);
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
	close_poll(&t->poll);
	fd_closep(&t->client);
	t->client = client;
	buf_done(&t->in);
	begin_relay(t);
	offer_next(e, pid);
}

/* Connecting */

static void
connected(struct egress_tunnel *t)
{
	int on = 1, alive = ALIVE_S;

	close_poll(&t->connecting);
	(void)setsockopt(
		t->remote, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(t->remote, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(
		t->remote, IPPROTO_TCP, TCP_KEEPIDLE, &alive, sizeof(alive));
	if (t->command == EGRESS_PARK) {
		tunnel_move(t, EGRESS_WAITING);
		offer_next(t->egress, t->pid);
	} else if (answer(t, EGRESS_OK, &t->to[t->to_at]) < 0) {
		tunnel_free(t);
	} else {
		begin_relay(t);
	}
}

static void
on_connect(uv_poll_t *poll, int status, int events)
{
	struct egress_tunnel *t = poll->data;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)status;
	(void)events;
	if (!t)
		return;
	if (getsockopt(t->remote, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		connect_next(t, -err);
	else
		connected(t);
}

static int
connect_one(struct egress_tunnel *t, const struct egress_address *a)
{
	struct sockaddr_storage to;
	socklen_t len = egress_address_to(a, t->port, &to);
	int r;

	t->remote = socket(to.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (t->remote < 0)
		return -errno;
	if (connect(t->remote, (struct sockaddr *)&to, len) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	t->connecting = mem_new(uv_poll_t);
	r = uv_poll_init(&t->egress->loop.uv, t->connecting, t->remote);
	if (r < 0) {
		free(take(t->connecting));
		return r;
	}
	t->connecting->data = t;
	return uv_poll_start(t->connecting, UV_WRITABLE, on_connect);
}

/* The last one failed with `err`. */
static void
connect_next(struct egress_tunnel *t, int err)
{
	while (++t->to_at < t->to_len) {
		close_poll(&t->connecting);
		fd_closep(&t->remote);
		err = connect_one(t, &t->to[t->to_at]);
		if (err < 0)
			continue;
		if (t->to_at + 1 < t->to_len)
			timer_set(&t->timer, &t->egress->loop, CONNECT_NEXT_MS,
				on_deadline);
		else
			tunnel_move(t, EGRESS_CONNECTING);
		return;
	}
	/* "No such host" is what a name alone can be. */
	if (*t->name && err == -EHOSTUNREACH)
		err = -ENETUNREACH;
	t->to_at = t->to_len - 1;
	finish(t, egress_socks_reply_of(err), &t->to[t->to_at]);
}

static void
connect_first(struct egress_tunnel *t)
{
	tunnel_move(t, EGRESS_CONNECTING);
	t->to_at = UINT32_MAX; /* before the first */
	connect_next(t, -ENETUNREACH);
}

/* Looking up */

static enum egress_reply
reply_of_lookup(int err)
{
	switch (err) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		return EGRESS_NO_HOST;
	default:
		return EGRESS_FAILED;
	}
}

/* Every address is looked at; those that are allowed stay. */
static int
take_addresses(struct egress_tunnel *t, const struct addrinfo *list,
	struct egress_address *refused, struct fault *why)
{
	bool any = false;

	for (; list && t->to_len < EGRESS_ADDRESSES; list = list->ai_next) {
		struct egress_address a = egress_address_from(list->ai_addr);
		struct fault one = {0};

		if (a.len == 0)
			continue;
		any = true;
		if (egress_rules_address(t->egress->rules, t->name, &a,
			    t->port, &one) == 0) {
			t->to[t->to_len++] = a;
		} else if (!why->code) {
			*why = one;
			*refused = a;
		}
	}
	return t->to_len > 0 ? 0 : any ? ERR_DENIED : ERR_NOT_FOUND;
}

static void
resolved(struct egress_tunnel *t)
{
	for (unsigned i = 0; i < t->to_len; i++) {
		if (t->family && t->family != (t->to[i].len == 4 ? 4 : 6))
			continue;
		egress_learn(t->egress, t->name, &t->to[i]);
		finish(t, EGRESS_OK, &t->to[i]);
		return;
	}
	finish(t, EGRESS_NO_HOST, &no_address);
}

static void
looked_up(struct egress_tunnel *t, const struct addrinfo *list)
{
	struct egress_address refused = {0};
	struct fault why = {0};
	int r = take_addresses(t, list, &refused, &why);

	if (r == ERR_DENIED) {
		refuse(t, &why, &refused);
	} else if (r < 0) {
		finish(t, EGRESS_NO_HOST, &no_address);
	} else if (t->command == EGRESS_RESOLVE) {
		resolved(t);
	} else {
		connect_first(t);
	}
}

static void
on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct egress_lookup *lookup =
		container_of(request, struct egress_lookup, request);
	struct egress_tunnel *t = lookup->tunnel;

	lookup->egress->lookups--;
	free(lookup);
	if (t) {
		t->lookup = NULL;
		if (status < 0)
			finish(t, reply_of_lookup(status), &no_address);
		else
			looked_up(t, list);
	}
	uv_freeaddrinfo(list);
}

static void
look_up(struct egress_tunnel *t)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct egress *e = t->egress;

	if (e->lookups >= EGRESS_LOOKUPS) {
		egress_note(e, "network: too many names are being looked up "
			       "at once: wait for some of them");
		finish(t, EGRESS_FAILED, &no_address);
		return;
	}
	tunnel_move(t, EGRESS_LOOKING);
	t->lookup = mem_new(struct egress_lookup);
	t->lookup->egress = e;
	t->lookup->tunnel = t;
	e->lookups++;
	if (uv_getaddrinfo(&e->loop.uv, &t->lookup->request, on_lookup,
		    t->name, NULL, &hints) < 0) {
		e->lookups--;
		free(take(t->lookup));
		finish(t, EGRESS_FAILED, &no_address);
	}
}

/* The question */

static void
ask_name(struct egress_tunnel *t)
{
	struct fault why = {0};

	if (egress_rules_name(t->egress->rules, t->name, t->port, &why) < 0)
		refuse(t, &why, &no_address);
	else
		look_up(t);
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
		refuse(t, &why, a);
		return;
	}
	t->to[t->to_len++] = *a;
	if (t->command == EGRESS_RESOLVE)
		finish(t, EGRESS_OK, a);
	else
		connect_first(t);
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
		finish(t, EGRESS_NO_COMMAND, &no_address);
	else if (ask->command != EGRESS_RESOLVE && ask->port == 0)
		finish(t, EGRESS_NO_PORT, &no_address);
	else if (ask->name.len == 0 || egress_address_parse(&a, ask->name))
		ask_address(t, &a);
	else if (!egress_name_clean(ask->name, t->name))
		finish(t, EGRESS_NO_HOST, &no_address);
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
		tunnel_move(t, EGRESS_ASKING);
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
		finish(t, EGRESS_NO_FAMILY, &no_address);
	} else if (r < 0) {
		tunnel_free(t);
	} else if (r == 0) {
		buf_drop(&t->in, t->in.len - left.len);
	} else {
		char name[256];

		/* Its bytes move. */
		memcpy(name, ask.name.ptr ? ask.name.ptr : "", ask.name.len);
		ask.name.ptr = name;
		buf_drop(&t->in, t->in.len - left.len);
		/* From now on only its end is of interest. */
		(void)uv_poll_start(t->poll, UV_PRIORITIZED, on_client);
		on_question(t, &ask);
	}
}

static void
on_client(uv_poll_t *poll, int status, int events)
{
	struct egress_tunnel *t = poll->data;
	ssize_t n;
	char *at;

	if (!t)
		return;
	if (status < 0 || t->state > EGRESS_ASKING) {
		tunnel_free(t); /* it has gone */
		return;
	}
	(void)events;
	at = buf_reserve(&t->in, 256);
	n = at ? recv(t->client, at, 256, MSG_DONTWAIT) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tunnel_free(t);
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
		finish(t, EGRESS_TIMEOUT, &no_address);
	} else if (t->state == EGRESS_CONNECTING) {
		connect_next(t, -ETIMEDOUT);
	} else if (t->state == EGRESS_RELAYING && t->moved != t->relay.moved) {
		t->moved = t->relay.moved;
		tunnel_move(t, EGRESS_RELAYING);
	} else {
		tunnel_free(t);
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
	tunnel_move(t, EGRESS_GREETING);
	t->poll = mem_new(uv_poll_t);
	if (uv_poll_init(&e->loop.uv, t->poll, client) < 0) {
		free(take(t->poll));
		tunnel_free(t);
		return;
	}
	t->poll->data = t;
	(void)uv_poll_start(t->poll, UV_READABLE, on_client);
}
