/*
 * Outgoing HTTP against a little server in a thread of this test.
 */
#include "base/fetch.h"
#include "base/mem.h"
#include "base/sock.h"
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the server: one thread a connection, answers by path ---- */

static int listener = -1;
static char base_url[64];
static atomic_int connections;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last_request[4096];

static const struct {
	const char *path, *answer;
} answers[] = {
	{"/ok", "HTTP/1.1 200 OK\r\nX-Test:  yes \r\nContent-Length: 5\r\n\r\n"
		"hello"},
	{"/teapot", "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"},
	{"/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\n"
		      "Content-Length: 0\r\n\r\n"},
	{"/interim", "HTTP/1.1 103 Early Hints\r\nX-Test: early\r\n\r\n"
		     "HTTP/1.1 200 OK\r\nX-Late: 1\r\nContent-Length: 2\r\n\r\n"
		     "ok"},
	{"/announced", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"},
	{"/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "10\r\n0123456789abcdef\r\n10\r\n0123456789abcdef\r\n"
		    "0\r\n\r\n"},
	{"/trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		      "Trailer: X-Late\r\nX-Test: 1\r\n\r\n"
		      "2\r\nok\r\n0\r\nX-Late: 1\r\nSet-Cookie: a=b\r\n"
		      "\r\n"},
	{"/nonsense", "this is not HTTP at all\r\n\r\n"},
};

/* A whole request into `room`; false when the client has gone. */
static bool
request_read(int fd, char *room, size_t size)
{
	size_t len = 0, want = 0;

	while (len + 1 < size) {
		ssize_t n = read(fd, room + len, size - 1 - len);
		char *end, *length;

		if (n <= 0)
			return false;
		len += (size_t)n;
		room[len] = '\0';
		end = strstr(room, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(room, "Content-Length: ");
		want = (size_t)(end + 4 - room) +
		       (length ? strtoul(length + 16, NULL, 10) : 0);
		if (len >= want)
			return true;
	}
	return false;
}

static void
answer(int fd, const char *request)
{
	const char *path = strchr(request, ' ') + 1;

	for (size_t i = 0; i < array_size(answers); i++) {
		size_t n = strlen(answers[i].path), len;

		if (strncmp(path, answers[i].path, n) != 0 || path[n] != ' ')
			continue;
		len = strlen(answers[i].answer);
		if (write(fd, answers[i].answer, len) != (ssize_t)len)
			return;
	}
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char request[4096];

	while (request_read(fd, request, sizeof(request))) {
		pthread_mutex_lock(&lock);
		memcpy(last_request, request, sizeof(request));
		pthread_mutex_unlock(&lock);
		if (strstr(request, " /close "))
			break;
		answer(fd, request); /* "/slow" has no answer */
	}
	(void)close(fd);
	return NULL;
}

static void *
accept_all(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		pthread_t thread;

		atomic_fetch_add(&connections, 1);
		(void)pthread_create(
			&thread, NULL, serve, (void *)(intptr_t)fd);
		(void)pthread_detach(thread);
	}
	return NULL;
}

static pthread_t acceptor;

static int
server_up(void **state)
{
	char name[48];

	(void)state;
	if (sock_listen("127.0.0.1:0", 16, &listener, NULL) < 0 ||
		fd_set_blocking(listener, true) < 0 ||
		sock_name(listener, name, sizeof(name)) < 0)
		return -1;
	(void)snprintf(base_url, sizeof(base_url), "http://%s", name);
	return pthread_create(&acceptor, NULL, accept_all, NULL);
}

static int
server_down(void **state)
{
	(void)state;
	(void)shutdown(listener, SHUT_RDWR);
	(void)pthread_join(acceptor, NULL);
	(void)close(listener);
	return 0;
}

/* ---- the client ---- */

struct fixture {
	struct loop loop;
	struct fetcher *fetcher;
	struct fetch fetch;
	char *url;
	int done;
};

static void
on_done(struct job *job)
{
	container_of(job, struct fixture, fetch.job)->done++;
}

static int
up(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	if (loop_init(&f->loop) < 0 || fetcher_new(&f->fetcher, &f->loop) < 0)
		return -1;
	*state = f;
	return 0;
}

static int
down(void **state)
{
	struct fixture *f = *state;

	fetch_done(&f->fetch);
	f->fetcher = fetcher_free(f->fetcher);
	loop_done(&f->loop);
	free(f->url);
	free(f);
	return 0;
}

static void
start(struct fixture *f, const char *path, struct fetch_ask ask)
{
	fetch_done(&f->fetch);
	free(f->url);
	f->url = str_printf("%s%s", base_url, path);
	f->done = 0;
	if (!ask.method)
		ask.method = "GET";
	if (!ask.url)
		ask.url = f->url;
	job_init(&f->fetch.job, on_done);
	fetch_start(f->fetcher, &f->fetch, &ask);
	assert_int_equal(f->done, 0);
}

static void
run(struct fixture *f, const char *path, struct fetch_ask ask)
{
	start(f, path, ask);
	while (!f->done)
		loop_turn(&f->loop, true);
	assert_int_equal(f->done, 1);
}

static void
an_answer_comes_with_status_headers_and_body(void **state)
{
	struct fixture *f = *state;

	run(f, "/ok", (struct fetch_ask){0});
	assert_int_equal(f->fetch.job.err, 0);
	assert_int_equal(f->fetch.status, 200);
	assert_true(slice_is(buf_all(&f->fetch.body), "hello"));
	assert_true(slice_is(fetch_header(&f->fetch, "x-test"), "yes"));
	assert_true(slice_is(fetch_header(&f->fetch, "content-length"), "5"));
	assert_int_equal(fetch_header(&f->fetch, "absent").len, 0);
	assert_true(f->fetch.sent);
}

static void
any_status_is_an_answer_and_redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;

	run(f, "/teapot", (struct fetch_ask){0});
	assert_int_equal(f->fetch.job.err, 0);
	assert_int_equal(f->fetch.status, 418);
	assert_int_equal(f->fetch.body.len, 0);
	run(f, "/redirect", (struct fetch_ask){0});
	assert_int_equal(f->fetch.status, 302);
	assert_true(slice_is(fetch_header(&f->fetch, "Location"), "/ok"));
}

