/*
 * The other end of NOTIFY_SOCKET, for tests in Node, which has no datagrams on
 * unix sockets: prints each as one line, its own lines parted by "|".  Ends
 * when its standard input does.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
	char text[8192];

	if (argc != 2 || strlen(argv[1]) >= sizeof(to.sun_path))
		return 2;
	strcpy(to.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 1;
	(void)puts("listening");
	(void)fflush(stdout);
	while (poll(p, 2, -1) >= 0) {
		ssize_t n =
			p[0].revents ? recv(fd, text, sizeof(text) - 1, 0) : 0;

		if (p[1].revents && read(0, text, sizeof(text)) <= 0)
			break;
		if (n <= 0)
			continue;
		text[n] = '\0';
		for (char *c = text; *c; c++)
			if (*c == '\n')
				*c = '|';
		(void)puts(text);
		(void)fflush(stdout);
	}
	return 0;
}
