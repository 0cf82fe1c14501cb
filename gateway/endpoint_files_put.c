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
 * links are answered as COS does (docs: cloud.tencent.com/document/product/436),
 * unless Accept asks for JSON.
 */
#include "base/clock.h"
#include "base/event.h"
#include "base/text.h"
#include "base/xml.h"
#include "gateway/endpoint.h"
#include "gateway/file_door.h"
#include "gateway/reply.h"
#include "gateway/site.h"
#include "gateway/upload_form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_TOP = 255, XML_TOP = 8192, DAY_MS = 24 * 60 * 60 * 1000 };

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
	       !(accept.len && memmem(accept.ptr, accept.len,
				       "application/json", 16));
}

/* COS's words for what is wrong. */
static const char *
cos_code(int err)
{
	switch (err) {
	case ERR_FILE_LINK:
	case ERR_FILE_DENIED:
	case ERR_FILE_REFUSED:
	case ERR_FILE_QUOTA:
		return "AccessDenied";
	case ERR_TOO_BIG:
		return "EntityTooLarge";
	case ERR_FILE_CHECKSUM:
		return "BadDigest";
	case ERR_PARAM:
		return "InvalidArgument";
	case ERR_CONFLICT:
	case ERR_PRECONDITION:
		return "PreconditionFailed";
	case ERR_FILE_NONE:
		return "NoSuchKey";
	case ERR_BUSY:
		return "ServiceUnavailable";
	default:
		return "InternalError";
	}
}

static void
reply_xml(struct request *r, int status, const char *root, const json_t *v)
{
	struct arena *arena = request_arena(r);
	_buf_ struct buf b = {0};

	buf_init(&b, XML_TOP);
	buf_str(&b, "<?xml version='1.0' encoding='utf-8' ?>\n");
	if (xml_build(&b, root, v, NULL) < 0 || buf_check(&b) < 0)
		buf_clear(&b);
	exchange_add_header(r->x, "Content-Type", "application/xml");
	r->typed = true;
	(void)request_reply(
		r, status, slice_of(arena_str(arena, buf_all(&b)), b.len));
}

static void
fail_xml(struct upload *u, int err, const struct fault *why)
{
	struct request *r = u->r;
	const char *id = exchange_id(r->x);
	_json_ json_t *v = json_pack("{s:s,s:s,s:s%,s:s,s:s}", "Code",
		cos_code(err), "Message",
		err > -1000 ? "an error of ours: the log has the request id"
			    : fault_text(why, err),
		"Resource", u->door.path.ptr, u->door.path.len, "RequestId",
		id, "TraceId", id);

	reply_xml(r, err_info(err)->status, "Error", v);
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
		fail_xml(u, err, why);
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
	reply_xml(r, 201, "PostResponse", v);
}

/* What a client of ours is told. */
static void
answer_json(struct upload *u)
{
	struct request *r = u->r;
	const struct file_info *i = &u->put.info;
	_buf_ struct buf b = {0};

	buf_init(&b, XML_TOP);
	buf_str(&b, "{\"fileID\":");
	buf_json(&b, slice_str(file_id_make(r->gateway->files,
			     request_arena(r), slice_str(i->path))));
	val_put_text(&b, "path", slice_str(i->path));
	val_put_text(&b, "type", slice_str(i->type));
	val_put_text(&b, "etag", slice_str(i->etag));
	val_put_text(&b, "sha256", slice_str(i->sha256));
	buf_printf(&b, ",\"size\":%lld", (long long)i->size);
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

/* ---- what the head says of the file ---- */

static int
check_text(struct slice s, const char *what, struct fault *why)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 ||
			(unsigned char)s.ptr[i] >= 0x7f)
			return fault_set(why, ERR_PARAM,
				"%s: only printable ASCII characters may "
				"stand in it",
				what);
	if (s.len > TYPE_TOP)
		return fault_set(why, ERR_PARAM, "%s: %d bytes at most", what,
			TYPE_TOP);
	return 0;
}

/* base64 → hex, as file_put wants it. */
static int
read_sum(struct request *r, struct slice base64, size_t len, const char *what,
	struct slice *ret)
{
	_buf_ struct buf raw = {0};
	_buf_ struct buf hex = {0};

	buf_init(&raw, 64);
	buf_init(&hex, 160);
	if (text_unbase64(&raw, slice_trim(base64)) < 0 || raw.len != len)
		return fault_set(&r->why, ERR_PARAM,
			"%s: base64 of %zu bytes is wanted", what, len);
	text_hex(&hex, buf_all(&raw));
	*ret = slice_of(arena_str(request_arena(r), buf_all(&hex)), hex.len);
	return 0;
}