static void
a_post_carries_its_body_and_only_our_headers(void **state)
{
	static const char *const headers[] = {
		"Content-Type: application/json", "X-Mine: 1", NULL};
	struct fixture *f = *state;
	_free_ char *body = str_dup("{\"a\":1}");
	struct fetch_ask ask = {
		.method = "POST", .headers = headers, .body = slice_str(body)};

	start(f, "/ok", ask);
	memset(body, 'x', strlen(body)); /* it was copied */
	while (!f->done)
		loop_turn(&f->loop, true);
	assert_int_equal(f->fetch.status, 200);
	pthread_mutex_lock(&lock);
	assert_int_equal(strncmp(last_request, "POST /ok HTTP/1.1\r\n", 19), 0);
	assert_non_null(strstr(last_request, "\r\nX-Mine: 1\r\n"));
	assert_non_null(
		strstr(last_request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(last_request,
		"\r\nUser-Agent: mpcloud/" PACKAGE_VERSION "\r\n"));
	assert_null(strstr(last_request, "Expect:"));
	assert_non_null(strstr(last_request, "\r\n\r\n{\"a\":1}"));
	pthread_mutex_unlock(&lock);
}

static void
a_post_without_a_body_has_length_zero_and_no_type(void **state)
{
	struct fixture *f = *state;

	run(f, "/ok", (struct fetch_ask){.method = "POST"});
	assert_int_equal(f->fetch.status, 200);
	pthread_mutex_lock(&lock);
	assert_non_null(strstr(last_request, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(last_request, "Content-Type"));
	pthread_mutex_unlock(&lock);
	run(f, "/ok", (struct fetch_ask){.method = "DELETE"});
	pthread_mutex_lock(&lock);
	assert_int_equal(strncmp(last_request, "DELETE /ok ", 11), 0);
	pthread_mutex_unlock(&lock);
}

static void
connections_are_kept(void **state)
{
	struct fixture *f = *state;
	int before;

	run(f, "/ok", (struct fetch_ask){0});
	before = atomic_load(&connections);
	for (int i = 0; i < 20; i++)
		run(f, "/ok", (struct fetch_ask){0});
	assert_int_equal(atomic_load(&connections), before);
}

static void
only_the_last_head_counts(void **state)
{
	struct fixture *f = *state;

	run(f, "/interim", (struct fetch_ask){0});
	assert_int_equal(f->fetch.status, 200);
	assert_int_equal(fetch_header(&f->fetch, "X-Test").len, 0);
	assert_true(slice_is(fetch_header(&f->fetch, "X-Late"), "1"));
}

static void
trailers_are_no_headers(void **state)
{
	struct fixture *f = *state;

	run(f, "/trailers", (struct fetch_ask){0});
	assert_int_equal(f->fetch.job.err, 0);
	assert_int_equal(f->fetch.status, 200);
	assert_true(slice_is(buf_all(&f->fetch.body), "ok"));
	assert_true(slice_is(fetch_header(&f->fetch, "X-Test"), "1"));
	assert_int_equal(fetch_header(&f->fetch, "X-Late").len, 0);
	assert_int_equal(fetch_header(&f->fetch, "Set-Cookie").len, 0);
}

static void
an_answer_over_its_ceiling_is_refused(void **state)
{
	struct fixture *f = *state;

	run(f, "/announced", (struct fetch_ask){.answer_top = 1000});
	assert_int_equal(f->fetch.job.err, ERR_ANSWER_BIG);
	run(f, "/chunks", (struct fetch_ask){.answer_top = 31});
	assert_int_equal(f->fetch.job.err, ERR_ANSWER_BIG);
	run(f, "/chunks", (struct fetch_ask){.answer_top = 32});
	assert_int_equal(f->fetch.job.err, 0);
	assert_int_equal(f->fetch.body.len, 32);
}

static void
nobody_listening_is_an_error_before_anything_was_sent(void **state)
{
	struct fixture *f = *state;
	char url[128], name[64];
	int fd;

	assert_int_equal(sock_listen("127.0.0.1:0", 1, &fd, NULL), 0);
	assert_int_equal(sock_name(fd, name, sizeof(name)), 0);
	(void)close(fd);
	(void)snprintf(url, sizeof(url), "http://%s/?secret=s3cr3t", name);
	run(f, "", (struct fetch_ask){.url = url});
	assert_int_equal(f->fetch.job.err, ERR_UPSTREAM);
	assert_false(f->fetch.sent);
	assert_true(f->fetch.job.why.text[0] != '\0');
	assert_null(strstr(f->fetch.job.why.text, "s3cr3t"));
}

static void
a_server_that_hangs_up_may_have_got_the_request(void **state)
{
	struct fixture *f = *state;

	run(f, "/close", (struct fetch_ask){.method = "POST"});
	assert_int_equal(f->fetch.job.err, ERR_UPSTREAM);
	assert_true(f->fetch.sent);
	run(f, "/nonsense", (struct fetch_ask){0});
	assert_int_equal(f->fetch.job.err, ERR_UPSTREAM);
	assert_true(f->fetch.sent);
}

static void
the_deadline_ends_a_silent_server(void **state)
{
	struct fixture *f = *state;

	run(f, "/slow", (struct fetch_ask){.timeout_ms = 100});
	assert_int_equal(f->fetch.job.err, ERR_TIMEOUT);
	assert_true(f->fetch.sent);
	run(f, "/ok", (struct fetch_ask){0}); /* and the next one works */
	assert_int_equal(f->fetch.status, 200);
}

static void
a_cancelled_fetch_is_never_answered(void **state)
{
	struct fixture *f = *state;

	start(f, "/ok", (struct fetch_ask){0});
	job_cancel(&f->fetch.job);
	start(f, "/slow", (struct fetch_ask){0});
	for (int i = 0; i < 5; i++)
		loop_turn(&f->loop, false);
	job_cancel(&f->fetch.job);
	for (int i = 0; i < 5; i++)
		loop_turn(&f->loop, false);
	assert_int_equal(f->done, 0);
}

static void
only_http_is_spoken(void **state)
{
	struct fixture *f = *state;

	run(f, "", (struct fetch_ask){.url = "file:///etc/passwd"});
	assert_int_equal(f->fetch.job.err, ERR_UPSTREAM);
	run(f, "", (struct fetch_ask){.url = "no url"});
	assert_int_equal(f->fetch.job.err, ERR_UPSTREAM);
	assert_false(f->fetch.sent);
}

static void
https_without_tls_on_the_other_side_fails(void **state)
{
	struct fixture *f = *state;
	_free_ char *url = str_printf("https%s/ok", strchr(base_url, ':'));

	run(f, "", (struct fetch_ask){.url = url, .timeout_ms = 500});
	assert_true(f->fetch.job.err == ERR_UPSTREAM ||
		    f->fetch.job.err == ERR_TIMEOUT);
	assert_false(f->fetch.sent);
}

static void
a_fetcher_that_ends_answers_who_still_waits(void **state)
{
	struct fixture *f = *state;

	start(f, "/slow", (struct fetch_ask){0});
	for (int i = 0; i < 3; i++)
		loop_turn(&f->loop, false);
	f->fetcher = fetcher_free(f->fetcher);
	assert_int_equal(f->done, 0);
	loop_turn(&f->loop, false);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->fetch.job.err, ERR_SHUTDOWN);
}

static void
on_done_free_the_fetcher(struct job *job)
{
	struct fixture *f = container_of(job, struct fixture, fetch.job);

	f->done++;
	f->fetcher = fetcher_free(f->fetcher);
}

static void
a_fetcher_may_be_freed_by_an_answer(void **state)
{
	struct fixture *f = *state;

	start(f, "/ok", (struct fetch_ask){0});
	f->fetch.job.done = on_done_free_the_fetcher;
	while (!f->done)
		loop_turn(&f->loop, true);
	assert_int_equal(f->fetch.status, 200);
	assert_null(f->fetcher);
}

struct many {
	struct fetch fetch;
	int *left;
};

static void
on_one_of_many(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);

	assert_int_equal(job->err, 0);
	assert_int_equal(fetch->status, 200);
	--*container_of(fetch, struct many, fetch)->left;
}

