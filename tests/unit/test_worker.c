/*
 * The native worker's loop on a socket pair, without a process around it, and
 * capture's lines.
 */
#include "base/err.h"
#include "base/frame.h"
#include "base/mem.h"
#include "base/sock.h"
#include "functions/capture.h"
#include "functions/worker.h"
#include "include/mpcloud.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static struct worker w;
static pthread_t thread;
static int result;
static int most, now;

/* {"calls":N} asks N times one after the other, then answers N. */
static int
sample_main(struct mpc_context *ctx, const char *event, size_t len)
{
	int n = event[0] >= '0' && event[0] <= '9' ? event[0] - '0' : 0;

	now++;
	most = max(most, now);
	for (int i = 0; i < n; i++)
		if (mpc_call(ctx, "{}", 2, NULL, NULL) < 0)
			return -9;
	now--;
	return mpc_result(ctx, event, len);
}

static void *
run(void *arg)
{
	result = worker_run(arg);
	return NULL;
}

static void
start(unsigned concurrency)
{
	assert_int_equal(sock_pair(SOCK_STREAM, ends), 0);
	(void)fd_set_blocking(ends[0], true);
	(void)fd_set_blocking(ends[1], true);
	w = (struct worker){
		.main = sample_main, .concurrency = concurrency, .fd = ends[1]};
	most = now = 0;
	assert_int_equal(pthread_create(&thread, NULL, run, &w), 0);
}

static void
finish(void)
{
	(void)close(ends[0]);
	(void)pthread_join(thread, NULL);
	(void)close(ends[1]);
}

static void
put_invoke(struct buf *b, uint32_t id, const char *event)
{
	size_t mark = frame_begin(b, PROTO_INVOKE, id);

	put_u32(b, 1000);
	put_bytes(b, SLICE("{}"));
	buf_str(b, event);
	frame_end(b, mark);
}

static void
send_all(const struct buf *b)
{
	assert_int_equal(
		send(ends[0], b->ptr, b->len, MSG_NOSIGNAL), (int)b->len);
}

/* One frame; its body is kept in `room`. */
static struct frame
next(void)
{
	static char room[65536];
	static size_t used;
	static size_t have;
	struct frame f;

	memmove(room, room + used, have - used);
	have -= used;
	for (;;) {
		struct slice left = slice_of(room, have);
		ssize_t n;

		if (frame_cut(&left, sizeof(room), &f) == 1) {
			used = have - left.len;
			return f;
		}
		n = read(ends[0], room + have, sizeof(room) - have);
		assert_true(n > 0);
		have += (size_t)n;
	}
}

static void
reply(uint32_t call)
{
	struct buf b = {0};

	buf_init(&b, 256);
	frame_put(&b, PROTO_REPLY, call, SLICE("{\"data\":1}"));
	send_all(&b);
	buf_done(&b);
}

static void
serve(unsigned concurrency, int invocations)
{
	struct buf b = {0};
	int results = 0, calls = 0, last = 0;
	struct frame f;

	start(concurrency);
	buf_init(&b, 65536);
	for (int i = 1; i <= invocations; i++)
		put_invoke(&b, (uint32_t)i, i % 2 ? "2" : "0");
	send_all(&b);
	buf_done(&b);
	assert_int_equal(next().type, PROTO_READY);
	while (results < invocations) {
		f = next();
		if (f.type == PROTO_CALL) {
			calls++;
			reply(f.id);
			continue;
		}
		assert_int_equal(f.type, PROTO_RESULT);
		assert_int_equal(f.body.ptr[0], f.id % 2 ? '2' : '0');
		if (concurrency == 1)
			assert_int_equal(f.id, last + 1);
		last = (int)f.id;
		results++;
	}
	assert_int_equal(calls, (invocations + 1) / 2 * 2);
	finish();
	assert_int_equal(result, 0);
}

static void
alone_answers_come_in_order(void **state)
{
	(void)state;
	serve(1, 50);
	assert_int_equal(most, 1);
}

static void
several_wait_at_the_same_time(void **state)
{
	(void)state;
	serve(8, 50);
	assert_int_equal(most, 8);
}

static void
frames_in_pieces_are_put_together(void **state)
{
	struct buf b = {0};

	(void)state;
	start(1);
	buf_init(&b, 4096);
	put_invoke(&b, 1, "\"slow\"");
	assert_int_equal(next().type, PROTO_READY);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(send(ends[0], b.ptr + i, 1, 0), 1);
	buf_done(&b);
	assert_int_equal(next().type, PROTO_RESULT);
	finish();
}

