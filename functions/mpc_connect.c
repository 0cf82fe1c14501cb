/*
 * include/mpcloud.h: the way out of a native function's empty network.  It asks
 * the egress (functions/egress.h) as any SOCKS client does; what it gives back
 * is the very socket, which then is the connection.
 */
#include "include/mpcloud.h"

#include "base/mem.h"
#include "functions/egress_socks.h"
#include "functions/mpc_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAME_TOP = 255, LEAST_MS = 1 };

static int
fail(struct mpc_context *ctx, const char *host, int port, const char *why)
{
	const char *text = mpc_printf(ctx, "%s:%d: %s", host, port, why);

	if (!text)
		text = why;
	return mpc_error(ctx, MPC_ERR_NETWORK, text, strlen(text));
}

static const char *
reply_text(int reply)
{
	switch (reply) {
	case EGRESS_REFUSED:
		return "not allowed by this function's setting \"network\"; "
		       "its log says more";
	case EGRESS_NO_NET:
		return "the network cannot be reached";
	case EGRESS_NO_HOST:
		return "there is no such host";
	case EGRESS_NO_PORT:
		return "connection refused";
	case EGRESS_TIMEOUT:
		return "no answer in time";
	default:
		return "no connection could be made";
	}
}

/* Nothing here outlives the invocation's deadline. */
static int
dial(struct mpc_context *ctx, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int64_t ms = max(mpc_remaining_ms(ctx), (int64_t)LEAST_MS);
	struct timeval tv = {.tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000};
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, strlen(path));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	return take_fd(fd);
}

static bool
get(int fd, uint8_t *ret, size_t len)
{
	return recv(fd, ret, len, MSG_WAITALL) == (ssize_t)len;
}

/* The reply's code, -1: none came. */
static int
ask(int fd, const char *host, uint16_t port)
{
	struct buf b _buf_ = {0};
	uint8_t in[20];

	buf_init(&b, NAME_TOP + 64);
	buf_add(&b, "\5\1\0\5\1\0\3", 7);
	buf_char(&b, (char)strlen(host));
	buf_str(&b, host);
	buf_char(&b, (char)(port >> 8));
	buf_char(&b, (char)port);
	if (send(fd, b.ptr, b.len, MSG_NOSIGNAL) != (ssize_t)b.len ||
		!get(fd, in, 2) || in[1] != 0 || !get(fd, in, 4))
		return -1;
	return get(fd, in + 4, (in[3] == 4 ? 16u : 4u) + 2) ? in[1] : -1;
}

int
mpc_connect(struct mpc_context *ctx, const char *host, int port)
{
	const char *path = getenv("MPCLOUD_EGRESS");
	const struct timeval none = {0};
	_close_ int fd = -1;
	int reply;

	if (!host || !*host || strlen(host) > NAME_TOP || port < 1 ||
		port > 65535)
		return mpc_bad_argument(ctx, "host, port");
	if (!path)
		return fail(ctx, host, port,
			"this function has no network: set \"network\" in "
			"cloudbaserc.json, in the function's \"mpcloud\"");
	fd = dial(ctx, path);
	reply = fd < 0 ? -1 : ask(fd, host, (uint16_t)port);
	if (reply != EGRESS_OK)
		return fail(ctx, host, port, reply_text(reply));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	return take_fd(fd);
}
