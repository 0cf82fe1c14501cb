/*
 * One watched process.  Signals go through the pidfd, so they cannot hit a
 * stranger that got the same number; the process group is killed while the
 * process is still a zombie, because only so long its number is surely its own.
 */
#include "functions/proc.h"

#include "base/err.h"
#include "base/frame.h"
#include "base/mem.h"
#include "base/sock.h"
#include "functions/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
on_out(struct capture *c, struct slice line)
{
	struct proc *p = container_of(c, struct proc, out);

	keeper_line(p->keeper, p, 1, line);
}

static void
on_err(struct capture *c, struct slice line)
{
	struct proc *p = container_of(c, struct proc, err);

	keeper_line(p->keeper, p, 2, line);
}

static bool
out_is_ready(struct capture *c)
{
	struct proc *p = container_of(c, struct proc, out);

	return keeper_takes_lines(p->keeper, p);
}

static bool
err_is_ready(struct capture *c)
{
	struct proc *p = container_of(c, struct proc, err);

	return keeper_takes_lines(p->keeper, p);
}

static const struct capture_ops out_ops = {on_out, out_is_ready};
static const struct capture_ops err_ops = {on_err, err_is_ready};

static int
open_pipe(struct proc *p, struct capture *c, int *end,
	const struct capture_ops *ops)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*end = fds[1];
	(void)fd_set_blocking(fds[0], false);
	r = capture_open(c, &p->keeper->loop, fds[0], ops);
	if (r < 0 && c->fd >= 0)
		(void)close(fds[0]);
	return r;
}

static int
open_all(struct proc *p)
{
	int pair[2];
	int r = sock_pair(SOCK_STREAM, pair);

	if (r < 0)
		return r;
	p->socket = pair[0];
	p->ends[0] = pair[1];
	r = open_pipe(p, &p->out, &p->ends[1], &out_ops);
	if (r == 0)
		r = open_pipe(p, &p->err, &p->ends[2], &err_ops);
	return r;
}

int
proc_new(struct proc **ret, struct keeper *keeper, enum proc_state state)
{
	static uint32_t serials;
	struct proc *p = mem_new(struct proc);
	int r;

	p->keeper = keeper;
	p->state = state;
	p->serial = ++serials;
	p->pidfd = p->socket = -1;
	p->ends[0] = p->ends[1] = p->ends[2] = -1;
	p->started = uv_now(&keeper->loop.uv);
	list_init(&p->on);
	r = open_all(p);
	if (r < 0) {
		proc_free(p);
		return r;
	}
	list_add(&keeper->procs, &p->on);
	*ret = p;
	return 0;
}

void
proc_move(struct proc *p, enum proc_state state)
{
	p->was = p->state;
	p->state = state;
	keeper_watch_memory(p->keeper);
}

enum proc_state
proc_kind(const struct proc *p)
{
	return p->state == PROC_ENDED ? p->was : p->state;
}

void
proc_forget_ends(struct proc *p)
{
	for (size_t i = 0; i < array_size(p->ends); i++)
		fd_closep(&p->ends[i]);
}

void
proc_forget_peek(struct proc *p)
{
	fdpoll_close(&p->peek);
}

static void
on_peek_seen(struct fdpoll *poll, int events)
{
	struct proc *p = container_of(poll, struct proc, peek);
	char head[FRAME_HEAD];
	ssize_t n = recv(p->socket, head, sizeof(head), MSG_PEEK);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	(void)fdpoll_set(poll, 0);
	p->ready = n == FRAME_HEAD && head[4] == PROTO_READY;
	p->on_peek(p);
}

int
proc_peek(struct proc *p, void (*on_peek)(struct proc *p))
{
	p->on_peek = on_peek;
	return fdpoll_open(&p->peek, &p->keeper->loop, p->socket, UV_READABLE,
		on_peek_seen);
}

static void
on_exit_seen(struct fdpoll *poll, int events)
{
	struct proc *p = container_of(poll, struct proc, poll);

	(void)events;
	fdpoll_close(&p->poll);
	(void)kill(-p->pid, SIGKILL); /* what it started */
	keeper_ended(p->keeper, p);
}

int
proc_watch(struct proc *p, pid_t pid, int pidfd)
{
	int r;

	p->pid = pid;
	p->pidfd = pidfd >= 0 ? pidfd : pidfd_open(pid, 0);
	if (p->pidfd < 0)
		return -errno;
	r = fdpoll_open(&p->poll, &p->keeper->loop, p->pidfd, UV_READABLE,
		on_exit_seen);
	if (r == 0)
		keeper_watch_memory(p->keeper);
	return r;
}

/* A /proc that is not of our PID namespace shows our number last. */
pid_t
proc_pid_of(const struct cage *cage, int pidfd, pid_t said)
{
	char path[48], text[1024];
	_close_ int fd = -1;
	const char *line;
	ssize_t n;

	if (cage->proc_fd < 0)
		return said;
	(void)snprintf(path, sizeof(path), "self/fdinfo/%d", pidfd);
	fd = openat(cage->proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line += strcspn(line + 1, "\n");
	while (line[-1] >= '0' && line[-1] <= '9')
		line--;
	return (pid_t)strtol(line, NULL, 10);
}

void
proc_kill(struct proc *p, enum host_gone_reason reason)
{
	if (p->reason == GONE_ITSELF)
		p->reason = reason;
	if (p->pidfd < 0 || p->state == PROC_ENDED)
		return;
	(void)kill(-p->pid, SIGKILL);
	(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
}

int
proc_reap(struct proc *p)
{
	int status = 0;

	return waitpid(p->pid, &status, WNOHANG) == p->pid ? status : 0;
}

void
proc_free(struct proc *p)
{
	capture_finish(&p->out);
	capture_finish(&p->err);
	fdpoll_close(&p->poll);
	fdpoll_close(&p->peek);
	timer_clear(&p->late);
	proc_forget_ends(p);
	fd_closep(&p->socket);
	fd_closep(&p->pidfd);
	list_del(&p->on);
	free(p);
}

uint64_t
proc_measure(struct proc *p)
{
	char path[32], text[64];
	uint64_t size, resident;
	_close_ int fd = -1;
	ssize_t n;

	p->memory = 0;
	(void)snprintf(path, sizeof(path), "%d/statm", (int)p->pid);
	fd = openat(p->keeper->cage->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
		return 0;
	p->memory = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return p->memory;
}
