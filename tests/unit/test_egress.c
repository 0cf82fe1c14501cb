/*
 * The egress in a process of its own, spoken to over its socket as a function
 * does; what it connects to are servers of this test on loopback, which a
 * function reaches only because they are listed.
 */
#include "functions/egress.h"
#include "functions/egress_socks.h"

#include "base/mem.h"
#include "base/sock.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 20000 };

static struct egress_ends ends;
static char path[64];
static pid_t egress;
static int server;
static uint16_t port;

static void
wait_for(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	if (poll(&p, 1, LIMIT_MS) != 1)
		fail_msg("nothing happens on descriptor %d", fd);
}

_noreturn_ static void
serve(const struct egress_rules *rules)
{
	int status = 0;
	pid_t keeper, mine = getpid();

	(void)close(server);
	keeper = fork();
	if (keeper == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != mine)
			_exit(0); /* it was killed before we said so */
		(void)close(ends.keepers);
		for (;;)
			(void)pause();
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close(ends.keepers);
	_exit(egress_run(rules, &ends, keeper, &status) != 0);
}

static void
listen_here(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(server, 64), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
}

/* `entries` with %u for the server's port, or NULL: "internet". */
static void
start(const char *entries)
{
	struct egress_rules rules;
	struct fn_settings fn = {
		.network = entries ? NETWORK_HOSTS : NETWORK_INTERNET};
	struct fault why = {0};
	_free_ char *json = NULL;

	listen_here();
	json = entries ? str_printf("[\"127.0.0.1:%u\", %s]", port, entries)
		       : str_dup("[]");
	assert_int_equal(val_parse(&fn.hosts, slice_str(json), NULL), 0);
	if (egress_rules_init(&rules, &fn, &why) < 0)
		fail_msg("%s", why.text);
	(void)snprintf(path, sizeof(path), "/tmp/mpc-egress-%d", (int)getpid());
	assert_int_equal(egress_ends_open(&ends), 0);
	assert_int_equal(egress_bind(&ends, path), 0);
	egress = fork();
	if (egress == 0)
		serve(&rules);
	(void)close(ends.ours);
	(void)fd_set_blocking(ends.keepers, true);
	assert_int_equal(
		channel_send_fd(ends.keepers, EGRESS_GO, 0, SLICE(""), NULL, 0),
		0);
	egress_rules_done(&rules);
	json_decref(fn.hosts);
}

static int
stop(void **state)
{
	char claim[80];

	(void)state;
	(void)kill(egress, SIGKILL);
	(void)waitpid(egress, NULL, 0);
	(void)snprintf(claim, sizeof(claim), "%s" EGRESS_CLAIM, path);
	(void)unlink(path);
	(void)unlink(claim);
	(void)close(ends.listener);
	(void)close(ends.claim);
	(void)close(ends.keepers);
	(void)close(server);
	return 0;
}

static int
dial(const char *after)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s%s", path, after);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
put(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		at += n;
		len -= (size_t)n;
	}
}

/* Up to `len` bytes; fewer at the end. */
static size_t
get(int fd, void *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n;

		wait_for(fd, POLLIN);
		n = recv(fd, (char *)bytes + at, len - at, 0);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	return at;
}

static void
ask_name(int fd, uint8_t command, const char *name, uint16_t at)
{
	struct buf b _buf_ = {0};

	buf_init(&b, 512);
	buf_add(&b, "\5\1\0\5", 4);
	buf_char(&b, (char)command);
	buf_add(&b, "\0\3", 2);
	buf_char(&b, (char)strlen(name));
	buf_str(&b, name);
	buf_char(&b, (char)(at >> 8));
	buf_char(&b, (char)at);
	put(fd, b.ptr, b.len);
}

/* The reply's code; -1 when it closed instead. */
static int
reply(int fd)
{
	uint8_t all[22];
	size_t rest;

	if (get(fd, all, 6) < 6)
		return -1;
	assert_int_equal(all[0], 5);
	assert_int_equal(all[1], 0);
	assert_int_equal(all[2], 5);
	rest = all[5] == 4 ? 18 : 6;
	assert_int_equal(get(fd, all + 4, rest), rest);
	return all[3];
}

