/*
 * PUT and POST /v1/files/PATH: uploads.
 *
 *   endpoint    head: path, who, checksums; the body waits      UPLOAD_BEGIN
 *   PUT         file_put_begin at once
 *   POST        the form's head of the file first, then file_put_begin
 *   begun       the body comes, piece by piece, to the disk     UPLOAD_DATA
 *   whole       file_put_end                                    UPLOAD_END
 *   durable     the answer
 *
 * Nothing is collected: what the disk cannot take yet stays with the client.
 * CloudBase's SDKs upload to a COS bucket and read its XML: uploads over signed
 * links are answered as COS does (docs:
 * cloud.tencent.com/document/product/436), unless Accept asks for JSON.
 */
#include "base/event.h"
#include "gateway/cos_answer.h"
#include "gateway/endpoint.h"
#include "gateway/file_door.h"
#include "gateway/file_json.h"
#include "gateway/reply.h"
#include "gateway/upload_head.h"
#include "http/upload_form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { JSON_TOP = 8192 };

enum upload_phase { UPLOAD_HEAD, UPLOAD_BEGIN, UPLOAD_DATA, UPLOAD_END };

struct upload {
	struct request *r;
	struct file_door door;
	struct file_put put;
	enum upload_phase phase;
	struct upload_form *form; /* NULL: a raw body */
	struct slice key, type;   /* the form's */
	int success;              /* success_action_status, 0: none */
	bool over;                /* answered */
};

/* ---- answers ---- */

static bool
wants_xml(const struct upload *u)
{
	struct slice accept = exchange_header(u->r->x, "Accept");

	return u->door.linked &&
	       !(accept.len &&
		       memmem(accept.ptr, accept.len, "application/json", 16));
}

static void
upload_fail(struct upload *u, int err, const struct fault *why)
{
	struct request *r = u->r;

	if (u->over)
		return;
	u->over = true;
	if (wants_xml(u) && err > -1000)
		event(EVENT_INTERNAL, "requestId", exchange_id(r->x), "error",
			err_text(err), "text", why ? why->text : "", NULL);
	if (wants_xml(u)) {
		cos_fail(r, u->door.path, err, why);
		err = 0;
	}
	request_finish(r, err, why);
}

static void
answer_post(struct upload *u)
{
	struct request *r = u->r;
	struct arena *arena = request_arena(r);
	const struct gateway *g = r->gateway;
	_json_ json_t *v = NULL;

	if (u->success != 201) {
		(void)request_reply(
			r, u->success ? u->success : 204, SLICE(""));
		return;
	}
	v = json_pack("{s:s,s:s,s:s,s:s}", "Location",
		arena_printf(arena, "%s%s", file_base(g, arena, r),
			exchange_path(r->x)),
		"Bucket", g->conf->server_env, "Key", u->put.info.path, "ETag",
		u->put.info.etag);
	cos_reply(r, 201, "PostResponse", v);
}

/* What a client of ours is told. */
static void
answer_json(struct upload *u)
{
	struct request *r = u->r;
	const struct file_info *i = &u->put.info;
	_buf_ struct buf b = {0};

	buf_init(&b, JSON_TOP);
	file_json_put(&b, r, i);
	val_put_time(&b, "createdAt", i->created_ms);
	val_put_time(&b, "changedAt", i->changed_ms);
	val_put_time(&b, "expiresAt", i->expire_ms);
	buf_char(&b, '}');
	(void)request_reply(r, i->created_ms == i->changed_ms ? 201 : 200,
		slice_of(arena_str(request_arena(r), buf_all(&b)), b.len));
}

static void
upload_answer(struct upload *u)
{
	struct request *r = u->r;

	exchange_add_header(r->x, "ETag", u->put.info.etag);
	if (!u->door.linked)
		answer_json(u);
	else if (u->form)
		answer_post(u);
	else
		(void)request_reply(r, 200, SLICE(""));
	u->over = true;
	request_finish(r, 0, NULL);
}

/* ---- the work ---- */

static void
upload_finish_put(struct upload *u)
{
	struct fault why = {0};
	int e = u->form ? upload_form_end(u->form, &why) : 0;

	if (e < 0) {
		upload_fail(u, e, &why);
		return;
	}
	u->phase = UPLOAD_END;
	(void)request_wait(u->r, &u->put.job);
	file_put_end(&u->put);
}

static void
on_put(struct job *job)
{
	struct upload *u = container_of(job, struct upload, put.job);

	if (u->over)
		return;
	if (job->err < 0) {
		upload_fail(u, job->err, &job->why);
	} else if (u->phase == UPLOAD_END) {
		upload_answer(u);
	} else {
		u->phase = UPLOAD_DATA;
		if (u->r->whole)
			upload_finish_put(u);
		else
			exchange_go_on(u->r->x);
	}
}

static void
on_end(struct request *r)
{
	struct upload *u = r->act;

	u->over = true;
	file_put_done(&u->put);
}

static void
on_whole(struct request *r)
{
	struct upload *u = r->act;

	/* A form without a file never comes to UPLOAD_DATA. */
	if (!u->over && (u->phase == UPLOAD_DATA || u->phase == UPLOAD_HEAD))
		upload_finish_put(u);
}

static int
take_raw(struct exchange *x, struct slice data)
{
	struct request *r = exchange_data(x);
	struct upload *u = r->act;
	int e;

	if (u->over)
		return 0;
	if (u->phase != UPLOAD_DATA)
		return EXCHANGE_WAIT;
	e = file_put_data(&u->put, data);
	if (e >= 0)
		return e ? EXCHANGE_WAIT : 0;
	upload_fail(u, e, &u->put.job.why);
	return 0;
}

