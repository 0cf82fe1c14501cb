/*
 * One child's states.  A child has ended when both are true: the kernel has
 * reported its exit, and its control channel is read to the end.  Only then is
 * its last message (why it could not start) known to be handled; each half
 * waits a moment for the other.
 */
#include "src/child.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/sock.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINGER_MS = 1000, HANG_UP_MS = 2000 };

struct cell {
	enum child_state next;
	enum child_act act;
};

static const struct cell cells[CHILD_COUNT_][CHILD_ON_COUNT_] = {
#define X(state, event, next, act) \
	[CHILD_##state][CHILD_ON_##event] = {CHILD_##next, CHILD_##act},
#include "src/child.def"
#undef X
};

static const char *const names[] = {
	"down", "starting", "ready", "waiting", "leaving", "gone"};

static void child_act(struct child *c, enum child_event event);
static void finish(struct child *c);

enum child_act
child_step(enum child_state *at, enum child_event event)
{
	const struct cell *cell;

	assert(*at < CHILD_COUNT_ && event < CHILD_ON_COUNT_);
	cell = &cells[*at][event];
	if (cell->act != CHILD_ACT_NOTHING)
		*at = cell->next;
	return cell->act;
}

const char *
child_state_name(enum child_state s)
{
	assert(s < CHILD_COUNT_);
	return names[s];
}

uint64_t
child_back_off(struct child *c, int64_t now)
{
	uint64_t ms = c->back_off_ms;

	if (now - c->started_at >= BACK_OFF_FORGOTTEN_MS * CLOCK_MS || !ms)
		ms = BACK_OFF_FIRST_MS;
	if (c->patient)
		ms = BACK_OFF_TOP_MS;
	c->back_off_ms = min(ms * 2, (uint64_t)BACK_OFF_TOP_MS);
	return ms;
}

void
child_init(struct child *c, enum process_kind_index kind,
	const struct child_ops *ops, struct loop *loop, struct list *children)
{
	*c = (struct child){
		.kind = process_kind(kind), .ops = ops, .loop = loop};
	c->once = !c->kind->restart;
	c->control.fd = -1;
	list_init(&c->on);
	list_add(children, &c->on);
}

bool
child_runs(const struct child *c)
{
	return c->pid > 0;
}

void
child_kill(struct child *c)
{
	if (c->pid <= 0 || c->reaped)
		return;
	/* Its session; and itself, should it not have made one yet. */
	(void)kill(-c->pid, SIGKILL);
	(void)kill(c->pid, SIGKILL);
}

void
child_done(struct child *c)
{
	child_kill(c);
	timer_clear(&c->timer);
	timer_clear(&c->linger);
	if (channel_is_open(&c->control))
		channel_close(&c->control);
	list_del(&c->on);
	c->pid = 0;
}

static void
on_late(struct timer *t)
{
	struct child *c = container_of(t, struct child, timer);

	event(EVENT_CHILD_EXIT, "child", c->label, "why",
		"not ready in time: killed", NULL);
	child_kill(c);
}

static void
on_wake(struct timer *t)
{
	child_act(container_of(t, struct child, timer), CHILD_ON_WAKE);
}

/* A start that failed ends at the next turn, like every other end. */
static void
on_unborn(struct timer *t)
{
	struct child *c = container_of(t, struct child, linger);

	c->reaped = c->hung_up = true;
	finish(c);
}

static void
on_frame(struct channel *ch, const struct frame *f, int *fds, int nfds)
{
	struct child *c = container_of(ch, struct child, control);

	c->ops->on_frame(c, f, fds, nfds);
}

static void
on_hang_up(struct timer *t)
{
	child_kill(container_of(t, struct child, linger));
}

static void
on_gone(struct channel *ch, int err)
{
	struct child *c = container_of(ch, struct child, control);

	(void)err;
	c->hung_up = true;
	if (c->reaped)
		finish(c);
	else /* one that nobody can talk to is of no use */
		timer_set(&c->linger, c->loop, HANG_UP_MS, on_hang_up);
}

static const struct channel_ops control_ops = {on_frame, on_gone};

static int
spawn(struct child *c, struct fault *why)
{
	_cleanup_(launch_done) struct launch l;
	_close_ int theirs = -1;
	int pair[2], r;

	launch_init(&l, c->kind);
	r = sock_pair(SOCK_SEQPACKET, pair);
	if (r < 0)
		return fault_set(why, r, "socketpair: %s", err_text(r));
	theirs = pair[1];
	(void)launch_fd(&l, theirs);
	c->ops->prepare(c, &l);
	r = launch_start(&l, &c->pid, why);
	if (r < 0) {
		(void)close(pair[0]);
		return r;
	}
	return channel_open(&c->control, c->loop, pair[0], &control_ops);
}

static void
start(struct child *c)
{
	struct fault why = {0};
	int r;

	c->pid = 0;
	c->reaped = c->hung_up = c->patient = false;
	c->started_at = clock_mono();
	r = spawn(c, &why);
	if (r < 0) {
		event(EVENT_CHILD_EXIT, "child", c->label, "why",
			fault_text(&why, r), NULL);
		child_kill(c);
		c->pid = 0;
		(void)snprintf(c->ending, sizeof(c->ending),
			"not started: %.40s", fault_text(&why, r));
		timer_set(&c->linger, c->loop, 1, on_unborn);
		return;
	}
	event(EVENT_START, "child", c->label, "pid", EVENT_INT(c->pid), NULL);
	if (c->kind->start_ms)
		timer_set(&c->timer, c->loop, c->kind->start_ms, on_late);
	c->ops->on_up(c);
}

static void
back_off(struct child *c)
{
	uint64_t ms = child_back_off(c, clock_mono());

	if (c->once) {
		c->state = CHILD_GONE;
	} else {
		c->restarts++;
		timer_set(&c->timer, c->loop, ms, on_wake);
	}
	c->ops->on_end(c);
}

static void
child_act(struct child *c, enum child_event event)
{
	switch (child_step(&c->state, event)) {
	case CHILD_ACT_SPAWN:
		timer_clear(&c->timer);
		start(c);
		break;
	case CHILD_ACT_READY:
	case CHILD_ACT_WATCH:
		timer_clear(&c->timer);
		break;
	case CHILD_ACT_BACK_OFF:
		timer_clear(&c->timer);
		back_off(c);
		break;
	case CHILD_ACT_GONE:
		timer_clear(&c->timer);
		c->ops->on_end(c);
		break;
	case CHILD_ACT_NOTHING:
	case CHILD_ACT_COUNT_:
		break;
	}
}

void
child_start(struct child *c)
{
	child_act(c, CHILD_ON_START);
}

void
child_is_up(struct child *c)
{
	child_act(c, CHILD_ON_UP);
}

void
child_leave(struct child *c)
{
	child_act(c, CHILD_ON_LEAVE);
}

static void
describe(struct child *c)
{
	int s = c->status;

	if (c->pid <= 0)
		return; /* said already */
	if (WIFSIGNALED(s))
		(void)snprintf(c->ending, sizeof(c->ending), "signal %d (%s)",
			WTERMSIG(s), strsignal(WTERMSIG(s)));
	else
		(void)snprintf(c->ending, sizeof(c->ending), "status %d",
			WEXITSTATUS(s));
}

/* Both halves are there. */
static void
finish(struct child *c)
{
	bool asked = c->state == CHILD_LEAVING;

	timer_clear(&c->linger);
	if (channel_is_open(&c->control))
		channel_close(&c->control);
	describe(c);
	if (c->pid > 0)
		event(asked ? EVENT_STOP : EVENT_CHILD_EXIT, "child", c->label,
			"pid", EVENT_INT(c->pid), "how", c->ending, NULL);
	c->pid = 0;
	child_act(c, CHILD_ON_EXIT);
}

static void
on_linger(struct timer *t)
{
	finish(container_of(t, struct child, linger));
}

static void
reaped(struct child *c, int status)
{
	c->status = status;
	c->reaped = true;
	if (c->hung_up || !channel_is_open(&c->control))
		finish(c);
	else
		timer_set(&c->linger, c->loop, LINGER_MS, on_linger);
}

static struct child *
find(struct list *children, pid_t pid)
{
	list_for_each (at, children) {
		struct child *c = container_of(at, struct child, on);

		if (c->pid == pid)
			return c;
	}
	return NULL;
}

/* An exit is looked at before it is taken: until then the number is still the
 * dead one's, and so is its session, which must not outlive it. */
void
children_reap(struct list *children)
{
	for (;;) {
		siginfo_t info = {.si_pid = 0};
		struct child *c;
		int status;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
			info.si_pid == 0)
			break;
		c = find(children, info.si_pid);
		if (c)
			(void)kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, WNOHANG) <= 0)
			break;
		if (c && !c->reaped)
			reaped(c, status);
	}
}
