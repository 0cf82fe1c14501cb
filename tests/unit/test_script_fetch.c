/*
 * host.fetch of the real mpcloud-script: the cloud at its unix socket, and the
 * rest of the world behind a SOCKS5 proxy (RFC 1928) that this test plays.
 */
#include "base/mem.h"
#include "base/sock.h"
#include "functions/proto.h"
#include "tests/unit/script_driver.h"
#include "tests/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIG = 33 * 1024 * 1024 };

static struct script_end s;
static struct worker_end w;
static char folder[] = "/tmp/mpcloud-fetch-XXXXXX";
static pid_t cloud, proxy;

/* A server of few words: one request a connection. */

static void
say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void
say_big(int fd)
{
	static char chunk[65536];

	memset(chunk, 'x', sizeof(chunk));
	say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (size_t n = 0; n < BIG; n += sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) < 0)
			return;
}

static size_t
read_request(int fd, char *text, size_t size)
{
	size_t len = 0, want = 0;

	for (;;) {
		ssize_t n = read(fd, text + len, size - 1 - len);
		const char *end, *length;

		if (n <= 0)
			return len;
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		if (!end)
			continue;
		want = (size_t)(end + 4 - text) +
		       (length ? strtoul(length + 16, NULL, 10) : 0);
		if (len >= want)
			return len;
	}
}

static void
echo(int fd, const char *text, size_t len)
{
	char head[256];

	(void)snprintf(head, sizeof(head),
		"HTTP/1.1 201 Made Here\r\nX-One: 1\r\nx-one: 2\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n",
		len);
	say(fd, head);
	(void)!write(fd, text, len);
}

static void
answer(int fd)
{
	char text[65536];
	size_t len = read_request(fd, text, sizeof(text));

	if (len == 0)
		return;
	if (strstr(text, " /again "))
		say(fd, "HTTP/1.1 302 Found\r\nLocation: /echo\r\n"
			"Content-Length: 0\r\nConnection: close\r\n\r\n");
	else if (strstr(text, " /away "))
		say(fd, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
			"Content-Length: 0\r\nConnection: close\r\n\r\n");
	else if (strstr(text, " /big "))
		say_big(fd);
	else if (strstr(text, " /cut "))
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	else if (strstr(text, " /silent "))
		(void)poll(NULL, 0, 20000);
	else
		echo(fd, text, len);
}

/* "host:port" is asked for by name; forbidden.example may not be reached. */
static bool
greet(int fd)
{
	unsigned char m[512];

	if (recv(fd, m, 2, MSG_WAITALL) != 2 || m[0] != 5 ||
		recv(fd, m, m[1], MSG_WAITALL) < 1)
		return false;
	(void)!write(fd, "\5\0", 2);
	if (recv(fd, m, 5, MSG_WAITALL) != 5 || m[1] != 1 || m[3] != 3 ||
		recv(fd, m + 5, m[4] + 2U, MSG_WAITALL) != m[4] + 2)
		return false;
	if (memmem(m + 5, m[4], "forbidden", 9)) {
		(void)!write(fd, "\5\2\0\1\0\0\0\0\0\0", 10);
		return false;
	}
	(void)!write(fd, "\5\0\0\1\0\0\0\0\0\0", 10);
	return true;
}

static pid_t
serve(const char *name, bool socks)
{
	_free_ char *path = str_printf("%s/%s", folder, name);
	struct fault why;
	pid_t pid;
	int fd;

	assert_int_equal(
		sock_listen_unix(path, 0600, (uid_t)-1, (gid_t)-1, &fd, &why),
		0);
	pid = fork();
	if (pid > 0) {
		(void)close(fd);
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fd_set_blocking(fd, true);
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one >= 0 && fork() == 0) {
			if (!socks || greet(one))
				answer(one);
			(void)shutdown(one, SHUT_RDWR);
			_exit(0);
		}
		(void)close(one);
	}
}