static int
upload_new(struct request *r, struct upload **ret)
{
	struct upload *u = arena_new(request_arena(r), struct upload);
	int e = file_door(r, FILE_LINK_PUT, &u->door);

	u->r = r;
	if (e == 0)
		e = upload_head_read(r, &u->door, &u->put);
	if (e < 0)
		return e;
	job_init(&u->put.job, on_put);
	r->act = u;
	r->end = on_end;
	r->on_whole = on_whole;
	*ret = u;
	return 0;
}

static void
upload_begin(struct upload *u)
{
	u->phase = UPLOAD_BEGIN;
	(void)request_wait(u->r, &u->put.job);
	file_put_begin(u->r->gateway->files, &u->put);
}

/* Before the endpoint has set anything up: as the SDK reads it. */
static int
refuse(struct request *r, int err)
{
	struct upload u = {.r = r, .door = {.path = r->param}};

	u.door.linked = exchange_query(r->x, "sign").ptr != NULL;
	if (!wants_xml(&u))
		return err;
	cos_fail(r, r->param, err, &r->why);
	return 0;
}

int
endpoint_file_put(struct request *r)
{
	const struct conf *conf = r->gateway->conf;
	struct upload *u;
	int e = upload_new(r, &u);

	if (e < 0)
		return refuse(r, e);
	u->put.size = exchange_length(r->x);
	e = upload_head_type(
		&u->put, exchange_header(r->x, "Content-Type"), &r->why);
	if (e == 0)
		e = upload_head_sums(r, &u->put);
	if (e == 0 && u->put.size > conf->storage_file_size)
		e = fault_set(&r->why, ERR_TOO_BIG,
			"the file is larger than storage.file_size");
	if (e < 0)
		return refuse(r, e);
	exchange_set_sink(r->x, take_raw, (uint64_t)conf->storage_file_size);
	exchange_pause(r->x);
	upload_begin(u);
	return STEP_WAIT;
}

/* ---- forms ---- */

static int
take_key(struct upload *u, struct slice key)
{
	struct fault *why = &u->r->why;

	if (slice_eq(key, u->door.path))
		return 0;
	return fault_set(why, ERR_PARAM,
		"key: the form names another path than its address");
}

static int
on_text(void *owner, struct slice name, struct slice value)
{
	struct upload *u = owner;
	struct fault *why = &u->r->why;
	struct arena *arena = request_arena(u->r);
	uint64_t n;

	if (slice_is_nocase(name, "key"))
		return take_key(u, value);
	if (u->phase != UPLOAD_HEAD)
		return 0; /* what comes after the file */
	if (slice_is_nocase(name, "content-type"))
		u->type = slice_of(arena_str(arena, value), value.len);
	if (slice_is_nocase(name, "cache-control")) {
		u->put.cache_control =
			slice_of(arena_str(arena, value), value.len);
		return upload_head_check(value, "Cache-Control", why);
	}
	if (slice_is_nocase(name, "success_action_status") &&
		slice_to_u64(value, 204, &n) == 0 &&
		(n == 200 || n == 201 || n == 204))
		u->success = (int)n;
	return 0;
}

static int
on_file(void *owner, const struct part *head)
{
	struct upload *u = owner;
	int e;

	if (u->phase == UPLOAD_DATA)
		return 0;
	if (u->phase == UPLOAD_BEGIN)
		return UPLOAD_FORM_WAIT;
	e = upload_head_type(&u->put,
		u->type.len      ? u->type
		: head->type.ptr ? head->type
				 : SLICE(""),
		&u->r->why);
	if (e < 0)
		return e;
	upload_begin(u);
	return u->phase == UPLOAD_DATA ? 0 : UPLOAD_FORM_WAIT;
}

static int
on_data(void *owner, struct slice bytes)
{
	struct upload *u = owner;
	int e = file_put_data(&u->put, bytes);

	if (e < 0)
		u->r->why = u->put.job.why;
	return e > 0 ? UPLOAD_FORM_WAIT : e;
}

static int
take_form(struct exchange *x, struct slice data)
{
	struct request *r = exchange_data(x);
	struct upload *u = r->act;
	struct fault why;
	int e;

	if (u->over)
		return 0;
	e = upload_form_take(u->form, data, &r->why);
	if (e >= 0)
		return e ? EXCHANGE_WAIT : 0;
	why = r->why;
	upload_fail(u, e, &why);
	return 0;
}

int
endpoint_file_post(struct request *r)
{
	static const struct upload_form_ops ops = {
		.text = on_text, .begin = on_file, .data = on_data};
	/* What stands in a form beside its file. */
	enum {
		BESIDE = UPLOAD_FORM_PARTS * (UPLOAD_FORM_TEXT + MULTIPART_HEAD)
	};
	const struct conf *conf = r->gateway->conf;
	struct upload *u;
	int e = upload_new(r, &u);

	if (e == 0 && !multipart_is(exchange_header(r->x, "Content-Type")))
		e = fault_set(&r->why, ERR_PARAM,
			"POST takes a form (multipart/form-data) with a part "
			"\"file\"; PUT takes the bytes as they are");
	if (e == 0)
		e = upload_form_new(&u->form, request_arena(r),
			exchange_header(r->x, "Content-Type"), &ops, u,
			&r->why);
	if (e < 0)
		return refuse(r, e);
	u->put.size = -1;
	exchange_set_sink(
		r->x, take_form, (uint64_t)conf->storage_file_size + BESIDE);
	return STEP_WAIT;
}
