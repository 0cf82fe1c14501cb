/*
 * Descriptors that are waited for.  epoll_ctl(2) stands here and counts:
 * libuv's calls find this one before the library's.
 */
#include "base/fdpoll.h"
#include "base/mem.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned asked; /* the kernel */

__attribute__((visibility("default"))) int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	asked++;
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

struct end {
	struct loop loop;
	struct fdpoll poll;
	int fd, peer;
	unsigned calls;
	int events; /* of the last call */
};

static void
on_poll(struct fdpoll *poll, int events)
{
	struct end *e = container_of(poll, struct end, poll);

	e->calls++;
	e->events = events;
}

static void
setup(struct end *e, int events)
{
	int fds[2];

	*e = (struct end){0};
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	e->fd = fds[0];
	e->peer = fds[1];
	assert_int_equal(loop_init(&e->loop), 0);
	assert_int_equal(
		fdpoll_open(&e->poll, &e->loop, e->fd, events, on_poll), 0);
}

static void
teardown(struct end *e)
{
	fdpoll_close(&e->poll);
	fd_closep(&e->fd);
	fd_closep(&e->peer);
	loop_done(&e->loop);
}

static void
say(struct end *e)
{
	assert_int_equal(write(e->peer, "x", 1), 1);
}

/* What a turn tells. */
static int
turn(struct end *e)
{
	e->events = -1;
	loop_turn(&e->loop, false);
	return e->events;
}

static void
only_what_is_asked_for_is_told(void **state)
{
	struct end e;

	(void)state;
	setup(&e, UV_READABLE);
	assert_int_equal(turn(&e), -1);
	say(&e);
	assert_int_equal(turn(&e), UV_READABLE);
	assert_int_equal(fdpoll_set(&e.poll, UV_WRITABLE), 0);
	assert_int_equal(turn(&e), UV_WRITABLE);
	assert_int_equal(fdpoll_set(&e.poll, UV_READABLE | UV_WRITABLE), 0);
	assert_int_equal(turn(&e), UV_READABLE | UV_WRITABLE);
	assert_int_equal(fdpoll_set(&e.poll, 0), 0);
	assert_int_equal(turn(&e), -1);
	assert_int_equal(e.calls, 3);
	teardown(&e);
}

static void
the_same_again_asks_nothing_of_the_kernel(void **state)
{
	struct end e;
	unsigned before;

	(void)state;
	setup(&e, UV_READABLE);
	assert_int_equal(turn(&e), -1);
	before = asked;
	assert_int_equal(fdpoll_set(&e.poll, UV_READABLE), 0);
	assert_int_equal(turn(&e), -1);
	assert_int_equal(asked, before);
	/* this count would have seen it */
	assert_int_equal(fdpoll_set(&e.poll, UV_WRITABLE), 0);
	assert_int_equal(turn(&e), UV_WRITABLE);
	assert_int_equal(asked, before + 2);
	teardown(&e);
}

static void
what_is_not_open_may_be_closed(void **state)
{
	struct end e;

	(void)state;
	setup(&e, 0);
	assert_true(fdpoll_is_open(&e.poll));
	fdpoll_close(&e.poll);
	assert_false(fdpoll_is_open(&e.poll));
	fdpoll_close(&e.poll);
	say(&e);
	assert_int_equal(turn(&e), -1);
	teardown(&e);
}

/* Freed, with all that it was embedded in, by its own callback. */
struct owner {
	struct fdpoll poll;
	unsigned *freed;
	int fd;
};

static void
on_last(struct fdpoll *poll, int events)
{
	struct owner *o = container_of(poll, struct owner, poll);

	(void)events;
	(*o->freed)++;
	fdpoll_close(&o->poll);
	fd_closep(&o->fd);
	(void)mem_free(o);
}

static struct owner *
owner_new(struct end *e, int fd, unsigned *freed, fdpoll_fn *fn)
{
	struct owner *o = mem_new(struct owner);

	o->fd = fd;
	o->freed = freed;
	assert_int_equal(
		fdpoll_open(&o->poll, &e->loop, fd, UV_READABLE, fn), 0);
	return o;
}

