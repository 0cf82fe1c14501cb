/*
 * Uploads in parts (storage/resume.h), which may come in any order and several
 * at once; tus (endpoint_tus.c) sends one after the other.
 *
 *   POST   /v1/uploads {path, size?, type?, …}   → {uploadId}
 *   PUT    /v1/uploads/ID?offset=N   bytes       → {offset, size}
 *   GET    /v1/uploads/ID                        → {offset, parts}: go on there
 *   POST   /v1/uploads/ID {md5?, sha256?}        → the file: it is complete
 *   DELETE /v1/uploads/ID
 *
 * Each part is durable when it is answered, so after a lost connection or a
 * restart of the server the client asks where to go on.
 */
#include "base/clock.h"
#include "gateway/endpoint.h"
#include "gateway/file_json.h"
#include "gateway/request.h"
#include "storage/resume.h"

#include <string.h>

enum { ANSWER_TOP = 2 << 20, TYPE_TOP = 255, SUM_TOP = 64 };

struct upload_act {
	struct request *r;
	struct resume op;
	struct resume_part part;
	bool begun; /* the part's bytes may come */
	bool over, ending;
};

static struct file_scope
scope_of(const struct request *r)
{
	return (struct file_scope){
		.admin = caller_is_admin(&r->caller), .caller = &r->caller};
}

static void
on_end(struct request *r)
{
	struct upload_act *a = r->act;

	a->over = true;
	resume_done(&a->op);
	resume_part_done(&a->part);
}

static struct upload_act *
act_new(struct request *r, job_fn *done)
{
	struct upload_act *a = arena_new(request_arena(r), struct upload_act);

	a->r = r;
	a->op = (struct resume){
		.arena = request_arena(r),
		.scope = scope_of(r),
		.id = r->param,
		.size = -1,
	};
	job_init(&a->op.job, done);
	job_init(&a->part.job, done);
	r->act = a;
	r->end = on_end;
	(void)request_wait(r, &a->op.job);
	return a;
}

static struct upload_act *
act_of(struct job *job)
{
	return container_of(
		container_of(job, struct resume, job), struct upload_act, op);
}

static int
reply(struct request *r, int status, const struct buf *b)
{
	if (buf_check(b) < 0)
		return ERR_ANSWER_BIG;
	return request_reply(r, status,
		slice_of(arena_str(request_arena(r), buf_all(b)), b->len));
}

/* ---- create ---- */

static void
on_created(struct job *job)
{
	struct upload_act *a = act_of(job);
	_buf_ struct buf b = {0};
	int e = job->err;

	buf_init(&b, ANSWER_TOP);
	buf_printf(&b, "{\"uploadId\":\"%s\",\"offset\":0}",
		a->op.made ? a->op.made : "");
	if (e >= 0)
		e = reply(a->r, 201, &b);
	request_finish(a->r, e, &job->why);
}

static int
read_text(struct request *r, const char *name, size_t top, struct slice *ret)
{
	int e = val_str_or(r->json, name, top, SLICE(""), ret, &r->why);

	for (size_t i = 0; e == 0 && i < ret->len; i++)
		if ((unsigned char)ret->ptr[i] < ' ' ||
			(unsigned char)ret->ptr[i] >= 0x7f)
			e = fault_set(&r->why, ERR_PARAM,
				"%s: only printable ASCII characters may stand "
				"in it",
				name);
	return e;
}

static int
read_path(struct request *r, struct resume *op)
{
	struct slice id = {0};
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "path", FILE_PATH_TOP + 256, &id, &r->why);
	return e < 0 ? e
		     : file_id_path(r->gateway->files, id, &op->path, &r->why);
}

static int
read_wish(struct request *r, struct resume *op)
{
	int64_t expire_s = 0;
	int e = read_path(r, op);

	if (e == 0)
		e = val_int_or(
			r->json, "size", 0, INT64_MAX, -1, &op->size, &r->why);
	if (e == 0)
		e = read_text(r, "type", TYPE_TOP, &op->type);
	if (e == 0)
		e = read_text(r, "cacheControl", TYPE_TOP, &op->cache_control);
	if (e == 0)
		e = read_text(
			r, "contentDisposition", TYPE_TOP, &op->disposition);
	if (e == 0)
		e = val_int_or(r->json, "expire", 1, 100LL * 366 * 86400, 0,
			&expire_s, &r->why);
	if (e == 0)
		e = val_bool_or(
			r->json, "createOnly", false, &op->fresh, &r->why);
	if (expire_s)
		op->expire_ms = clock_now_ms() + expire_s * 1000;
	return e;
}

int
endpoint_upload_create(struct request *r)
{
	struct upload_act *a = act_new(r, on_created);
	int e = read_wish(r, &a->op);

	if (e < 0)
		return e;
	resume_create(r->gateway->files, &a->op);
	return STEP_WAIT;
}

/* ---- show ---- */

