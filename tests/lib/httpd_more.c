/*
 *   POST /sink      all of the body goes to a sink; answers how many bytes and
 *                   their FNV-1a sum.  q=wait: says EXCHANGE_WAIT before each
 *                   64 KiB; q=fail: an error after 1,000 bytes; q=early: 409
 *                   after 1,000 bytes; q=late: 409 from a timer meanwhile;
 *                   q=stop: reads nothing until /go
 *   POST /pause     the same, when a timer has let the body come; q=no: 403
 *                   instead
 *   GET /file       of --file; q=FROM-LENGTH
 *   GET /stream     q=BYTES: known length; q=BYTES,chunk: not known;
 *                   ,wait: pauses after each 10,000; ,fail: breaks off halfway
 *   GET /upgrade    echoes; "bye" from the client ends it
 */
#include "tests/lib/httpd.h"

#include "base/mem.h"
#include "base/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 1, LATE_MS = 30, STEP = 64 * 1024, EARLY = 1000 };

struct more {
	struct loop *loop;
	struct exchange *x;
	struct timer timer;
	struct slice q;
	uint64_t took, next, gave, top;
	uint64_t sum;
	bool waits, chunked, fails, is_sink;
};

static struct {
	unsigned upgrades, streams_cut, late;
	struct exchange *stopped;
} seen;

static bool
path_is(const struct exchange *x, const char *path)
{
	return strcmp(exchange_path(x), path) == 0;
}

static void
on_timer(struct timer *timer)
{
	struct more *m = container_of(timer, struct more, timer);

	seen.late += slice_is(m->q, "late");
	if (m->is_sink && slice_is(m->q, "late"))
		exchange_answer(m->x, 409, "text/plain", SLICE("late"));
	else if (m->is_sink && slice_is(m->q, "no"))
		exchange_answer(m->x, 403, "text/plain", SLICE("no"));
	else
		exchange_go_on(m->x);
}

static int
on_take(struct exchange *x, struct slice data)
{
	struct more *m = exchange_data(x);

	if (slice_is(m->q, "stop") && !m->waits) {
		seen.stopped = x;
		m->waits = true;
		return EXCHANGE_WAIT;
	}
	if (slice_is(m->q, "wait") && m->took >= m->next) {
		m->next = m->took + STEP;
		timer_set(&m->timer, m->loop, WAIT_MS, on_timer);
		return EXCHANGE_WAIT;
	}
	for (size_t i = 0; i < data.len; i++)
		m->sum = (m->sum ^ (unsigned char)data.ptr[i]) *
			 0x100000001b3ULL;
	m->took += data.len;
	if (m->took >= EARLY && slice_is(m->q, "fail"))
		return ERR_TOO_BIG;
	if (m->took >= EARLY && slice_is(m->q, "early")) {
		exchange_answer(x, 409, "text/plain", SLICE("early"));
		return 0;
	}
	return 0;
}

bool
more_head(struct loop *loop, struct exchange *x)
{
	struct more *m;

	if (path_is(x, "/go") && seen.stopped)
		exchange_go_on(take(seen.stopped));
	if (!path_is(x, "/sink") && !path_is(x, "/pause") &&
		!path_is(x, "/stream"))
		return false;
	m = arena_new(exchange_arena(x), struct more);
	m->loop = loop;
	m->x = x;
	m->q = exchange_query(x, "q");
	m->sum = 0xcbf29ce484222325ULL;
	exchange_set_data(x, m);
	if (path_is(x, "/stream"))
		return true;
	m->is_sink = true;
	exchange_set_sink(x, on_take, 1ULL << 31);
	if (path_is(x, "/pause"))
		exchange_pause(x);
	if (path_is(x, "/pause") || slice_is(m->q, "late"))
		timer_set(&m->timer, loop, LATE_MS, on_timer);
	return true;
}

static void
answer_sink(struct exchange *x)
{
	struct more *m = exchange_data(x);

	exchange_answer(x, 200, "application/json",
		slice_str(arena_printf(exchange_arena(x),
			"{\"took\":%llu,\"sum\":\"%016llx\",\"length\":%lld,"
			"\"body\":%zu}",
			(unsigned long long)m->took, (unsigned long long)m->sum,
			(long long)exchange_length(x), exchange_body(x).len)));
}

