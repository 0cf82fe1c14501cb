/*
 * See script_driver.h.
 */
#include "tests/unit/script_driver.h"

#include "base/channel.h"
#include "base/mem.h"
#include "base/sock.h"
#include "functions/template.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 30000 };

#define DATA TOP_SOURCE "/tests/unit/data/script"

static void
wait_readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	int n;

	do
		n = poll(&p, 1, LIMIT_MS);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		fail_msg("nothing came on descriptor %d", fd);
}

static char *
argument(const struct script_ask *ask)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:s,s:s,s:s}",
		"codeDir", ask->code_dir ?: DATA "/code", "handler",
		ask->handler ?: "index.main", "function", "sample", "version",
		1, "memoryMb", 128, "timeoutMs", 3000, "concurrency",
		ask->concurrency ?: 1, "cloudDir",
		ask->cloud_dir ?: "/nonexistent", "env", "env-test", "appid",
		"wx0123456789abcdef");
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

_noreturn_ static void
become_script(const struct script_ask *ask, int channel, int lines)
{
	char *argv[] = {(char[]){TOP_BUILD "/mpcloud-script"},
		str_dup(ask->main ?: DATA "/main.js"), argument(ask), NULL};

	(void)dup2(lines, STDOUT_FILENO);
	(void)dup2(lines, STDERR_FILENO);
	(void)dup2(channel, TEMPLATE_CHANNEL);
	(void)close_range(TEMPLATE_CHANNEL + 1, ~0U, 0);
	(void)execve(argv[0], argv, (char **)(uintptr_t)ask->env);
	_exit(127);
}

static void
next(struct script_end *s, struct frame *f, int *fds, int *nfds)
{
	wait_readable(s->channel);
	if (channel_recv_fd(
		    s->channel, s->room, sizeof(s->room), f, fds, nfds) != 1)
		fail_msg("mpcloud-script ended without a word");
}

static void
read_lines(struct script_end *s)
{
	size_t len = 0;
	ssize_t n;

	(void)fd_set_blocking(s->lines, false);
	while ((n = read(s->lines, s->printed + len,
			sizeof(s->printed) - 1 - len)) > 0)
		len += (size_t)n;
	s->printed[len] = '\0';
}

int
script_start(struct script_end *s, const struct script_ask *ask)
{
	int pair[2], lines[2], fds[CHANNEL_FDS], nfds = 0;
	struct frame f;

	memset(s, 0, sizeof(*s));
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	assert_int_equal(pipe2(lines, O_CLOEXEC), 0);
	(void)fd_set_blocking(pair[0], true);
	s->channel = pair[0];
	s->lines = lines[0];
	s->pid = fork();
	if (s->pid == 0)
		become_script(ask, pair[1], lines[1]);
	(void)close(pair[1]);
	(void)close(lines[1]);
	next(s, &f, fds, &nfds);
	read_lines(s);
	if (f.type == TEMPLATE_LOADED)
		return 0;
	assert_int_equal(f.type, TEMPLATE_FAILED);
	(void)snprintf(s->failed, sizeof(s->failed), "%.*s", SLICE_ARG(f.body));
	return ERR_FN_FAILED;
}

void
script_fork(struct script_end *s, struct worker_end *w)
{
	int pair[2], fds[CHANNEL_FDS], nfds = 0;
	struct getter g;
	struct frame f;

	w->len = 0;
	assert_int_equal(sock_pair(SOCK_STREAM, pair), 0);
	(void)fd_set_blocking(pair[0], true);
	w->fd = pair[0];
	fds[0] = pair[1];
	fds[1] = fds[2] = STDERR_FILENO;
	assert_int_equal(channel_send_fd(s->channel, TEMPLATE_FORK, 1,
				 SLICE(""), fds, 3),
		0);
	(void)close(pair[1]);
	next(s, &f, fds, &nfds);
	assert_int_equal(f.type, TEMPLATE_FORKED);
	assert_int_equal(nfds, 1);
	(void)close(fds[0]);
	g = getter_of(f.body);
	w->pid = get_u32(&g);
}

int
script_reap(struct script_end *s, struct worker_end *w)
{
	int fds[CHANNEL_FDS], nfds = 0, status;
	struct buf b _buf_ = {0};
	struct getter g;
	struct frame f;

	buf_init(&b, 16);
	put_u32(&b, w->pid);
	assert_int_equal(channel_send_fd(s->channel, TEMPLATE_REAP, 1,
				 buf_all(&b), NULL, 0),
		0);
	next(s, &f, fds, &nfds);
	assert_int_equal(f.type, TEMPLATE_REAPED);
	g = getter_of(f.body);
	status = (int)get_u32(&g);
	worker_close(w);
	return status;
}

void
script_stop(struct script_end *s)
{
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	fd_closep(&s->channel);
	fd_closep(&s->lines);
}

const char *
script_eval(struct worker_end *w, const char *code, uint8_t *type)
{
	static uint32_t id;
	json_t *event = json_pack("{s:s}", "code", code);
	char *text = json_dumps(event, JSON_COMPACT);

	assert_non_null(text);
	worker_invoke(w, ++id, text);
	free(text);
	json_decref(event);
	return worker_answer(w, id, type);
}