static void
many_run_side_by_side(void **state)
{
	static struct many many[100];
	struct fixture *f = *state;
	_free_ char *url = str_printf("%s/ok", base_url);
	int left = array_size(many);

	for (size_t i = 0; i < array_size(many); i++) {
		many[i].left = &left;
		job_init(&many[i].fetch.job, on_one_of_many);
		fetch_start(f->fetcher, &many[i].fetch,
			&(struct fetch_ask){.method = "GET", .url = url});
	}
	while (left)
		loop_turn(&f->loop, true);
	for (size_t i = 0; i < array_size(many); i++)
		fetch_done(&many[i].fetch);
}

#define test(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(an_answer_comes_with_status_headers_and_body),
		test(any_status_is_an_answer_and_redirects_are_not_followed),
		test(a_post_carries_its_body_and_only_our_headers),
		test(a_post_without_a_body_has_length_zero_and_no_type),
		test(connections_are_kept),
		test(only_the_last_head_counts),
		test(trailers_are_no_headers),
		test(an_answer_over_its_ceiling_is_refused),
		test(nobody_listening_is_an_error_before_anything_was_sent),
		test(a_server_that_hangs_up_may_have_got_the_request),
		test(the_deadline_ends_a_silent_server),
		test(a_cancelled_fetch_is_never_answered),
		test(only_http_is_spoken),
		test(https_without_tls_on_the_other_side_fails),
		test(a_fetcher_that_ends_answers_who_still_waits),
		test(a_fetcher_may_be_freed_by_an_answer),
		test(many_run_side_by_side),
	};

	return cmocka_run_group_tests(tests, server_up, server_down);
}
