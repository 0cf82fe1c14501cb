/*
 * One template, asked over a channel to fork.  A worker that was asked for is
 * kept with its descriptors until the template says that it is there, so that a
 * template that dies in between costs a little time and no call.
 *
 * The template has run the author's code, so its words are checked like a
 * stranger's: each counts only for a process that waits for it, and which
 * process a descriptor means is asked of the kernel.
 *
 * Where workers must greet (engine->greets), one that has been forked stands by
 * until its READY is seen; one that ends or stays silent is replaced.
 */
#include "functions/engine_fork.h"
#include "functions/keeper.h"
#include "functions/template.h"

#include "base/mem.h"
#include "base/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_ENOUGH_MS = 10000, GREET_MS = 3000, GREET_TRIES = 4 };

static struct proc *
proc_of(struct list *at)
{
	return container_of(at, struct proc, on);
}

static struct proc *
find(struct keeper *k, uint32_t serial)
{
	/* What is asked about is most often the youngest. */
	for (struct list *at = k->procs.prev; at != &k->procs; at = at->prev)
		if (proc_of(at)->serial == serial)
			return proc_of(at);
	return NULL;
}

static void
ask(struct keeper *k, struct proc *p)
{
	channel_send(&k->forks.channel, TEMPLATE_FORK, p->serial, SLICE(""),
		p->ends, 3);
}

static struct proc *
ask_new(struct keeper *k, struct link *link, uint32_t id)
{
	struct proc *p;
	int r = proc_new(&p, k, PROC_ASKED);

	if (r < 0) {
		channel_send(&link->channel, HOST_NO_WORKER, id,
			slice_str(err_text(r)), NULL, 0);
		return NULL;
	}
	p->link = link;
	p->id = id;
	if (k->forks.loaded)
		ask(k, p);
	return p;
}

void
fork_spawn(struct keeper *k, struct link *link, uint32_t id)
{
	(void)ask_new(k, link, id);
}

static void
refuse_all(struct keeper *k, struct slice text)
{
	list_for_each_safe (at, &k->procs)
		if (proc_of(at)->state == PROC_ASKED)
			keeper_refuse(k, proc_of(at), text);
}

static void
on_loaded(struct keeper *k)
{
	k->forks.loaded = true;
	keeper_loaded(k);
	list_for_each (at, &k->procs)
		if (proc_of(at)->state == PROC_ASKED)
			ask(k, proc_of(at));
}

/* Its READY is there, or its socket is closed: then its pidfd says the rest. */
static void
on_greeting(struct proc *p)
{
	if (!p->ready)
		return;
	timer_clear(&p->late);
	proc_forget_peek(p);
	keeper_give(p->keeper, p);
}

static void
on_late(struct timer *t)
{
	proc_kill(container_of(t, struct proc, late), GONE_ITSELF);
}

static void
await_greeting(struct keeper *k, struct proc *p)
{
	int r = proc_peek(p, on_greeting);

	if (r < 0) {
		proc_kill(p, GONE_ITSELF);
		return;
	}
	proc_move(p, PROC_STANDBY);
	timer_set(&p->late, &k->loop, GREET_MS, on_late);
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
	p->parent = k->forks.template ? k->forks.template->serial : 0;
	/* 1 is ourselves; less would mean many at once */
	r = pid <= 1 ? -ESRCH : proc_watch(p, pid, take_fd(*pidfd));
	if (r < 0)
		keeper_refuse(k, p, slice_str(err_text(r)));
	else if (k->engine->greets)
		await_greeting(k, p);
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
	struct keeper *k = container_of(c, struct keeper, forks.channel);
	struct proc *p = find(k, f->id);

	if (!k->forks.loaded && f->type == TEMPLATE_LOADED) {
		on_loaded(k);
	} else if (!k->forks.loaded && f->type == TEMPLATE_FAILED) {
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
	struct keeper *k = container_of(c, struct keeper, forks.channel);
	struct proc *p = k->forks.template;

	(void)err;
	if (p && p->state == PROC_ENDED)
		keeper_over(k, p, proc_reap(p));
}

static const struct channel_ops ops = {on_frame, on_gone};

static void
on_again(struct timer *t)
{
	fork_start(container_of(t, struct keeper, forks.again));
}

static void
try_again(struct keeper *k)
{
	if (k->draining)
		return;
	timer_set(&k->forks.again, &k->loop,
		keeper_back_off(k->forks.failures++), on_again);
}

_noreturn_ static void
become_template(struct keeper *k, struct proc *p, int fd)
{
	(void)setpgid(0, 0);
	(void)dup2(p->ends[1], STDOUT_FILENO);
	(void)dup2(p->ends[2], STDERR_FILENO);
	k->engine->become(k, fd);
	_exit(1);
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
	r = channel_open(&k->forks.channel, &k->loop, pair[0], &ops);
	if (r < 0)
		(void)close(pair[0]);
	return proc_watch(p, pid, -1);
}

void
fork_start(struct keeper *k)
{
	struct proc *p = NULL;
	int r = proc_new(&p, k, PROC_TEMPLATE);

	if (r == 0) {
		k->forks.template = p;
		r = fork_template(k, p);
	}
	if (r == 0)
		return;
	k->forks.template = NULL;
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
		struct proc *p = proc_of(at);

		if (p->parent != serial)
			continue;
		p->parent = 0;
		if (p->state == PROC_ENDED)
			keeper_over(k, p, proc_reap(p));
	}
}

static void
on_template_ended(struct keeper *k, struct proc *p, int status)
{
	bool loaded = k->forks.loaded;
	char text[ENGINE_TEXT];

	k->forks.loaded = false;
	k->forks.template = NULL;
	adopt(k, p->serial);
	channel_close(&k->forks.channel);
	if (loaded && uv_now(&k->loop.uv) - p->started > LONG_ENOUGH_MS)
		k->forks.failures = 0;
	if (!loaded) {
		engine_end_text(p, status, text);
		keeper_failed(k, slice_str(text));
		refuse_all(k, slice_str(text));
	}
	try_again(k);
}

/* It has ended, or been ended, without READY: another in its place. */
static void
replace(struct keeper *k, struct proc *p)
{
	struct link *link = take(p->link);
	struct proc *next;

	timer_clear(&p->late);
	proc_forget_peek(p);
	if (!link)
		return;
	if (p->reason != GONE_ITSELF || p->tries + 1 >= GREET_TRIES ||
		k->draining) {
		channel_send(&link->channel, HOST_NO_WORKER, p->id,
			SLICE("the function's process does not get ready"),
			NULL, 0);
		return;
	}
	next = ask_new(k, link, p->id);
	if (next)
		next->tries = p->tries + 1;
}

void
fork_ended(struct keeper *k, struct proc *p)
{
	struct buf b _buf_ = {0};

	if (p->state == PROC_STANDBY)
		replace(k, p);
	proc_move(p, PROC_ENDED);
	if (p->was == PROC_TEMPLATE && channel_is_open(&k->forks.channel))
		return; /* see on_gone */
	if (p->was == PROC_TEMPLATE || p->parent == 0) {
		keeper_over(k, p, proc_reap(p));
		return;
	}
	buf_init(&b, 16);
	put_u32(&b, (uint32_t)p->pid);
	channel_send(&k->forks.channel, TEMPLATE_REAP, p->serial, buf_all(&b),
		NULL, 0);
}

void
fork_lost(struct keeper *k, struct proc *p, int status)
{
	if (p->was == PROC_TEMPLATE)
		on_template_ended(k, p, status);
}

void
fork_stop(struct keeper *k)
{
	timer_clear(&k->forks.again);
}
