/*
 * Control packets with descriptors, on a loop and without one.
 */
#include "base/channel.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sock.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct end {
	struct channel channel;
	struct buf got;
	size_t frames, fds;
	int kept; /* the first descriptor of the last packet, taken */
	int gone, gone_err;
	bool close_inside;
};

struct fixture {
	struct loop loop;
	struct end a, b;
	int fds[2];
};

static void
on_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct end *e = container_of(c, struct end, channel);

	e->frames++;
	e->fds += (size_t)nfds;
	if (f->body.len < 100)
		buf_printf(&e->got, "%u:%u:%.*s;", f->type, f->id,
			SLICE_ARG(f->body));
	if (nfds && e->kept < 0)
		e->kept = take_fd(fds[0]);
	if (e->close_inside)
		channel_close(c);
}

static void
on_gone(struct channel *c, int err)
{
	struct end *e = container_of(c, struct end, channel);

	e->gone++;
	e->gone_err = err;
}

static const struct channel_ops ops = {on_frame, on_gone};

static int
up(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	if (loop_init(&f->loop) < 0 || sock_pair(SOCK_SEQPACKET, f->fds) < 0)
		return -1;
	f->a.kept = f->b.kept = -1;
	buf_init(&f->a.got, 1 << 20);
	buf_init(&f->b.got, 1 << 20);
	if (channel_open(&f->a.channel, &f->loop, f->fds[0], &ops) < 0 ||
		channel_open(&f->b.channel, &f->loop, f->fds[1], &ops) < 0)
		return -1;
	*state = f;
	return 0;
}

static int
down(void **state)
{
	struct fixture *f = *state;

	channel_close(&f->a.channel);
	channel_close(&f->b.channel);
	loop_done(&f->loop);
	buf_done(&f->a.got);
	buf_done(&f->b.got);
	fd_closep(&f->b.kept);
	free(f);
	return 0;
}

static void
run_until(struct fixture *f, struct end *e, size_t frames)
{
	for (int i = 0; i < 100000 && e->frames < frames && !e->gone; i++)
		loop_turn(&f->loop, true);
	assert_int_equal(e->frames, frames);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static bool
is_same_file(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void
packets_arrive_one_by_one_with_their_descriptors(void **state)
{
	struct fixture *f = *state;
	int fds[2], before;

	assert_int_equal(pipe(fds), 0);
	before = count_fds();
	channel_send(&f->a.channel, 1, 10, SLICE("plain"), NULL, 0);
	channel_send(&f->a.channel, 2, 20, SLICE("with"), fds, 2);
	channel_send(&f->a.channel, 3, 30, SLICE(""), fds, 1);
	run_until(f, &f->b, 3);
	assert_string_equal(f->b.got.ptr, "1:10:plain;2:20:with;3:30:;");
	assert_int_equal(f->b.fds, 3);
	/* One was taken, the other two were closed. */
	assert_int_equal(count_fds(), before + 1);
	assert_true(is_same_file(f->b.kept, fds[0]));
	assert_true(fcntl(f->b.kept, F_GETFD) & FD_CLOEXEC);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
packets_that_do_not_fit_wait_with_their_descriptors(void **state)
{
	struct fixture *f = *state;
	_free_ char *body = mem_alloc(CHANNEL_BODY);
	int fds[2], before;

	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 20; i++)
		channel_send(&f->a.channel, 1, 1, slice_of(body, CHANNEL_BODY),
			NULL, 0);
	assert_false(list_empty(&f->a.channel.waiting));
	channel_send(&f->a.channel, 2, 2, SLICE("last"), fds, 1);
	before = count_fds(); /* with the duplicate that waits */
	(void)close(fds[0]);
	run_until(f, &f->b, 21);
	assert_string_equal(f->b.got.ptr, "2:2:last;");
	assert_true(f->b.kept >= 0);
	assert_int_equal(count_fds(), before - 1);
	assert_true(list_empty(&f->a.channel.waiting));
	assert_int_equal(f->a.channel.waiting_len, 0);
	(void)close(fds[1]);
}

static void
a_channel_may_be_closed_inside_on_frame(void **state)
{
	struct fixture *f = *state;

	f->b.close_inside = true;
	channel_send(&f->a.channel, 1, 1, SLICE("one"), NULL, 0);
	channel_send(&f->a.channel, 1, 2, SLICE("two"), NULL, 0);
	run_until(f, &f->b, 1);
	while (!f->a.gone)
		loop_turn(&f->loop, true);
	assert_int_equal(f->b.gone, 0);
	assert_string_equal(f->b.got.ptr, "1:1:one;");
}

static void
the_end_of_the_other_side_is_told_once(void **state)
{
	struct fixture *f = *state;

	channel_send(&f->a.channel, 1, 1, SLICE("last"), NULL, 0);
	channel_close(&f->a.channel);
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_string_equal(f->b.got.ptr, "1:1:last;");
	assert_int_equal(f->b.gone, 1);
	assert_int_equal(f->b.gone_err, 0);
	assert_false(channel_is_open(&f->b.channel));
}

static void
a_packet_too_large_breaks_the_channel_but_not_inside_send(void **state)
{
	struct fixture *f = *state;
	_free_ char *body = mem_alloc(CHANNEL_BODY + 1);

	channel_send(
		&f->a.channel, 1, 1, slice_of(body, CHANNEL_BODY + 1), NULL, 0);
	assert_int_equal(f->a.gone, 0);
	while (!f->a.gone)
		loop_turn(&f->loop, true);
	assert_int_equal(f->a.gone_err, ERR_TOO_BIG);
}

static void
a_packet_that_is_no_frame_ends_the_channel_and_leaks_nothing(void **state)
{
	struct fixture *f = *state;
	int before = count_fds();

	assert_int_equal(send(f->fds[0], "short", 5, 0), 5);
	while (!f->b.gone)
		loop_turn(&f->loop, true);
	assert_int_equal(f->b.gone_err, ERR_FORMAT);
	assert_int_equal(count_fds(), before - 1);
}

static void
small_programs_send_and_receive_without_a_loop(void **state)
{
	_free_ char *room = mem_alloc(FRAME_HEAD + CHANNEL_BODY);
	int pair[2], fds[CHANNEL_FDS], nfds;
	struct frame f;

	(void)state;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	assert_int_equal(
		channel_send_fd(pair[0], 6, 7, SLICE("body"), pair, 1), 0);
	assert_int_equal(channel_recv_fd(pair[1], room,
				 FRAME_HEAD + CHANNEL_BODY, &f, fds, &nfds),
		1);
	assert_int_equal(f.type, 6);
	assert_int_equal(f.id, 7);
	assert_true(slice_is(f.body, "body"));
	assert_int_equal(nfds, 1);
	assert_true(is_same_file(fds[0], pair[0]));
	(void)close(fds[0]);
	(void)close(pair[0]);
	assert_int_equal(channel_recv_fd(pair[1], room,
				 FRAME_HEAD + CHANNEL_BODY, &f, fds, &nfds),
		0);
	(void)close(pair[1]);
}

#define test(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(packets_arrive_one_by_one_with_their_descriptors),
		test(packets_that_do_not_fit_wait_with_their_descriptors),
		test(a_channel_may_be_closed_inside_on_frame),
		test(the_end_of_the_other_side_is_told_once),
		test(a_packet_too_large_breaks_the_channel_but_not_inside_send),
		test(a_packet_that_is_no_frame_ends_the_channel_and_leaks_nothing),
		cmocka_unit_test(
			small_programs_send_and_receive_without_a_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