static void
on_shown(struct job *job)
{
	struct upload_act *a = act_of(job);
	_buf_ struct buf b = {0};
	int e = job->err;

	buf_init(&b, ANSWER_TOP);
	buf_str(&b, "{\"uploadId\":");
	buf_json(&b, a->op.id);
	buf_printf(&b, ",\"offset\":%lld,\"parts\":[", (long long)a->op.offset);
	for (size_t i = 0; e >= 0 && i < a->op.count; i++)
		buf_printf(&b,
			"%s{\"offset\":%lld,\"size\":%lld,\"md5\":\"%s\"}",
			i ? "," : "", (long long)a->op.parts[i].start,
			(long long)a->op.parts[i].size, a->op.parts[i].md5);
	buf_str(&b, "]}");
	if (e >= 0)
		e = reply(a->r, 200, &b);
	request_finish(a->r, e, &job->why);
}

int
endpoint_upload_show(struct request *r)
{
	resume_show(r->gateway->files, &act_new(r, on_shown)->op);
	return STEP_WAIT;
}

/* ---- complete, abort ---- */

static void
on_complete(struct job *job)
{
	struct upload_act *a = act_of(job);
	struct request *r = a->r;
	_buf_ struct buf b = {0};
	int e = job->err;

	if (e >= 0) {
		buf_init(&b, ANSWER_TOP);
		file_json_put(&b, r, &a->op.info);
		buf_char(&b, '}');
		e = reply(r, 201, &b);
	}
	request_finish(r, e, &job->why);
}

int
endpoint_upload_complete(struct request *r)
{
	struct upload_act *a = act_new(r, on_complete);
	int e = exchange_body(r->x).len ? request_json(r) : 0;

	if (e == 0 && r->json)
		e = read_text(r, "md5", SUM_TOP, &a->op.md5);
	if (e == 0 && r->json)
		e = read_text(r, "sha256", SUM_TOP, &a->op.sha256);
	if (e < 0)
		return e;
	resume_complete(r->gateway->files, &a->op);
	return STEP_WAIT;
}

static void
on_abort(struct job *job)
{
	struct upload_act *a = act_of(job);
	int e = job->err;

	if (e >= 0)
		e = request_reply(a->r, 204, SLICE(""));
	request_finish(a->r, e, &job->why);
}

int
endpoint_upload_abort(struct request *r)
{
	resume_abort(r->gateway->files, &act_new(r, on_abort)->op);
	return STEP_WAIT;
}

/* ---- a part ---- */

static void
finish_part(struct upload_act *a)
{
	a->ending = true;
	(void)request_wait(a->r, &a->part.job);
	resume_part_end(&a->part);
}

static void
answer_part(struct upload_act *a, int e, const struct fault *why)
{
	_buf_ struct buf b = {0};

	if (a->over)
		return;
	a->over = true;
	buf_init(&b, ANSWER_TOP);
	buf_printf(&b, "{\"offset\":%lld,\"size\":%lld}",
		(long long)(a->part.start + a->part.size),
		(long long)a->part.size);
	if (e >= 0)
		e = reply(a->r, 200, &b);
	request_finish(a->r, e, why);
}

static void
on_part(struct job *job)
{
	struct upload_act *a =
		container_of(container_of(job, struct resume_part, job),
			struct upload_act, part);

	if (a->over)
		return;
	if (job->err < 0 || a->ending) {
		answer_part(a, job->err, &job->why);
		return;
	}
	a->begun = true;
	if (a->r->whole)
		finish_part(a);
	else
		exchange_go_on(a->r->x);
}

static int
take_part(struct exchange *x, struct slice data)
{
	struct request *r = exchange_data(x);
	struct upload_act *a = r->act;
	int e;

	if (a->over)
		return 0;
	if (!a->begun)
		return EXCHANGE_WAIT;
	e = resume_part_data(&a->part, data);
	if (e >= 0)
		return e ? EXCHANGE_WAIT : 0;
	answer_part(a, e, &a->part.job.why);
	return 0;
}

static void
on_part_whole(struct request *r)
{
	struct upload_act *a = r->act;

	if (!a->over && a->begun && !a->ending)
		finish_part(a);
}

int
endpoint_upload_part(struct request *r)
{
	struct slice at = exchange_query(r->x, "offset");
	struct upload_act *a;
	uint64_t start = 0;

	if (!at.len || slice_to_u64(at, INT64_MAX / 2, &start) < 0)
		return fault_set(&r->why, ERR_PARAM,
			"offset: the query says where these bytes begin, "
			"?offset=0");
	a = act_new(r, on_created);
	a->part = (struct resume_part){
		.arena = request_arena(r),
		.scope = scope_of(r),
		.id = r->param,
		.start = (int64_t)start,
	};
	job_init(&a->part.job, on_part);
	(void)request_wait(r, &a->part.job);
	r->on_whole = on_part_whole;
	exchange_set_sink(
		r->x, take_part, (uint64_t)r->gateway->conf->storage_file_size);
	exchange_pause(r->x); /* until it is known who goes on */
	resume_part_begin(r->gateway->files, &a->part);
	return STEP_WAIT;
}
