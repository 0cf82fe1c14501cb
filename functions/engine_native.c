/*
 * Native functions: one template, asked over a channel to fork.  A worker that
 * was asked for is kept with its descriptors until the template says that it is
 * there, so that a template that dies in between costs a little time and no
 * call.
 *
 * The template has run the author's code, so its words are checked like a
 * stranger's: each counts only for a process that waits for it, and which
 * process a descriptor means is asked of the kernel.
 */
#include "functions/keeper.h"
#include "functions/template.h"

#include "base/mem.h"
#include "base/sock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_ENOUGH_MS = 10000 };

static void start_template(struct keeper *k);

static struct proc *
find(struct keeper *k, uint32_t serial)
{
	/* What is asked about is most often the youngest. */
	for (struct list *at = k->procs.prev; at != &k->procs; at = at->prev) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->serial == serial)
			return p;
	}
	return NULL;
}

static void
ask(struct keeper *k, struct proc *p)
{
	channel_send(&k->native.channel, TEMPLATE_FORK, p->serial, SLICE(""),
		p->ends, 3);
}

static void
native_spawn(struct keeper *k, struct link *link, uint32_t id)
{
	struct proc *p;
	int r = proc_new(&p, k, PROC_ASKED);

	if (r < 0) {
		channel_send(&link->channel, HOST_NO_WORKER, id,
			slice_str(err_text(r)), NULL, 0);
		return;
	}
	p->link = link;
	p->id = id;
	if (k->native.loaded)
		ask(k, p);
}

static void
refuse_all(struct keeper *k, struct slice text)
{
	list_for_each_safe (at, &k->procs) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->state == PROC_ASKED)
			keeper_refuse(k, p, text);
	}
}

static void
on_loaded(struct keeper *k)
{
	k->native.loaded = true;
	keeper_loaded(k);
	list_for_each (at, &k->procs) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->state == PROC_ASKED)
			ask(k, p);
	}
}

static void
on_forked(struct keeper *k, struct proc *p, const struct frame *f, int *pidfd)
{
	struct getter g = getter_of(f->body);
	pid_t pid = (pid_t)get_u32(&g);
	int r;

	if (get_end(&g) < 0 || p->state != PROC_ASKED)
		return;
	pid = proc_pid_of(k->cage, *pidfd, pid);
	proc_forget_ends(p);
	p->parent = k->native.template ? k->native.template->serial : 0;
	/* 1 is ourselves; less would mean many at once */
	r = pid <= 1 ? -ESRCH : proc_watch(p, pid, take_fd(*pidfd));
	if (r < 0)
		keeper_refuse(k, p, slice_str(err_text(r)));
	else
		keeper_give(k, p);
}

static void
on_reaped(struct keeper *k, struct proc *p, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	int status = (int)get_u32(&g);

	if (get_end(&g) == 0 && p->state == PROC_ENDED && p->parent != 0)
		keeper_over(k, p, status);
}

static void
on_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct keeper *k = container_of(c, struct keeper, native.channel);
	struct proc *p = find(k, f->id);

	if (!k->native.loaded && f->type == TEMPLATE_LOADED) {
		on_loaded(k);
	} else if (!k->native.loaded && f->type == TEMPLATE_FAILED) {
		keeper_failed(k, f->body);
		refuse_all(k, f->body);
	} else if (p && f->type == TEMPLATE_FORKED && nfds == 1) {
		on_forked(k, p, f, &fds[0]);
	} else if (p && f->type == TEMPLATE_REFUSED) {
		if (p->state == PROC_ASKED)
			keeper_refuse(k, p, f->body);
	} else if (p && f->type == TEMPLATE_REAPED) {
		on_reaped(k, p, f);
	}
}

/* The template is over when both have said so: its pidfd, and the channel,
 * which may hold its last words. */
static void
on_gone(struct channel *c, int err)
{
	struct keeper *k = container_of(c, struct keeper, native.channel);
	struct proc *p = k->native.template;

	(void)err;
	if (p && p->state == PROC_ENDED)
		keeper_over(k, p, proc_reap(p));
}

