/*
 * /v1/tus: uploads that go on after a lost connection, by the protocol tus
 * 1.0 (https://tus.io/protocols/resumable-upload) with its extensions creation
 * and termination.  Where the file is to lie is the metadata's `path`, or
 * `filename`.
 *
 *   POST   /v1/tus       Upload-Length, Upload-Metadata → Location
 *   HEAD   /v1/tus/ID    → Upload-Offset
 *   PATCH  /v1/tus/ID    the bytes from Upload-Offset on
 *   DELETE /v1/tus/ID
 *
 * The PATCH that brings the last byte makes the file, or the HEAD after it.
 * What a PATCH brought is kept when it came to its end: clients send pieces
 * (chunkSize).
 */
#include "base/text.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "routes/site.h"
#include "storage/resume.h"

#include <string.h>

#define TUS_VERSION "1.0.0"

enum { META_TOP = 4096 };

struct tus {
	struct request *r;
	struct resume op;
	struct resume_part part;
	bool has_op, has_part;
	int64_t length; /* of the whole */
	enum { TUS_LOOK, TUS_BEGIN, TUS_DATA, TUS_END, TUS_COMPLETE } phase;
	bool over;
};

static void
add_number(struct request *r, const char *name, int64_t n)
{
	exchange_add_header(r->x, name,
		arena_printf(request_arena(r), "%lld", (long long)n));
}

static void
tus_finish(struct tus *t, int err, const struct fault *why)
{
	if (t->over)
		return;
	t->over = true;
	request_finish(t->r, err, why);
}

static void
on_end(struct request *r)
{
	struct tus *t = r->act;

	t->over = true;
	if (t->has_part)
		resume_part_done(&t->part);
	if (t->has_op)
		resume_done(&t->op);
}

static int
tus_new(struct request *r, job_fn *done, struct tus **ret)
{
	struct slice version = exchange_header(r->x, "Tus-Resumable");
	struct tus *t;

	exchange_add_header(r->x, "Tus-Resumable", TUS_VERSION);
	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	if (!slice_is(version, TUS_VERSION)) {
		exchange_add_header(r->x, "Tus-Version", TUS_VERSION);
		return fault_set(&r->why, ERR_PRECONDITION,
			"Tus-Resumable: " TUS_VERSION
			" is what is spoken here");
	}
	t = arena_new(request_arena(r), struct tus);
	t->r = r;
	t->op.arena = request_arena(r);
	t->op.scope = (struct file_scope){
		.admin = caller_is_admin(&r->caller), .caller = &r->caller};
	t->op.id = r->param;
	t->op.size = -1;
	job_init(&t->op.job, done);
	t->has_op = true;
	r->act = t;
	r->end = on_end;
	*ret = t;
	return 0;
}

static int
header_number(struct request *r, const char *name, int64_t *ret)
{
	struct slice s = exchange_header(r->x, name);
	uint64_t n;

	if (!s.len || slice_to_u64(s, INT64_MAX, &n) < 0)
		return fault_set(
			&r->why, ERR_PARAM, "%s: a number is wanted", name);
	*ret = (int64_t)n;
	return 0;
}

/* ---- OPTIONS ---- */

int
endpoint_tus_options(struct request *r)
{
	exchange_add_header(r->x, "Tus-Resumable", TUS_VERSION);
	exchange_add_header(r->x, "Tus-Version", TUS_VERSION);
	exchange_add_header(r->x, "Tus-Extension", "creation,termination");
	add_number(r, "Tus-Max-Size", r->gateway->conf->storage_file_size);
	return request_reply(r, 204, SLICE(""));
}

/* ---- POST: creation ---- */

/* "path YS50eHQ=,filetype aW1hZ2UvcG5n" */
static int
meta_find(struct request *r, const char *key, struct slice *ret)
{
	struct slice rest = exchange_header(r->x, "Upload-Metadata"), pair, k;
	_buf_ struct buf b = {0};

	*ret = SLICE("");
	buf_init(&b, META_TOP);
	while (slice_split(&rest, ',', &pair)) {
		pair = slice_trim(pair);
		if (!slice_split(&pair, ' ', &k) || !slice_is(k, key))
			continue;
		if (pair.len && text_unbase64(&b, slice_trim(pair)) < 0)
			return fault_set(&r->why, ERR_PARAM,
				"Upload-Metadata: %s is not base64", key);
		*ret = slice_of(
			arena_str(request_arena(r), buf_all(&b)), b.len);
		return 0;
	}
	return 0;
}

