/*
 * A function host for the supervisor's tests.  The function's variable FAKE
 * tells it what to do:
 *   fail     prints a line, then KEEP_FAILED
 *   crash    ends with status 7
 *   hang     never becomes ready
 *   missing  is ready, without some isolation
 * A gateway that wants a worker is told who this is.
 */
#include "functions/proto.h"
#include "tests/lib/fake.h"

#include "base/val.h"

#include <poll.h>
#include <unistd.h>

enum { CHANNELS_TOP = 16 };

static char *room;
static struct pollfd polled[1 + CHANNELS_TOP];
static char who[160];

static void
say(const char *what)
{
	(void)fprintf(stderr, "fake-host %s: %s\n", who, what);
}

static void
on_setup(struct slice text)
{
	_json_ json_t *v = NULL;
	const char *name, *how;
	json_int_t version, uid;

	if (val_parse(&v, text, NULL) < 0 ||
		json_unpack(v, "{s:{s:s, s:I}, s:I}", "function", "name", &name,
			"version", &version, "uid", &uid) < 0)
		abort();
	(void)snprintf(who, sizeof(who), "%s v%d", name, (int)version);
	(void)fprintf(stderr, "fake-host %s: setup uid %d\n", who, (int)uid);
	how = json_string_value(json_object_get(
		json_object_get(json_object_get(v, "function"), "environment"),
		"FAKE"));
	if (!how)
		fake_send(3, KEEP_READY, 0, SLICE("{\"missing\":[]}"));
	else if (!strcmp(how, "missing"))
		fake_send(
			3, KEEP_READY, 0, SLICE("{\"missing\":[\"a wall\"]}"));
	else if (!strcmp(how, "crash"))
		_exit(7);
	else if (!strcmp(how, "fail")) {
		fake_send(3, KEEP_LINE, 0, SLICE("\1loading"));
		fake_send(3, KEEP_FAILED, 0, SLICE("Error: told to fail"));
		_exit(1);
	}
}

static void
on_control(void)
{
	struct frame f;
	int fds[CHANNEL_FDS], nfds;

	(void)fake_recv(3, room, &f, fds, &nfds);
	if (f.type == KEEP_SETUP) {
		on_setup(f.body);
	} else if (f.type == KEEP_CHANNEL && nfds == 1 && f.id < CHANNELS_TOP) {
		if (polled[1 + f.id].fd >= 0)
			(void)close(polled[1 + f.id].fd);
		polled[1 + f.id] = (struct pollfd){fds[0], POLLIN, 0};
	} else if (f.type == KEEP_DRAIN) {
		say("drain");
		free(room);
		exit(0);
	} else {
		abort();
	}
}

static void
on_gateway(struct pollfd *p)
{
	struct frame f;
	int fds[CHANNEL_FDS], nfds;

	if (channel_recv_fd(p->fd, room, FAKE_ROOM, &f, fds, &nfds) == 1) {
		/* A gateway that has gone already is not the supervisor. */
		if (f.type == HOST_SPAWN)
			(void)!channel_send_fd(p->fd, HOST_NO_WORKER, f.id,
				slice_str(who), NULL, 0);
		return;
	}
	(void)close(p->fd);
	p->fd = -1;
}

int
main(void)
{
	room = mem_alloc(FAKE_ROOM);
	polled[0] = (struct pollfd){3, POLLIN, 0};
	for (int i = 1; i <= CHANNELS_TOP; i++)
		polled[i].fd = -1;
	for (;;) {
		if (poll(polled, 1 + CHANNELS_TOP, -1) < 0)
			abort();
		for (int i = 1; i <= CHANNELS_TOP; i++)
			if (polled[i].fd >= 0 && polled[i].revents)
				on_gateway(&polled[i]);
		if (polled[0].revents)
			on_control();
	}
}
