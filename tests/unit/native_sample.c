/*
 * A native function that does what its event says, for test_keeper and
 * test_cage.  Not part of the product: it shows what authors do, also wrong.
 */
#define _GNU_SOURCE
#include <mpcloud.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int loaded;

MPC_EXPORT int
mpc_init(void)
{
	loaded = (int)getpid();
	printf("loading\n");
	return 0;
}

static int
say(struct mpc_context *ctx, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return mpc_result(ctx, text, (size_t)n);
}

/* 0 when it could be opened, else errno. */
static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Numbers in /proc besides our own. */
static int
others(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += atoi(e->d_name) > 0 && atoi(e->d_name) != getpid();
	closedir(d);
	return n;
}

static int
try_ptrace(pid_t pid)
{
	return ptrace(PTRACE_ATTACH, pid, 0, 0) < 0 ? errno : 0;
}

static int
try_socket(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static long
capabilities(void)
{
	char line[256];
	long caps = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "CapBnd:", 7) == 0 ||
			strncmp(line, "CapEff:", 7) == 0)
			caps = (caps < 0 ? 0 : caps) |
			       strtol(line + 7, NULL, 16);
	if (f)
		fclose(f);
	return caps;
}

static int
try_unshare(int flags)
{
	return unshare(flags) < 0 ? errno : 0;
}

static int
look_around(struct mpc_context *ctx)
{
	return say(ctx,
		"{\"shadow\":%d,\"others\":%d,\"ptrace\":%d,\"inet\":%d,"
		"\"inet6\":%d,\"netlink\":%d,\"unix\":%d,\"etc\":%d,\"usr\":%d,"
		"\"tmp\":%d,\"code\":%d,\"uid\":%d,\"gid\":%d,\"caps\":%ld,"
		"\"user_ns\":%d,\"mount\":%d,\"keeper_mem\":%d,\"root\":%d,"
		"\"null\":%d,\"home\":%d,\"ppid_kill\":%d}",
		try_open("/etc/shadow", O_RDONLY), others(),
		try_ptrace(getppid()), try_socket(AF_INET, SOCK_STREAM),
		try_socket(AF_INET6, SOCK_DGRAM),
		try_socket(AF_NETLINK, SOCK_RAW),
		try_socket(AF_UNIX, SOCK_STREAM),
		try_open("/etc/mine", O_WRONLY | O_CREAT),
		try_open("/usr/mine", O_WRONLY | O_CREAT),
		try_open("/tmp/mine", O_WRONLY | O_CREAT),
		try_open("mine", O_WRONLY | O_CREAT), (int)getuid(),
		(int)getgid(), capabilities(), try_unshare(CLONE_NEWUSER),
		mount("x", "/tmp", "tmpfs", 0, "") < 0 ? errno : 0,
		try_open("/proc/1/mem", O_RDWR),
		try_open("/mine", O_WRONLY | O_CREAT),
		try_open("/dev/null", O_WRONLY), try_open("/root", O_RDONLY),
		kill(1, SIGKILL) < 0 ? errno : 0);
}

static int
who(struct mpc_context *ctx)
{
	return say(ctx,
		"{\"openid\":%s,\"env\":%s,\"appid\":%s,\"ip\":%s,\"id\":%s,"
		"\"var\":%s,\"path\":%s,\"secret\":%d,\"left\":%d}",
		mpc_quote(ctx, mpc_openid(ctx)), mpc_quote(ctx, mpc_env(ctx)),
		mpc_quote(ctx, mpc_appid(ctx)),
		mpc_quote(ctx, mpc_client_ip(ctx)),
		mpc_quote(ctx, mpc_request_id(ctx)),
		mpc_quote(ctx, getenv("MY_VARIABLE") ?: ""),
		mpc_quote(ctx, getenv("PATH") ?: ""),
		getenv("SECRET_OF_THE_HOST") != NULL,
		mpc_remaining_ms(ctx) > 0);
}

static int
documents(struct mpc_context *ctx)
{
	const char *got, *id, *list;
	int64_t n = 0;
	int r = mpc_db_get(ctx, "goods", "tea \"1\"", &got, NULL);

	if (r == 0)
		r = mpc_db_add(ctx, "goods", "{\"a\":1}", &id);
	if (r == 0)
		r = mpc_db_find(ctx, "goods", "{\"a\":1}", "{\"limit\":5}",
			&list, NULL);
	if (r == 0)
		r = mpc_db_count(ctx, "goods", NULL, &n);
	if (r < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)) < 0 ? -2 : -1;
	return say(ctx, "{\"got\":%s,\"id\":\"%s\",\"list\":%s,\"n\":%d}", got,
		id, list, (int)n);
}

static void
eat(size_t bytes)
{
	char *p = malloc(bytes);

	if (!p)
		_exit(77);
	for (size_t i = 0; i < bytes; i += 4096)
		((volatile char *)p)[i] = 1;
	for (;;)
		pause();
}

static void
descendants(struct mpc_context *ctx)
{
	if (fork() == 0) {
		setsid();
		for (;;)
			pause();
	}
	say(ctx, "\"started\"");
}

/* Four of 12 MiB, in groups of their own; the worker itself eats nothing. */
static void
brood(void)
{
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			setsid();
			eat(12u << 20);
		}
	for (;;)
		pause();
}

static int
is(const char *event, const char *what)
{
	return strstr(event, what) != NULL;
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *answer;
	size_t answer_len;
	int r;

	if (is(event, "\"echo\""))
		return mpc_result(ctx, event, len);
	if (is(event, "\"look\""))
		return look_around(ctx);
	if (is(event, "\"who\""))
		return who(ctx);
	if (is(event, "\"documents\""))
		return documents(ctx);
	if (is(event, "\"forked\""))
		return say(ctx, "{\"loaded\":%d,\"pid\":%d,\"ppid\":%d}",
			loaded, (int)getpid(), (int)getppid());
	if (is(event, "\"crash\"")) {
		mpc_log(ctx, MPC_INFO, "before the crash");
		signal(SIGSEGV, SIG_DFL); /* a sanitizer's host has its own */
		raise(SIGSEGV);
	}
	if (is(event, "\"exit\"")) {
		printf("one line\nno newline at the end");
		fprintf(stderr, "to stderr\n");
		exit(7);
	}
	if (is(event, "\"fail\"")) {
		mpc_fail(ctx, "out of tea");
		return -1;
	}
	if (is(event, "\"nothing\""))
		return 0;
	if (is(event, "\"bad\""))
		return mpc_result(ctx, "{bad", 4);
	if (is(event, "\"hang\""))
		for (;;)
			pause();
	if (is(event, "\"eat\""))
		eat(48u << 20);
	if (is(event, "\"brood\""))
		brood();
	if (is(event, "\"gobble\""))
		eat((size_t)8 << 30);
	if (is(event, "\"children\"")) {
		descendants(ctx);
		return 0;
	}
	if (is(event, "\"parent\"")) {
		kill(getppid(), SIGKILL);
		return 0;
	}
	if (is(event, "\"call\"")) {
		r = mpc_call(ctx, event, len, &answer, &answer_len);
		if (r == 0)
			return mpc_result(ctx, answer, answer_len);
		mpc_fail(ctx, mpc_error_text(ctx));
		return r;
	}
	return -5;
}
