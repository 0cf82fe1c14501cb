/*
 * The client of plain servers: what it sends, what it understands, and when it
 * asks again.
 */
#include "base/sock.h"
#include "tests/unit/http_driver.h"

#include <stdlib.h>
#include <unistd.h>

#define OK(body, len) "HTTP/1.1 200 OK\r\nContent-Length: " #len "\r\n\r\n" body

static void
requests_share_a_connection_and_say_no_more_than_they_must(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("hello", 5)},
		{.answer = "HTTP/1.1 204 No Content\r\n\r\n"},
		{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
		{.answer = OK("", 0)});
	assert_got(get(f, 0), 200, "hello");
	assert_int_equal(f->asks[0].fetch.length, 5);
	assert_got(get(f, 1), 204, "");
	finish(f, begin(f, 2, (struct http_ask){.method = "HEAD"}));
	assert_got(&f->asks[2], 200, "");
	finish(f, begin(f, 3,
			  (struct http_ask){
				  .method = "POST", .body = SLICE("abc")}));
	assert_got(&f->asks[3], 200, "");
	assert_int_equal(f->server.connections, 1);
	assert_string_equal(f->server.seen.ptr,
		"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"
		"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"
		"HEAD /a?b HTTP/1.1\r\nHost: h\r\n\r\n"
		"POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: "
		"3\r\n\r\nabc");
}

static void
an_answer_is_the_same_in_whatever_pieces_it_comes(void **state)
{
	struct fixture *f = *state;

	PLAY(f,
		{.answer = "HTTP/1.1 100 Continue\r\n\r\n"
			   "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n"
			   "HTTP/1.1 201 Created\r\nX-A: 2\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n"
			   "4\r\nWiki\r\n5\r\npedia\r\n0\r\nX: y\r\n\r\n",
			.piece = 1},
		{.answer = OK("hello", 5), .piece = 3},
		{.answer = "HTTP/1.0 200 OK\r\n\r\nto the end",
			.piece = 7,
			.close = true});
	assert_got(get(f, 0), 201, "Wikipedia");
	assert_string_equal(f->asks[0].fetch.headers.ptr,
		"HTTP/1.1 201 Created\r\nX-A: 2\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	assert_int_equal(f->asks[0].fetch.length, -1);
	assert_got(get(f, 1), 200, "hello");
	assert_int_equal(f->server.connections, 1);
	assert_got(get(f, 2), 200, "to the end");
}

static void
a_connection_with_more_than_an_answer_is_not_used_again(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1) "HTTP/1.1 200 OK\r\n"},
		{.answer = "HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n"},
		{.answer = OK("b", 1)});
	assert_got(get(f, 0), 200, "a");
	assert_got(get(f, 1), 204, "");
	assert_got(get(f, 2), 200, "b");
	assert_int_equal(f->server.connections, 3);
}

static void
what_speaks_on_a_connection_that_rests_answers_nobody(void **state)
{
	static const char forged[] = OK("forged", 6);
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1)});
	assert_got(get(f, 0), 200, "a");
	assert_int_equal(write(f->server.peers[0].fd, forged, sizeof(forged)),
		sizeof(forged));
	while (f->server.peers[0].fd >= 0) /* closed by the client */
		turn(f);
	assert_got(get(f, 1), 200, "a");
	assert_int_equal(f->server.connections, 2);
}

static void
a_kept_connection_that_ends_without_a_byte_is_tried_anew(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1)}, {.close = true},
		{.answer = OK("b", 1)});
	assert_got(get(f, 0), 200, "a");
	assert_got(get(f, 1), 200, "b");
	assert_int_equal(f->server.asked, 3);
	assert_int_equal(f->server.connections, 2);
}

static void
what_may_not_be_done_twice_is_asked_once(void **state)
{
	const struct http_ask post = {
		.method = "POST", .body = SLICE("x"), .once = true};
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1)}, {.close = true},
		{.answer = OK("b", 1)});
	assert_got(get(f, 0), 200, "a");
	finish(f, begin(f, 1, post));
	assert_int_equal(f->asks[1].err, ERR_UPSTREAM);
	assert_true(f->asks[1].fetch.sent);
	assert_int_equal(f->server.asked, 2);
	/* one that has ended before is seen, and nothing is lost */
	assert_got(get(f, 2), 200, "b");
	hang_up(&f->server.peers[1]);
	finish(f, begin(f, 3, post));
	assert_got(&f->asks[3], 200, "b");
	assert_int_equal(f->server.connections, 3);
}

static void
a_new_connection_that_ends_is_not_tried_again(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.close = true},
		{.answer = "HTTP/1.1 200 OK\r\nContent-Le", .close = true},
		{.answer = OK("short", 6), .close = true},
		{.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			   "\r\n5\r\nshort\r\n0\r\n",
			.close = true});
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(get(f, 0)->err, ERR_UPSTREAM);
		assert_true(f->asks[0].fetch.sent);
		assert_int_equal(f->server.asked, i + 1);
		assert_string_equal(f->asks[0].why,
			i ? "its answer broke off"
			  : "it closed the connection without an answer");
	}
}

