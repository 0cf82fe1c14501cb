/*
 * Plays systemd's socket activation: listenfds ADDRESS… -- PROGRAM ARGUMENT…
 */
#include "base/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct fault why = {0};
	char text[32];
	int n = 0, at = 1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at++, n++) {
		int fd;

		if (sock_listen(argv[at], 16, &fd, &why) < 0) {
			(void)fprintf(stderr, "listenfds: %s\n", why.text);
			return 1;
		}
		if (fd != 3 + n && dup2(fd, 3 + n) < 0)
			return 1;
		(void)fd_set_cloexec(3 + n, false);
	}
	if (at + 1 >= argc)
		return 2;
	(void)snprintf(text, sizeof(text), "%d", n);
	(void)setenv("LISTEN_FDS", text, 1);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", text, 1);
	(void)execv(argv[at + 1], argv + at + 1);
	return 127;
}
