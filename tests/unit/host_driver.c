/*
 * See host_driver.h.  Every wait polls with a limit, so that a broken host
 * fails a test instead of hanging it.
 */
#include "tests/unit/host_driver.h"

#include "base/channel.h"
#include "base/mem.h"
#include "base/sock.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, OWN_UID = 61234 };

char worker_logs[16384];

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

json_t *
host_setup_json(const char *runtime, const char *code_dir, const char *handler)
{
	int uid = geteuid() == 0 ? OWN_UID : -1;

	return json_pack("{s:{s:s,s:s,s:s,s:s,s:i,s:i,s:{s:s}},s:s,s:s,s:i,s:i,"
			 "s:s,s:s,s:s}",
		"function", "name", "sample", "runtime", runtime, "code_dir",
		code_dir, "handler", handler, "memory", 32 << 20, "timeout_ms",
		3000, "environment", "MY_VARIABLE", "mine", "env", "env-test",
		"appid", "wx0123456789abcdef", "uid", uid, "gid", uid, "node",
		getenv("NODE") ?: "/usr/bin/node", "runner",
		TOP_SOURCE "/functions/node/runner.mjs", "cloud_dir",
		TOP_SOURCE "/functions/node");
}

_noreturn_ static void
become_host(int control)
{
	char *const argv[] = {(char[]){"mpcloud-host"}, NULL};
	char *const env[] = {(char[]){"SECRET_OF_THE_HOST=1"}, NULL};

	(void)dup2(control, 3);
	if (control != 3)
		(void)close(control);
	else
		(void)fd_set_cloexec(3, false);
	(void)execve(TOP_BUILD "/mpcloud-host", argv, env);
	_exit(127);
}

static int
read_start(struct host *h)
{
	int fds[CHANNEL_FDS], nfds;
	struct frame f;

	for (;;) {
		wait_readable(h->control);
		if (channel_recv_fd(h->control, h->room, sizeof(h->room), &f,
			    fds, &nfds) != 1)
			fail_msg("the host ended without a word");
		if (f.type == KEEP_READY) {
			json_t *v;

			assert_int_equal(val_parse(&v, f.body, NULL), 0);
			h->missing = json_incref(json_object_get(v, "missing"));
			json_decref(v);
			return 0;
		}
		if (f.type == KEEP_FAILED) {
			(void)snprintf(h->failed, sizeof(h->failed), "%.*s",
				SLICE_ARG(f.body));
			return ERR_FN_FAILED;
		}
		assert_int_equal(f.type, KEEP_LINE);
	}
}

int
host_start(struct host *h, json_t *setup)
{
	char *text = json_dumps(setup, JSON_COMPACT);
	int pair[2];

	memset(h, 0, sizeof(*h));
	h->channel = -1;
	json_decref(setup);
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	(void)fd_set_blocking(pair[0], true);
	h->control = pair[0];
	h->pid = fork();
	if (h->pid == 0)
		become_host(pair[1]);
	(void)close(pair[1]);
	assert_int_equal(channel_send_fd(h->control, KEEP_SETUP, 0,
				 slice_str(text), NULL, 0),
		0);
	free(text);
	return read_start(h);
}