/* "sha-256=:…:" (RFC 9530) or "SHA-256=…" (RFC 3230), among others. */
static int
read_digest(struct request *r, const char *name, struct file_put *put)
{
	struct slice rest = exchange_header(r->x, name), one, kind;

	while (slice_split(&rest, ',', &one)) {
		if (!slice_split(&one, '=', &kind))
			continue;
		one = slice_trim(one);
		if (one.len >= 2 && one.ptr[0] == ':')
			one = slice_of(one.ptr + 1, one.len - 2);
		if (slice_is_nocase(slice_trim(kind), "sha-256"))
			return read_sum(r, one, 32, name, &put->sha256);
		if (slice_is_nocase(slice_trim(kind), "md5"))
			return read_sum(r, one, 16, name, &put->md5);
	}
	return 0;
}

static int
read_sums(struct request *r, struct file_put *put)
{
	static const char *const names[] = {
		"Digest", "Content-Digest", "Repr-Digest"};
	struct slice md5 = exchange_header(r->x, "Content-MD5");
	int e = 0;

	if (md5.len)
		e = read_sum(r, md5, 16, "Content-MD5", &put->md5);
	for (size_t i = 0; e == 0 && i < array_size(names); i++)
		e = read_digest(r, names[i], put);
	return e;
}

/* ?expire=SECONDS; and what page code hands to functions by wx.cloud.CDN. */
static int
read_expire(struct request *r, struct slice path, struct file_put *put)
{
	struct slice s = exchange_query(r->x, "expire");
	uint64_t n;

	if (slice_starts(path, "tmp/cdn/"))
		put->expire_ms = clock_now_ms() + DAY_MS;
	if (!s.len)
		return 0;
	if (slice_to_u64(s, 100ULL * 366 * 86400, &n) < 0 || !n)
		return fault_set(&r->why, ERR_PARAM,
			"expire: a number of seconds is wanted");
	put->expire_ms = clock_now_ms() + (int64_t)n * 1000;
	return 0;
}

static int
read_preconditions(struct request *r, struct file_put *put)
{
	struct slice s = exchange_header(r->x, "If-None-Match");

	if (exchange_header(r->x, "If-Match").len ||
		exchange_header(r->x, "Content-Range").len)
		return fault_set(&r->why, ERR_UNIMPLEMENTED,
			"uploads know neither If-Match nor Content-Range: send "
			"the whole file, If-None-Match: * keeps what is there");
	if (!s.len)
		return 0;
	if (!slice_is(s, "*"))
		return fault_set(&r->why, ERR_UNIMPLEMENTED,
			"If-None-Match: of uploads only * is known");
	put->fresh = true;
	return 0;
}

static int
read_head(struct request *r, struct upload *u)
{
	struct file_put *put = &u->put;
	int e;

	put->arena = request_arena(r);
	put->scope = u->door.scope;
	put->path = u->door.path;
	put->cache_control = exchange_header(r->x, "Cache-Control");
	put->disposition = exchange_header(r->x, "Content-Disposition");
	e = check_text(put->cache_control, "Cache-Control", &r->why);
	if (e == 0)
		e = check_text(
			put->disposition, "Content-Disposition", &r->why);
	if (e == 0)
		e = read_preconditions(r, put);
	if (e == 0)
		e = read_expire(r, put->path, put);
	return e;
}

static int
set_type(struct file_put *put, struct slice type, struct fault *why)
{
	/* What says nothing is guessed from the path's end. */
	if (slice_is(type, "application/octet-stream") ||
		slice_starts(type, "application/x-www-form-urlencoded"))
		type = SLICE("");
	if (!type.len)
		type = slice_str(site_type(put->path));
	put->type = type;
	return check_text(type, "Content-Type", why);
}

static int
upload_new(struct request *r, struct upload **ret)
{
	struct upload *u = arena_new(request_arena(r), struct upload);
	int e = file_door(r, FILE_LINK_PUT, &u->door);

	u->r = r;
	if (e == 0)
		e = read_head(r, u);
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
	fail_xml(&u, err, &r->why);
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
	e = set_type(&u->put, exchange_header(r->x, "Content-Type"), &r->why);
	if (e == 0)
		e = read_sums(r, &u->put);
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
		return check_text(value, "Cache-Control", why);
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
	e = set_type(&u->put,
		u->type.len ? u->type : head->type.ptr ? head->type
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
	enum { BESIDE = UPLOAD_FORM_PARTS * (UPLOAD_FORM_TEXT + MULTIPART_HEAD) };
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
	exchange_set_sink(r->x, take_form,
		(uint64_t)conf->storage_file_size + BESIDE);
	return STEP_WAIT;
}
