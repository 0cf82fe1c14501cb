/*
 * What nobody tells the keeper and it must look for: processes over their
 * memory, and those that a worker had started and left behind, which are our
 * children once it is dead.  Both from a /proc that only the keeper has.
 *
 * A process answers for what it started: the memory of its strays (processes
 * that the keeper has not asked for) counts as its own, wherever they have put
 * themselves.  Strays that are already ours answer for themselves together.
 */
#include "functions/keeper.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MEMORY_MS = 50,
	/* While one grows: a process takes a GiB of fresh pages in half a
	 * second. */
	GROWING_MS = 10,
	GROWTH_PART = 64, /* of its limit, between two looks */
	REST_MS = 2000,   /* where all code is loaded and nobody calls it */
	SWEEP_MS = 20,
	TELL_BYTES = 256 * 1024,
	CHILDREN_TOP = 1024 * 1024
};

struct stray {
	pid_t pid, parent;
	uint64_t memory;
	bool left; /* it answers to nobody but us */
};

struct strays {
	struct stray *all;
	size_t count, room;
	uint64_t left; /* bytes of those that are nobody's but ours */
};

static struct proc *
proc_of(struct list *at)
{
	return container_of(at, struct proc, on);
}

static struct proc *
find(const struct keeper *k, pid_t pid)
{
	list_for_each (at, &k->procs)
		if (proc_of(at)->pid == pid)
			return proc_of(at);
	return NULL;
}

static bool
is_known(const struct keeper *k, pid_t pid)
{
	return find(k, pid) != NULL;
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

static void
strays_add(struct strays *s, const struct stray *one)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->all = mem_resize(s->all, s->room * sizeof(s->all[0]));
	}
	s->all[s->count++] = *one;
}

/* Its parent and its resident bytes; a name may hold anything, but the last
 * parenthesis is the name's end. */
static bool
read_stray(const struct keeper *k, pid_t pid, struct stray *ret)
{
	char path[32], text[1024];
	_close_ int fd = -1;
	const char *at;
	uint64_t pages;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/stat", (int)pid);
	fd = openat(k->cage->proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at,
			   ") %*s %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
			   &ret->parent, &pages) != 2)
		return false;
	ret->pid = pid;
	ret->memory = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

static void
strays_find(const struct keeper *k, struct strays *s)
{
	int fd = openat(
		k->cage->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		struct stray one;

		if (pid > 1 && !is_known(k, pid) && read_stray(k, pid, &one))
			strays_add(s, &one);
	}
	if (dir)
		(void)closedir(dir);
	else
		fd_closep(&fd);
}

static pid_t
parent_of(const struct strays *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].pid == pid)
			return s->all[i].parent;
	return 0;
}

static void
strays_charge(struct keeper *k, struct strays *s)
{
	for (size_t i = 0; i < s->count; i++) {
		pid_t pid = s->all[i].parent;
		struct proc *owner = NULL;

		/* Numbers change while they are read: not round in circles. */
		for (size_t n = 0; n <= s->count && pid > 1 && !owner; n++) {
			owner = find(k, pid);
			if (!owner)
				pid = parent_of(s, pid);
		}
		if (owner)
			owner->memory += s->all[i].memory;
		s->all[i].left = !owner;
		if (!owner)
			s->left += s->all[i].memory;
	}
}

static bool
is_running(const struct proc *p)
{
	return p->state != PROC_ASKED && p->state != PROC_ENDED;
}

/* To its gateway, for the author: only what differs noticeably. */
static void
tell_memory(struct proc *p)
{
	uint64_t least = max(p->told / 32, (uint64_t)TELL_BYTES);
	struct buf b _buf_ = {0};

	if (!p->link || p->state != PROC_WORKING ||
		(p->memory < p->told + least && p->told < p->memory + least))
		return;
	p->told = p->memory;
	buf_init(&b, 16);
	put_u64(&b, p->memory);
	channel_send(
		&p->link->channel, HOST_MEMORY, p->id, buf_all(&b), NULL, 0);
}

static void
measure(struct keeper *k)
{
	uint64_t top = (uint64_t)k->setup->function.memory;
	struct strays s = {0};

	list_for_each (at, &k->procs) {
		proc_of(at)->before = proc_of(at)->memory;
		if (is_running(proc_of(at)))
			(void)proc_measure(proc_of(at));
	}
	if (k->cage->own_pids) {
		strays_find(k, &s);
		strays_charge(k, &s);
	}
	for (size_t i = 0; s.left > top && i < s.count; i++)
		if (s.all[i].left)
			(void)kill(s.all[i].pid, SIGKILL);
	list_for_each (at, &k->procs)
		if (is_running(proc_of(at)) && proc_of(at)->memory > top)
			proc_kill(proc_of(at), GONE_MEMORY);
	list_for_each (at, &k->procs)
		tell_memory(proc_of(at));
	free(s.all);
}

static void
on_memory(struct timer *t)
{
	struct keeper *k = container_of(t, struct keeper, memory);

	measure(k);
	keeper_watch_memory(k);
}

static bool
is_growing(const struct keeper *k, const struct proc *p)
{
	return p->memory >
	       p->before + (uint64_t)k->setup->function.memory / GROWTH_PART;
}

/* How soon to look again; 0: nobody runs. */
static uint64_t
pace(const struct keeper *k)
{
	uint64_t ms = 0;

	list_for_each (at, &k->procs)
		if (is_growing(k, proc_of(at)))
			return GROWING_MS;
	list_for_each (at, &k->procs) {
		const struct proc *p = proc_of(at);

		if (p->state == PROC_WORKING ||
			(p->state == PROC_STANDBY && !p->ready) ||
			(p->state == PROC_TEMPLATE && !k->forks.loaded))
			return MEMORY_MS;
		if (is_running(p))
			ms = REST_MS;
	}
	return ms;
}

void
keeper_watch_memory(struct keeper *k)
{
	uint64_t ms = k->cage->proc_fd < 0 ? 0 : pace(k);

	if (ms && (!timer_is_set(&k->memory) ||
			  k->memory.at > uv_now(&k->loop.uv) + ms))
		timer_set(&k->memory, &k->loop, ms, on_memory);
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
