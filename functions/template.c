/*
 * A worker is a fork of this process, so the function's code is mapped,
 * relocated and initialised once for all of them and a cold start is a fork.
 * The template never reads what a client sent and runs the author's code only
 * while loading; after that it sits in one blocking read.
 */
#include "functions/template.h"

#include "base/channel.h"
#include "base/mem.h"
#include "base/sock.h"
#include "functions/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { CONTROL = 3, WORKER_SOCKET = 3, FIRST_LOOSE = 4 };

struct template
{
	const struct template_conf *conf;
	worker_main_fn *main;
	char room[FRAME_HEAD + CHANNEL_BODY];
};

static int
fail(struct fault *why, const char *what)
{
	const char *text = dlerror();

	return fault_set(why, ERR_FN_FAILED, "%s", text ? text : what);
}

static int
load(struct template *t, struct fault *why)
{
	const struct fn_settings *fn = &t->conf->setup->function;
	_free_ char *path = str_printf("%s/%s", fn->code_dir, fn->handler);
	int (*init)(void);
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int r;

	if (!so)
		return fail(why, "the shared object cannot be loaded");
	*(void **)&t->main = dlsym(so, "mpc_main");
	if (!t->main)
		return fail(why, "mpc_main is missing");
	*(void **)&init = dlsym(so, "mpc_init");
	r = init ? init() : 0;
	if (r < 0)
		return fault_set(why, ERR_FN_FAILED, "mpc_init returned %d", r);
	return 0;
}

static int
say(uint8_t type, uint32_t id, struct slice body, const int *fds, int nfds)
{
	return channel_send_fd(CONTROL, type, id, body, fds, nfds);
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
	const struct host_setup *setup = t->conf->setup;
	struct worker w = {.main = t->main,
		.concurrency = setup->function.concurrency,
		.env = setup->env,
		.appid = setup->appid,
		.fd = WORKER_SOCKET};

	(void)setpgid(0, 0);
	(void)dup2(fds[1], STDOUT_FILENO);
	(void)dup2(fds[2], STDERR_FILENO);
	(void)dup2(fds[0], WORKER_SOCKET); /* takes the channel's place */
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	(void)fd_set_blocking(WORKER_SOCKET, true);
	(void)worker_run(&w);
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
		CONTROL, t->room, sizeof(t->room), &f, fds, &nfds);

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

/* libuv remembers two of the keeper's descriptors, and its fork handler closes
 * them by number in every child: it must forget them before the numbers come
 * to mean something else. */
static void
clean_descriptors(int fd)
{
	uv_library_shutdown();
	if (fd != CONTROL) {
		(void)dup2(fd, CONTROL);
		(void)close(fd);
	}
	(void)fd_set_cloexec(CONTROL, true);
	(void)fd_set_blocking(CONTROL, true);
	(void)close_range(FIRST_LOOSE, ~0U, 0);
}

void
template_run(const struct template_conf *conf, int fd)
{
	struct template *t = mem_new(struct template);
	struct fault why = {0};
	int r;

	clean_descriptors(fd);
	environ = (char **)(uintptr_t)conf->env;
	(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	t->conf = conf;
	r = cage_shut(conf->cage);
	if (r < 0)
		r = fault_set(&why, r, "isolation: %s", strerror(-r));
	if (r == 0)
		r = load(t, &why);
	(void)fflush(NULL);
	if (r < 0) {
		(void)!say(TEMPLATE_FAILED, 0, slice_str(fault_text(&why, r)),
			NULL, 0);
		_exit(EXIT_FAILURE);
	}
	r = say(TEMPLATE_LOADED, 0, SLICE(""), NULL, 0);
	while (r >= 0)
		r = serve_one(t);
	_exit(EXIT_SUCCESS);
}
