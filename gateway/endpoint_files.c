/*
 * GET, HEAD and DELETE /v1/files/PATH, and the list at /v1/files/.
 */
#include "gateway/endpoint.h"
#include "gateway/file_door.h"
#include "gateway/file_serve.h"
#include "storage/file_list.h"
#include "storage/file_remove.h"

enum { LIST_PRESET = 100, LINE_ROOM = 8192 };

int
endpoint_file_get(struct request *r)
{
	struct file_door *door = arena_new(request_arena(r), struct file_door);
	int e = file_door(r, FILE_LINK_GET, door);

	if (e < 0)
		return e;
	if (file_serve_is_origin_pull(r))
		door->scope.admin = door->scope.in_public = true;
	return file_serve(r, door->path, &door->scope);
}

/* ---- remove ---- */

struct removing {
	struct request *r;
	struct file_door door;
	struct file_remove remove;
};

static void
on_remove(struct job *job)
{
	struct removing *m = container_of(job, struct removing, remove.job);

	if (job->err >= 0)
		(void)request_reply(m->r, 204, SLICE(""));
	request_finish(m->r, job->err, &job->why);
}

int
endpoint_file_delete(struct request *r)
{
	struct removing *m = arena_new(request_arena(r), struct removing);
	int e;

	/* There are no links to remove by. */
	if (exchange_query(r->x, "sign").ptr)
		return fault_set(&r->why, ERR_FILE_LINK,
			"signed links are to read and to upload by: log in to "
			"remove a file");
	e = file_door(r, FILE_LINK_GET, &m->door);
	if (e < 0)
		return e;
	m->r = r;
	m->remove.arena = request_arena(r);
	m->remove.scope = m->door.scope;
	m->remove.path = m->door.path;
	job_init(&m->remove.job, on_remove);
	(void)request_wait(r, &m->remove.job);
	file_remove(r->gateway->files, &m->remove);
	return STEP_WAIT;
}

/* ---- list ---- */

struct listing {
	struct request *r;
	struct file_list list;
};

static void
put_file(struct buf *b, const struct request *r, const struct file_info *i)
{
	struct arena *arena = exchange_arena(r->x);

	buf_str(b, "{\"path\":");
	buf_json(b, slice_str(i->path));
	if (!i->type) { /* a folder */
		buf_str(b, ",\"folder\":true}");
		return;
	}
	val_put_text(b, "fileID",
		slice_str(file_id_make(
			r->gateway->files, arena, slice_str(i->path))));
	val_put_text(b, "type", slice_str(i->type));
	val_put_text(b, "etag", slice_str(i->etag));
	buf_printf(b, ",\"size\":%lld", (long long)i->size);
	val_put_time(b, "createdAt", i->created_ms);
	val_put_time(b, "changedAt", i->changed_ms);
	val_put_time(b, "expiresAt", i->expire_ms);
	if (i->archived)
		buf_str(b, ",\"archived\":true");
	if (i->pending)
		buf_str(b, ",\"pending\":true");
	/* An openid is the operator's to see, nobody else's. */
	if (r->caller.role == CALLER_ADMIN)
		val_put_text(b, "owner", slice_str(i->owner));
	buf_char(b, '}');
}

static int
reply_list(struct listing *l)
{
	struct request *r = l->r;
	_buf_ struct buf b = {0};
	char *text;

	buf_init(&b, (l->list.count + 1) * LINE_ROOM);
	buf_str(&b, "{\"files\":[");
	for (size_t i = 0; i < l->list.count; i++) {
		if (i)
			buf_char(&b, ',');
		put_file(&b, r, &l->list.files[i]);
	}
	buf_char(&b, ']');
	if (l->list.next)
		val_put_text(&b, "next", slice_str(l->list.next));
	buf_char(&b, '}');
	text = arena_try(request_arena(r), b.len + 1);
	if (buf_check(&b) < 0 || !text)
		return ERR_ANSWER_BIG;
	memcpy(text, b.ptr, b.len);
	return request_reply(r, 200, slice_of(text, b.len));
}

static void
on_list(struct job *job)
{
	struct listing *l = container_of(job, struct listing, list.job);
	int e = job->err;

	if (e >= 0)
		e = reply_list(l);
	request_finish(l->r, e, &job->why);
}

static struct slice
query_or(const struct request *r, const char *name)
{
	struct slice s = exchange_query(r->x, name);

	return s.ptr ? s : SLICE("");
}

int
endpoint_file_list(struct request *r)
{
	struct listing *l = arena_new(request_arena(r), struct listing);
	struct slice limit = exchange_query(r->x, "limit");
	uint64_t n = LIST_PRESET;

	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	if (limit.len && (slice_to_u64(limit, FILE_LIST_TOP, &n) < 0 || !n))
		return fault_set(&r->why, ERR_PARAM,
			"limit: a number from 1 to %d is wanted",
			FILE_LIST_TOP);
	l->r = r;
	l->list.arena = request_arena(r);
	l->list.scope = (struct file_scope){
		.admin = caller_is_admin(&r->caller), .caller = &r->caller};
	l->list.prefix = query_or(r, "prefix");
	l->list.after = query_or(r, "marker");
	l->list.delimiter = query_or(r, "delimiter");
	l->list.limit = (int64_t)n;
	job_init(&l->list.job, on_list);
	(void)request_wait(r, &l->list.job);
	file_list(r->gateway->files, &l->list);
	return STEP_WAIT;
}
