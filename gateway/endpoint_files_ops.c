/*
 * /ops/files/…: what `mpcloud files` asks beside uploads and downloads
 * (endpoint_files.c): one file's facts, copies, links, the archive, the sweep,
 * usage.
 */
#include "base/clock.h"
#include "gateway/endpoint.h"
#include "gateway/file_door.h"
#include "storage/archive.h"
#include "storage/file_copy.h"
#include "storage/file_usage.h"
#include "storage/lifecycle.h"

enum { ANSWER_ROOM = 16 * 1024, AGE_TOP_S = 365 * 86400 };

static int
reply_buf(struct request *r, const struct buf *b)
{
	char *text = arena_try(request_arena(r), b->len + 1);

	if (buf_check(b) < 0 || !text)
		return ERR_ANSWER_BIG;
	memcpy(text, b->ptr, b->len);
	return request_reply(r, 200, slice_of(text, b->len));
}

/* The body's `key` as a path; a fileID is one too. */
static int
body_path(struct request *r, const char *key, struct slice *ret)
{
	struct slice id;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, key, FILE_PATH_TOP + 256, &id, &r->why);
	if (e == 0)
		e = file_id_path(r->gateway->files, id, ret, &r->why);
	if (e == 0)
		e = file_path_check(*ret, &r->why);
	return e;
}

static const struct file_scope everything = {.admin = true};

static struct file_scope
scope_of(struct request *r)
{
	struct file_scope scope = everything;

	scope.caller = &r->caller;
	return scope;
}

/* ---- stat ---- */

struct stat_act {
	struct request *r;
	struct file_get get;
};

static int
reply_stat(struct request *r, const struct file_info *i)
{
	_buf_ struct buf b = {0};

	buf_init(&b, ANSWER_ROOM);
	buf_str(&b, "{\"path\":");
	buf_json(&b, slice_str(i->path));
	val_put_text(&b, "fileID",
		slice_str(file_id_make(r->gateway->files, request_arena(r),
			slice_str(i->path))));
	buf_printf(&b, ",\"size\":%lld", (long long)i->size);
	val_put_text(&b, "type", slice_str(i->type));
	val_put_text(&b, "etag", slice_str(i->etag));
	val_put_text(&b, "sha256", slice_str(i->sha256));
	val_put_text(&b, "owner", slice_str(i->owner));
	val_put_text(&b, "cacheControl", slice_str(i->cache_control));
	val_put_text(&b, "contentDisposition", slice_str(i->disposition));
	val_put_text(&b, "content", slice_str(i->content));
	buf_printf(&b,
		",\"createdAt\":%lld,\"changedAt\":%lld,\"expiresAt\":%lld,"
		"\"archived\":%s,\"pending\":%s}",
		(long long)i->created_ms, (long long)i->changed_ms,
		(long long)i->expire_ms, i->archived ? "true" : "false",
		i->pending ? "true" : "false");
	return reply_buf(r, &b);
}

static void
on_stat(struct job *job)
{
	struct stat_act *a = container_of(job, struct stat_act, get.job);
	int e = job->err;

	if (e >= 0)
		e = reply_stat(a->r, &a->get.info);
	request_finish(a->r, e, &job->why);
}

int
endpoint_ops_file_stat(struct request *r)
{
	struct stat_act *a = arena_new(request_arena(r), struct stat_act);
	int e = file_id_path(
		r->gateway->files, r->param, &a->get.path, &r->why);

	if (e < 0)
		return e;
	a->r = r;
	a->get.arena = request_arena(r);
	a->get.scope = scope_of(r);
	a->get.info_only = true;
	a->get.fd = -1;
	job_init(&a->get.job, on_stat);
	(void)request_wait(r, &a->get.job);
	file_get(r->gateway->files, &a->get);
	return STEP_WAIT;
}

/* ---- copy ---- */

struct copy_act {
	struct request *r;
	struct file_copy copy;
};

