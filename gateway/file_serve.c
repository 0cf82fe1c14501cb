/*
 * Stored files as answers.
 *
 * What a user has uploaded comes back from the address that our own pages and
 * API have, so nothing of it may act there: browsers are told not to guess
 * types and to keep documents that could run something in a sandbox.
 */
#include "gateway/file_serve.h"

#include "base/crypto.h"
#include "base/text.h"
#include "gateway/declared_request.h"
#include "gateway/file_send.h"
#include "storage/hot_file.h"
#include "storage/thumb.h"

#include <ctype.h>
#include <string.h>

struct serving {
	struct request *r;
	struct file_get get;
	struct thumb thumb; /* ?thumb=: has_thumb */
	bool has_thumb;
};

bool
file_serve_is_origin_pull(const struct request *r)
{
	const char *secret = r->gateway->origin_secret;
	struct slice shown;

	if (!secret || !*secret)
		return false;
	shown = exchange_header(r->x, "X-Origin-Secret");
	return shown.len && crypto_eq(slice_str(secret), shown);
}

/* ---- headers ---- */

/* What only shows or sounds, written as RFC 9110 has it.  Everything else is in
 * a world of its own when a browser opens it: to name what may run is to forget
 * some of it, and browsers read more into a type than stands there ("image/png,
 * text/html" is HTML to them). */
static bool
only_shows(const char *type)
{
	static const char *const kinds[] = {
		"image/", "audio/", "video/", "font/"};
	const char *slash = strchr(type, '/');
	size_t len = strcspn(type, ";");

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)type[i]) && !strchr("/.-", type[i]))
			return false;
	for (size_t i = 0; slash && i < array_size(kinds); i++)
		if (slice_is_nocase(slice_of(type, (size_t)(slash + 1 - type)),
			    kinds[i]))
			return !strchr(type, ',');
	return false;
}

static void
add_disposition(struct request *r, const struct file_info *info)
{
	struct arena *arena = request_arena(r);
	struct slice name = exchange_query(r->x, "download");
	const char *slash;
	_buf_ struct buf quoted = {0};

	if (!name.ptr) {
		if (info->disposition && *info->disposition)
			exchange_add_header(
				r->x, "Content-Disposition", info->disposition);
		return;
	}
	slash = strrchr(info->path, '/');
	if (!name.len)
		name = slice_str(slash ? slash + 1 : info->path);
	buf_init(&quoted, 8192);
	text_url(&quoted, name);
	/* RFC 6266: the form that takes any letter and nothing else. */
	exchange_add_header(r->x, "Content-Disposition",
		arena_printf(arena, "attachment; filename*=UTF-8''%.*s",
			SLICE_ARG(buf_all(&quoted))));
}

static void
add_checksum(struct request *r, const char *sha256)
{
	_buf_ struct buf raw = {0};
	_buf_ struct buf base64 = {0};

	buf_init(&raw, 64);
	buf_init(&base64, 64);
	if (!sha256 || !*sha256 || text_unhex(&raw, slice_str(sha256)) < 0)
		return;
	text_base64(&base64, buf_all(&raw));
	exchange_add_header(r->x, "Repr-Digest",
		arena_printf(request_arena(r),
			"sha-256=:%.*s:", SLICE_ARG(buf_all(&base64))));
}

/* Of the file, or of its thumbnail. */
static void
add_headers(struct request *r, const struct file_info *info, const char *type)
{
	const char *cache = info->cache_control;

	if (!cache || !*cache)
		cache = r->gateway->conf->storage_cache_control;
	if (*cache)
		exchange_add_header(r->x, "Cache-Control", cache);
	add_disposition(r, info);
	if (type == info->type)
		add_checksum(r, info->sha256);
	exchange_add_header(r->x, "X-Content-Type-Options", "nosniff");
	if (!only_shows(type))
		exchange_add_header(r->x, "Content-Security-Policy", "sandbox");
}

/* ---- the way ---- */

/* Who is told that his range is none, or that the file is another by now, gets
 * no file: nothing of it, and nothing that may be kept. */
static int
send_body(struct serving *s, const struct file_body *body)
{
	int e = file_send(s->r, body);

	if (e == 0)
		add_headers(s->r, &s->get.info, body->type);
	return e;
}

