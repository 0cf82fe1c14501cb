/*
 * Limits kept in a real server, started here: redis-server or valkey-server on
 * a unix socket in a folder of its own.  Where neither is installed the tests
 * that need one say so and pass.
 */
#include "base/clock.h"
#include "base/event.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/valkey.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/mpcloud-valkey-XXXXXX";
static char path[64], url[80];
static pid_t server;
static struct loop loop;
static struct valkey *v;

/* 2026-11-20T00:00:00Z, as the tests of other rates have it */
static const int64_t T0 = 1795132800LL * CLOCK_S;

static bool
answers(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), e;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	e = connect(fd, (struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
	return e == 0;
}

static void
server_start(const char *password)
{
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		const char *const argv[] = {"redis-server", "--port", "0",
			"--unixsocket", path, "--save", "", "--appendonly",
			"no", "--dir", folder, "--logfile", "/dev/null",
			"--requirepass", password, NULL};

		(void)execvp("redis-server", (char **)(uintptr_t)argv);
		(void)execvp("valkey-server", (char **)(uintptr_t)argv);
		_exit(127);
	}
	while (!answers() && waitpid(server, NULL, WNOHANG) == 0)
		(void)usleep(1000);
}

static void
server_stop(void)
{
	if (server > 0) {
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
	}
	server = 0;
	(void)unlink(path);
}

static bool
have_server(void)
{
	return system("command -v redis-server >/dev/null 2>&1 || "
		      "command -v valkey-server >/dev/null 2>&1") == 0;
}

static struct valkey *
client(const char *password, uint64_t lease_ms)
{
	const struct valkey_conf conf = {.url = url,
		.password = password,
		.prefix = "t:",
		.timeout_ms = 2000,
		.lease_ms = lease_ms};
	struct valkey *ret = NULL;

	assert_int_equal(valkey_new(&ret, &loop, &conf, NULL), 0);
	return ret;
}

static void
until_up(struct valkey *c)
{
	while (!valkey_is_up(c))
		loop_turn(&loop, true);
}

static int
up(void **state)
{
	(void)state;
	if (!have_server())
		return 0;
	server_start("");
	if (loop_init(&loop) < 0)
		return -1;
	clock_set(T0);
	v = client(NULL, 0);
	until_up(v);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	if (!have_server())
		return 0;
	v = valkey_free(v);
	loop_done(&loop);
	clock_set(-1);
	server_stop();
	return 0;
}

struct answer {
	struct valkey_take takes[3];
	struct valkey_ask ask;
	bool done;
};

static void
on_done(struct job *job)
{
	container_of(
		container_of(job, struct valkey_ask, job), struct answer, ask)
		->done = true;
}

static int
ask(struct valkey *c, struct answer *a, size_t count)
{
	a->done = false;
	a->ask.takes = a->takes;
	a->ask.count = count;
	job_init(&a->ask.job, on_done);
	valkey_take(c, &a->ask);
	while (!a->done)
		loop_turn(&loop, true);
	return a->ask.job.err;
}

static struct valkey_take
rate(const char *key, int64_t a_minute, int64_t burst, int64_t cost)
{
	struct valkey_take t = {
		.take = {.rule = gcra_per_minute(a_minute, burst),
			.cost = cost}};

	(void)snprintf(t.key, sizeof(t.key), "%s", key);
	return t;
}

static struct valkey_take
places(const char *key, int64_t top)
{
	struct valkey_take t = {.concurrent = top};

	(void)snprintf(t.key, sizeof(t.key), "%s", key);
	return t;
}

static void
addresses_are_read_or_refused_with_words(void **state)
{
	static const char *const bad[] = {"", "127.0.0.1:6379",
		"http://127.0.0.1", "redis://", "redis://:secret@127.0.0.1",
		"redis://127.0.0.1:99999", "redis://127.0.0.1/x",
		"unix://relative"};
	struct valkey_conf conf = {.prefix = "", .timeout_ms = 10};
	struct valkey *none = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (size_t i = 0; i < array_size(bad); i++) {
		conf.url = bad[i];
		assert_int_equal(
			valkey_new(&none, &loop, &conf, &why), ERR_CONFIG);
		assert_non_null(strstr(why.text, "redis://"));
	}
	loop_done(&loop);
}

