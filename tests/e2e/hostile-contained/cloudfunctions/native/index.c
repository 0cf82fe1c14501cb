/* Means harm: one way for each event.  What the kernel refuses is the error
 * that the call ends with, so that it is in the author's log. */
#define _GNU_SOURCE
#include <mpcloud.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int
failed(struct mpc_context *ctx, const char *what)
{
	mpc_fail(ctx, mpc_printf(ctx, "%s: %s", what, strerrorname_np(errno)));
	return -1;
}

static void
eat(size_t step, long pause_us)
{
	for (;;) {
		volatile char *p = malloc(step);

		if (!p)
			abort();
		for (size_t i = 0; i < step; i += 4096)
			p[i] = 1;
		if (pause_us)
			(void)usleep((useconds_t)pause_us);
	}
}

static void
fork_bomb(void)
{
	for (;;)
		(void)fork();
}

static int
fill_disk(struct mpc_context *ctx)
{
	static char block[1 << 20];
	int fd = open("/tmp/fill", O_CREAT | O_WRONLY, 0600);

	(void)signal(SIGXFSZ, SIG_IGN);
	while (write(fd, block, sizeof(block)) > 0)
		;
	(void)failed(ctx, "write");
	(void)close(fd);
	(void)unlink("/tmp/fill");
	return -1;
}

static int
leak_descriptors(struct mpc_context *ctx)
{
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	(void)failed(ctx, "open");
	(void)close_range(4, ~0U, 0);
	return -1;
}

static int
dial(struct mpc_context *ctx, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return mpc_result(ctx, "\"connected\"", 11);
	(void)failed(ctx, path);
	(void)close(fd);
	return -1;
}

static int
dial_loopback(struct mpc_context *ctx)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(5432),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return failed(ctx, "loopback");
	return mpc_result(ctx, "\"connected\"", 11);
}

static int
read_file(struct mpc_context *ctx, const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return failed(ctx, path);
	(void)close(fd);
	return mpc_result(ctx, "\"read\"", 6);
}

static int
run_setuid(struct mpc_context *ctx)
{
	char out[64] = "";
	FILE *p = popen("su -c 'id -u' 2>/dev/null </dev/null; id -u", "r");

	if (p) {
		(void)!fgets(out, sizeof(out), p);
		(void)pclose(p);
	}
	mpc_fail(ctx, mpc_printf(ctx, "still uid %d", atoi(out)));
	return atoi(out) == 0 ? 0 : -1;
}

static void
garbage(void)
{
	static const char text[] = "\377\377\377\377garbage garbage garbage";

	(void)!write(3, text, sizeof(text));
	(void)usleep(500000);
}

/* The head of a RESULT of 1,000 bytes, two of them, and the end. */
static void
half_an_answer(void)
{
	static const unsigned char head[14] = {
		0xe8, 3, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, '{', '"'};

	(void)!write(3, head, sizeof(head));
	_exit(3);
}

static int
big_answer(struct mpc_context *ctx)
{
	size_t len = (size_t)1 << 30;
	char *text = malloc(len);

	if (!text)
		return failed(ctx, "1 GiB");
	memset(text, '1', len);
	return mpc_result(ctx, text, len);
}

static int
is(const char *event, const char *what)
{
	return strstr(event, what) != NULL;
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	struct timespec t = {0};

	if (is(event, "\"loop\""))
		for (;;)
			;
	if (is(event, "\"fast\""))
		eat(64u << 20, 0);
	if (is(event, "\"slow\""))
		eat(1u << 20, 2000);
	if (is(event, "\"bomb\""))
		fork_bomb();
	if (is(event, "\"disk\""))
		return fill_disk(ctx);
	if (is(event, "\"files\""))
		return leak_descriptors(ctx);
	if (is(event, "\"signal\"")) {
		(void)kill(1, SIGKILL);
		if (kill(4194303, SIGKILL) < 0)
			return failed(ctx, "kill");
	}
	if (is(event, "\"ptrace\"") && ptrace(PTRACE_ATTACH, 1, 0, 0) < 0)
		return failed(ctx, "ptrace");
	if (is(event, "\"shadow\""))
		return read_file(ctx, "/etc/shadow");
	if (is(event, "\"environ\""))
		return read_file(ctx, "/proc/1/environ");
	if (is(event, "\"memory\""))
		return read_file(ctx, "/dev/mem");
	if (is(event, "\"raw\"") && socket(AF_INET, SOCK_RAW, 1) < 0)
		return failed(ctx, "raw");
	if (is(event, "\"packet\"") && socket(AF_PACKET, SOCK_RAW, 0) < 0)
		return failed(ctx, "packet");
	if (is(event, "\"memfd\"") && syscall(SYS_memfd_create, "x", 0) < 0)
		return failed(ctx, "memfd");
	if (is(event, "\"clock\"") && clock_settime(CLOCK_REALTIME, &t) < 0)
		return failed(ctx, "clock");
	if (is(event, "\"device\"") &&
		mknod("/tmp/sda", S_IFBLK | 0600, 8 << 8) < 0)
		return failed(ctx, "mknod");
	if (is(event, "\"setuid\""))
		return run_setuid(ctx);
	if (is(event, "\"loopback\""))
		return dial_loopback(ctx);
	if (is(event, "\"path\":\"")) {
		char path[108] = "";

		(void)sscanf(strstr(event, "\"path\":\""),
			"\"path\":\"%107[^\"]", path);
		return dial(ctx, path);
	}
	if (is(event, "\"garbage\""))
		garbage();
	if (is(event, "\"half\""))
		half_an_answer();
	if (is(event, "\"answer\""))
		return big_answer(ctx);
	if (is(event, "\"flood\""))
		for (int i = 0; i < 200000; i++)
			(void)printf("flood %d %0100d\n", i, i);
	if (is(event, "\"line\"")) {
		for (int i = 0; i < 4 << 20; i++)
			(void)putchar('x');
		(void)fputs("\nend of line\n", stdout);
		(void)fflush(stdout);
	}
	return mpc_result(ctx, event, len);
}