void
host_channel(struct host *h, uint32_t index)
{
	int pair[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	(void)fd_set_blocking(pair[0], true);
	assert_int_equal(channel_send_fd(h->control, KEEP_CHANNEL, index,
				 SLICE(""), &pair[1], 1),
		0);
	(void)close(pair[1]);
	h->channel = pair[0];
}

int
host_wait(struct host *h)
{
	int status = -1;

	for (int i = 0; i < LIMIT_MS; i++) {
		if (waitpid(h->pid, &status, WNOHANG) == h->pid)
			return status;
		(void)poll(NULL, 0, 1);
	}
	fail_msg("the host does not end");
	return -1;
}

void
host_stop(struct host *h)
{
	(void)kill(h->pid, SIGKILL);
	(void)waitpid(h->pid, NULL, 0);
	fd_closep(&h->control);
	fd_closep(&h->channel);
	json_decref(h->missing);
	h->missing = NULL;
}

void
host_send(struct host *h, uint8_t type, uint32_t id)
{
	assert_int_equal(
		channel_send_fd(h->channel, type, id, SLICE(""), NULL, 0), 0);
}

static void
keep_line(struct host *h, const struct frame *f)
{
	int n = snprintf(h->lines + h->lines_len,
		sizeof(h->lines) - h->lines_len, "%u %d %.*s\n", f->id,
		f->body.ptr[0], (int)f->body.len - 1, f->body.ptr + 1);

	h->lines_len = min(h->lines_len + (size_t)n, sizeof(h->lines) - 1);
}

int
host_next(struct host *h, struct frame *ret, int *fd)
{
	int fds[CHANNEL_FDS], nfds = 0, r;

	for (;;) {
		wait_readable(h->channel);
		r = channel_recv_fd(
			h->channel, h->room, sizeof(h->room), ret, fds, &nfds);
		if (r != 1)
			return r;
		if (nfds > 0 && fd)
			*fd = fds[0];
		if (ret->type == HOST_LINE)
			keep_line(h, ret);
		else if (ret->type != HOST_MEMORY)
			return 1;
	}
}

void
host_spawn(struct host *h, uint32_t id, struct worker_end *w)
{
	struct frame f;
	struct getter g;

	w->fd = -1;
	w->id = id;
	w->len = 0;
	host_send(h, HOST_SPAWN, id);
	assert_int_equal(host_next(h, &f, &w->fd), 1);
	if (f.type == HOST_NO_WORKER)
		fail_msg("no worker: %.*s", SLICE_ARG(f.body));
	assert_int_equal(f.type, HOST_WORKER);
	assert_int_equal(f.id, id);
	g = getter_of(f.body);
	w->pid = get_u32(&g);
	assert_int_equal(get_end(&g), 0);
	assert_true(w->fd >= 0 && w->pid > 0);
	(void)fd_set_blocking(w->fd, true);
}

int
host_gone(struct host *h, uint32_t id, int *reason)
{
	struct frame f;
	struct getter g;
	int status;

	assert_int_equal(host_next(h, &f, NULL), 1);
	assert_int_equal(f.type, HOST_GONE);
	assert_int_equal(f.id, id);
	g = getter_of(f.body);
	status = (int)get_u32(&g);
	*reason = get_u8(&g);
	assert_int_equal(get_end(&g), 0);
	return status;
}

static void
send_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		assert_true(n > 0);
		bytes = slice_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
}

void
worker_send(struct worker_end *w, uint8_t type, uint32_t id, const char *body)
{
	struct buf b _buf_ = {0};

	buf_init(&b, 1 << 20);
	frame_put(&b, type, id, slice_str(body));
	send_all(w->fd, buf_all(&b));
}

void
worker_invoke_as(struct worker_end *w, uint32_t id, const char *context,
	const char *event)
{
	struct buf b _buf_ = {0};
	size_t mark;

	buf_init(&b, 1 << 20);
	mark = frame_begin(&b, PROTO_INVOKE, id);
	put_u32(&b, 3000);
	put_bytes(&b, slice_str(context));
	buf_str(&b, event);
	frame_end(&b, mark);
	send_all(w->fd, buf_all(&b));
}

void
worker_invoke(struct worker_end *w, uint32_t id, const char *event)
{
	worker_invoke_as(w, id,
		"{\"requestId\":\"req-1\",\"function\":\"sample\",\"version\":"
		"1,"
		"\"env\":\"env-test\",\"appid\":\"wx0123456789abcdef\","
		"\"openid\":\"oUser\",\"unionid\":\"uUser\",\"uid\":\"7\","
		"\"source\":\"wx_client\",\"clientIp\":\"203.0.113.7\","
		"\"sessionToken\":\"tok-1\",\"timeoutMs\":3000,"
		"\"memoryMb\":32}",
		event);
}

int
worker_next(struct worker_end *w, struct frame *ret)
{
	static char body[1024 * 1024];
	ssize_t n;

	for (;;) {
		struct slice left = slice_of(w->room, w->len);
		int r = frame_cut(&left, sizeof(body), ret);

		assert_true(r >= 0);
		if (r == 1) {
			memcpy(body, ret->body.ptr, ret->body.len);
			body[ret->body.len] = '\0';
			ret->body.ptr = body;
			memmove(w->room, left.ptr, left.len);
			w->len = left.len;
			if (ret->type == PROTO_READY ||
				ret->type == PROTO_LEAVING)
				continue;
			return 1;
		}
		wait_readable(w->fd);
		n = read(w->fd, w->room + w->len, sizeof(w->room) - w->len);
		if (n <= 0)
			return 0;
		w->len += (size_t)n;
	}
}

const char *
worker_answer(struct worker_end *w, uint32_t id, uint8_t *type)
{
	struct frame f;

	worker_logs[0] = '\0';
	for (;;) {
		if (worker_next(w, &f) != 1)
			fail_msg("the worker has gone");
		if (f.type == PROTO_LOG) {
			size_t at = strlen(worker_logs);

			(void)snprintf(worker_logs + at,
				sizeof(worker_logs) - at, "%u %d %.*s\n", f.id,
				f.body.ptr[0], (int)f.body.len - 1,
				f.body.ptr + 1);
			continue;
		}
		assert_int_equal(f.id, id);
		if (type)
			*type = f.type;
		return f.body.ptr;
	}
}

void
worker_close(struct worker_end *w)
{
	fd_closep(&w->fd);
	w->len = 0;
}
