/* Sends a line to the host and port of its event, answers what comes back. */
#include <mpcloud.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	char host[128] = "", room[256] = "";
	const char *at = strstr(event, "\"host\":\"");
	const char *number = strstr(event, "\"port\":");
	const char *quoted;
	int port = 0, fd;
	size_t n = 0;
	ssize_t r;

	(void)len;
	if (!at || !number || sscanf(at, "\"host\":\"%127[^\"]", host) != 1 ||
		sscanf(number, "\"port\":%d", &port) != 1)
		return -1;
	fd = mpc_connect(ctx, host, port);
	if (fd < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), fd;
	if (write(fd, "tea\n", 4) != 4)
		return -2;
	while (n < 4 && (r = read(fd, room + n, sizeof(room) - 1 - n)) > 0)
		n += (size_t)r;
	(void)close(fd);
	quoted = mpc_quote(ctx, room);
	return mpc_result(ctx, quoted, strlen(quoted));
}