static int
send_found(struct serving *s)
{
	const struct file_info *info = &s->get.info;
	struct slice bytes = {NULL, 0};
	int fd = take_fd(s->get.fd);

	if (s->get.hot)
		bytes = s->get.hot->bytes;
	return send_body(s, &(struct file_body){
				    .fd = fd,
				    .bytes = bytes,
				    .size = (uint64_t)info->size,
				    .type = info->type,
				    .etag = slice_str(info->etag),
				    .modified_s = info->changed_ms / 1000,
			    });
}

/* Another representation has another entity tag. */
static const char *
thumb_etag(const struct serving *s)
{
	const struct thumb *t = &s->thumb;
	struct slice etag = slice_str(s->get.info.etag);

	if (etag.len && etag.ptr[etag.len - 1] == '"')
		etag.len--;
	return arena_printf(request_arena(s->r), "%.*s-%dx%d%s%d\"",
		SLICE_ARG(etag), t->width, t->height, t->cover ? "c" : "",
		(int)t->format);
}

static int
send_thumb(struct serving *s)
{
	const struct file_info *info = &s->get.info;
	int fd = take_fd(s->thumb.fd);

	return send_body(s, &(struct file_body){
				    .fd = fd,
				    .size = (uint64_t)s->thumb.size,
				    .type = s->thumb.type,
				    .etag = slice_str(thumb_etag(s)),
				    .modified_s = info->changed_ms / 1000,
			    });
}

static void
on_thumb(struct job *job)
{
	struct serving *s = container_of(job, struct serving, thumb.job);
	int e = job->err;

	if (e >= 0)
		e = send_thumb(s);
	request_finish(s->r, e, job->err < 0 ? &job->why : NULL);
}

static void
start_thumb(struct serving *s)
{
	s->thumb.content = s->get.info.content;
	s->thumb.source = s->get.fd;
	job_init(&s->thumb.job, on_thumb);
	(void)request_wait(s->r, &s->thumb.job);
	thumb_make(s->r->gateway->files, &s->thumb);
}

static void
on_get(struct job *job)
{
	struct serving *s = container_of(job, struct serving, get.job);
	int e = job->err;

	if (e >= 0 && s->has_thumb) {
		start_thumb(s);
		return;
	}
	if (e >= 0)
		e = send_found(s);
	request_finish(s->r, e, job->err < 0 ? &job->why : NULL);
}

static void
on_end(struct request *r)
{
	struct serving *s = r->act;

	fd_closep(&s->get.fd);
	fd_closep(&s->thumb.fd);
	s->get.hot = hot_file_unref(s->get.hot);
}

static struct slice
query_or_none(const struct request *r, const char *name)
{
	struct slice s = exchange_query(r->x, name);

	return s.ptr ? s : SLICE("");
}

static int
read_thumb(struct request *r, struct serving *s)
{
	struct slice size = query_or_none(r, "thumb");

	s->thumb.fd = -1;
	if (!size.len)
		return 0;
	s->has_thumb = true;
	return thumb_parse(&s->thumb, size, query_or_none(r, "fit"),
		query_or_none(r, "format"), &r->why);
}

int
file_serve(struct request *r, struct slice path, const struct file_scope *scope)
{
	struct serving *s = arena_new(request_arena(r), struct serving);
	int e;

	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	s->r = r;
	s->get.fd = -1;
	e = read_thumb(r, s);
	if (e < 0)
		return e;
	s->get.arena = request_arena(r);
	s->get.scope = *scope;
	s->get.path = path;
	s->get.takes_hot = !s->has_thumb;
	job_init(&s->get.job, on_get);
	r->act = s;
	r->end = on_end;
	e = s->has_thumb ? 1 : file_get_hot(r->gateway->files, &s->get);
	if (e < 0)
		r->why = s->get.job.why;
	if (e <= 0) {
		r->gateway->count->hot++;
		return e < 0 ? e : send_found(s);
	}
	(void)request_wait(r, &s->get.job);
	file_get(r->gateway->files, &s->get);
	return STEP_WAIT;
}

int
file_serve_declared(struct request *r)
{
	const struct file_scope scope = {
		.admin = true, .in_public = true, .caller = &r->caller};
	struct slice id, path;
	int e;

	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	e = declared_file(r, &id);
	if (e == 0)
		e = file_id_path(r->gateway->files, id, &path, &r->why);
	if (e == 0 && file_path_check(path, NULL) < 0)
		e = ERR_FILE_NONE;
	return e < 0 ? e : file_serve(r, path, &scope);
}