/* The same hand-made arithmetic as test_gcra's. */
static void
the_burst_goes_at_once_and_then_the_rate_holds(void **state)
{
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	a.takes[0] = rate("burst", 60, 3, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(v, &a, 1), 0);
		assert_int_equal(a.takes[0].verdict.remaining, 2 - i);
		assert_true(a.takes[0].verdict.reset_ns == (i + 1) * CLOCK_S);
	}
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	assert_true(a.takes[0].verdict.retry_ns == CLOCK_S);
	assert_false(a.takes[0].verdict.allowed);
	assert_false(a.ask.by_place);
	clock_set(T0 + CLOCK_S - CLOCK_MS);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	clock_set(T0 + CLOCK_S);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	clock_set(T0);
}

static void
a_dear_request_takes_its_cost(void **state)
{
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	a.takes[0] = rate("dear", 60, 10, 4);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(a.takes[0].verdict.remaining, 6);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	assert_true(a.takes[0].verdict.retry_ns == 2 * CLOCK_S);
}

static void
what_one_rule_refuses_takes_nothing_of_the_others(void **state)
{
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	a.takes[0] = rate("shared", 60, 5, 1);
	a.takes[1] = rate("own", 60, 1, 1);
	assert_int_equal(ask(v, &a, 2), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ask(v, &a, 2), ERR_LIMITED);
		assert_int_equal(a.ask.refused, 1);
	}
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(a.takes[0].verdict.remaining, 3);
}

/* A rate that no whole number of µs is: 7 in a second, for an hour. */
static void
two_machines_together_admit_the_rate_within_a_percent(void **state)
{
	struct valkey *other;
	struct answer a = {0};
	int admitted = 0, wanted = 7 * 600 + 7;

	(void)state;
	if (!have_server())
		return;
	other = client(NULL, 0);
	until_up(other);
	for (int ms = 0; ms < 600 * 1000; ms += 100) {
		clock_set(T0 + ms * CLOCK_MS);
		a.takes[0] = rate("nodes", 420, 7, 1);
		admitted += ask(ms / 100 % 2 ? v : other, &a, 1) == 0;
		admitted += ask(ms / 100 % 3 ? other : v, &a, 1) == 0;
	}
	assert_in_range(admitted, wanted * 99 / 100, wanted * 101 / 100);
	(void)valkey_free(other);
	clock_set(T0);
}

static void
places_are_given_back(void **state)
{
	struct valkey_lease *first;
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	a.takes[0] = places("at-once", 2);
	assert_int_equal(ask(v, &a, 1), 0);
	first = a.ask.lease;
	assert_non_null(first);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	assert_true(a.ask.by_place);
	assert_null(a.ask.lease);
	valkey_release(v, first);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
}

static void
places_of_a_gateway_that_died_come_back_when_their_lease_ends(void **state)
{
	struct valkey *dying;
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	dying = client(NULL, 5000);
	until_up(dying);
	a.takes[0] = places("dying", 1);
	assert_int_equal(ask(dying, &a, 1), 0);
	dying = valkey_free(dying);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	clock_set(T0 + 4900 * CLOCK_MS);
	assert_int_equal(ask(v, &a, 1), ERR_LIMITED);
	clock_set(T0 + 5001 * CLOCK_MS);
	assert_int_equal(ask(v, &a, 1), 0);
	clock_set(T0);
}