static int
read_meta(struct request *r, struct resume *op)
{
	struct slice name;
	int e = meta_find(r, "path", &op->path);

	if (e == 0)
		e = meta_find(r, "filename", &name);
	if (e == 0)
		e = meta_find(r, "filetype", &op->type);
	if (e == 0 && !op->path.len)
		op->path = name;
	for (size_t i = 0; e == 0 && i < op->type.len; i++)
		if (op->type.ptr[i] < 0x20 || op->type.ptr[i] >= 0x7f)
			e = fault_set(&r->why, ERR_PARAM,
				"filetype: only printable ASCII characters may "
				"stand in it");
	if (!op->type.len)
		op->type = slice_str(site_type(op->path));
	if (e == 0 && !op->path.len)
		e = fault_set(&r->why, ERR_PARAM,
			"Upload-Metadata: `path` (or `filename`) in base64 is "
			"needed: where the file goes");
	return e < 0 ? e : file_path_check(op->path, &r->why);
}

static void
on_empty(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);

	if (job->err >= 0)
		(void)request_reply(t->r, 201, SLICE(""));
	tus_finish(t, job->err, &job->why);
}

static void
on_created(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);
	struct request *r = t->r;

	if (job->err < 0) {
		tus_finish(t, job->err, &job->why);
		return;
	}
	exchange_add_header(r->x, "Location",
		arena_printf(request_arena(r), "/v1/tus/%s", t->op.made));
	if (t->length) {
		(void)request_reply(r, 201, SLICE(""));
		tus_finish(t, 0, NULL);
		return;
	}
	/* No PATCH will come. */
	t->op.id = slice_str(t->op.made);
	job_init(&t->op.job, on_empty);
	(void)request_wait(r, &t->op.job);
	resume_complete(r->gateway->files, &t->op);
}

int
endpoint_tus_create(struct request *r)
{
	struct tus *t;
	int e = tus_new(r, on_created, &t);

	if (e == 0)
		e = header_number(r, "Upload-Length", &t->length);
	if (e == 0 && t->length > r->gateway->conf->storage_file_size)
		e = fault_set(&r->why, ERR_TOO_BIG,
			"the file is larger than storage.file_size");
	if (e == 0)
		e = read_meta(r, &t->op);
	if (e < 0)
		return e;
	t->op.size = t->length;
	(void)request_wait(r, &t->op.job);
	resume_create(r->gateway->files, &t->op);
	return STEP_WAIT;
}

/* ---- HEAD ---- */

/* Clients take an offset at the end for success.  When all bytes are there and
 * the upload is, too, then its last PATCH made no file: it was refused, or its
 * gateway ended.  So it is made now, or the client hears why not. */
static void
on_shown(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);

	if (job->err >= 0 && t->phase == TUS_LOOK &&
		t->op.offset == t->op.size) {
		t->phase = TUS_COMPLETE;
		job_init(&t->op.job, on_shown);
		(void)request_wait(t->r, &t->op.job);
		resume_complete(t->r->gateway->files, &t->op);
		return;
	}
	if (job->err >= 0) {
		exchange_add_header(t->r->x, "Cache-Control", "no-store");
		add_number(t->r, "Upload-Offset", t->op.offset);
		add_number(t->r, "Upload-Length", t->op.size);
		(void)request_reply(t->r, 200, SLICE(""));
	}
	tus_finish(t, job->err, &job->why);
}

int
endpoint_tus_show(struct request *r)
{
	struct tus *t;
	int e = tus_new(r, on_shown, &t);

	if (e < 0)
		return e;
	(void)request_wait(r, &t->op.job);
	resume_show(r->gateway->files, &t->op);
	return STEP_WAIT;
}

/* ---- DELETE ---- */

