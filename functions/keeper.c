/*
 * The keeper's tables and turns: messages of the supervisor and of gateways,
 * lines, the ends of processes.  What differs between runtimes is behind struct
 * engine; what is looked at from time to time is in keeper_watch.c.
 */
#include "functions/keeper.h"

#include "base/mem.h"
#include "functions/variables.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOAD_MS = 30000,
	BACK_OFF_MS = 100,
	BACK_OFF_TOP_MS = 10000,
	SAID_TOP = 4096,
	WAITING_LINES = 64
};

static const struct engine *const engines[] = {
	[RUNTIME_NODE] = &engine_node,
	[RUNTIME_NATIVE] = &engine_native,
	[RUNTIME_SCRIPT] = &engine_script,
};

static struct proc *
proc_of(struct list *at)
{
	return container_of(at, struct proc, on);
}

static void
end(struct keeper *k, int status)
{
	k->status = status;
	loop_stop(&k->loop);
}

uint64_t
keeper_back_off(unsigned failures)
{
	if (failures == 0)
		return 0;
	return min((uint64_t)BACK_OFF_MS << min(failures - 1, 10u),
		(uint64_t)BACK_OFF_TOP_MS);
}

/* Loading */

void
keeper_loaded(struct keeper *k)
{
	json_t *answer;
	struct buf text _buf_ = {0};

	if (k->loaded)
		return;
	k->loaded = true;
	if (!k->draining)
		timer_clear(&k->end);
	buf_done(&k->said);
	buf_init(&text, CHANNEL_BODY);
	answer = json_pack("{s:O}", "missing", k->cage->missing);
	val_put(&text, answer);
	json_decref(answer);
	channel_send(&k->control, KEEP_READY, 0, buf_all(&text), NULL, 0);
}

/* Later failures are the engine's to try again. */
void
keeper_failed(struct keeper *k, struct slice text)
{
	struct buf all _buf_ = {0};

	if (k->loaded || k->status != 0)
		return;
	buf_init(&all, CHANNEL_BODY);
	buf_slice(&all, text);
	if (k->said.len > 0) {
		buf_char(&all, '\n');
		buf_slice(&all, buf_all(&k->said));
	}
	channel_send(&k->control, KEEP_FAILED, 0, buf_all(&all), NULL, 0);
	end(k, EXIT_FAILURE);
}

static void
on_end_timer(struct timer *t)
{
	struct keeper *k = container_of(t, struct keeper, end);

	if (k->draining)
		end(k, EXIT_SUCCESS);
	else
		keeper_failed(k, SLICE("the code did not finish loading "
				       "within 30 seconds"));
}

/* Lines */

/* The template's and the standbys' lines are the function's, not a worker's. */
static bool
is_worker(const struct proc *p)
{
	return proc_kind(p) == PROC_WORKING || proc_kind(p) == PROC_ASKED;
}

static struct link *
link_for(struct keeper *k, struct proc *p)
{
	if (!p || !is_worker(p))
		return list_first(&k->links, struct link, on);
	return p->link;
}

bool
keeper_takes_lines(struct keeper *k, struct proc *p)
{
	struct link *link = link_for(k, p);
	struct channel *c = link ? &link->channel : &k->control;

	return list_empty(&c->waiting);
}

void
keeper_line(struct keeper *k, struct proc *p, int stream, struct slice line)
{
	struct link *link = link_for(k, p);
	struct buf b _buf_ = {0};

	if (!k->loaded && k->said.len + line.len < SAID_TOP) {
		buf_slice(&k->said, line);
		buf_char(&k->said, '\n');
	}
	buf_init(&b, PROTO_LOG_TOP + 16);
	put_u8(&b, (uint8_t)stream);
	buf_slice(&b, line);
	if (link)
		channel_send(&link->channel, HOST_LINE,
			p && is_worker(p) ? p->id : 0, buf_all(&b), NULL, 0);
	else if (list_empty(&k->links))
		channel_send(&k->control, KEEP_LINE, 0, buf_all(&b), NULL, 0);
}

void
keeper_note(struct keeper *k, struct slice line)
{
	keeper_line(k, NULL, 2, line);
}

/* Ends */

static bool
is_idle(struct keeper *k)
{
	list_for_each (at, &k->procs)
		if (is_worker(proc_of(at)))
			return false;
	return true;
}

void
keeper_ended(struct keeper *k, struct proc *p)
{
	k->engine->ended(k, p);
}

/* Node gives up by itself a little before its limit, with SIGABRT. */
static bool
ran_out(const struct proc *p, int status)
{
	const struct fn_settings *fn = &p->keeper->setup->function;

	return fn->runtime == RUNTIME_NODE && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT &&
	       p->memory > (uint64_t)fn->memory / 2;
}

static void
tell_gone(struct proc *p, int status)
{
	struct buf b _buf_ = {0};

	if (p->reason == GONE_ITSELF && ran_out(p, status))
		p->reason = GONE_MEMORY;
	buf_init(&b, 16);
	put_u32(&b, (uint32_t)status);
	put_u8(&b, (uint8_t)p->reason);
	channel_send(&p->link->channel, HOST_GONE, p->id, buf_all(&b), NULL, 0);
}