static void
begin(bool egress)
{
	_free_ char *way = str_printf("MPCLOUD_EGRESS=%s/egress.sock", folder);
	const struct script_ask ask = {
		.cloud_dir = folder, .env = {egress ? way : NULL}};

	if (script_start(&s, &ask) < 0)
		fail_msg("%s", s.failed);
	script_fork(&s, &w);
}

static int
start(void **state)
{
	(void)state;
	begin(true);
	return 0;
}

static int
start_alone(void **state)
{
	(void)state;
	begin(false);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	worker_close(&w);
	script_stop(&s);
	return 0;
}

static void
is(const char *code, const char *expected)
{
	uint8_t type;
	const char *got = script_eval(&w, code, &type);

	if (type != PROTO_RESULT || strcmp(got, expected) != 0)
		fail_msg("%s\n   gave %s\n    not %s", code, got, expected);
}

static void
fails(const char *code, const char *words)
{
	uint8_t type;
	const char *got = script_eval(&w, code, &type);

	if (type != PROTO_ERROR || !strstr(got, words))
		fail_msg("%s\n   gave %s\n    not %s", code, got, words);
}

static void
the_cloud_is_at_the_socket_that_the_invocation_names(void **state)
{
	json_t *event = json_pack("{s:s}", "code",
		"const r = await t.fetch({ method: 'POST', "
		"url: 'http://mpcloud.internal/admin', headers: [['X-A', 'b'],"
		"['Content-Type', 'application/json'], ['X-Empty', '']], "
		"body: host.utf8('{\"茶\":1}') });"
		"const text = host.text(r.body);"
		"return [r.status, r.statusText, r.url, r.headers.slice(0, 2),"
		" text.split('\\r\\n')[0], text.includes('\\r\\nX-A: b\\r\\n'),"
		" text.includes('\\r\\nX-Empty:\\r\\n'),"
		" text.includes('Expect'), text.endsWith('{\"茶\":1}')]");
	char *text = json_dumps(event, JSON_COMPACT);

	(void)state;
	worker_invoke_as(&w, 9,
		"{\"requestId\":\"r\",\"cloudSocket\":\"cloud-7.sock\"}", text);
	assert_string_equal(worker_answer(&w, 9, NULL),
		"[201,\"Made Here\",\"http://mpcloud.internal/admin\","
		"[[\"X-One\",\"1\"],[\"x-one\",\"2\"]],"
		"\"POST /admin HTTP/1.1\",true,true,false,true]");
	free(text);
	json_decref(event);
}

static void
other_hosts_go_through_the_proxy_by_name(void **state)
{
	(void)state;
	is("const r = await t.fetch({ url: 'http://shop.example:8080/echo' });"
	   "return [r.status, host.text(r.body).split('\\r\\n').slice(0, 2)]",
		"[201,[\"GET /echo HTTP/1.1\",\"Host: shop.example:8080\"]]");
	is("return (await Promise.all([1, 2, 3, 4, 5].map((n) => t.fetch({"
	   "url: 'http://a.example/' + n, method: 'PUT', "
	   "body: host.utf8('' + n) }))))"
	   ".map((r) => host.text(r.body).slice(-1))",
		"[\"1\",\"2\",\"3\",\"4\",\"5\"]");
	is("const r = await t.fetch({ url: 'http://a.example/echo', "
	   "method: 'HEAD' }); return [r.status, r.body.length]",
		"[201,0]");
}

static void
redirects_are_followed_unless_they_are_not_wanted(void **state)
{
	(void)state;
	is("const r = await t.fetch({ url: 'http://a.example/again' });"
	   "return [r.status, r.url]",
		"[201,\"http://a.example/echo\"]");
	is("const r = await t.fetch({ url: 'http://a.example/again', "
	   "redirect: 'manual' }); return [r.status, r.url]",
		"[302,\"http://a.example/again\"]");
	fails("await t.fetch({ url: 'http://a.example/again', "
	      "redirect: 'error' })",
		"ERR_REDIRECT Error: fetch failed: unexpected redirect");
	fails("await t.fetch({ url: 'http://a.example/away' })",
		"fetch failed");
}