static void
nobody_there_is_told_and_nothing_was_sent(void **state)
{
	struct fixture *f = *state;

	(void)uv_poll_stop(&f->server.poll);
	(void)close(f->server.fd);
	f->server.fd = -1;
	assert_int_equal(get(f, 0)->err, ERR_UPSTREAM);
	assert_false(f->asks[0].fetch.sent);
	assert_non_null(strstr(f->asks[0].why, "cannot connect"));
}

static void
more_requests_than_connections_wait_in_turn(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1)}, {.answer = OK("b", 1), .close = true},
		{.answer = OK("c", 1)}, {.answer = OK("d", 1)});
	open_client(f, 1);
	for (size_t i = 0; i < ASKS; i++)
		(void)begin(f, i, (struct http_ask){.method = "GET"});
	for (size_t i = 0; i < ASKS; i++)
		finish(f, &f->asks[i]);
	assert_got(&f->asks[0], 200, "a");
	assert_got(&f->asks[1], 200, "b");
	assert_got(&f->asks[2], 200, "c");
	assert_got(&f->asks[3], 200, "d");
	assert_int_equal(f->server.connections, 2);
}

static void
a_protocol_is_switched_only_when_that_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct ask *a = &f->asks[0];
	char got[8] = "";

	PLAY(f,
		{.answer = "HTTP/1.1 101 Switching Protocols\r\n"
			   "Upgrade: x\r\n\r\nearly"},
		{.answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
		{.answer = OK("no", 2)});
	finish(f, begin(f, 0,
			  (struct http_ask){.method = "GET", .upgrade = true}));
	assert_got(a, 101, "");
	assert_memory_equal(a->fetch.body.ptr, "early", 6);
	assert_true(a->fetch.switched > 0);
	assert_int_equal(write(a->fetch.switched, "hello", 5), 5);
	while (f->server.peers[0].in.len < 5)
		turn(f);
	assert_int_equal(write(f->server.peers[0].fd, "back", 4), 4);
	turn(f); /* nobody here reads it */
	assert_int_equal(read(a->fetch.switched, got, sizeof(got)), 4);
	assert_string_equal(got, "back");
	assert_int_equal(get(f, 1)->err, ERR_UPSTREAM);
	assert_string_equal(f->asks[1].why, "it switches protocols unasked");
	/* an answer of another kind is an answer */
	finish(f, begin(f, 2,
			  (struct http_ask){.method = "GET", .upgrade = true}));
	assert_got(&f->asks[2], 200, "no");
	assert_int_equal(f->asks[2].fetch.switched, 0);
	assert_int_equal(f->server.connections, 3);
}

/* More than are read in one turn. */
static void
who_is_asked_again_at_once_does_not_keep_others_waiting(void **state)
{
	struct fixture *f = *state;
	size_t answers[ASKS] = {0};

	PLAY(f, {.answer = OK("a", 1)});
	open_client(f, ASKS);
	for (size_t i = 0; i < ASKS; i++)
		(void)begin(f, i, (struct http_ask){.method = "GET"});
	while (f->server.asked < ASKS)
		turn(f);
	for (size_t n = 0; n < 10; n++) {
		turn(f);
		for (size_t i = 0; i < ASKS; i++)
			if (f->asks[i].done) {
				answers[i]++;
				(void)begin(f, i,
					(struct http_ask){.method = "GET"});
			}
		serve(f);
	}
	/* 16 a turn: nobody waits for more than two */
	for (size_t i = 0; i < ASKS; i++)
		assert_in_range(answers[i], 5, 10);
}

static void
a_body_is_read_as_it_comes_with_a_length_or_in_chunks(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("", 0)});
	for (size_t i = 0; i < 2; i++) {
		f->asks[i].body = "0123456789";
		f->asks[i].piece = 4;
		f->asks[i].waits = 2;
		finish(f, begin(f, i,
				  (struct http_ask){.method = "PUT",
					  .length = i ? -1 : 10}));
		assert_got(&f->asks[i], 200, "");
	}
	assert_string_equal(f->server.seen.ptr,
		"PUT /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
		"0123456789"
		"PUT /a?b HTTP/1.1\r\nHost: h\r\n"
		"Transfer-Encoding: chunked\r\n\r\n"
		"0004\r\n0123\r\n0004\r\n4567\r\n0002\r\n89\r\n0\r\n\r\n");
}

static void
a_body_that_ends_early_ends_the_request(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("", 0)});
	f->asks[0].body = "0123456789";
	f->asks[0].piece = 100;
	finish(f,
		begin(f, 0, (struct http_ask){.method = "PUT", .length = 11}));
	assert_int_equal(f->asks[0].err, ERR_UPSTREAM);
	assert_int_equal(f->server.asked, 0);
}

