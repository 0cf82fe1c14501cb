/* A function that tries to get out: one attempt an event names. */
#define _GNU_SOURCE
#include "attempt.h"

#include <mpcloud.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { WORKER_SOCKET = 3, FRAME_HEAD = 12 };
enum { FRAME_RESULT = 2, FRAME_ERROR = 3, FRAME_CALL = 4, FRAME_LOG = 6 };

/* The string behind "key": of a flat event without escapes; "" when absent. */
static const char *
word(struct mpc_context *ctx, const char *event, const char *key)
{
	const char *at = strstr(event, mpc_printf(ctx, "\"%s\":\"", key));
	char *copy;

	if (!at)
		return "";
	at = strchr(strchr(at, ':'), '"') + 1;
	copy = mpc_printf(ctx, "%s", at);
	*strchrnul(copy, '"') = '\0';
	return copy;
}

static long
number(struct mpc_context *ctx, const char *event, const char *key)
{
	const char *at = strstr(event, mpc_printf(ctx, "\"%s\":", key));

	return at ? strtol(strchr(at, ':') + 1, NULL, 10) : 0;
}

static int
say(struct mpc_context *ctx, const char *text)
{
	const char *quoted = mpc_quote(ctx, text);

	return mpc_result(ctx, quoted, strlen(quoted));
}

/* The error's name, or "done". */
static int
say_error(struct mpc_context *ctx, long r)
{
	return say(ctx, r < 0 ? strerrorname_np(errno) : "done");
}

static char *
join(struct mpc_context *ctx, const char *all, const char *more)
{
	return mpc_printf(ctx, "%s%s%s", all, *all ? "\n" : "", more);
}

static int
list_fds(struct mpc_context *ctx)
{
	const char *all = "";

	for (int fd = 0; fd < 4096; fd++) {
		char path[32], to[256] = "?";

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		(void)!readlink(path, to, sizeof(to) - 1);
		all = join(ctx, all,
			mpc_printf(
				ctx, "%d %.*s", fd, (int)strcspn(to, "["), to));
	}
	return say(ctx, all);
}

static int
list_env(struct mpc_context *ctx)
{
	const char *all = "";

	for (char **at = environ; *at; at++)
		all = join(ctx, all, *at);
	return say(ctx, all);
}

static int
read_file(struct mpc_context *ctx, const char *path)
{
	char *text = mpc_alloc(ctx, 65536);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 65535);

	if (fd >= 0)
		(void)close(fd);
	return n < 0 ? say_error(ctx, -1) : say(ctx, text);
}

static int
list_dir(struct mpc_context *ctx, const char *path)
{
	DIR *dir = opendir(path);
	const char *all = "";
	struct dirent *e;

	if (!dir)
		return say_error(ctx, -1);
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			all = join(ctx, all, e->d_name);
	(void)closedir(dir);
	return say(ctx, all);
}