static int
ask(uint8_t command, const char *name, uint16_t at)
{
	int fd = dial(""), r;

	ask_name(fd, command, name, at);
	r = reply(fd);
	(void)close(fd);
	return r;
}

static int
accept_one(void)
{
	int fd;

	wait_for(server, POLLIN);
	fd = accept(server, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

static const char *
line(void)
{
	static char room[FRAME_HEAD + CHANNEL_BODY];
	static char text[512];
	int fds[CHANNEL_FDS], nfds = 0;
	struct frame f;

	wait_for(ends.keepers, POLLIN);
	assert_int_equal(channel_recv_fd(ends.keepers, room, sizeof(room), &f,
				 fds, &nfds),
		1);
	assert_int_equal(f.type, EGRESS_LINE);
	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(f.body));
	return text;
}

static void
bytes_go_both_ways_and_each_end_is_told_alone(void **state)
{
	enum { LEN = 3 << 20 };
	char *all = mem_alloc(LEN), *got = mem_alloc(LEN);
	int client, far;
	pid_t writer;

	(void)state;
	for (size_t i = 0; i < LEN; i++)
		all[i] = (char)(i * 7 + (i >> 12));
	start("\"unused.example\"");
	client = dial("");
	ask_name(client, EGRESS_CONNECT, "127.0.0.1", port);
	assert_int_equal(reply(client), EGRESS_OK);
	far = accept_one();
	/* More than all buffers hold, so that the writer has to wait. */
	writer = fork();
	if (writer == 0) {
		put(client, all, LEN);
		(void)shutdown(client, SHUT_WR);
		_exit(0);
	}
	assert_int_equal(get(far, got, LEN), LEN);
	assert_memory_equal(all, got, LEN);
	assert_int_equal(get(far, got, 1), 0); /* the half-close came */
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	put(far, "later", 5); /* and the way back is open */
	assert_int_equal(get(client, got, 5), 5);
	assert_memory_equal(got, "later", 5);
	(void)close(far);
	assert_int_equal(get(client, got, 1), 0);
	(void)close(client);
	free(all);
	free(got);
}

static void
what_was_sent_with_the_question_arrives_first(void **state)
{
	struct buf b _buf_ = {0};
	char got[5];
	int client, far;

	(void)state;
	start("\"unused.example\"");
	buf_init(&b, 64);
	buf_add(&b, "\5\1\0\5\1\0\1\177\0\0\1", 11);
	buf_char(&b, (char)(port >> 8));
	buf_char(&b, (char)port);
	buf_str(&b, "early");
	client = dial("");
	put(client, b.ptr, b.len);
	assert_int_equal(reply(client), EGRESS_OK);
	far = accept_one();
	assert_int_equal(get(far, got, 5), 5);
	assert_memory_equal(got, "early", 5);
	(void)close(far);
	(void)close(client);
}

static void
private_addresses_are_refused_in_every_spelling(void **state)
{
	static const char *const spellings[] = {"127.0.0.1", "127.1",
		"2130706433", "0x7f000001", "0177.0.0.1", "::1",
		"::ffff:127.0.0.1", "localhost", "LOCALHOST.", "0.0.0.0", "0",
		"169.254.169.254", "10.0.0.5", "[::1]", "::ffff:7f00:1",
		"64:ff9b::7f00:1", "2002:7f00:1::"};

	(void)state;
	start(NULL);
	for (size_t i = 0; i < array_size(spellings); i++) {
		int r = ask(EGRESS_CONNECT, spellings[i], port);

		if (r != EGRESS_REFUSED && r != EGRESS_NO_HOST)
			fail_msg("%s: reply %d", spellings[i], r);
	}
	/* Nobody came. */
	struct pollfd p = {server, POLLIN, 0};
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void
refusals_are_a_few_lines_a_minute_for_the_author(void **state)
{
	(void)state;
	start(NULL);
	for (int i = 0; i < 30; i++)
		assert_int_equal(
			ask(EGRESS_CONNECT, "10.0.0.5", 5432), EGRESS_REFUSED);
	for (int i = 0; i < 10; i++)
		assert_string_equal(line(),
			"network: 10.0.0.5:5432 is a private address: list it "
			"in \"network\" (cloudbaserc.json, the function's "
			"\"mpcloud\")");
	struct pollfd p = {ends.keepers, POLLIN, 0};
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void
names_that_are_not_listed_are_not_even_looked_up(void **state)
{
	(void)state;
	start("\"api.example.com\"");
	assert_int_equal(ask(EGRESS_CONNECT, "secret.evil.example", 443),
		EGRESS_REFUSED);
	assert_int_equal(
		ask(EGRESS_RESOLVE, "secret.evil.example", 0), EGRESS_REFUSED);
	assert_non_null(
		strstr(line(), "secret.evil.example:443 is not one of"));
}

static void
a_listed_name_leads_to_a_private_address_when_its_entry_says_so(void **state)
{
	int far;

	(void)state;
	start("\"localhost:1\"");
	assert_int_equal(ask(EGRESS_CONNECT, "localhost", 1), EGRESS_REFUSED);
	assert_non_null(strstr(line(), "list \"localhost:1!private\""));
	(void)stop(NULL);
	start("\"localhost!private\"");
	assert_int_equal(ask(EGRESS_CONNECT, "LocalHost.", port), EGRESS_OK);
	far = accept_one();
	(void)close(far);
}

static void
who_looks_a_name_up_may_connect_to_its_address(void **state)
{
	int far;

	(void)state;
	start("\"localhost!private\"");
	(void)stop(NULL);
	/* 127.0.0.1 itself is listed by start(); so ask at another port. */
	start("\"localhost!private\"");
	assert_int_equal(ask(EGRESS_CONNECT, "127.0.0.1", 9), EGRESS_REFUSED);
	assert_int_equal(ask(EGRESS_RESOLVE, "localhost", 4), EGRESS_OK);
	assert_int_equal(ask(EGRESS_CONNECT, "127.0.0.1", 9), EGRESS_NO_PORT);
	assert_int_equal(ask(EGRESS_CONNECT, "127.0.0.1", port), EGRESS_OK);
	far = accept_one();
	(void)close(far);
}

static void
a_closed_port_and_a_strange_command_have_their_own_replies(void **state)
{
	(void)state;
	start("\"127.0.0.1\"");
	(void)close(server);
	assert_int_equal(
		ask(EGRESS_CONNECT, "127.0.0.1", port), EGRESS_NO_PORT);
	assert_int_equal(ask(2, "127.0.0.1", port), EGRESS_NO_COMMAND);
	assert_int_equal(ask(3, "127.0.0.1", port), EGRESS_NO_COMMAND);
	assert_int_equal(ask(EGRESS_CONNECT, "bad name", port), EGRESS_NO_HOST);
	server = socket(AF_INET, SOCK_STREAM, 0);
}

static void
a_parked_connection_is_claimed_by_its_process_alone(void **state)
{
	int control, claim, far, status;
	char got[2];
	pid_t thief;

	(void)state;
	start("\"unused.example\"");
	control = dial("");
	ask_name(control, EGRESS_PARK, "127.0.0.1", port);
	assert_int_equal(reply(control), EGRESS_OK);
	far = accept_one();
	thief = fork();
	if (thief == 0) {
		int fd = dial(EGRESS_CLAIM);

		_exit(recv(fd, got, 1, 0) == 0 ? 0 : 1); /* closed */
	}
	assert_int_equal(waitpid(thief, &status, 0), thief);
	assert_int_equal(status, 0);
	claim = dial(EGRESS_CLAIM);
	put(claim, "hi", 2);
	assert_int_equal(get(far, got, 2), 2);
	put(far, "ho", 2);
	assert_int_equal(get(claim, got, 2), 2);
	(void)close(control);
	(void)close(claim);
	(void)close(far);
}

static void
parked_connections_of_a_process_wait_for_one_another(void **state)
{
	enum { MANY = 20 };
	int controls[MANY], fars[MANY];
	uint8_t all[10];

	(void)state;
	start("\"unused.example\"");
	for (int i = 0; i < MANY; i++) {
		controls[i] = dial("");
		ask_name(controls[i], EGRESS_PARK, "127.0.0.1", port);
		assert_int_equal(get(controls[i], all, 2), 2);
	}
	for (int i = 0; i < MANY; i++)
		fars[i] = accept_one();
	for (int i = 0; i < MANY; i++) {
		struct pollfd p[MANY];
		int claim, at = -1, n = 0;
		char got;

		for (int k = 0; k < MANY; k++)
			p[k] = (struct pollfd){controls[k], POLLIN, 0};
		assert_int_equal(poll(p, MANY, LIMIT_MS) > 0, 1);
		for (int k = 0; k < MANY; k++)
			if (p[k].revents) {
				at = k;
				n++;
			}
		assert_int_equal(n, 1); /* one is offered at a time */
		assert_int_equal(get(controls[at], all, 10), 10);
		assert_int_equal(all[1], EGRESS_OK);
		claim = dial(EGRESS_CLAIM);
		put(claim, "x", 1);
		/* The control is closed once it is claimed. */
		assert_int_equal(get(controls[at], &got, 1), 0);
		(void)close(controls[at]);
		controls[at] = -1;
		(void)close(claim);
	}
	for (int i = 0; i < MANY; i++) {
		char got[2];

		assert_int_equal(get(fars[i], got, 2), 1); /* each its own */
		(void)close(fars[i]);
	}
}

static void
garbage_ends_its_own_connection_only(void **state)
{
	static const char *const all[] = {"GET / HTTP/1.1\r\n\r\n", "\4\1",
		"\5\1\0\5\1\0\11xxxxxxxx", "\5\1\0\5\1\0\3\377"};
	char got[64];
	int far;

	(void)state;
	start("\"unused.example\"");
	for (size_t i = 0; i < array_size(all); i++) {
		int fd = dial("");

		put(fd, all[i], strlen(all[i]));
		(void)shutdown(fd, SHUT_WR);
		while (get(fd, got, sizeof(got)) == sizeof(got))
			;
		(void)close(fd);
	}
	assert_int_equal(ask(EGRESS_CONNECT, "127.0.0.1", port), EGRESS_OK);
	far = accept_one();
	(void)close(far);
}

static void
connections_have_a_ceiling_and_come_back(void **state)
{
	static int held[EGRESS_CONNECTIONS];
	uint8_t no[2];
	int fd;

	(void)state;
	start("\"unused.example\"");
	for (size_t i = 0; i < array_size(held); i++) {
		held[i] = dial("");
		put(held[i], "\5\1\0", 3);
		assert_int_equal(get(held[i], no, 2), 2);
	}
	fd = dial("");
	assert_int_equal(get(fd, no, 2), 2);
	assert_int_equal(no[1], 0xff);
	(void)close(fd);
	assert_string_equal(line(),
		"network: this function has 512 connections open already: "
		"close some, or use a pool");
	for (size_t i = 0; i < array_size(held); i++)
		(void)close(held[i]);
	for (;;) { /* until it has seen them go */
		fd = dial("");
		put(fd, "\5\1\0", 3);
		if (get(fd, no, 2) == 2 && no[1] == 0)
			break;
		(void)close(fd);
	}
	(void)close(fd);
}

int
main(void)
{
#define LIVE(f) cmocka_unit_test_teardown(f, stop)
	const struct CMUnitTest tests[] = {
		LIVE(bytes_go_both_ways_and_each_end_is_told_alone),
		LIVE(what_was_sent_with_the_question_arrives_first),
		LIVE(private_addresses_are_refused_in_every_spelling),
		LIVE(refusals_are_a_few_lines_a_minute_for_the_author),
		LIVE(names_that_are_not_listed_are_not_even_looked_up),
		LIVE(a_listed_name_leads_to_a_private_address_when_its_entry_says_so),
		LIVE(who_looks_a_name_up_may_connect_to_its_address),
		LIVE(a_closed_port_and_a_strange_command_have_their_own_replies),
		LIVE(a_parked_connection_is_claimed_by_its_process_alone),
		LIVE(parked_connections_of_a_process_wait_for_one_another),
		LIVE(garbage_ends_its_own_connection_only),
		LIVE(connections_have_a_ceiling_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