static void
answer_file(struct exchange *x, const char *file)
{
	struct slice q = exchange_query(x, "q");
	unsigned long long from = 0, len = 0;
	char text[64];
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(q));
	if (fd < 0 || sscanf(text, "%llu-%llu", &from, &len) != 2) {
		if (fd >= 0)
			(void)close(fd);
		exchange_answer(x, 404, "text/plain", SLICE("none"));
		return;
	}
	exchange_answer_file(x, 200, "application/octet-stream", fd, from, len);
}

static ssize_t
on_give(struct exchange *x, char *to, size_t room)
{
	struct more *m = exchange_data(x);
	size_t n = (size_t)min((uint64_t)room, m->top - m->gave);

	if (n == 0)
		return EXCHANGE_GIVE_END;
	if (m->fails && m->gave >= m->top / 2)
		return ERR_INTERNAL;
	if (m->waits) {
		n = min(n, (size_t)10000);
		if (m->gave >= m->next) {
			m->next = m->gave + 1;
			timer_set(&m->timer, m->loop, WAIT_MS, on_timer);
			return EXCHANGE_GIVE_WAIT;
		}
	}
	for (size_t i = 0; i < n; i++)
		to[i] = (char)('a' + (m->gave + i) % 26);
	m->gave += n;
	return (ssize_t)n;
}

static void
answer_stream(struct exchange *x)
{
	struct more *m = exchange_data(x);
	char text[64];

	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(m->q));
	m->top = strtoull(text, NULL, 10);
	m->chunked = strstr(text, ",chunk") != NULL;
	m->waits = strstr(text, ",wait") != NULL;
	m->fails = strstr(text, ",fail") != NULL;
	exchange_add_header(x, "X-Kind", "stream");
	exchange_answer_stream(x, 200, "text/plain",
		m->chunked ? -1 : (int64_t)m->top, on_give);
}

/* An upgraded connection that says everything again. */
struct echo {
	struct upgrade *u;
	uv_poll_t *poll;
	int fd;
};

static void
on_closed(uv_handle_t *handle)
{
	(void)mem_free(handle);
}

static void
echo_end(struct echo *e)
{
	seen.upgrades--;
	(void)uv_poll_stop(e->poll);
	uv_close((uv_handle_t *)e->poll, on_closed);
	upgrade_close(e->u);
	(void)mem_free(e);
}

static bool
echo_back(struct echo *e, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(e->fd, p, len);

		if (n < 0 && errno != EAGAIN)
			return false;
		p += max(n, 0);
		len -= (size_t)max(n, 0);
	}
	return true;
}

static void
on_input(uv_poll_t *poll, int status, int events)
{
	struct echo *e = poll->data;
	char bytes[65536];
	ssize_t n = read(e->fd, bytes, sizeof(bytes));

	(void)status, (void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !echo_back(e, bytes, (size_t)n) ||
		(n >= 3 && memcmp(bytes + n - 3, "bye", 3) == 0))
		echo_end(e);
}

static void
on_upgrade(void *owner, struct upgrade *u, int fd, struct slice early)
{
	struct loop *loop = owner;
	struct echo *e = mem_new(struct echo);

	seen.upgrades++;
	e->u = u;
	e->fd = fd;
	e->poll = mem_new(uv_poll_t);
	e->poll->data = e;
	(void)uv_poll_init(&loop->uv, e->poll, fd);
	(void)uv_poll_start(e->poll, UV_READABLE, on_input);
	(void)echo_back(e, early.ptr, early.len);
}

bool
more_request(struct loop *loop, struct exchange *x, const char *file)
{
	if (path_is(x, "/sink") || path_is(x, "/pause"))
		answer_sink(x);
	else if (path_is(x, "/stream"))
		answer_stream(x);
	else if (path_is(x, "/file") && file)
		answer_file(x, file);
	else if (path_is(x, "/upgrade")) {
		exchange_add_header(x, "Upgrade", "echo");
		exchange_upgrade(x, on_upgrade, loop);
	} else
		return false;
	return true;
}

void
more_end(struct exchange *x, bool sent)
{
	struct more *m = exchange_data(x);

	if (!m)
		return;
	seen.streams_cut += !sent;
	if (seen.stopped == x)
		seen.stopped = NULL;
	timer_clear(&m->timer);
}

const char *
more_stats(void)
{
	static char text[100];

	(void)snprintf(text, sizeof(text),
		",\"upgrades\":%u,\"cut\":%u,\"late\":%u", seen.upgrades,
		seen.streams_cut, seen.late);
	return text;
}
