/*
 * A hostile worker: bytes on its socket → whatever the gateway makes of them.
 * The first byte says how: the rest as it is, or cut into frames (type, id,
 * length, body) so that most of it gets past the frame's head.
 */
#include "base/clock.h"
#include "base/sock.h"
#include "functions/crew.h"
#include "functions/proto.h"
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

static const struct caller caller = {.role = CALLER_USER,
	.uid = "u",
	.appid = "a",
	.openid = "o",
	.unionid = ""};

static void
on_call(struct crews *crews, struct host_call *call)
{
	(void)crews;
	host_call_reply(call, SLICE("{}"));
}

static void
on_line(struct crews *crews, const struct crew_line *line)
{
	(void)crews;
	if (!line->function || !line->request_id || line->level < 0 ||
		line->level > 3)
		__builtin_trap();
}

static const struct crews_ops ops = {.on_call = on_call, .on_line = on_line};

/* An answer is JSON or an error. */
static void
on_done(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);

	if (job->err == 0 && val_check(call->result) < 0)
		__builtin_trap();
}

static void
frames(struct buf *to, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t len = min((size_t)data[2], size - 3);

		frame_put(
			to, data[0] & 15, data[1] & 7, slice_of(data + 3, len));
		data += 3 + len;
		size -= 3 + len;
	}
}

static void
worker_join(int keeper, int fd)
{
	static char room[FRAME_HEAD + CHANNEL_BODY];
	int fds[CHANNEL_FDS], nfds = 0;
	struct frame f;

	if (channel_recv_fd(keeper, room, sizeof(room), &f, fds, &nfds) != 1)
		__builtin_trap();
	if (channel_send_fd(
		    keeper, HOST_WORKER, f.id, SLICE("\1\0\0\0"), &fd, 1) < 0)
		__builtin_trap();
}

static void
run(struct loop *loop, struct crews *crews, const uint8_t *data, size_t size)
{
	struct fn_settings s = {.name = "f",
		.version = 1,
		.timeout_ms = 60000,
		.memory = 1 << 20,
		.workers = 1,
		.concurrency = data[0] & 2 ? 4 : 1,
		.queue = 8,
		.queue_ms = 60000,
		.calls = data[0] & 8 ? 1 : 0,
		.idle_ms = 60000};
	int keeper[2], worker[2];
	struct fn_call call[2];
	_buf_ struct buf b;

	buf_init(&b, 1 << 20);
	if (sock_pair(SOCK_SEQPACKET, keeper) < 0 ||
		sock_pair(SOCK_STREAM, worker) < 0 ||
		crews_add(crews, &s, keeper[1], NULL) < 0)
		__builtin_trap();
	for (int i = 0; i < 2; i++) {
		call[i] = (struct fn_call){.function = "f",
			.caller = &caller,
			.request_id = "r",
			.client_ip = "",
			.source = "",
			.event = SLICE("{}")};
		job_init(&call[i].job, on_done);
		crew_call(crews, &call[i]);
	}
	loop_turn(loop, false);
	worker_join(keeper[0], worker[1]);
	loop_turn(loop, false);
	loop_turn(loop, false);
	if (data[0] & 1)
		buf_add(&b, data + 1, size - 1);
	else
		frames(&b, data + 1, size - 1);
	(void)send(worker[0], b.ptr, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (data[0] & 4)
		(void)shutdown(worker[0], SHUT_RDWR);
	for (int i = 0; i < 4; i++)
		loop_turn(loop, false);
	for (int i = 0; i < 2; i++)
		job_cancel(&call[i].job);
	(void)close(worker[0]);
	(void)close(worker[1]);
	(void)close(keeper[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct crews_conf conf = {.event_top = 4096,
		.result_top = 4096,
		.env = "e",
		.report_rate = 1,
		.appid = "a"};
	struct crews *crews;
	struct loop loop;

	if (size < 1 || size > 1 << 16)
		return 0;
	if (loop_init(&loop) < 0 || crews_new(&crews, &loop, &conf, &ops) < 0)
		return 0;
	run(&loop, crews, data, size);
	crews = crews_free(crews);
	loop_done(&loop);
	return 0;
}