static void
data_that_nobody_takes_waits_and_comes_once(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("hello", 5)},
		{.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			   "\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"});
	for (size_t i = 0; i < 2; i++) {
		struct ask *a = &f->asks[i];

		a->full = true;
		(void)begin(f, i, (struct http_ask){.method = "GET"});
		while (!a->heads)
			turn(f);
		fetch_go_on(&a->fetch); /* still full */
		turn(f);
		assert_int_equal(a->done, 0);
		a->full = false;
		fetch_go_on(&a->fetch);
		finish(f, a);
		assert_got(a, 200, i ? "hello!" : "hello");
	}
	assert_int_equal(f->server.connections, 1);
}

static void
a_request_that_is_given_up_takes_its_connection_with_it(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {.answer = OK("a", 1)});
	open_client(f, 1);
	f->server.mute = true;
	(void)begin(f, 0, (struct http_ask){.method = "GET"});
	(void)begin(f, 1, (struct http_ask){.method = "GET"});
	while (!f->server.peers[0].in.len)
		turn(f);
	fetch_done(&f->asks[0].fetch);
	f->server.mute = false;
	finish(f, &f->asks[1]);
	assert_got(&f->asks[1], 200, "a");
	assert_int_equal(f->asks[0].done, 0);
	assert_int_equal(f->server.connections, 2);
}

static void
a_client_that_ends_tells_all_who_wait(void **state)
{
	struct fixture *f = *state;

	PLAY(f, {0});
	open_client(f, 1);
	(void)begin(f, 0, (struct http_ask){.method = "GET"});
	(void)begin(f, 1, (struct http_ask){.method = "GET"});
	while (!f->server.asked)
		turn(f);
	f->client = http_client_free(f->client);
	for (size_t i = 0; i < 2; i++) {
		finish(f, &f->asks[i]);
		assert_int_equal(f->asks[i].err, ERR_SHUTDOWN);
	}
}

static void
names_and_unix_sockets_are_addresses_and_others_are_refused(void **state)
{
	static const struct {
		const char *authority, *path;
		int r;
	} rows[] = {
		{"localhost", NULL, 0},
		{"[::1]:80", NULL, 0},
		{"[::1]", NULL, 0},
		{NULL, "/run/a.sock", 0},
		{"", NULL, ERR_CONFIG},
		{":80", NULL, ERR_CONFIG},
		{"a:", NULL, ERR_CONFIG},
		{"a:0", NULL, ERR_CONFIG},
		{"a:65536", NULL, ERR_CONFIG},
		{"[::1", NULL, ERR_CONFIG},
		{"[::1]80", NULL, ERR_CONFIG},
		{NULL, "a.sock", ERR_CONFIG},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < array_size(rows); i++) {
		struct http_client *c = NULL;
		struct fault why;

		assert_int_equal(http_client_new(&c, &f->loop,
					 &(struct http_client_conf){
						 .authority = slice_str(
							 rows[i].authority),
						 .unix_path = rows[i].path},
					 &why),
			rows[i].r);
		(void)http_client_free(c);
	}
}

static void
a_name_is_looked_up_and_its_addresses_tried_in_turn(void **state)
{
	struct fixture *f = *state;
	char address[64], name[80];
	struct fault why;

	PLAY(f, {.answer = OK("a", 1)});
	assert_int_equal(sock_name(f->server.fd, address, sizeof(address)), 0);
	/* ::1, where nobody listens, may come first */
	(void)snprintf(
		name, sizeof(name), "localhost%s", strrchr(address, ':'));
	f->client = http_client_free(f->client);
	assert_int_equal(
		http_client_new(&f->client, &f->loop,
			&(struct http_client_conf){.authority = slice_str(name),
				.connections = 2,
				.connect_ms = 5000},
			&why),
		0);
	assert_got(get(f, 0), 200, "a");
	assert_got(get(f, 1), 200, "a");
	assert_int_equal(f->server.connections, 1);
}

#define test(f) \
	cmocka_unit_test_setup_teardown(f, http_driver_up, http_driver_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(requests_share_a_connection_and_say_no_more_than_they_must),
		test(an_answer_is_the_same_in_whatever_pieces_it_comes),
		test(a_connection_with_more_than_an_answer_is_not_used_again),
		test(what_speaks_on_a_connection_that_rests_answers_nobody),
		test(a_kept_connection_that_ends_without_a_byte_is_tried_anew),
		test(what_may_not_be_done_twice_is_asked_once),
		test(a_new_connection_that_ends_is_not_tried_again),
		test(nobody_there_is_told_and_nothing_was_sent),
		test(more_requests_than_connections_wait_in_turn),
		test(a_protocol_is_switched_only_when_that_was_asked_for),
		test(who_is_asked_again_at_once_does_not_keep_others_waiting),
		test(a_body_is_read_as_it_comes_with_a_length_or_in_chunks),
		test(a_body_that_ends_early_ends_the_request),
		test(data_that_nobody_takes_waits_and_comes_once),
		test(a_request_that_is_given_up_takes_its_connection_with_it),
		test(a_client_that_ends_tells_all_who_wait),
		test(names_and_unix_sockets_are_addresses_and_others_are_refused),
		test(a_name_is_looked_up_and_its_addresses_tried_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
