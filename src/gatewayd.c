/*
 * mpcloud-gateway: one process per core, one loop.
 *
 * It is started by the supervisor with everything it may touch already open:
 * the listening sockets, the shared memory, and the control channel, over
 * which the configuration comes.  It owns the clients, the database
 * connections and the outgoing requests, and no user code.
 */
#include "src/gatewayd.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/sock.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEAT_MS = 500 };

static const struct {
	const char *name;
	enum listener_kind kind;
} kinds[] = {
	{"tcp:", LISTENER_TCP},
	{"tls:", LISTENER_TLS},
	{"cloud:", LISTENER_CLOUD},
	{"ops:", LISTENER_OPS},
	{"metrics:", LISTENER_METRICS},
};

static int
to_number(struct slice text, uint64_t top)
{
	uint64_t n;

	return slice_to_u64(text, top, &n) < 0 ? -1 : (int)n;
}

static int
add_listener(struct gatewayd *d, const char *text)
{
	struct gateway *g = &d->gateway;
	struct slice s = slice_str(text);

	if (slice_starts(s, "watch:")) {
		d->watch_fd = to_number(slice_of(text + 6, s.len - 6), 1 << 20);
		return d->watch_fd < 0 ? ERR_PARAM
				       : fd_set_cloexec(d->watch_fd, true);
	}
	if (g->listener_count == GATEWAY_LISTENERS)
		return ERR_PARAM;
	for (size_t i = 0; i < array_size(kinds); i++) {
		struct listener *l = &g->listeners[g->listener_count];
		size_t n = strlen(kinds[i].name);

		if (!slice_starts(s, kinds[i].name))
			continue;
		l->kind = kinds[i].kind;
		l->gateway = g;
		l->fd = to_number(slice_of(text + n, s.len - n), 1 << 20);
		g->listener_count++;
		return l->fd < 0 ? ERR_PARAM : fd_set_cloexec(l->fd, true);
	}
	return ERR_PARAM;
}

static int
parse_args(struct gatewayd *d, int argc, char **argv)
{
	static const struct option options[] = {
		{"index", required_argument, NULL, 'i'},
		{"control", required_argument, NULL, 'c'},
		{"shm", required_argument, NULL, 's'},
		{"state", required_argument, NULL, 'd'},
		{"listen", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int c, index = -1;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'i')
			index = to_number(slice_str(optarg), SHM_GATEWAYS - 1);
		else if (c == 'c')
			d->control_fd = to_number(slice_str(optarg), 1 << 20);
		else if (c == 's')
			d->shm_fd = to_number(slice_str(optarg), 1 << 20);
		else if (c == 'd')
			d->state_dir = optarg;
		else if (c != 'l' || add_listener(d, optarg) < 0)
			return ERR_PARAM;
	}
	if (optind != argc || index < 0 || d->control_fd < 0 || d->shm_fd < 0 ||
		!d->state_dir)
		return ERR_PARAM;
	d->index = (unsigned)index;
	return 0;
}

static void
on_beat(struct timer *t)
{
	struct gatewayd *d = container_of(t, struct gatewayd, beat);
	struct gateway *g = &d->gateway;
	uint64_t connections = 0, cold;

	for (size_t i = 0; i < g->listener_count; i++)
		if (g->listeners[i].http)
			connections += http_connections(g->listeners[i].http);
	g->count->connections = connections;
	/* shared memory outlives this process */
	cold = event_count(EVENT_FN_COLD_START);
	g->count->cold_starts += cold - d->cold_seen;
	d->cold_seen = cold;
	g->count->beat = clock_mono();
	timer_set(&d->beat, &d->loop, BEAT_MS, on_beat);
}

/* The supervisor asks by message; this is for a hand at a terminal. */
static void
on_term(uv_signal_t *handle, int number)
{
	(void)number;
	gatewayd_drain(container_of(handle, struct gatewayd, term), 10000);
}

static int
start(struct gatewayd *d)
{
	int e;

	e = loop_init(&d->loop);
	if (e < 0)
		return e;
	e = shm_open_fd(&d->shm, d->shm_fd);
	if (e < 0)
		return e;
	d->gateway.loop = &d->loop;
	d->gateway.index = d->index;
	d->gateway.shm = d->shm;
	d->gateway.count = shm_gateway(d->shm, d->index);
	d->gateway.cells = shm_gcra(d->shm);
	access_init(&d->gateway.access, &d->loop, d->who);
	(void)uv_signal_init(&d->loop.uv, &d->term);
	(void)uv_signal_start(&d->term, on_term, SIGTERM);
	on_beat(&d->beat);
	return gatewayd_control_open(d);
}

int
main(int argc, char **argv)
{
	static struct gatewayd d = {
		.control_fd = -1, .shm_fd = -1, .watch_fd = -1};
	int e;

	argv = uv_setup_args(argc, argv);
	if (argc == 3 && strcmp(argv[1], "--check-routes") == 0)
		return gatewayd_routes_check(argv[2]);
	/* libuv's threads wait for disks (storage/) more than they work */
	(void)setenv("UV_THREADPOOL_SIZE", "12", 0);
	if (parse_args(&d, argc, argv) < 0) {
		(void)fputs("mpcloud-gateway is started by mpcloudd: --index N "
			    "--control FD --shm FD --state DIR "
			    "[--listen tcp|tls|cloud|ops:FD]...\n",
			stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* a terminal's goes to all of us */
	(void)snprintf(d.who, sizeof(d.who), "gateway-%u", d.index);
	event_init(d.who, EVENT_INFO);
	e = start(&d);
	if (e < 0) {
		(void)fprintf(stderr, "mpcloud-gateway: %s\n", err_text(e));
		return 1;
	}
	event(EVENT_START, NULL);
	loop_run(&d.loop);
	event(EVENT_STOP, NULL);
	gatewayd_take_down(&d);
	return d.status;
}