/* "@name" is an abstract address. */
static int
connect_unix(struct mpc_context *ctx, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r = fd;

	memcpy(a.sun_path, path, strlen(path));
	if (*path == '@')
		a.sun_path[0] = '\0';
	if (fd >= 0)
		r = connect(fd, (struct sockaddr *)&a,
			(socklen_t)(sizeof(sa_family_t) + strlen(path) +
				    (*path == '/')));
	(void)say_error(ctx, r);
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

static int
open_socket(struct mpc_context *ctx, long family, long type, long protocol)
{
	return say_error(ctx, socket((int)family, (int)type, (int)protocol));
}

/* 64-bit code may call by 32-bit numbers; the filter must know those, too.
 * In a child, which such a call may end: "killed" then. */
static int
call_old(struct mpc_context *ctx)
{
#ifdef __x86_64__
	pid_t pid = fork();
	int status = 0;
	long r = 310; /* unshare */

	if (pid == 0) {
		__asm__ volatile("int $0x80"
				 : "+a"(r)
				 : "b"(CLONE_NEWUSER)
				 : "memory");
		_exit(r == 0 ? 1 : 2);
	}
	(void)waitpid(pid, &status, 0);
	return say(ctx, WIFSIGNALED(status)        ? "killed"
			: WEXITSTATUS(status) == 1 ? "done"
						   : "refused");
#else
	return say(ctx, "killed");
#endif
}

/* Reads what a setuid program says of who it is. */
static int
run(struct mpc_context *ctx, const char *command)
{
	char *text = mpc_alloc(ctx, 65536);
	FILE *in = popen(command, "r");

	if (!in)
		return say_error(ctx, -1);
	(void)!fread(text, 1, 65535, in);
	(void)pclose(in);
	return say(ctx, text);
}

/* All pids that can be signalled from here. */
static int
find_pids(struct mpc_context *ctx)
{
	const char *all = "";

	for (pid_t pid = 1; pid < 32768; pid++)
		if (kill(pid, 0) == 0 || errno == EPERM)
			all = join(ctx, all, mpc_printf(ctx, "%d", pid));
	return say(ctx, all);
}

static void
put32(char *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(n >> (8 * i));
}

static void
send_frame(uint32_t len, int type, uint32_t id, const char *body, size_t n)
{
	char *all = malloc(FRAME_HEAD + n);
	size_t at = 0;

	memset(all, 0, FRAME_HEAD);
	put32(all, len);
	all[4] = (char)type;
	put32(all + 8, id);
	memcpy(all + FRAME_HEAD, body, n);
	while (at < FRAME_HEAD + n) {
		ssize_t r = send(WORKER_SOCKET, all + at, FRAME_HEAD + n - at,
			MSG_NOSIGNAL);

		if (r <= 0)
			break;
		at += (size_t)r;
	}
	free(all);
}

static void
send_whole(int type, uint32_t id, const char *body, size_t n)
{
	send_frame((uint32_t)n, type, id, body, n);
}

/* Answers in the name of others: `id` and its neighbours. */
static void
forge_results(long id)
{
	static const char text[] = "{\"forged\":true}";

	send_whole(FRAME_RESULT, (uint32_t)id, text, sizeof(text) - 1);
}

/* In the name of invocation `id`; what the gateway replies. */
static int
forge_call(struct mpc_context *ctx, long id)
{
	static const char json[] =
		"{\"action\":\"database.getDocument\",\"collectionName\":"
		"\"items\",\"query\":\"{}\"}";
	char body[4 + sizeof(json)], reply[4096] = "";
	ssize_t n;

	put32(body, (uint32_t)id);
	memcpy(body + 4, json, sizeof(json) - 1);
	send_whole(FRAME_CALL, 1, body, 4 + sizeof(json) - 1);
	n = recv(WORKER_SOCKET, reply, sizeof(reply) - 1, 0);
	return say(ctx, n > FRAME_HEAD ? reply + FRAME_HEAD : "nothing");
}

static void
flood_logs(long count)
{
	static char body[8192];

	memset(body, 'x', sizeof(body));
	body[0] = 1;
	for (long i = 0; i < count; i++)
		send_whole(FRAME_LOG, 0, body, sizeof(body));
}

/* Many large requests whose answers are not read. */
static void
flood_calls(long id, long count)
{
	size_t len = 256 * 1024;
	char *body = malloc(len);

	for (long i = 0; i < count; i++) {
		int n = snprintf(body + 4, len - 4,
			"{\"action\":\"database.getDocument\","
			"\"collectionName\":\"items\",\"pad\":\"");

		put32(body, (uint32_t)id);
		memset(body + 4 + n, 'x', len - 4 - (size_t)n);
		memcpy(body + len - 2, "\"}", 2);
		send_whole(FRAME_CALL, (uint32_t)i + 1, body, len);
	}
	free(body);
}

static int
forge(struct mpc_context *ctx, const char *event)
{
	const char *what = word(ctx, event, "what");
	long id = number(ctx, event, "id"), count = number(ctx, event, "count");
	const struct timespec while_ = {0, 200000000};

	if (strcmp(what, "result") == 0)
		forge_results(id);
	else if (strcmp(what, "call") == 0)
		return forge_call(ctx, id);
	else if (strcmp(what, "huge") == 0)
		send_frame(0xfffffff0u, FRAME_RESULT, 1, "x", 1);
	else if (strcmp(what, "type") == 0)
		send_whole(200, 1, "x", 1);
	else if (strcmp(what, "flags") == 0)
		send_frame(0, 0x0102, 1, "", 0);
	else if (strcmp(what, "empty") == 0)
		send_whole(FRAME_LOG, 0, "", 0);
	else if (strcmp(what, "level") == 0)
		send_whole(FRAME_LOG, 0, "\xff!", 2);
	else if (strcmp(what, "error") == 0)
		send_whole(FRAME_ERROR, (uint32_t)id, "[[[[", 4);
	else if (strcmp(what, "logs") == 0)
		flood_logs(count);
	else if (strcmp(what, "calls") == 0)
		flood_calls(id, count);
	else if (strcmp(what, "half") == 0)
		send_frame(1000, FRAME_RESULT, 1, "half", 4);
	(void)nanosleep(&while_, NULL);
	return say(ctx, "sent");
}

static void
hold(size_t bytes)
{
	volatile char *p = malloc(bytes);

	for (size_t i = 0; p && i < bytes; i += 4096)
		p[i] = 1;
}

/* Children that hold memory of their own; each says when it has it. */
static int
breed(struct mpc_context *ctx, long children, long mib, bool leave)
{
	int ready[2];
	char c;

	if (pipe(ready) < 0)
		return say_error(ctx, -1);
	for (long i = 0; i < children; i++) {
		if (fork() != 0)
			continue;
		if (leave)
			(void)setsid();
		hold((size_t)mib << 20);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	for (long i = 0; i < children; i++)
		(void)!read(ready[0], &c, 1);
	for (;;)
		(void)pause();
}

/* How many processes can be had at once. */
static int
bomb(struct mpc_context *ctx)
{
	int held[2];
	long n = 0;
	char c;

	if (pipe(held) < 0)
		return say_error(ctx, -1);
	for (; n < 20000; n++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			(void)close(held[1]);
			(void)!read(held[0], &c, 1);
			_exit(0);
		}
	}
	(void)close(held[1]);
	while (wait(NULL) > 0)
		;
	return say(ctx, mpc_printf(ctx, "%ld", n));
}

/* Bytes, or names, that go into /tmp. */
static int
fill(struct mpc_context *ctx, bool names)
{
	static char block[1 << 20];
	long long n = 0;
	char path[64];

	if (names) {
		for (; n < 2000000; n++) {
			int fd;

			(void)snprintf(path, sizeof(path), "/tmp/n%lld", n);
			fd = open(path, O_CREAT | O_WRONLY, 0600);
			if (fd < 0)
				break;
			(void)close(fd);
		}
		for (long long i = 0; i < n; i++) {
			(void)snprintf(path, sizeof(path), "/tmp/n%lld", i);
			(void)unlink(path);
		}
	} else {
		int fd = open("/tmp/fill", O_CREAT | O_WRONLY, 0600);
		ssize_t r;

		(void)signal(SIGXFSZ, SIG_IGN);
		while ((r = write(fd, block, sizeof(block))) > 0)
			n += r;
		(void)close(fd);
		(void)unlink("/tmp/fill");
	}
	return say(ctx, mpc_printf(ctx, "%lld", n));
}

static int
open_files(struct mpc_context *ctx)
{
	long n = 0;

	while (n < 100000 && open("/dev/null", O_RDONLY) >= 0)
		n++;
	(void)close_range(4, ~0U, 0);
	return say(ctx, mpc_printf(ctx, "%ld", n));
}

static int
kill_pid(struct mpc_context *ctx, long pid)
{
	long r = kill((pid_t)pid, SIGKILL);

	return say_error(ctx, r);
}

/* The worker's own token, from the INVOKE frame's context in our memory. */
static int
say_capabilities(struct mpc_context *ctx)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	(void)syscall(SYS_capget, &head, data);
	return say(ctx, mpc_printf(ctx, "%u %u %x %x %d %d %d", getuid(),
				getgid(), data[0].permitted | data[1].permitted,
				data[0].effective | data[1].effective,
				prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
				prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0),
				getgroups(0, NULL)));
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *how = word(ctx, event, "how");
	const char *path = word(ctx, event, "path");

	(void)len;
	if (strcmp(how, "fds") == 0)
		return list_fds(ctx);
	if (strcmp(how, "env") == 0)
		return list_env(ctx);
	if (strcmp(how, "who") == 0)
		return say_capabilities(ctx);
	if (strcmp(how, "read") == 0)
		return read_file(ctx, path);
	if (strcmp(how, "list") == 0)
		return list_dir(ctx, path);
	if (strcmp(how, "connect") == 0)
		return connect_unix(ctx, path);
	if (strcmp(how, "socket") == 0)
		return open_socket(ctx, number(ctx, event, "family"),
			number(ctx, event, "type"),
			number(ctx, event, "protocol"));
	if (strcmp(how, "attempt") == 0)
		return say_error(ctx, attempt(word(ctx, event, "what"),
					      number(ctx, event, "pid")));
	if (strcmp(how, "old") == 0)
		return call_old(ctx);
	if (strcmp(how, "run") == 0)
		return run(ctx, word(ctx, event, "command"));
	if (strcmp(how, "pids") == 0)
		return find_pids(ctx);
	if (strcmp(how, "kill") == 0)
		return kill_pid(ctx, number(ctx, event, "pid"));
	if (strcmp(how, "forge") == 0)
		return forge(ctx, event);
	if (strcmp(how, "breed") == 0)
		return breed(ctx, number(ctx, event, "children"),
			number(ctx, event, "mib"),
			number(ctx, event, "leave") != 0);
	if (strcmp(how, "bomb") == 0)
		return bomb(ctx);
	if (strcmp(how, "fill") == 0)
		return fill(ctx, strcmp(path, "names") == 0);
	if (strcmp(how, "files") == 0)
		return open_files(ctx);
	return mpc_result(ctx, event, len);
}