/* SIGSTOP: it takes bytes and says nothing. */
static void
a_server_that_hangs_is_not_waited_for_twice(void **state)
{
	struct valkey *c;
	const struct valkey_conf conf = {
		.url = url, .prefix = "t:", .timeout_ms = 20};
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	assert_int_equal(valkey_new(&c, &loop, &conf, NULL), 0);
	until_up(c);
	a.takes[0] = rate("hangs", 60, 100, 1);
	assert_int_equal(kill(server, SIGSTOP), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(c, &a, 1), ERR_TIMEOUT);
	while (valkey_is_up(c))
		loop_turn(&loop, true);
	assert_int_equal(ask(c, &a, 1), ERR_GONE);
	assert_int_equal(valkey_count(c).late, 3);
	assert_int_equal(kill(server, SIGCONT), 0);
	until_up(c);
	assert_int_equal(ask(c, &a, 1), 0);
	(void)valkey_free(c);
}

/* Its promise is refused at once: nobody is as patient as this client. */
static void
a_server_that_promises_an_array_without_end_gets_no_room(void **state)
{
	static const char endless[] = "*2147483647\r\n";
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), one;
	char got[4096], to[128];
	struct valkey_conf conf = {
		.url = to, .prefix = "t:", .timeout_ms = 600000};
	struct valkey *c;
	struct loop own;

	(void)state;
	assert_int_equal(loop_init(&own), 0);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/mpc-endless-%d",
		(int)getpid());
	(void)snprintf(to, sizeof(to), "unix://%s", at.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(valkey_new(&c, &own, &conf, NULL), 0);
	loop_turn(&own, false);
	one = accept(fd, NULL, NULL);
	while (recv(one, got, sizeof(got), MSG_DONTWAIT) < 0)
		loop_turn(&own, false);
	assert_int_equal(
		write(one, endless, sizeof(endless) - 1), sizeof(endless) - 1);
	while (recv(one, got, sizeof(got), MSG_DONTWAIT) != 0)
		loop_turn(&own, true);
	assert_false(valkey_is_up(c));
	(void)valkey_free(c);
	(void)close(one);
	(void)close(fd);
	(void)unlink(at.sun_path);
	loop_done(&own);
}

static void
a_server_that_went_is_found_again(void **state)
{
	struct answer a = {0};

	(void)state;
	if (!have_server())
		return;
	a.takes[0] = rate("again", 60, 100, 1);
	assert_int_equal(ask(v, &a, 1), 0);
	server_stop();
	while (valkey_is_up(v))
		loop_turn(&loop, true);
	assert_int_equal(ask(v, &a, 1), ERR_GONE);
	server_start("");
	until_up(v);
	assert_int_equal(ask(v, &a, 1), 0);
	assert_int_equal(a.takes[0].verdict.remaining, 99);
}

static void
the_password_is_needed_and_shown(void **state)
{
	struct answer a = {0};
	uint64_t before;
	struct valkey *c;

	(void)state;
	if (!have_server())
		return;
	server_stop();
	server_start("sesame");
	before = event_count(EVENT_VALKEY_DOWN);
	c = client("wrong", 0);
	while (event_count(EVENT_VALKEY_DOWN) == before)
		loop_turn(&loop, true);
	assert_false(valkey_is_up(c));
	(void)valkey_free(c);
	c = client("sesame", 0);
	until_up(c);
	a.takes[0] = rate("pass", 60, 1, 1);
	assert_int_equal(ask(c, &a, 1), 0);
	(void)valkey_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_or_refused_with_words),
		cmocka_unit_test(
			a_server_that_promises_an_array_without_end_gets_no_room),
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
		WITH(the_burst_goes_at_once_and_then_the_rate_holds),
		WITH(a_dear_request_takes_its_cost),
		WITH(what_one_rule_refuses_takes_nothing_of_the_others),
		WITH(two_machines_together_admit_the_rate_within_a_percent),
		WITH(places_are_given_back),
		WITH(places_of_a_gateway_that_died_come_back_when_their_lease_ends),
		WITH(a_server_that_hangs_is_not_waited_for_twice),
		WITH(a_server_that_went_is_found_again),
		WITH(the_password_is_needed_and_shown),
	};
	int failed;

	event_init("test", EVENT_ERROR);
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	(void)snprintf(url, sizeof(url), "unix://%s", path);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(folder);
	return failed;
}
