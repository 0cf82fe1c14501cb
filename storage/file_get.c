/*
 * Finding a file for reading.  Between the row and the open the file may be
 * replaced and its old content removed; then there is a newer row, so it is
 * looked up again.  Once open, a content stays whatever happens to its name.
 *
 * What is kept (hot.h) is a row that still holds: who may is asked anew each
 * time, of the rules that every row read brings up to date.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "storage/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5 };

struct get {
	struct files *f;
	struct file_get *get;
	struct file_look look;
	struct s3_op s3;
	unsigned tries;
};

static void
on_drop(struct job *job)
{
	struct get *g = container_of(job, struct file_get, job)->inside;

	job_cancel(&g->look.job);
	s3_done(&g->s3);
	fd_closep(&g->get->fd);
}

static bool
is_own(const char *owner, const struct file_scope *scope)
{
	return scope->admin ||
	       (*owner && strcmp(owner, file_scope_owner(scope)) == 0);
}

/* Others learn nothing of what there was. */
static int
check_refused(const struct get *g, struct fault *why)
{
	const struct file_look *l = &g->look;
	const struct file_scope *scope = &g->get->scope;

	if (!l->refused || scope->admin || !is_own(l->refused, scope))
		return 0;
	return *l->reason ? fault_set(why, ERR_FILE_REFUSED,
				    "the content check refused this file: %s",
				    l->reason)
			  : ERR_FILE_REFUSED;
}

/* What readers may not have, whatever the rules say. */
static int
check_state(const struct file_get *get, const struct file_info *info,
	struct fault *why)
{
	const struct file_scope *scope = &get->scope;

	if (info->expire_ms && info->expire_ms <= clock_now_ms())
		return ERR_FILE_NONE;
	if (info->pending && (scope->in_public || !is_own(info->owner, scope)))
		return fault_set(why, ERR_FILE_DENIED,
			"the file waits for its content check");
	if (info->archived && !get->info_only)
		return ERR_FILE_ARCHIVED;
	return 0;
}

static void look(struct get *g);

static void
lost(const struct file_info *info)
{
	event(EVENT_FILE_LOST, "path", info->path, "content", info->content,
		NULL);
}

static void
on_fetched(struct job *job)
{
	struct get *g = container_of(
		container_of(job, struct s3_op, job), struct get, s3);
	struct file_get *get = g->get;
	int r = job->err;

	s3_done(&g->s3);
	if (r < 0) {
		get->job.why = job->why;
		(void)close(get->fd);
		get->fd = -1;
	}
	if (r == -ENOENT && ++g->tries < TRIES) {
		look(g);
		return;
	}
	if (r == -ENOENT)
		lost(&get->info);
	if (r == 0)
		hot_keep(g->f->hot, &g->look.stamp, &get->info, get->fd, false);
	job_finish(&get->job, r);
}

/* From the store, into a file without a name: an answer then has all that one
 * from the disk has. */
static void
fetch_content(struct get *g)
{
	struct file_get *get = g->get;
	char tmp[PLACE_PATH] = "";
	int fd;

	if (!g->f->s3) {
		job_finish(
			&get->job, fault_set(&get->job.why, ERR_CONFIG,
					   "the file is in an S3 store, and "
					   "storage.s3_endpoint is not set"));
		return;
	}
	fd = place_has_room(g->f->place, get->info.size);
	if (fd == 0)
		fd = place_tmp(g->f->place, tmp);
	if (fd >= 0 && tmp[0])
		(void)unlinkat(place_dir(g->f->place), tmp, 0);
	if (fd < 0) {
		job_finish(&get->job, fd);
		return;
	}
	get->fd = fd;
	job_init(&g->s3.job, on_fetched);
	s3_get(g->f->s3, &g->s3, get->info.content, fd, get->info.size,
		get->info.sha256);
}

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
		lost(&get->info);
	get->fd = fd < 0 ? -1 : fd;
	if (fd >= 0)
		hot_keep(g->f->hot, &g->look.stamp, &get->info, fd, true);
	job_finish(&get->job, fd < 0 ? fd : 0);
}

/* False: no descriptor is left. */
static bool
take_hot(struct file_get *get, struct hot_file *file)
{
	if (!file->bytes.ptr) {
		get->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
		if (get->fd < 0)
			return false;
	}
	get->hot = hot_file_ref(file);
	get->info = file->info;
	return true;
}

/* The row is read, and the content is here already. */
static bool
is_hot(struct get *g)
{
	struct hot_file *file =
		g->get->takes_hot && !g->get->info_only
			? hot_again(g->f->hot, &g->look.stamp, &g->look.info)
			: NULL;

	return file && take_hot(g->get, file);
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
		r = check_refused(g, &get->job.why);
	if (r == 0)
		r = file_judge(
			&g->look, ACCESS_READ, &get->scope, &get->job.why);
	if (r == 0)
		r = g->look.found
			    ? check_state(get, &g->look.info, &get->job.why)
			    : ERR_FILE_NONE;
	if (r == 0)
		get->info = g->look.info;
	if (r < 0 || get->info_only || is_hot(g))
		job_finish(&get->job, r);
	else if (g->look.in_s3)
		fetch_content(g);
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
	job_init(&g->s3.job, NULL);
	job_begin(&get->job, f->loop, 0, on_drop);
	r = file_path_check(get->path, &get->job.why);
	if (r < 0) {
		job_fail_soon(&get->job, f->loop, r);
		return;
	}
	look(g);
}

int
file_get_hot(struct files *f, struct file_get *get)
{
	struct fault *why = &get->job.why;
	struct hot_file *file = hot_find(f->hot, get->path, f->rules_version);
	int r;

	get->fd = -1;
	if (!file)
		return 1;
	r = file_may(f->rules, ACCESS_READ, &get->scope, get->path,
		file->info.owner, clock_now_ms(), why);
	if (r == 0)
		r = check_state(get, &file->info, why);
	if (r == 0 && !take_hot(get, file))
		return 1;
	return r;
}