static void
on_aborted(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);

	if (job->err >= 0)
		(void)request_reply(t->r, 204, SLICE(""));
	tus_finish(t, job->err, &job->why);
}

int
endpoint_tus_end(struct request *r)
{
	struct tus *t;
	int e = tus_new(r, on_aborted, &t);

	if (e < 0)
		return e;
	(void)request_wait(r, &t->op.job);
	resume_abort(r->gateway->files, &t->op);
	return STEP_WAIT;
}

/* ---- PATCH ---- */

static void
tus_answer(struct tus *t)
{
	add_number(t->r, "Upload-Offset", t->part.start + t->part.size);
	(void)request_reply(t->r, 204, SLICE(""));
	tus_finish(t, 0, NULL);
}

static void
on_completed(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);

	if (job->err < 0)
		tus_finish(t, job->err, &job->why);
	else
		tus_answer(t);
}

static void
part_kept(struct tus *t)
{
	if (t->part.start + t->part.size < t->length) {
		tus_answer(t);
		return;
	}
	t->phase = TUS_COMPLETE;
	job_init(&t->op.job, on_completed);
	(void)request_wait(t->r, &t->op.job);
	resume_complete(t->r->gateway->files, &t->op);
}

static void
part_end(struct tus *t)
{
	t->phase = TUS_END;
	(void)request_wait(t->r, &t->part.job);
	resume_part_end(&t->part);
}

static void
on_part(struct job *job)
{
	struct tus *t = container_of(job, struct tus, part.job);

	if (t->over)
		return;
	if (job->err < 0) {
		tus_finish(t, job->err, &job->why);
	} else if (t->phase == TUS_END) {
		part_kept(t);
	} else {
		t->phase = TUS_DATA;
		if (t->r->whole)
			part_end(t);
		else
			exchange_go_on(t->r->x);
	}
}

static int
take_part(struct exchange *x, struct slice data)
{
	struct request *r = exchange_data(x);
	struct tus *t = r->act;
	int e;

	if (t->over)
		return 0;
	if (t->phase != TUS_DATA)
		return EXCHANGE_WAIT;
	e = resume_part_data(&t->part, data);
	if (e >= 0)
		return e ? EXCHANGE_WAIT : 0;
	tus_finish(t, e, &t->part.job.why);
	return 0;
}

static void
on_whole(struct request *r)
{
	struct tus *t = r->act;

	if (!t->over && t->phase == TUS_DATA)
		part_end(t);
}

/* The offset is where the last piece ended, or somebody is out of step. */
static void
on_found(struct job *job)
{
	struct tus *t = container_of(job, struct tus, op.job);
	struct request *r = t->r;
	struct fault why = {0};

	if (job->err < 0) {
		tus_finish(t, job->err, &job->why);
		return;
	}
	if (t->op.offset != t->part.start) {
		tus_finish(t,
			fault_set(&why, ERR_CONFLICT,
				"Upload-Offset: the upload is at %lld, ask "
				"with HEAD",
				(long long)t->op.offset),
			&why);
		return;
	}
	t->length = t->op.size;
	t->phase = TUS_BEGIN;
	(void)request_wait(r, &t->part.job);
	t->has_part = true;
	resume_part_begin(r->gateway->files, &t->part);
}

int
endpoint_tus_patch(struct request *r)
{
	struct tus *t;
	int e = tus_new(r, on_found, &t);

	if (e == 0)
		e = header_number(r, "Upload-Offset", &t->part.start);
	if (e == 0 && !slice_is(exchange_header(r->x, "Content-Type"),
			      "application/offset+octet-stream"))
		e = fault_set(&r->why, ERR_PARAM,
			"Content-Type: application/offset+octet-stream is "
			"wanted");
	if (e < 0)
		return e;
	t->part.arena = request_arena(r);
	t->part.scope = t->op.scope;
	t->part.id = r->param;
	job_init(&t->part.job, on_part);
	r->on_whole = on_whole;
	exchange_set_sink(
		r->x, take_part, (uint64_t)r->gateway->conf->storage_file_size);
	exchange_pause(r->x);
	(void)request_wait(r, &t->op.job);
	resume_show(r->gateway->files, &t->op);
	return STEP_WAIT;
}
