/*
 * A gateway for the supervisor's tests.  Comments in the configuration tell it
 * what to do (N: only the gateway of this index):
 *   # fake: fail        GATE_FAILED at the start
 *   # fake: crash       ends with status 3 at the start
 *   # fake: refuse N    GATE_CONF_BAD at a reload
 *   # fake: busy        does not end when drained
 * It prints a line for everything it is told.  On its plain listeners it
 * answers each connection with its index and pid.
 */
#include "functions/proto.h"
#include "tests/lib/fake.h"

#include "base/val.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_TOP = 64 };

static char *room;
static struct pollfd
	polled[FDS_TOP]; /* 0: control, then listeners, then hosts */
static int count = 1, listeners, number;
static bool configured, busy;

static void
say(const char *what, struct slice words)
{
	(void)fprintf(stderr, "fake-gateway %d: %s %.*s\n", number, what,
		SLICE_ARG(words));
}

static void
on_first_conf(struct slice text)
{
	configured = true;
	if (fake_has(text, "# fake: crash"))
		exit(3);
	if (fake_has(text, "# fake: fail")) {
		fake_send(3, GATE_FAILED, 0, SLICE("told to fail"));
		free(room);
		exit(1);
	}
	fake_send(3, GATE_READY, 0, SLICE(""));
}

static void
on_conf(struct slice text)
{
	char refuse[32];
	const char *mark = memmem(text.ptr, text.len, "# mark ", 7);
	size_t left = mark ? (size_t)(text.ptr + text.len - mark) : 0;

	(void)snprintf(refuse, sizeof(refuse), "# fake: refuse %d", number);
	busy = fake_has(text, "# fake: busy");
	say("conf", slice_of(mark ? mark : "", min(left, (size_t)8)));
	if (!configured)
		on_first_conf(text);
	else if (fake_has(text, refuse))
		fake_send(3, GATE_CONF_BAD, 0, SLICE("told to refuse"));
	else
		fake_send(3, GATE_CONF_OK, 0, SLICE(""));
}

static void
on_control(void)
{
	struct frame f;
	int fds[CHANNEL_FDS], nfds;

	(void)fake_recv(3, room, &f, fds, &nfds);
	switch (f.type) {
	case GATE_CONF:
		on_conf(f.body);
		break;
	case GATE_PING:
		fake_send(3, GATE_PONG, f.id, SLICE(""));
		break;
	case GATE_FN_ADD:
		say("add", f.body);
		if (nfds != 1 || count == FDS_TOP)
			abort();
		polled[count++] = (struct pollfd){fds[0], POLLIN, 0};
		/* A host that has gone already is not the supervisor. */
		(void)!channel_send_fd(
			fds[0], HOST_SPAWN, 1, SLICE(""), NULL, 0);
		break;
	case GATE_FN_RELEASE:
		say("release", f.body);
		break;
	case GATE_FN_DEL:
		say("del", f.body);
		break;
	case GATE_DRAIN:
		say("drain", SLICE(""));
		if (busy)
			break;
		free(room);
		exit(0);
	default:
		abort();
	}
}

static void
on_host(struct pollfd *p)
{
	struct frame f;
	int fds[CHANNEL_FDS], nfds;

	if (channel_recv_fd(p->fd, room, FAKE_ROOM, &f, fds, &nfds) == 1) {
		say("met", f.body);
		return;
	}
	say("lost", SLICE(""));
	(void)close(p->fd);
	p->fd = -1;
}

static void
on_client(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char text[64];
	int n = snprintf(text, sizeof(text), "gateway %d pid %d\n", number,
		(int)getpid());

	if (fd < 0)
		return; /* the other gateway was faster */
	(void)!write(fd, text, (size_t)n);
	(void)close(fd);
}

static void
take_option(const char *name, const char *value)
{
	const char *colon = strchr(value, ':');

	if (!strcmp(name, "--index"))
		number = atoi(value);
	if (strcmp(name, "--listen") != 0 || count == FDS_TOP)
		return;
	say("listen", slice_of(value, (size_t)(colon - value)));
	polled[count++] = (struct pollfd){atoi(colon + 1), POLLIN, 0};
	listeners++;
}

int
main(int argc, char **argv)
{
	room = mem_alloc(FAKE_ROOM);
	for (int i = 1; i + 1 < argc; i += 2)
		take_option(argv[i], argv[i + 1]);
	polled[0] = (struct pollfd){3, POLLIN, 0};
	(void)fprintf(stderr, "fake-gateway %d: uid %d gid %d credentials %s\n",
		number, (int)getuid(), (int)getgid(),
		getenv("CREDENTIALS_DIRECTORY")
			? getenv("CREDENTIALS_DIRECTORY")
			: "none");
	for (;;) {
		if (poll(polled, (nfds_t)count, -1) < 0)
			abort();
		for (int i = 1; i < count; i++) {
			if (!polled[i].revents)
				continue;
			if (i <= listeners)
				on_client(polled[i].fd);
			else
				on_host(&polled[i]);
		}
		if (polled[0].revents)
			on_control();
	}
}
