/* A function whose constructor leaves a process behind in the template that
 * speaks in its name to the keeper: forks that never were, refusals of workers
 * that run, answers to questions nobody asked. */
#define _GNU_SOURCE
#include <mpcloud.h>

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHANNEL = 3,
	LOADED = 1,
	FAILED = 2,
	FORKED = 4,
	REFUSED = 5,
	REAPED = 7
};

static void
put32(char *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(n >> (8 * i));
}

static void
lie(int fd, int type, uint32_t id, const char *body, size_t len, int passed)
{
	char bytes[256] = {0}, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {bytes, 12 + len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	put32(bytes, (uint32_t)len);
	bytes[4] = (char)type;
	put32(bytes + 8, id);
	memcpy(bytes + 12, body, len);
	if (passed >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed, sizeof(int));
	}
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* About every serial there can be, the template's own among them. */
static void
lie_about_all(int fd, uint32_t pid)
{
	char body[4];

	put32(body, pid);
	for (uint32_t id = 0; id < 40; id++) {
		lie(fd, FORKED, id, body, 4, 1);
		lie(fd, REFUSED, id, "no", 2, -1);
		lie(fd, REAPED, id, body, 4, -1);
		lie(fd, 99, id, "", 0, -1);
	}
	lie(fd, LOADED, 0, "", 0, -1);
	lie(fd, FORKED, 1, "", 0, -1);
}

__attribute__((constructor)) static void
hide(void)
{
	static const uint32_t pids[] = {0, 1, 2, UINT32_MAX, UINT32_MAX - 1};
	int fd = dup(CHANNEL);

	if (fork() != 0) {
		(void)close(fd);
		return;
	}
	for (int i = 0;; i = (i + 1) % 5) {
		lie_about_all(fd, pids[i]);
		(void)usleep(100000);
	}
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	return mpc_result(ctx, event, len);
}
