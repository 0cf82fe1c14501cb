/*
 * Frames over a socket on a real loop: batches, pieces, full sockets, and
 * owners who close from inside.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/stream.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOP = 1 << 20, OUT_TOP = 4 << 20 };

struct end {
	struct stream stream;
	struct buf got; /* "type:id:body;" of small frames */
	size_t bytes, frames;
	int gone, gone_err;
	void (*act)(struct end *e);
};

struct fixture {
	struct loop loop;
	struct end a, b;
	int fds[2];
};

static void
on_frame(struct stream *s, const struct frame *f)
{
	struct end *e = container_of(s, struct end, stream);

	e->frames++;
	e->bytes += f->body.len;
	if (f->body.len < 100)
		buf_printf(&e->got, "%u:%u:%.*s;", f->type, f->id,
			SLICE_ARG(f->body));
	if (e->act)
		e->act(e);
}

static void
on_gone(struct stream *s, int err)
{
	struct end *e = container_of(s, struct end, stream);

	assert_false(stream_is_open(s));
	e->gone++;
	e->gone_err = err;
}

static const struct stream_ops ops = {on_frame, on_gone};

static void
open_end(struct fixture *f, struct end *e, int fd)
{
	buf_init(&e->got, 1 << 20);
	assert_int_equal(
		stream_open(&e->stream, &f->loop, fd, &ops, TOP, OUT_TOP), 0);
}

static int
up(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	if (loop_init(&f->loop) < 0 || sock_pair(SOCK_STREAM, f->fds) < 0)
		return -1;
	open_end(f, &f->a, f->fds[0]);
	open_end(f, &f->b, f->fds[1]);
	*state = f;
	return 0;
}

static int
down(void **state)
{
	struct fixture *f = *state;

	stream_close(&f->a.stream);
	stream_close(&f->b.stream);
	loop_done(&f->loop);
	buf_done(&f->a.got);
	buf_done(&f->b.got);
	free(f);
	return 0;
}

/* Until `frames` have come or the other end has gone. */
static void
run_until(struct fixture *f, struct end *e, size_t frames)
{
	for (int i = 0; i < 100000 && e->frames < frames && !e->gone; i++)
		loop_turn(&f->loop, true);
	assert_int_equal(e->frames, frames);
}

static void
frames_of_one_turn_arrive_in_order_by_one_read(void **state)
{
	struct fixture *f = *state;

	stream_send(&f->a.stream, 1, 10, SLICE("one"));
	stream_send(&f->a.stream, 2, 20, SLICE(""));
	stream_send(&f->a.stream, 3, 30, SLICE("three"));
	assert_int_equal(f->b.frames, 0);
	run_until(f, &f->b, 3);
	assert_string_equal(f->b.got.ptr, "1:10:one;2:20:;3:30:three;");
	assert_int_equal(f->b.stream.in.room, 0); /* idle holds no memory */
}

static void
a_body_may_be_built_in_place(void **state)
{
	struct fixture *f = *state;
	size_t mark;

	mark = frame_begin(stream_out(&f->a.stream), 4, 5);
	buf_str(stream_out(&f->a.stream), "built");
	frame_end(stream_out(&f->a.stream), mark);
	run_until(f, &f->b, 1);
	assert_string_equal(f->b.got.ptr, "4:5:built;");
}

static void
a_frame_that_comes_byte_by_byte_is_put_together(void **state)
{
	struct fixture *f = *state;
	_buf_ struct buf bytes;

	buf_init(&bytes, 1000);
	frame_put(&bytes, 1, 1, SLICE("first"));
	frame_put(&bytes, 2, 2, SLICE("second"));
	for (size_t i = 0; i < bytes.len; i++) {
		assert_int_equal(write(f->fds[0], bytes.ptr + i, 1), 1);
		loop_turn(&f->loop, true);
	}
	assert_string_equal(f->b.got.ptr, "1:1:first;2:2:second;");
}

static void
more_than_the_socket_holds_waits_and_arrives_whole(void **state)
{
	struct fixture *f = *state;
	_free_ char *body = mem_alloc(TOP);

	for (int i = 0; i < 3; i++)
		stream_send(&f->a.stream, 1, 1, slice_of(body, TOP));
	stream_send(&f->a.stream, 2, 9, SLICE("end"));
	run_until(f, &f->b, 4);
	assert_int_equal(f->b.bytes, 3 * TOP + 3);
	assert_string_equal(f->b.got.ptr, "2:9:end;");
	assert_false(f->a.stream.blocked);
	assert_int_equal(f->a.stream.out.room, 0);
}

static void
echo(struct end *e)
{
	struct fixture *f = container_of(e, struct fixture, b);

	stream_send(&f->b.stream, 1, 1, SLICE("answer"));
}

static void
answers_given_inside_on_frame_leave_together(void **state)
{
	struct fixture *f = *state;

	f->b.act = echo;
	for (int i = 0; i < 1000; i++)
		stream_send(&f->a.stream, 1, 1, SLICE("question"));
	run_until(f, &f->a, 1000);
	assert_int_equal(f->b.frames, 1000);
}

