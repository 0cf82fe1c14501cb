/*
 * The egress's one idea: who connects decides.  A function could be told which
 * addresses are private, but then its own code would have to be trusted to
 * look, and a name could mean another address a moment later.  So it has no
 * network at all, and a process without privileges outside resolves, checks and
 * connects; what comes in is nothing but a connected stream.
 *
 * The same process waits for the keeper and ends as it ends.
 */
#include "functions/egress.h"

#include "base/mem.h"
#include "base/sock.h"
#include "functions/egress_tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
	ACCEPTS = 16, /* in one turn */
	NOTES = 10,   /* lines a minute */
	NOTES_MS = 60000,
	LEARNED_MS = 60000
};

int
egress_ends_open(struct egress_ends *ret)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, pair[2];
	int r = sock_pair(SOCK_SEQPACKET, pair);

	if (r < 0)
		return r;
	*ret = (struct egress_ends){.listener = socket(AF_UNIX, type, 0),
		.claim = socket(AF_UNIX, type, 0),
		.ours = pair[0],
		.keepers = pair[1]};
	return ret->listener < 0 || ret->claim < 0 ? -errno : 0;
}

static int
bind_one(int fd, const char *path, const char *after)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s%s", path, after);

	if (n >= (int)sizeof(a.sun_path))
		return -ENAMETOOLONG;
	/* Who may connect is decided by who sees the folder. */
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		chmod(a.sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

int
egress_bind(const struct egress_ends *ends, const char *path)
{
	int r = bind_one(ends->listener, path, "");

	return r < 0 ? r : bind_one(ends->claim, path, EGRESS_CLAIM);
}

static void
on_minute(struct timer *t)
{
	struct egress *e = container_of(t, struct egress, minute);
	unsigned silent = e->silent;
	char text[96];

	e->notes = e->silent = 0;
	if (silent == 0)
		return;
	(void)snprintf(text, sizeof(text),
		"network: %u more connections were refused in the last minute",
		silent);
	egress_note(e, text);
}

void
egress_note(struct egress *e, const char *text)
{
	if (!timer_is_set(&e->minute))
		timer_set(&e->minute, &e->loop, NOTES_MS, on_minute);
	if (e->notes >= NOTES) {
		e->silent++;
		return;
	}
	e->notes++;
	if (channel_is_open(&e->keeper))
		channel_send(
			&e->keeper, EGRESS_LINE, 0, slice_str(text), NULL, 0);
}

void
egress_learn(struct egress *e, const char *name, const struct egress_address *a)
{
	struct egress_learned *l = &e->learned[e->learned_at];

	e->learned_at = (e->learned_at + 1) % EGRESS_LEARNED;
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	l->address = *a;
	l->until = uv_now(&e->loop.uv) + LEARNED_MS;
}

const char *
egress_learned(
	const struct egress *e, const struct egress_address *a, uint16_t port)
{
	for (unsigned i = 0; i < EGRESS_LEARNED; i++) {
		const struct egress_learned *l = &e->learned[i];

		if (*l->name && l->until > uv_now(&e->loop.uv) &&
			egress_address_eq(&l->address, a) &&
			egress_rules_name(e->rules, l->name, port, NULL) == 0)
			return l->name;
	}
	return "";
}

static void
accept_some(
	int fd, void (*give)(struct egress *e, int client), struct egress *e)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int client =
			accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0)
			return;
		give(e, client);
	}
}

static void
on_listening(struct fdpoll *poll, int events)
{
	struct egress *e = container_of(poll, struct egress, listening);

	(void)events;
	accept_some(e->listener, egress_tunnel_new, e);
}

static void
on_claiming(struct fdpoll *poll, int events)
{
	struct egress *e = container_of(poll, struct egress, claiming);

	(void)events;
	accept_some(e->claim, egress_tunnel_claim, e);
}

static void
on_child(struct fdpoll *poll, int events)
{
	struct egress *e = container_of(poll, struct egress, child);

	(void)events;
	if (waitpid(e->pid, &e->status, WNOHANG) == e->pid)
		loop_stop(&e->loop);
}

static int
watch(struct egress *e, struct fdpoll *poll, int fd, fdpoll_fn *fn)
{
	return fdpoll_open(poll, &e->loop, fd, UV_READABLE, fn);
}

static void
on_keeper_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct egress *e = container_of(c, struct egress, keeper);

	(void)fds;
	(void)nfds;
	if (f->type != EGRESS_GO || fdpoll_is_open(&e->listening))
		return;
	(void)watch(e, &e->listening, e->listener, on_listening);
	(void)watch(e, &e->claiming, e->claim, on_claiming);
}

/* Its end is seen by the pidfd. */
static void
on_keeper_gone(struct channel *c, int err)
{
	(void)c;
	(void)err;
}

static const struct channel_ops keeper_ops = {on_keeper_frame, on_keeper_gone};

static int
egress_start(struct egress *e, const struct egress_ends *ends)
{
	int r = loop_init(&e->loop);

	list_init(&e->tunnels);
	if (r == 0)
		r = channel_open(&e->keeper, &e->loop, ends->ours, &keeper_ops);
	e->pidfd = pidfd_open(e->pid, 0);
	if (r == 0 && e->pidfd < 0)
		r = -errno;
	return r < 0 ? r : watch(e, &e->child, e->pidfd, on_child);
}

int
egress_run(const struct egress_rules *rules, const struct egress_ends *ends,
	pid_t child, int *status)
{
	struct egress *e = mem_new(struct egress);
	int r;

	e->rules = rules;
	e->listener = ends->listener;
	e->claim = ends->claim;
	e->pid = child;
	r = egress_start(e, ends);
	if (r < 0)
		return r;
	loop_run(&e->loop);
	*status = e->status;
	return 0;
}
