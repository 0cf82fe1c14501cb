/*
 * Asking the daemon, in the plainest way: one JSON line on the supervisor's
 * admin socket, or one HTTP/1.1 request with Connection: close on the
 * gateways' ops socket.  Blocking: a command line has nothing else to do.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_TOP = 64 * 1024 * 1024 };

static int
reach(struct cli *cli, const char *name, int *ret)
{
	_free_ char *path = NULL;
	int status = cli_conf(cli), r;

	if (status != EXIT_OK)
		return status;
	path = str_printf("%s/%s", cli->conf->server_run_dir, name);
	r = sock_connect_unix(path, ret);
	if (r == 0)
		return EXIT_OK;
	return cli_fail(EXIT_NO_DAEMON,
		"no daemon answers at %s (%s); start it with `systemctl start "
		"mpcloud`, or a project's with `mpcloud dev`",
		path, err_text(r));
}

static bool
send_all(int fd, struct slice s)
{
	while (s.len) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s.ptr += n;
		s.len -= (size_t)n;
	}
	return true;
}

/* To the end, or to the newline when `line`. */
static bool
receive(int fd, struct buf *to, bool line)
{
	for (;;) {
		char *room = buf_reserve(to, 65536);
		ssize_t n = room ? read(fd, room, 65536) : -1;

		if (n < 0 && room && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return !line && to->len > 0;
		buf_grown(to, (size_t)n);
		if (line && to->ptr[to->len - 1] == '\n')
			return true;
	}
}

static int
admin_answer(struct slice text, json_t **ret)
{
	_json_ json_t *v = NULL;
	struct fault why = {0};

	if (val_parse(&v, text, &why) < 0)
		return cli_fail(
			EXIT_FAILED, "the daemon's answer: %s", why.text);
	if (!json_is_true(json_object_get(v, "ok"))) {
		const char *error =
			json_string_value(json_object_get(v, "error"));

		return cli_fail(EXIT_FAILED, "%s",
			error ? error : "the daemon refused");
	}
	*ret = take(v);
	return EXIT_OK;
}

int
cli_admin(struct cli *cli, json_t *command, json_t **ret)
{
	_close_ int fd = -1;
	_buf_ struct buf b = {0};
	int status = reach(cli, "admin.sock", &fd);

	if (status != EXIT_OK) {
		json_decref(command);
		return status;
	}
	buf_init(&b, ANSWER_TOP);
	val_put(&b, command);
	json_decref(command);
	buf_char(&b, '\n');
	if (!send_all(fd, buf_all(&b)))
		return cli_fail(EXIT_NO_DAEMON, "the daemon hung up");
	buf_clear(&b);
	if (!receive(fd, &b, true))
		return cli_fail(EXIT_NO_DAEMON, "the daemon gave no answer");
	return admin_answer(buf_all(&b), ret);
}

/* What `head` promises with Content-Length, or -1. */
static int64_t
promised_length(struct slice head)
{
	struct slice line;

	while (slice_split(&head, '\n', &line)) {
		struct slice name;
		uint64_t n;

		if (slice_split(&line, ':', &name) &&
			slice_is_nocase(name, "content-length") && line.len &&
			line.ptr[line.len - 1] == '\r') {
			line.len--;
			if (slice_to_u64(slice_trim(line), INT64_MAX, &n) == 0)
				return (int64_t)n;
		}
	}
	return -1;
}

static char last_request[72];

const char *
cli_ops_request(void)
{
	return last_request;
}

static void
keep_request(struct slice head)
{
	static const char name[] = "x-request-id:";
	struct slice rest = head, line;

	last_request[0] = '\0';
	while (slice_split(&rest, '\n', &line)) {
		const size_t n = sizeof(name) - 1;

		if (line.len <= n ||
			!slice_is_nocase(slice_of(line.ptr, n), name))
			continue;
		line = slice_trim(slice_of(line.ptr + n, line.len - n));
		while (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		line.len = min(line.len, sizeof(last_request) - 1);
		memcpy(last_request, line.ptr, line.len);
		last_request[line.len] = '\0';
	}
}

/* Status line and body of an answer that ends with its connection; one that
 * ends before its length is none. */
static int
split_answer(struct buf *b, int *status)
{
	const char *end = b->len ? memmem(b->ptr, b->len, "\r\n\r\n", 4) : NULL;
	size_t head;
	int64_t length;

	if (!end || b->len < 12 || memcmp(b->ptr, "HTTP/1.", 7) != 0)
		return ERR_GONE;
	head = (size_t)(end + 4 - b->ptr);
	length = promised_length(slice_of(b->ptr, head));
	if (length >= 0 && (size_t)length != b->len - head)
		return ERR_GONE;
	*status = (b->ptr[9] - '0') * 100 + (b->ptr[10] - '0') * 10 +
		  (b->ptr[11] - '0');
	keep_request(slice_of(b->ptr, head));
	buf_drop(b, head);
	return 0;
}

static bool
send_request(int fd, const char *method, const char *path, struct slice body)
{
	_buf_ struct buf head = {0};

	buf_init(&head, ANSWER_TOP);
	buf_printf(&head,
		"%s %s HTTP/1.1\r\nHost: mpcloud\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		method, path, body.len);
	return send_all(fd, buf_all(&head)) && send_all(fd, body);
}

int
cli_ops_send(struct cli *cli, const char *method, const char *path,
	struct slice body, int *ret)
{
	_free_ char *socket =
		str_printf("%s/ops.sock", cli->conf->server_run_dir);
	_close_ int fd = -1;
	int r = sock_connect_unix(socket, &fd);

	if (r < 0)
		return r;
	/* A refusal may come before all is sent: it is read then. */
	(void)send_request(fd, method, path, body);
	*ret = take_fd(fd);
	return 0;
}

int
cli_ops_answer(int fd, int *status, struct buf *answer)
{
	return receive(fd, answer, false) ? split_answer(answer, status)
					  : ERR_GONE;
}

int
cli_ops_open(struct cli *cli, int *fd)
{
	return reach(cli, "ops.sock", fd);
}

int
cli_ops(struct cli *cli, const char *method, const char *path,
	struct slice body, int *status, struct buf *answer)
{
	_close_ int fd = -1;
	int r = reach(cli, "ops.sock", &fd);

	if (r != EXIT_OK)
		return r;
	if (!send_request(fd, method, path, body) ||
		cli_ops_answer(fd, status, answer) < 0)
		return cli_fail(EXIT_NO_DAEMON, "the gateway gave no answer");
	return EXIT_OK;
}

int
cli_ops_json(struct cli *cli, const char *method, const char *path,
	struct slice body, json_t **ret)
{
	_buf_ struct buf answer = {0};
	_json_ json_t *v = NULL;
	struct fault why = {0};
	const char *code, *message;
	int http = 0, status;

	buf_init(&answer, ANSWER_TOP);
	status = cli_ops(cli, method, path, body, &http, &answer);
	if (status != EXIT_OK)
		return status;
	if (val_parse(&v, buf_all(&answer), &why) < 0)
		return cli_fail(
			EXIT_FAILED, "the gateway's answer: %s", why.text);
	code = json_string_value(json_object_get(v, "code"));
	message = json_string_value(json_object_get(v, "message"));
	if (http >= 400 || (code && message))
		return cli_fail(EXIT_FAILED, "%s: %s", code ? code : "error",
			message ? message : "no message");
	*ret = take(v);
	return EXIT_OK;
}