static void
what_fails_is_named(void **state)
{
	(void)state;
	fails("await t.fetch({ url: 'http://forbidden.example/' })",
		"ENETUNREACH Error: fetch failed: the function's "
		"\\\"network\\\" "
		"does not allow this host");
	fails("await t.fetch({ url: 'http://a.example/big' })",
		"ERR_BODY_TOO_LARGE Error: fetch failed: the answer is larger "
		"than 32 MiB");
	fails("await t.fetch({ url: 'http://a.example/cut' })",
		"ECONNRESET Error: fetch failed");
	fails("await t.fetch({ url: 'http://a.example/silent', timeoutMs: 50 "
	      "})",
		"ETIMEDOUT Error: fetch failed");
	fails("await t.fetch({ url: 'file:///etc/passwd' })",
		"ERR_INVALID_URL");
	fails("await t.fetch({ url: 'nothing' })", "ERR_INVALID_URL");
	fails("await t.fetch({ url: 'http://' })",
		"ERR_INVALID_URL Error: Invalid URL: http://");
	fails("await t.fetch({ url: 'http://a.example/', "
	      "headers: [['X', 'a\\r\\nY: b']] })",
		"ERR_INVALID_CHAR");
	fails("await t.fetch({ url: 'http://a.example/', method: 'PUT', "
	      "body: new Uint8Array(33 << 20) })",
		"the body is larger than 32 MiB");
	is("return 'alive'", "\"alive\"");
}

static void
a_forgotten_request_is_not_answered(void **state)
{
	(void)state;
	is("let told = 0; const p = t.fetch({ url: "
	   "'http://a.example/silent' }); p.then(() => { told++ }, () => { "
	   "told++ });"
	   "for (let n = 1; n < 100; n++) host.unfetch(n);"
	   "await t.fetch({ url: 'http://a.example/echo' }); return told",
		"0");
}

static void
timers_and_calls_go_on_while_a_request_is_open(void **state)
{
	(void)state;
	is("const p = t.fetch({ url: 'http://a.example/silent', "
	   "timeoutMs: 200 }).catch((e) => t.order.push(e.code));"
	   "t.timer(5, 'timer'); await p; return t.order",
		"[\"timer\",\"ETIMEDOUT\"]");
}

static void
without_a_way_out_it_is_said_how_to_get_one(void **state)
{
	(void)state;
	fails("await t.fetch({ url: 'https://api.example.com/v1' })",
		"ENETUNREACH Error: fetch failed: this function has no "
		"network: set \\\"mpcloud\\\": {\\\"network\\\": "
		"\\\"internet\\\"} or {\\\"network\\\": "
		"[\\\"api.example.com\\\"]} in its entry of cloudbaserc.json "
		"and deploy it again");
	is("return (await t.fetch({ url: 'http://mpcloud.internal/a' })"
	   ".catch((e) => e.code))",
		"\"ECONNREFUSED\"");
}

static int
start_all(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	cloud = serve("cloud-7.sock", false);
	proxy = serve("egress.sock", true);
	return 0;
}

static int
stop_all(void **state)
{
	const char *const names[] = {"cloud-7.sock", "egress.sock"};

	(void)state;
	(void)kill(cloud, SIGKILL);
	(void)kill(proxy, SIGKILL);
	(void)waitpid(cloud, NULL, 0);
	(void)waitpid(proxy, NULL, 0);
	for (size_t i = 0; i < array_size(names); i++) {
		_free_ char *path = str_printf("%s/%s", folder, names[i]);

		(void)unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(the_cloud_is_at_the_socket_that_the_invocation_names),
		TEST(other_hosts_go_through_the_proxy_by_name),
		TEST(redirects_are_followed_unless_they_are_not_wanted),
		TEST(what_fails_is_named),
		TEST(a_forgotten_request_is_not_answered),
		TEST(timers_and_calls_go_on_while_a_request_is_open),
		cmocka_unit_test_setup_teardown(
			without_a_way_out_it_is_said_how_to_get_one,
			start_alone, stop),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