static void
close_itself(struct end *e)
{
	stream_close(&e->stream);
	memset(&e->stream, 0xee, sizeof(e->stream)); /* its owner is freed */
}

static void
a_stream_may_be_closed_inside_on_frame(void **state)
{
	struct fixture *f = *state;

	f->b.act = close_itself;
	stream_send(&f->a.stream, 1, 1, SLICE("one"));
	stream_send(&f->a.stream, 2, 2, SLICE("never seen"));
	run_until(f, &f->b, 1);
	while (!f->a.gone)
		loop_turn(&f->loop, true);
	assert_string_equal(f->b.got.ptr, "1:1:one;");
	assert_int_equal(f->b.gone, 0);
	memset(&f->b.stream, 0, sizeof(f->b.stream));
}

/* The frame stands in the stream's own buffer when it came in pieces. */
static void
a_stream_may_be_closed_inside_on_frame_of_pieces(void **state)
{
	struct fixture *f = *state;
	_buf_ struct buf bytes;

	buf_init(&bytes, 1000);
	frame_put(&bytes, 1, 1, SLICE("one"));
	frame_put(&bytes, 1, 2, SLICE("two"));
	f->b.act = close_itself;
	assert_int_equal(write(f->fds[0], bytes.ptr, 7), 7);
	loop_turn(&f->loop, true);
	assert_int_equal(f->b.frames, 0);
	assert_true(write(f->fds[0], bytes.ptr + 7, bytes.len - 7) > 0);
	run_until(f, &f->b, 1);
	memset(&f->b.stream, 0, sizeof(f->b.stream));
}

static void
the_end_of_the_other_side_is_told_once_after_its_last_frame(void **state)
{
	struct fixture *f = *state;

	stream_send(&f->a.stream, 1, 1, SLICE("last"));
	loop_turn(&f->loop, false);
	stream_close(&f->a.stream);
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_string_equal(f->b.got.ptr, "1:1:last;");
	assert_int_equal(f->b.gone, 1);
	assert_int_equal(f->b.gone_err, 0);
}

/* A worker that answers and is killed with our next call unread: its socket
 * resets, its answer still counts. */
static void
the_last_frame_of_a_peer_that_resets_is_not_lost(void **state)
{
	struct fixture *f = *state;
	_buf_ struct buf bytes;
	int raw;

	stream_send(&f->b.stream, 1, 1, SLICE("never read"));
	loop_turn(&f->loop, false);
	buf_init(&bytes, 1000);
	frame_put(&bytes, 3, 3, SLICE("answer"));
	raw = dup(f->fds[0]);
	assert_true(raw >= 0);
	stream_close(&f->a.stream);
	assert_true(write(raw, bytes.ptr, bytes.len) > 0);
	(void)close(raw);
	stream_send(&f->b.stream, 1, 2, SLICE("into the void"));
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_string_equal(f->b.got.ptr, "3:3:answer;");
	assert_int_equal(f->b.gone_err, 0);
}

static void
what_is_no_frame_ends_the_stream(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(write(f->fds[0], "GET / HTTP/1.1\r\n", 16), 16);
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_int_equal(f->b.frames, 0);
	assert_true(
		f->b.gone_err == ERR_FORMAT || f->b.gone_err == ERR_TOO_BIG);
}

static void
a_frame_over_the_ceiling_ends_the_stream(void **state)
{
	struct fixture *f = *state;
	_free_ char *body = mem_alloc(TOP + 1);

	stream_send(&f->a.stream, 1, 1, slice_of(body, TOP + 1));
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_int_equal(f->b.gone_err, ERR_TOO_BIG);
}

static void
too_much_unsent_breaks_the_stream_but_not_inside_send(void **state)
{
	struct fixture *f = *state;
	_free_ char *body = mem_alloc(TOP);

	for (int i = 0; i < 5; i++)
		stream_send(&f->a.stream, 1, 1, slice_of(body, TOP));
	assert_int_equal(f->a.gone, 0);
	loop_turn(&f->loop, false);
	assert_int_equal(f->a.gone, 1);
	assert_int_equal(f->a.gone_err, ERR_TOO_BIG);
}

#define test(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(frames_of_one_turn_arrive_in_order_by_one_read),
		test(a_body_may_be_built_in_place),
		test(a_frame_that_comes_byte_by_byte_is_put_together),
		test(more_than_the_socket_holds_waits_and_arrives_whole),
		test(answers_given_inside_on_frame_leave_together),
		test(a_stream_may_be_closed_inside_on_frame),
		test(a_stream_may_be_closed_inside_on_frame_of_pieces),
		test(the_end_of_the_other_side_is_told_once_after_its_last_frame),
		test(the_last_frame_of_a_peer_that_resets_is_not_lost),
		test(what_is_no_frame_ends_the_stream),
		test(a_frame_over_the_ceiling_ends_the_stream),
		test(too_much_unsent_breaks_the_stream_but_not_inside_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
