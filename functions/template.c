/*
 * A worker is a fork of this process, so the function's code is loaded once for
 * all of them and a cold start is a fork.  The template never reads what a
 * client sent and runs the author's code only while loading; after that it sits
 * in one blocking read.
 */
#include "functions/template.h"

#include "base/channel.h"
#include "base/sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct template
{
	const struct template_ops *ops;
	void *arg;
	char room[FRAME_HEAD + CHANNEL_BODY];
};

static int
say(uint8_t type, uint32_t id, struct slice body, const int *fds, int nfds)
{
	return channel_send_fd(TEMPLATE_CHANNEL, type, id, body, fds, nfds);
}

static int
say_number(uint8_t type, uint32_t id, uint32_t number, const int *fds, int n)
{
	struct buf b _buf_ = {0};

	buf_init(&b, 16);
	put_u32(&b, number);
	return say(type, id, buf_all(&b), fds, n);
}

_noreturn_ static void
become_worker(struct template *t, const int *fds)
{
	(void)setpgid(0, 0);
	(void)dup2(fds[1], STDOUT_FILENO);
	(void)dup2(fds[2], STDERR_FILENO);
	(void)dup2(fds[0], TEMPLATE_WORKER); /* takes the channel's place */
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	(void)fd_set_blocking(TEMPLATE_WORKER, true);
	t->ops->work(t->arg, TEMPLATE_WORKER);
	(void)fflush(NULL);
	_exit(EXIT_SUCCESS);
}

static int
fork_worker(struct template *t, uint32_t id, const int *fds)
{
	pid_t pid = fork();
	_close_ int pidfd = -1;

	if (pid == 0)
		become_worker(t, fds);
	if (pid > 0)
		pidfd = pidfd_open(pid, 0);
	if (pid < 0 || pidfd < 0)
		return say(TEMPLATE_REFUSED, id, slice_str(strerror(errno)),
			NULL, 0);
	return say_number(TEMPLATE_FORKED, id, (uint32_t)pid, &pidfd, 1);
}

static int
reap_worker(const struct frame *f)
{
	struct getter g = getter_of(f->body);
	pid_t pid = (pid_t)get_u32(&g);
	int status = 0;

	if (get_end(&g) < 0)
		return ERR_FORMAT;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return say_number(TEMPLATE_REAPED, f->id, (uint32_t)status, NULL, 0);
}

static int
serve_one(struct template *t)
{
	int fds[CHANNEL_FDS], nfds = 0;
	struct frame f;
	int r = channel_recv_fd(
		TEMPLATE_CHANNEL, t->room, sizeof(t->room), &f, fds, &nfds);

	if (r <= 0)
		return r < 0 ? r : ERR_GONE;
	if (f.type == TEMPLATE_FORK && nfds == 3)
		r = fork_worker(t, f.id, fds);
	else if (f.type == TEMPLATE_REAP)
		r = reap_worker(&f);
	for (int i = 0; i < nfds; i++)
		(void)close(fds[i]);
	return r;
}

void
template_serve(const struct template_ops *ops, void *arg)
{
	static struct template t;
	struct buf why _buf_ = {0};
	int r;

	(void)fd_set_cloexec(TEMPLATE_CHANNEL, true);
	(void)fd_set_blocking(TEMPLATE_CHANNEL, true);
	(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	t.ops = ops;
	t.arg = arg;
	buf_init(&why, TEMPLATE_WHY_TOP);
	r = ops->load(arg, &why);
	(void)fflush(NULL);
	if (r < 0) {
		(void)!say(TEMPLATE_FAILED, 0, buf_all(&why), NULL, 0);
		_exit(EXIT_FAILURE);
	}
	r = say(TEMPLATE_LOADED, 0, SLICE(""), NULL, 0);
	while (r >= 0)
		r = serve_one(&t);
	_exit(EXIT_SUCCESS);
}
