/*
 * Finding a file for reading.  Between the row and the open the file may be
 * replaced and its old content removed; then there is a newer row, so it is looked
 * up again.  Once open, a content stays whatever happens to its name.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "base/event.h"

#include <errno.h>

enum { TRIES = 5 };

struct get {
	struct files *f;
	struct file_get *get;
	struct file_look look;
	unsigned tries;
};

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct file_get, job)->inside->look.job);
}

/* What readers may not have, whatever the rules say. */
static int
check_state(const struct get *g, struct fault *why)
{
	const struct file_info *info = &g->look.info;
	const struct file_scope *scope = &g->get->scope;

	if (!g->look.found ||
		(info->expire_ms && info->expire_ms <= clock_now_ms()))
		return ERR_FILE_NONE;
	if (info->pending && !scope->admin &&
		!(*info->owner && slice_is(slice_str(info->owner),
					  file_scope_owner(scope))))
		return fault_set(why, ERR_FILE_DENIED,
			"the file waits for its content check");
	if (info->archived && !g->get->info_only)
		return ERR_FILE_ARCHIVED;
	return 0;
}

static void look(struct get *g);

static void
open_content(struct get *g)
{
	struct file_get *get = g->get;
	int fd = place_open(g->f->place, get->info.content);

	if (fd == -ENOENT && ++g->tries < TRIES) {
		look(g);
		return;
	}
	if (fd == -ENOENT)
		event(EVENT_FILE_LOST, "path", get->info.path, "content",
			get->info.content, NULL);
	get->fd = fd < 0 ? -1 : fd;
	job_finish(&get->job, fd < 0 ? fd : 0);
}

static void
on_looked(struct job *job)
{
	struct get *g = container_of(
		container_of(job, struct file_look, job), struct get, look);
	struct file_get *get = g->get;
	int r = job->err;

	if (r < 0)
		get->job.why = job->why;
	else
		r = file_judge(
			&g->look, ACCESS_READ, &get->scope, &get->job.why);
	if (r == 0)
		r = check_state(g, &get->job.why);
	if (r == 0)
		get->info = g->look.info;
	if (r < 0 || get->info_only)
		job_finish(&get->job, r);
	else
		open_content(g);
}

static void
look(struct get *g)
{
	g->look = (struct file_look){
		.arena = g->get->arena, .path = g->get->path};
	job_init(&g->look.job, on_looked);
	file_look(g->f, &g->look, "");
}

void
file_get(struct files *f, struct file_get *get)
{
	struct get *g = arena_new(get->arena, struct get);
	int r;

	g->f = f;
	g->get = get;
	get->inside = g;
	get->fd = -1;
	job_init(&g->look.job, on_looked);
	job_begin(&get->job, f->loop, 0, on_drop);
	r = file_path_check(get->path, &get->job.why);
	if (r < 0) {
		job_fail_soon(&get->job, f->loop, r);
		return;
	}
	look(g);
}