static void
an_owner_may_be_freed_inside_its_callback(void **state)
{
	struct end e;
	unsigned freed = 0;

	(void)state;
	setup(&e, 0);
	(void)owner_new(&e, dup(e.fd), &freed, on_last);
	say(&e);
	loop_turn(&e.loop, false);
	assert_int_equal(freed, 1);
	loop_turn(&e.loop, false);
	assert_int_equal(freed, 1);
	teardown(&e);
}

static struct owner *both[2];

static void
on_either(struct fdpoll *poll, int events)
{
	unsigned *freed = container_of(poll, struct owner, poll)->freed;

	for (size_t i = 0; i < array_size(both); i++)
		on_last(&both[i]->poll, events);
	(*freed)++;
}

/* Both have come; the first to hear of it frees both. */
static void
what_is_closed_is_not_told_what_had_come(void **state)
{
	struct end e;
	unsigned freed = 0;

	(void)state;
	setup(&e, 0);
	for (size_t i = 0; i < array_size(both); i++)
		both[i] = owner_new(&e, dup(e.fd), &freed, on_either);
	say(&e);
	loop_turn(&e.loop, false);
	loop_turn(&e.loop, false);
	assert_int_equal(freed, 3);
	teardown(&e);
}

static bool were_closed[2];

static void
on_reopen(struct fdpoll *poll, int events)
{
	struct end *e = container_of(poll, struct end, poll);
	const uv_poll_t *mine = poll->handle;

	were_closed[0] = fdpoll_was_closed(mine);
	fdpoll_close(poll);
	assert_int_equal(
		fdpoll_open(poll, &e->loop, e->fd, UV_READABLE, on_poll), 0);
	were_closed[1] = fdpoll_was_closed(mine);
	(void)events;
}

static void
who_opens_anew_is_told_from_who_was_there(void **state)
{
	struct end e;

	(void)state;
	setup(&e, 0);
	fdpoll_close(&e.poll);
	assert_int_equal(
		fdpoll_open(&e.poll, &e.loop, e.fd, UV_READABLE, on_reopen), 0);
	say(&e);
	loop_turn(&e.loop, false);
	assert_false(were_closed[0]);
	assert_true(were_closed[1]);
	assert_int_equal(turn(&e), UV_READABLE);
	teardown(&e);
}

/* A connection that is reset while nobody reads. */
static void
reset(struct end *e)
{
	const struct linger now = {.l_onoff = 1};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	_close_ int door = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(door, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
	fdpoll_close(&e->poll);
	fd_closep(&e->fd);
	fd_closep(&e->peer);
	e->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(e->fd, (struct sockaddr *)&at, len), 0);
	e->peer = accept(door, NULL, NULL);
	assert_int_equal(
		setsockopt(e->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)),
		0);
	fd_closep(&e->peer);
}

static void
an_error_is_told_and_then_nothing_until_asked(void **state)
{
	struct end e;
	char byte;

	(void)state;
	setup(&e, 0);
	reset(&e);
	assert_int_equal(
		fdpoll_open(&e.poll, &e.loop, e.fd, UV_READABLE, on_poll), 0);
	assert_int_equal(turn(&e), 0);
	assert_int_equal(turn(&e), -1);
	assert_int_equal(recv(e.fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
	/* the same events as before the error are asked for anew */
	assert_int_equal(fdpoll_set(&e.poll, UV_READABLE), 0);
	assert_int_equal(turn(&e), UV_READABLE);
	teardown(&e);
}

static void
a_descriptor_that_another_polls_is_refused(void **state)
{
	struct end e;
	struct fdpoll other = {0};

	(void)state;
	setup(&e, UV_READABLE);
	assert_int_equal(
		fdpoll_open(&other, &e.loop, e.fd, UV_READABLE, on_poll),
		-EEXIST);
	assert_false(fdpoll_is_open(&other));
	teardown(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_asked_for_is_told),
		cmocka_unit_test(the_same_again_asks_nothing_of_the_kernel),
		cmocka_unit_test(what_is_not_open_may_be_closed),
		cmocka_unit_test(an_owner_may_be_freed_inside_its_callback),
		cmocka_unit_test(what_is_closed_is_not_told_what_had_come),
		cmocka_unit_test(who_opens_anew_is_told_from_who_was_there),
		cmocka_unit_test(an_error_is_told_and_then_nothing_until_asked),
		cmocka_unit_test(a_descriptor_that_another_polls_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