static void
broken_frames_end_it(void **state)
{
	static const struct {
		uint8_t type;
		struct slice body;
	} broken[] = {
		{PROTO_INVOKE, {"", 0}},
		{PROTO_INVOKE, {"\1\0\0\0\xff\xff\xff\xff", 8}},
		{PROTO_RESULT, {"", 0}},
		{99, {"", 0}},
	};

	(void)state;
	for (size_t i = 0; i < array_size(broken); i++) {
		struct buf b = {0};

		start(1);
		buf_init(&b, 256);
		frame_put(&b, broken[i].type, 1, broken[i].body);
		assert_int_equal(next().type, PROTO_READY);
		send_all(&b);
		buf_done(&b);
		(void)pthread_join(thread, NULL);
		assert_true(result < 0);
		(void)close(ends[0]);
		(void)close(ends[1]);
	}
}

static void
drain_ends_it_when_all_is_answered(void **state)
{
	struct buf b = {0};
	struct frame f;

	(void)state;
	start(4);
	buf_init(&b, 4096);
	put_invoke(&b, 1, "1");
	frame_put(&b, PROTO_DRAIN, 0, SLICE(""));
	send_all(&b);
	buf_done(&b);
	assert_int_equal(next().type, PROTO_READY);
	f = next();
	assert_int_equal(f.type, PROTO_CALL);
	reply(f.id);
	assert_int_equal(next().type, PROTO_RESULT);
	(void)pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Lines of a pipe, joined by '|'. */
struct lines {
	struct capture capture;
	struct buf all;
	bool ready;
};

static void
on_line(struct capture *c, struct slice line)
{
	struct lines *l = container_of(c, struct lines, capture);

	buf_printf(&l->all, "%zu:%.*s|", line.len,
		(int)min(line.len, (size_t)10), line.ptr);
}

static bool
is_ready(struct capture *c)
{
	return container_of(c, struct lines, capture)->ready;
}

static const struct capture_ops line_ops = {on_line, is_ready};

static void
lines_are_cut_and_the_last_needs_no_newline(void **state)
{
	struct lines l = {.ready = true};
	struct loop loop;
	int fds[2];

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	buf_init(&l.all, 65536);
	assert_int_equal(capture_open(&l.capture, &loop, fds[0], &line_ops), 0);
	assert_int_equal(write(fds[1], "one\r\n\ntw", 8), 8);
	loop_turn(&loop, true);
	assert_string_equal(l.all.ptr, "3:one|0:|");
	assert_int_equal(write(fds[1], "o\nrest", 6), 6);
	(void)close(fds[1]);
	capture_finish(&l.capture);
	assert_string_equal(l.all.ptr, "3:one|0:|3:two|4:rest|");
	buf_done(&l.all);
	loop_done(&loop);
}

static void
a_line_without_end_has_a_ceiling(void **state)
{
	static char text[20000];
	struct lines l = {.ready = true};
	struct loop loop;
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	buf_init(&l.all, 65536);
	assert_int_equal(capture_open(&l.capture, &loop, fds[0], &line_ops), 0);
	assert_int_equal(write(fds[1], text, sizeof(text)), (int)sizeof(text));
	(void)close(fds[1]);
	capture_finish(&l.capture);
	assert_string_equal(
		l.all.ptr, "8192:xxxxxxxxxx|8192:xxxxxxxxxx|3616:xxxxxxxxxx|");
	buf_done(&l.all);
	loop_done(&loop);
}

static void
a_reader_that_is_behind_is_waited_for(void **state)
{
	struct lines l = {.ready = false};
	struct loop loop;
	int fds[2];

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	buf_init(&l.all, 65536);
	assert_int_equal(capture_open(&l.capture, &loop, fds[0], &line_ops), 0);
	assert_int_equal(write(fds[1], "one\n", 4), 4);
	loop_turn(&loop, true);
	assert_int_equal(l.all.len, 0);
	l.ready = true;
	while (l.all.len == 0)
		loop_turn(&loop, true);
	assert_string_equal(l.all.ptr, "3:one|");
	capture_close(&l.capture);
	(void)close(fds[1]);
	buf_done(&l.all);
	loop_done(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone_answers_come_in_order),
		cmocka_unit_test(several_wait_at_the_same_time),
		cmocka_unit_test(frames_in_pieces_are_put_together),
		cmocka_unit_test(broken_frames_end_it),
		cmocka_unit_test(drain_ends_it_when_all_is_answered),
		cmocka_unit_test(lines_are_cut_and_the_last_needs_no_newline),
		cmocka_unit_test(a_line_without_end_has_a_ceiling),
		cmocka_unit_test(a_reader_that_is_behind_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
