/*
 * WebSocket over a socket pair: what RFC 6455 demands of a server, frame by
 * frame, with the client's bytes put together by hand.  The server under test
 * is an echo.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/sock.h"
#include "gateway/ws_handshake.h"
#include "http/ws.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_TOP = 1000, UNSENT_TOP = 64 * 1024, TURNS = 4000 };

struct peer {
	struct loop loop;
	struct ws *ws;
	int fd;           /* the client's end */
	uv_poll_t poll;   /* of it: what the server says wakes the loop */
	struct buf heard; /* by the client, as `T(Hello)C(1000)` */
	struct buf bytes; /* of the client, not parsed yet */
	unsigned opened, closed, code, messages;
	bool hold, quiet;
};

static void
on_message(struct ws *ws, struct slice message, bool is_text)
{
	struct peer *p = ws_owner(ws);

	p->messages++;
	if (p->hold)
		ws_hold(ws, true);
	if (p->quiet)
		return;
	if (is_text)
		ws_send(ws, message);
	else
		ws_send_binary(ws, message);
}

static void
on_close(struct ws *ws, unsigned code)
{
	struct peer *p = ws_owner(ws);

	p->closed++;
	p->code = code;
	p->ws = NULL;
}

static void
on_open(struct ws *ws)
{
	((struct peer *)ws_owner(ws))->opened++;
}

static const struct ws_ops ops = {on_message, on_close, on_open};

static void hear(struct peer *p);

static void
on_heard(uv_poll_t *poll, int status _unused_, int events _unused_)
{
	hear(poll->data);
}

static void
listen_on(struct peer *p)
{
	assert_int_equal(uv_poll_init(&p->loop.uv, &p->poll, p->fd), 0);
	p->poll.data = p;
	assert_int_equal(uv_poll_start(&p->poll, UV_READABLE, on_heard), 0);
}

static void
leave(struct peer *p)
{
	if (p->fd < 0)
		return;
	uv_close((uv_handle_t *)&p->poll, NULL);
	fd_closep(&p->fd);
}

static void
begin(struct peer *p, uint64_t ping_ms, struct slice early)
{
	struct ws_conf conf = {.ops = &ops,
		.owner = p,
		.message_top = MESSAGE_TOP,
		.unsent_top = UNSENT_TOP,
		.ping_ms = ping_ms};
	int pair[2];

	*p = (struct peer){.fd = -1};
	assert_int_equal(loop_init(&p->loop), 0);
	assert_int_equal(sock_pair(SOCK_STREAM, pair), 0);
	p->fd = pair[1];
	buf_init(&p->heard, 1 << 20);
	buf_init(&p->bytes, 8 << 20);
	p->ws = ws_new(&p->loop, pair[0], NULL, &conf, early);
	listen_on(p);
}

static void
finish(struct peer *p)
{
	leave(p);
	for (int i = 0; i < TURNS && p->ws; i++)
		loop_turn(&p->loop, true);
	assert_null(p->ws);
	assert_int_equal(p->closed, 1);
	buf_done(&p->heard);
	buf_done(&p->bytes);
	loop_done(&p->loop);
}