void
keeper_over(struct keeper *k, struct proc *p, int status)
{
	capture_finish(&p->out);
	capture_finish(&p->err);
	if (p->link)
		tell_gone(p, status);
	else
		k->engine->lost(k, p, status);
	proc_free(p);
	keeper_sweep(k);
	if (k->draining && is_idle(k))
		end(k, EXIT_SUCCESS);
}

/* Gateways */

void
keeper_give(struct keeper *k, struct proc *p)
{
	struct buf b _buf_ = {0};

	(void)k;
	buf_init(&b, 16);
	put_u32(&b, (uint32_t)p->pid);
	proc_move(p, PROC_WORKING);
	if (p->link)
		channel_send(&p->link->channel, HOST_WORKER, p->id, buf_all(&b),
			&p->socket, 1);
	fd_closep(&p->socket);
	if (!p->link || p->reason != GONE_ITSELF) /* killed meanwhile */
		proc_kill(p, GONE_KILLED);
}

void
keeper_refuse(struct keeper *k, struct proc *p, struct slice text)
{
	if (p->link)
		channel_send(&p->link->channel, HOST_NO_WORKER, p->id, text,
			NULL, 0);
	proc_free(p);
	if (k->draining && is_idle(k))
		end(k, EXIT_SUCCESS);
}

static struct proc *
find(struct link *link, uint32_t id)
{
	list_for_each (at, &link->keeper->procs) {
		struct proc *p = proc_of(at);

		if (p->link == link && p->id == id)
			return p;
	}
	return NULL;
}

static void
on_spawn(struct link *link, uint32_t id)
{
	struct keeper *k = link->keeper;

	if (k->draining)
		channel_send(&link->channel, HOST_NO_WORKER, id,
			SLICE("the function is being replaced or stopped"),
			NULL, 0);
	else
		k->engine->spawn(k, link, id);
}

static void
on_link_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct link *link = container_of(c, struct link, channel);
	struct proc *p;

	(void)fds;
	(void)nfds;
	if (f->type == HOST_SPAWN) {
		on_spawn(link, f->id);
	} else if (f->type == HOST_KILL) {
		p = find(link, f->id);
		if (p)
			proc_kill(p, GONE_KILLED);
	}
}

/* Nobody can use its workers any more. */
static void
link_free(struct link *link)
{
	struct keeper *k = link->keeper;

	list_for_each (at, &k->procs) {
		struct proc *p = proc_of(at);

		if (p->link != link)
			continue;
		p->link = NULL;
		proc_kill(p, GONE_KILLED);
	}
	channel_close(&link->channel);
	list_del(&link->on);
	free(link);
}

static void
on_link_gone(struct channel *c, int err)
{
	(void)err;
	link_free(container_of(c, struct link, channel));
}

static const struct channel_ops link_ops = {on_link_frame, on_link_gone};

static void
link_add(struct keeper *k, uint32_t index, int *fd)
{
	struct link *link = mem_new(struct link);

	list_for_each_safe (at, &k->links) {
		struct link *old = container_of(at, struct link, on);

		if (old->index == index)
			link_free(old);
	}
	link->keeper = k;
	link->index = index;
	if (channel_open(&link->channel, &k->loop, *fd, &link_ops) < 0) {
		free(link);
		return;
	}
	*fd = -1;
	list_add(&k->links, &link->on);
}

/* The supervisor */

static void
on_drain(struct keeper *k, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	uint32_t ms = get_u32(&g);

	if (get_end(&g) < 0 || k->draining)
		return;
	k->draining = true;
	k->engine->stop(k);
	timer_set(&k->end, &k->loop, ms, on_end_timer);
	if (is_idle(k))
		end(k, EXIT_SUCCESS);
}

static void
on_control_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct keeper *k = container_of(c, struct keeper, control);

	if (f->type == KEEP_CHANNEL && nfds == 1)
		link_add(k, f->id, &fds[0]);
	else if (f->type == KEEP_DRAIN)
		on_drain(k, f);
}

static void
on_control_gone(struct channel *c, int err)
{
	(void)err;
	end(container_of(c, struct keeper, control), EXIT_SUCCESS);
}

static const struct channel_ops control_ops = {
	on_control_frame, on_control_gone};

static void
stop_all(struct keeper *k)
{
	k->draining = true;
	k->engine->stop(k);
	list_for_each (at, &k->procs)
		proc_kill(proc_of(at), GONE_KILLED);
}

int
keeper_run(const struct host_setup *setup, const struct cage *cage, int control)
{
	struct keeper *k = mem_new(struct keeper);
	int r = loop_init(&k->loop);

	if (r < 0)
		return EXIT_FAILURE;
	k->setup = setup;
	k->cage = cage;
	k->env = variables_build(setup, cage->egress_path);
	keeper_egress_start(k);
	k->engine = engines[setup->function.runtime];
	list_init(&k->links);
	list_init(&k->procs);
	keeper_watch_init(k);
	buf_init(&k->said, 2 * SAID_TOP);
	if (channel_open(&k->control, &k->loop, control, &control_ops) < 0)
		return EXIT_FAILURE;
	timer_set(&k->end, &k->loop, LOAD_MS, on_end_timer);
	k->engine->start(k);
	loop_run(&k->loop);
	stop_all(k);
	return k->status;
}
