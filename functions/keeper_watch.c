/*
 * What nobody tells the keeper and it must look for: workers over their memory,
 * and processes that a worker had started and left behind, which are our
 * children once it is dead.  Both from a /proc that only the keeper has.
 */
#include "functions/keeper.h"

#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY_MS = 100, SWEEP_MS = 20, CHILDREN_TOP = 1024 * 1024 };

static struct proc *
proc_of(struct list *at)
{
	return container_of(at, struct proc, on);
}

static bool
is_known(const struct keeper *k, pid_t pid)
{
	list_for_each (at, &k->procs)
		if (proc_of(at)->pid == pid)
			return true;
	return false;
}

/* "12 15 99 " */
static void
read_children(const struct keeper *k, struct buf *to)
{
	char path[64], *at;
	_close_ int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/task/%d/children", (int)getpid(),
		(int)getpid());
	fd = openat(k->cage->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((at = buf_reserve(to, 4096)) && (n = read(fd, at, 4096)) > 0)
		buf_grown(to, (size_t)n);
}

static void
on_sweep_again(struct timer *t)
{
	keeper_sweep(container_of(t, struct keeper, orphans));
}

/* Ends those that are nobody's; what they had started themselves comes to us
 * next, so look again until there are none. */
static void
on_sweep(struct defer *defer)
{
	struct keeper *k = container_of(defer, struct keeper, sweep);
	struct buf children _buf_ = {0};
	struct slice left, number;
	bool found = false;

	buf_init(&children, CHILDREN_TOP);
	read_children(k, &children);
	left = buf_all(&children);
	while (!children.full && slice_split(&left, ' ', &number)) {
		uint64_t pid;

		if (slice_to_u64(number, INT32_MAX, &pid) < 0 || pid == 0 ||
			is_known(k, (pid_t)pid))
			continue;
		(void)kill((pid_t)pid, SIGKILL);
		(void)waitpid((pid_t)pid, NULL, WNOHANG);
		found = true;
	}
	if (found)
		timer_set(&k->orphans, &k->loop, SWEEP_MS, on_sweep_again);
}

static bool
is_over(struct proc *p)
{
	return p->state == PROC_WORKING &&
	       proc_measure(p) > (uint64_t)p->keeper->setup->function.memory;
}

static void
on_memory(struct timer *t)
{
	struct keeper *k = container_of(t, struct keeper, memory);

	list_for_each (at, &k->procs)
		if (is_over(proc_of(at)))
			proc_kill(proc_of(at), GONE_MEMORY);
	keeper_watch_memory(k);
}

void
keeper_watch_memory(struct keeper *k)
{
	if (timer_is_set(&k->memory) || k->cage->proc_fd < 0)
		return;
	list_for_each (at, &k->procs)
		if (proc_of(at)->state == PROC_WORKING) {
			timer_set(&k->memory, &k->loop, MEMORY_MS, on_memory);
			return;
		}
}

void
keeper_sweep(struct keeper *k)
{
	if (k->cage->proc_fd >= 0)
		loop_defer(&k->loop, &k->sweep);
}

void
keeper_watch_init(struct keeper *k)
{
	defer_init(&k->sweep, on_sweep);
}