static void
put(struct peer *p, struct slice bytes)
{
	assert_int_equal(
		send(p->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* One frame of a client: `first` is FIN, RSV and opcode. */
static void
put_frame(struct buf *to, uint8_t first, struct slice body, bool masked)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t bit = masked ? 0x80 : 0;

	buf_char(to, (char)first);
	if (body.len < 126) {
		buf_char(to, (char)(bit | body.len));
	} else {
		buf_char(to, (char)(bit | 126));
		buf_char(to, (char)(body.len >> 8));
		buf_char(to, (char)body.len);
	}
	if (masked)
		buf_add(to, mask, sizeof(mask));
	for (size_t i = 0; i < body.len; i++)
		buf_char(to, (char)(body.ptr[i] ^ (masked ? mask[i % 4] : 0)));
}

/* The server's next frame into words; false when there is no whole one. */
static bool
hear_frame(struct peer *p)
{
	const uint8_t *b = (const uint8_t *)p->bytes.ptr;
	static const char names[16] = "?TB?????CPp?????";
	size_t head = 2, len;

	if (p->bytes.len < head)
		return false;
	assert_int_equal(b[1] & 0x80, 0); /* a server does not mask */
	assert_int_equal(b[0] & 0xf0, 0x80);
	len = b[1];
	if (len == 126) {
		head = 4;
		if (p->bytes.len < head)
			return false;
		len = (size_t)b[2] << 8 | b[3];
	}
	if (p->bytes.len < head + len)
		return false;
	buf_char(&p->heard, names[b[0] & 15]);
	if ((b[0] & 15) == 8)
		buf_printf(&p->heard, "(%d)",
			len ? b[head] << 8 | b[head + 1] : 0);
	else if (len < 100)
		buf_printf(&p->heard, "(%.*s)", (int)len, b + head);
	else
		buf_printf(&p->heard, "(%zu)", len);
	buf_drop(&p->bytes, head + len);
	return true;
}

static void
hear(struct peer *p)
{
	char room[4096];
	ssize_t n;

	while ((n = recv(p->fd, room, sizeof(room), MSG_DONTWAIT)) > 0)
		buf_add(&p->bytes, room, (size_t)n);
	while (hear_frame(p))
		;
	if ((n == 0 || errno != EAGAIN) &&
		!strchr(buf_all(&p->heard).ptr, '$')) {
		buf_str(&p->heard, "$"); /* the end of the stream */
		uv_poll_stop(&p->poll);
	}
}

static void
hear_until(struct peer *p, const char *what)
{
	for (int i = 0; i < TURNS; i++) {
		if (strcmp(buf_all(&p->heard).ptr, what) == 0)
			return;
		if (buf_all(&p->heard).len >= strlen(what))
			break;
		loop_turn(&p->loop, true);
	}
	assert_string_equal(buf_all(&p->heard).ptr, what);
}

/* One case: frames of the client, and all that the server says. */
struct step {
	uint8_t first;
	const char *body;
	size_t len; /* 0: strlen */
	bool bare;  /* not masked */
};

struct table_case {
	const char *name;
	struct step steps[6];
	const char *heard;
	unsigned code; /* told to on_close */
};

#define BIG(c) \
	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static const struct table_case cases[] = {
	{"a text", {{0x81, "Hello", 0, 0}}, "T(Hello)", 0},
	{"bytes", {{0x82, "\x01\x02", 0, 0}}, "B(\x01\x02)", 0},
	{"an empty text", {{0x81, "", 0, 0}}, "T()", 0},
	{"two fragments", {{0x01, "Hel", 0, 0}, {0x80, "lo", 0, 0}}, "T(Hello)",
		0},
	{"a ping between fragments",
		{{0x01, "Hel", 0, 0}, {0x89, "?", 0, 0}, {0x80, "lo", 0, 0}},
		"p(?)T(Hello)", 0},
	{"empty fragments",
		{{0x01, "", 0, 0}, {0x00, "", 0, 0}, {0x00, "Hello", 0, 0},
			{0x80, "", 0, 0}},
		"T(Hello)", 0},
	{"a letter cut between fragments",
		{{0x01, "\xce", 0, 0}, {0x80, "\xba", 0, 0}}, "T(\xce\xba)", 0},
	{"a pong that nobody asked for", {{0x8a, "x", 0, 0}, {0x81, "a", 0, 0}},
		"T(a)", 0},
	{"a ping with nothing in it", {{0x89, "", 0, 0}}, "p()", 0},
	{"a close", {{0x88, "\x03\xe8", 2, 0}}, "C(1000)$", 1000},
	{"a close without a code", {{0x88, "", 0, 0}}, "C(0)$", 1005},
	{"a close of an application", {{0x88, "\x0b\xb9 bye", 0, 0}},
		"C(3001)$", 3001},
	{"nothing is heard after a close",
		{{0x88, "\x03\xe8", 2, 0}, {0x81, "a", 0, 0}}, "C(1000)$",
		1000},
	{"a frame that is not masked", {{0x81, "Hello", 0, 1}}, "C(1002)$",
		1002},
	{"RSV1 without an extension", {{0xc1, "Hello", 0, 0}}, "C(1002)$",
		1002},
	{"RSV2", {{0xa1, "Hello", 0, 0}}, "C(1002)$", 1002},
	{"RSV3", {{0x91, "Hello", 0, 0}}, "C(1002)$", 1002},
	{"a data opcode that is reserved", {{0x83, "a", 0, 0}}, "C(1002)$",
		1002},
	{"a control opcode that is reserved", {{0x8b, "", 0, 0}}, "C(1002)$",
		1002},
	{"a continuation of nothing", {{0x80, "a", 0, 0}}, "C(1002)$", 1002},
	{"a second message within the first",
		{{0x01, "a", 0, 0}, {0x81, "b", 0, 0}}, "C(1002)$", 1002},
	{"a ping in fragments", {{0x09, "a", 0, 0}}, "C(1002)$", 1002},
	{"a ping of 126 bytes", {{0x89, BIG("abcd"), 126, 0}}, "C(1002)$",
		1002},
	{"a close of one byte", {{0x88, "\x03", 1, 0}}, "C(1002)$", 1002},
	{"a close with a code that none may send", {{0x88, "\x03\xed", 2, 0}},
		"C(1002)$", 1002},
	{"a close with code 999", {{0x88, "\x03\xe7", 2, 0}}, "C(1002)$", 1002},
	{"a close with code 5000", {{0x88, "\x13\x88", 2, 0}}, "C(1002)$",
		1002},
	{"a close whose reason is no UTF-8", {{0x88, "\x03\xe8\xff", 3, 0}},
		"C(1007)$", 1007},
	{"a text that is no UTF-8", {{0x81, "a\xff", 0, 0}}, "C(1007)$", 1007},
	{"a surrogate", {{0x81, "\xed\xa0\x80", 0, 0}}, "C(1007)$", 1007},
	{"a letter written too long", {{0x81, "\xc0\xaf", 0, 0}}, "C(1007)$",
		1007},
	{"a letter beyond Unicode", {{0x81, "\xf4\x90\x80\x80", 0, 0}},
		"C(1007)$", 1007},
	{"half a letter at the end", {{0x01, "a", 0, 0}, {0x80, "\xce", 0, 0}},
		"C(1007)$", 1007},
	{"bytes need not be UTF-8", {{0x82, "\xff\xfe", 0, 0}}, "B(\xff\xfe)",
		0},
	{"the largest message", {{0x82, BIG(BIG("a")), 1000, 0}}, "B(1000)", 0},
	{"one byte more", {{0x82, BIG(BIG("a")), 1001, 0}}, "C(1009)$", 1009},
	{"one byte more in fragments",
		{{0x02, BIG(BIG("a")), 600, 0}, {0x80, BIG(BIG("a")), 401, 0}},
		"C(1009)$", 1009},
};

static void
put_steps(struct peer *p, const struct table_case *c, bool in_bytes)
{
	_buf_ struct buf all;

	buf_init(&all, 1 << 16);
	for (size_t i = 0; i < array_size(c->steps); i++) {
		const struct step *s = &c->steps[i];

		if (s->body)
			put_frame(&all, s->first,
				slice_of(s->body,
					s->len ? s->len : strlen(s->body)),
				!s->bare);
	}
	for (size_t i = 0; i < all.len; i++) {
		if (!in_bytes) {
			put(p, buf_all(&all));
			return;
		}
		if (p->ws)
			put(p, slice_of(all.ptr + i, 1));
		loop_turn(&p->loop, false);
	}
}

static void
run_case(const struct table_case *c, bool in_bytes)
{
	struct peer p;

	begin(&p, 0, slice_of("", 0));
	put_steps(&p, c, in_bytes);
	hear_until(&p, c->heard);
	leave(&p);
	for (int i = 0; i < TURNS && p.ws; i++)
		loop_turn(&p.loop, true);
	if (p.code != (c->code ? c->code : 1006))
		fail_msg("%s: code %u", c->name, p.code);
	finish(&p);
}

static void
frames_are_answered_as_the_table_says(void **state _unused_)
{
	for (size_t i = 0; i < array_size(cases); i++)
		run_case(&cases[i], false);
}

static void
the_same_holds_when_each_byte_comes_alone(void **state _unused_)
{
	for (size_t i = 0; i < array_size(cases); i++)
		run_case(&cases[i], true);
}

/* RFC 6455, 5.7: a single-frame masked text message. */
static void
the_example_of_the_rfc_is_understood(void **state _unused_)
{
	struct peer p;

	begin(&p, 0, slice_of("", 0));
	put(&p, slice_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11));
	hear_until(&p, "T(Hello)");
	assert_int_equal(p.opened, 1);
	finish(&p);
	assert_int_equal(p.code, 1006);
}

/* RFC 6455, 1.3. */
static void
the_accept_key_is_that_of_the_rfc(void **state _unused_)
{
	char accept[WS_ACCEPT];

	ws_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void
bytes_that_came_with_the_handshake_are_frames(void **state _unused_)
{
	_buf_ struct buf early;
	struct peer p;

	buf_init(&early, 100);
	put_frame(&early, 0x81, SLICE("early"), true);
	begin(&p, 0, buf_all(&early));
	hear_until(&p, "T(early)");
	finish(&p);
}

static void
two_parts_are_one_frame(void **state _unused_)
{
	struct peer p;

	begin(&p, 0, slice_of("", 0));
	ws_send_parts(p.ws, SLICE("one "), SLICE("message"));
	ws_send_parts(p.ws, SLICE(""), SLICE("two"));
	hear_until(&p, "T(one message)T(two)");
	finish(&p);
}

static void
our_close_waits_for_theirs(void **state _unused_)
{
	_buf_ struct buf reply;
	struct peer p;

	begin(&p, 0, slice_of("", 0));
	ws_send(p.ws, SLICE("last"));
	ws_close(p.ws, 3050, "logged out");
	ws_send(p.ws, SLICE("not sent any more"));
	hear_until(&p, "T(last)C(3050)");
	assert_int_equal(p.closed, 0);
	buf_init(&reply, 100);
	put_frame(&reply, 0x88, slice_of("\x0b\xea", 2), true);
	put(&p, buf_all(&reply));
	hear_until(&p, "T(last)C(3050)$");
	finish(&p);
	assert_int_equal(p.code, 3050);
}

/* The client never reads: at the ceiling it is told, and then left alone. */
static void
a_client_that_does_not_read_is_closed(void **state _unused_)
{
	static char text[8000];
	struct peer p;
	int sent = 0;

	memset(text, 'x', sizeof(text));
	begin(&p, 0, slice_of("", 0));
	uv_poll_stop(&p.poll);
	for (; sent < 10000 && p.ws; sent++) {
		ws_send(p.ws, slice_of(text, sizeof(text)));
		loop_turn(&p.loop, false);
		if (sent > 1000) /* long past any socket's room */
			break;
	}
	for (int i = 0; i < TURNS && !strstr(buf_all(&p.heard).ptr, "C(1013)");
		i++) {
		loop_turn(&p.loop, false);
		hear(&p);
	}
	assert_non_null(strstr(buf_all(&p.heard).ptr, "C(1013)"));
	finish(&p);
	assert_int_equal(p.code, 1013);
}

static void
a_held_client_waits_and_loses_nothing(void **state _unused_)
{
	static char text[900];
	_buf_ struct buf frame;
	struct peer p;

	memset(text, 'x', sizeof(text));
	buf_init(&frame, 1 << 20);
	for (int i = 0; i < 40; i++)
		put_frame(&frame, 0x82, slice_of(text, sizeof(text)), true);
	begin(&p, 0, slice_of("", 0));
	p.hold = true;
	p.quiet = true;
	put(&p, buf_all(&frame));
	for (int i = 0; i < 50; i++)
		loop_turn(&p.loop, false);
	assert_in_range(p.messages, 1, 5);
	p.hold = false;
	ws_hold(p.ws, false);
	for (int i = 0; i < TURNS && p.messages < 40; i++)
		loop_turn(&p.loop, true);
	assert_int_equal(p.messages, 40);
	finish(&p);
}

static void
a_silent_client_is_pinged_and_then_gone(void **state _unused_)
{
	struct peer p;

	begin(&p, 20, slice_of("", 0));
	hear_until(&p, "P()");
	hear_until(&p, "P()$");
	finish(&p);
	assert_int_equal(p.code, 1006);
}

static void
a_client_that_answers_pings_stays(void **state _unused_)
{
	_buf_ struct buf pong;
	struct peer p;

	buf_init(&pong, 100);
	put_frame(&pong, 0x8a, slice_of("", 0), true);
	begin(&p, 20, slice_of("", 0));
	hear_until(&p, "P()");
	put(&p, buf_all(&pong));
	hear_until(&p, "P()P()");
	put(&p, buf_all(&pong));
	hear_until(&p, "P()P()P()");
	assert_int_equal(p.closed, 0);
	finish(&p);
}

static void
a_pong_counts_however_late_we_read_it(void **state _unused_)
{
	const uint64_t ping_ms = 20;
	_buf_ struct buf pong;
	struct peer p;
	uint64_t back;

	buf_init(&pong, 100);
	put_frame(&pong, 0x8a, slice_of("", 0), true);
	begin(&p, ping_ms, slice_of("", 0));
	hear_until(&p, "P()");
	put(&p, buf_all(&pong));
	/* The machine has other things to do than us. */
	back = uv_hrtime() + 2 * ping_ms * 1000000;
	while (uv_hrtime() < back)
		;
	hear_until(&p, "P()P()");
	assert_int_equal(p.closed, 0);
	finish(&p);
}

/* Pongs are no way to fill our memory. */
static void
pings_that_nobody_reads_the_pongs_of_end_the_connection(void **state _unused_)
{
	_buf_ struct buf ping;
	struct peer p;

	buf_init(&ping, 1 << 16);
	for (int i = 0; i < 200; i++)
		put_frame(&ping, 0x89, SLICE("0123456789012345678901234567890"),
			true);
	begin(&p, 0, slice_of("", 0));
	uv_poll_stop(&p.poll);
	for (int i = 0; i < TURNS && !p.closed; i++) {
		ssize_t n = send(
			p.fd, ping.ptr, ping.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			buf_drop(&ping, (size_t)n);
		if (ping.len < 4096)
			for (int k = 0; k < 200; k++)
				put_frame(&ping, 0x89,
					SLICE("012345678901234567890123456789"
					      "0"),
					true);
		loop_turn(&p.loop, false);
		if (i > 3000)
			hear(&p);
		if (strstr(buf_all(&p.heard).ptr, "C(1013)"))
			break;
	}
	assert_non_null(strstr(buf_all(&p.heard).ptr, "C(1013)"));
	finish(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_answered_as_the_table_says),
		cmocka_unit_test(the_same_holds_when_each_byte_comes_alone),
		cmocka_unit_test(the_example_of_the_rfc_is_understood),
		cmocka_unit_test(the_accept_key_is_that_of_the_rfc),
		cmocka_unit_test(bytes_that_came_with_the_handshake_are_frames),
		cmocka_unit_test(two_parts_are_one_frame),
		cmocka_unit_test(our_close_waits_for_theirs),
		cmocka_unit_test(a_client_that_does_not_read_is_closed),
		cmocka_unit_test(a_held_client_waits_and_loses_nothing),
		cmocka_unit_test(a_silent_client_is_pinged_and_then_gone),
		cmocka_unit_test(a_client_that_answers_pings_stays),
		cmocka_unit_test(a_pong_counts_however_late_we_read_it),
		cmocka_unit_test(
			pings_that_nobody_reads_the_pongs_of_end_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
