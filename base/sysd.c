/*
 * What systemd asks of a service are a few environment variables and one
 * datagram; its library would bring a dozen others into a privileged process.
 */
#include "base/sysd.h"

#include "base/slice.h"
#include "base/sock.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS_TOP = 1024 };

void
sysd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	_close_ int fd = -1;

	if (len < 2 || len >= sizeof(to.sun_path) ||
		(path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

void
sysd_reloading(void)
{
	struct timespec now;
	char state[80];

	/* The kernel's clock and not ours: systemd compares it with its own. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state),
		"RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	sysd_notify(state);
}

static uint64_t
number(const char *name, uint64_t top)
{
	const char *value = getenv(name);
	uint64_t n = 0;

	if (!value || slice_to_u64(slice_str(value), top, &n) < 0)
		return 0;
	return n;
}

int
sysd_listen_fds(void)
{
	bool ours = number("LISTEN_PID", INT32_MAX) == (uint64_t)getpid();
	int n = ours ? (int)number("LISTEN_FDS", FDS_TOP) : 0;

	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++)
		(void)fd_set_cloexec(fd, true);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return n;
}

uint64_t
sysd_watchdog_ms(void)
{
	uint64_t usec = number("WATCHDOG_USEC", INT64_MAX);
	const char *pid = getenv("WATCHDOG_PID");

	if (pid && number("WATCHDOG_PID", INT32_MAX) != (uint64_t)getpid())
		return 0;
	return usec ? max(usec / 2000, (uint64_t)1) : 0;
}