static void
on_copy(struct job *job)
{
	struct copy_act *a = container_of(job, struct copy_act, copy.job);

	if (job->err == ERR_CONFLICT && !a->copy.overwrite)
		(void)fault_set(&job->why, ERR_CONFLICT,
			"there is a file at %.*s already; --force replaces it",
			SLICE_ARG(a->copy.to));
	if (job->err >= 0)
		(void)request_reply(a->r, 200, SLICE("{\"ok\":true}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_file_copy(struct request *r)
{
	struct copy_act *a = arena_new(request_arena(r), struct copy_act);
	struct file_copy *c = &a->copy;
	int e = body_path(r, "from", &c->from);

	if (e == 0)
		e = body_path(r, "to", &c->to);
	if (e == 0)
		e = val_bool_or(
			r->json, "overwrite", false, &c->overwrite, &r->why);
	if (e == 0)
		e = val_bool_or(r->json, "move", false, &c->move, &r->why);
	if (e < 0)
		return e;
	a->r = r;
	c->arena = request_arena(r);
	c->scope = scope_of(r);
	job_init(&c->job, on_copy);
	(void)request_wait(r, &c->job);
	file_copy(r->gateway->files, c);
	return STEP_WAIT;
}

/* ---- link ---- */

int
endpoint_ops_file_link(struct request *r)
{
	struct gateway *g = r->gateway;
	struct file_link link = {.who = {"", 0}};
	int64_t age = g->conf->storage_link_life / 1000;
	bool upload = false;
	_buf_ struct buf b = {0};
	int e = body_path(r, "path", &link.path);

	if (e == 0)
		e = val_int_or(
			r->json, "seconds", 1, AGE_TOP_S, age, &age, &r->why);
	if (e == 0)
		e = val_bool_or(r->json, "upload", false, &upload, &r->why);
	if (e < 0)
		return e;
	link.may = upload ? FILE_LINK_PUT : FILE_LINK_GET;
	link.until_s = clock_now_s() + age;
	if (upload)
		link.who = file_who(request_arena(r), &r->caller);
	buf_init(&b, ANSWER_ROOM);
	buf_str(&b, "{\"url\":");
	buf_json(&b, slice_str(file_url(g, request_arena(r),
			     file_base(g, request_arena(r), NULL), &link)));
	buf_printf(&b, ",\"expiresAt\":%lld}", (long long)link.until_s * 1000);
	return reply_buf(r, &b);
}

/* ---- restore ---- */

struct restore_act {
	struct request *r;
	struct archive archive;
};

static void
on_restore(struct job *job)
{
	struct restore_act *a =
		container_of(job, struct restore_act, archive.job);

	if (job->err >= 0)
		(void)request_reply(a->r, 200, SLICE("{\"ok\":true}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_file_restore(struct request *r)
{
	struct restore_act *a = arena_new(request_arena(r), struct restore_act);
	struct slice path;
	int e = body_path(r, "path", &path);

	if (e < 0)
		return e;
	a->r = r;
	job_init(&a->archive.job, on_restore);
	(void)request_wait(r, &a->archive.job);
	archive_restore(r->gateway->files, &a->archive, path);
	return STEP_WAIT;
}

/* ---- sweep ---- */

struct sweep_act {
	struct request *r;
	struct lifecycle_run run;
};

static void
on_sweep(struct job *job)
{
	struct sweep_act *a = container_of(job, struct sweep_act, run.job);
	const struct sweep_counts *n = &a->run.counts;
	_buf_ struct buf b = {0};
	int e = job->err;

	buf_init(&b, ANSWER_ROOM);
	buf_printf(&b,
		"{\"contents\":%lld,\"litter\":%lld,\"bytes\":%lld,"
		"\"files\":%lld,\"lost\":%lld,\"expired\":%lld,"
		"\"archived\":%lld,\"uploads\":%lld",
		(long long)n->contents, (long long)n->litter,
		(long long)n->bytes, (long long)n->rows, (long long)n->lost,
		(long long)a->run.expired, (long long)a->run.archived,
		(long long)a->run.uploads);
	val_put_text(&b, "lostPath", slice_str(n->lost_path));
	buf_char(&b, '}');
	if (e >= 0)
		e = reply_buf(a->r, &b);
	request_finish(a->r, e, &job->why);
}

int
endpoint_ops_file_sweep(struct request *r)
{
	struct sweep_act *a = arena_new(request_arena(r), struct sweep_act);

	a->r = r;
	job_init(&a->run.job, on_sweep);
	(void)request_wait(r, &a->run.job);
	lifecycle_run(r->gateway->files, &a->run);
	return STEP_WAIT;
}

/* ---- usage ---- */

struct usage_act {
	struct request *r;
	struct file_usage usage;
};

static void
on_usage(struct job *job)
{
	struct usage_act *a = container_of(job, struct usage_act, usage.job);
	const struct file_usage *u = &a->usage;
	const struct conf *conf = a->r->gateway->conf;
	_buf_ struct buf b = {0};
	int e = job->err;

	buf_init(&b, (u->count + 1) * 1024);
	buf_printf(&b,
		"{\"files\":%lld,\"bytes\":%lld,\"quota\":%lld,"
		"\"userQuota\":%lld,\"users\":[",
		(long long)u->files, (long long)u->bytes,
		(long long)conf->storage_quota,
		(long long)conf->storage_user_quota);
	for (size_t i = 0; e >= 0 && i < u->count; i++) {
		buf_str(&b, i ? ",{\"owner\":" : "{\"owner\":");
		buf_json(&b, slice_str(u->owners[i].owner));
		buf_printf(&b, ",\"files\":%lld,\"bytes\":%lld}",
			(long long)u->owners[i].files,
			(long long)u->owners[i].bytes);
	}
	buf_str(&b, "]}");
	if (e >= 0)
		e = reply_buf(a->r, &b);
	request_finish(a->r, e, &job->why);
}

int
endpoint_ops_file_usage(struct request *r)
{
	struct usage_act *a = arena_new(request_arena(r), struct usage_act);

	a->r = r;
	a->usage.arena = request_arena(r);
	job_init(&a->usage.job, on_usage);
	(void)request_wait(r, &a->usage.job);
	file_usage(r->gateway->files, &a->usage);
	return STEP_WAIT;
}