static const struct channel_ops ops = {on_frame, on_gone};

static void
on_again(struct timer *t)
{
	start_template(container_of(t, struct keeper, native.again));
}

static void
try_again(struct keeper *k)
{
	if (k->draining)
		return;
	timer_set(&k->native.again, &k->loop,
		keeper_back_off(k->native.failures++), on_again);
}

_noreturn_ static void
become_template(struct keeper *k, struct proc *p, int fd)
{
	const struct template_conf conf = {
		.setup = k->setup, .cage = k->cage, .env = k->env};

	(void)setpgid(0, 0);
	(void)dup2(p->ends[1], STDOUT_FILENO);
	(void)dup2(p->ends[2], STDERR_FILENO);
	template_run(&conf, fd);
}

static int
fork_template(struct keeper *k, struct proc *p)
{
	int pair[2];
	int r = sock_pair(SOCK_SEQPACKET, pair);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		become_template(k, p, pair[1]);
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return -errno;
	}
	proc_forget_ends(p);
	fd_closep(&p->socket);
	r = channel_open(&k->native.channel, &k->loop, pair[0], &ops);
	if (r < 0)
		(void)close(pair[0]);
	return proc_watch(p, pid, -1);
}

static void
start_template(struct keeper *k)
{
	struct proc *p = NULL;
	int r = proc_new(&p, k, PROC_TEMPLATE);

	if (r == 0) {
		k->native.template = p;
		r = fork_template(k, p);
	}
	if (r == 0)
		return;
	k->native.template = NULL;
	if (p)
		proc_free(p);
	keeper_failed(k, slice_str(err_text(r)));
	try_again(k);
}

/* Its workers are our children now. */
static void
adopt(struct keeper *k, uint32_t serial)
{
	list_for_each_safe (at, &k->procs) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->parent != serial)
			continue;
		p->parent = 0;
		if (p->state == PROC_ENDED)
			keeper_over(k, p, proc_reap(p));
	}
}

static void
say_crash(struct keeper *k, const struct proc *p, int status)
{
	char text[128];

	if (p->reason == GONE_MEMORY)
		(void)snprintf(text, sizeof(text), KEEPER_TOO_MUCH,
			(long long)(k->setup->function.memory >> 20));
	else if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof(text),
			"the code crashed while it was loaded: %s",
			strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, sizeof(text),
			"the code ended the process while it was loaded: "
			"status %d",
			WEXITSTATUS(status));
	keeper_failed(k, slice_str(text));
	refuse_all(k, slice_str(text));
}

static void
on_template_ended(struct keeper *k, struct proc *p, int status)
{
	bool loaded = k->native.loaded;

	k->native.loaded = false;
	k->native.template = NULL;
	adopt(k, p->serial);
	channel_close(&k->native.channel);
	if (loaded && uv_now(&k->loop.uv) - p->started > LONG_ENOUGH_MS)
		k->native.failures = 0;
	if (!loaded)
		say_crash(k, p, status);
	try_again(k);
}

static void
native_ended(struct keeper *k, struct proc *p)
{
	struct buf b _buf_ = {0};

	proc_move(p, PROC_ENDED);
	if (p->was == PROC_TEMPLATE && channel_is_open(&k->native.channel))
		return; /* see on_gone */
	if (p->was == PROC_TEMPLATE || p->parent == 0) {
		keeper_over(k, p, proc_reap(p));
		return;
	}
	buf_init(&b, 16);
	put_u32(&b, (uint32_t)p->pid);
	channel_send(&k->native.channel, TEMPLATE_REAP, p->serial, buf_all(&b),
		NULL, 0);
}

static void
native_lost(struct keeper *k, struct proc *p, int status)
{
	if (p->was == PROC_TEMPLATE)
		on_template_ended(k, p, status);
}

static void
native_stop(struct keeper *k)
{
	timer_clear(&k->native.again);
}

const struct engine engine_native = {
	.start = start_template,
	.spawn = native_spawn,
	.ended = native_ended,
	.lost = native_lost,
	.stop = native_stop,
};
