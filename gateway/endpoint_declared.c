/*
 * The targets of declared routes that need nobody: redirects, preflights, and
 * static sites.
 */
#include "gateway/declared_fill.h"
#include "gateway/declared_request.h"
#include "gateway/endpoint.h"
#include "gateway/file_send.h"
#include "gateway/request.h"
#include "http/conditional.h"
#include "routes/declared_full.h"
#include "routes/site.h"

#include "base/text.h"

#include <string.h>
#include <unistd.h>

static const char any_method[] = "GET, HEAD, POST, PUT, PATCH, DELETE";

int
endpoint_preflight(struct request *r)
{
	cors_say(r->declared ? declared_full_of(r->declared)->cors
			     : r->gateway->web_origins,
		r->x, any_method);
	r->typed = true;
	return request_reply(r, 204, SLICE(""));
}

/* --- redirects --- */

/* "/{*}" of "//evil.net/" must not become the address of another server. */
static struct slice
without_slashes(struct slice s)
{
	while (s.len > 1 && s.ptr[0] == '/' &&
		(s.ptr[1] == '/' || s.ptr[1] == '\\'))
		s = slice_of(s.ptr + 1, s.len - 1);
	return s;
}

static int
redirect(struct request *r, int status, struct slice to)
{
	exchange_add_any_header(r->x, SLICE("Location"), to);
	r->typed = true;
	return request_reply(r, status, SLICE(""));
}

int
endpoint_redirect(struct request *r)
{
	const struct declared_full *f = declared_full_of(r->declared);
	struct slice to;
	int e = declared_fill(&f->location, r, PLACE_PATH, &to);

	if (e < 0)
		return e;
	return redirect(r, r->declared->redirect_status, without_slashes(to));
}

/* --- static sites --- */

/* What was opened, by its descriptor or its bytes. */
static void
say_file(struct request *r, const struct site_file *file)
{
	if (file->coding != COMPRESS_NOT)
		exchange_add_header(
			r->x, "Content-Encoding", compress_name(file->coding));
	if (file->varies)
		exchange_add_header(r->x, "Vary", "Accept-Encoding");
}

static int
answer_parts(struct request *r, const struct site_file *file,
	const struct ranges *ranges)
{
	struct range_frames *f = range_frames_new(
		request_arena(r), ranges, file->type, file->size);
	char *room = arena_try(request_arena(r), f->size), *at = room;

	if (!room)
		return ERR_TOO_BIG;
	for (size_t i = 0; i <= ranges->count; i++) {
		memcpy(at, f->frames[i].ptr, f->frames[i].len);
		at += f->frames[i].len;
		if (i == ranges->count)
			break;
		memcpy(at, file->bytes.ptr + ranges->list[i].from,
			ranges->list[i].len);
		at += ranges->list[i].len;
	}
	exchange_add_header(r->x, "Content-Type", f->content_type);
	return request_reply(r, 206, slice_of(room, f->size));
}

static int
answer_part(struct request *r, const struct site_file *file, int status,
	struct range part)
{
	char *room;

	exchange_add_header(r->x, "Content-Type", file->type);
	if (status == 206)
		exchange_add_header(r->x, "Content-Range",
			range_content(request_arena(r), &part, file->size));
	/* From memory at once: nothing else is looked for before it is sent.
	 * What waits first keeps a copy. */
	if (!part.len || !r->once)
		return request_reply(r, status,
			slice_of(file->bytes.ptr + part.from, part.len));
	room = arena_try(request_arena(r), part.len);
	if (!room)
		return ERR_TOO_BIG;
	memcpy(room, file->bytes.ptr + part.from, part.len);
	return request_reply(r, status, slice_of(room, part.len));
}

static int
answer_nothing(struct request *r, const struct site_file *file, int status)
{
	if (status == 416)
		exchange_add_header(r->x, "Content-Range",
			range_content(request_arena(r), NULL, file->size));
	if (status == 304)
		return request_reply(r, status, SLICE(""));
	return status == 416 ? ERR_FILE_RANGE : ERR_PRECONDITION;
}

/* From memory. */
static int
answer_bytes(struct request *r, const struct site_file *file)
{
	struct conditional c = {.etag = slice_str(file->etag),
		.modified_s = file->modified_s,
		.size = file->size,
		.is_get = true};
	char date[TEXT_HTTP_DATE];
	struct ranges ranges;
	int status;

	conditional_read(&c, request_header, r);
	status = conditional_check(&c, &ranges);
	text_http_date(date, file->modified_s);
	exchange_add_header(r->x, "ETag", file->etag);
	exchange_add_header(r->x, "Last-Modified", date);
	exchange_add_header(r->x, "Accept-Ranges", "bytes");
	r->typed = true;
	if (status != 200 && status != 206)
		return answer_nothing(r, file, status);
	say_file(r, file);
	if (ranges.count > 1)
		return answer_parts(r, file, &ranges);
	return answer_part(r, file, status,
		ranges.count ? ranges.list[0] : (struct range){0, file->size});
}

static int
answer_file(struct request *r, const struct site_file *file)
{
	if (file->fd < 0)
		return answer_bytes(r, file);
	say_file(r, file);
	return file_send(
		r, &(struct file_body){.fd = file->fd,
			   .size = file->size,
			   .type = file->type,
			   .etag = slice_str(arena_str(
				   request_arena(r), slice_str(file->etag))),
			   .modified_s = file->modified_s});
}

/* The site's own page for what is not there; whole, without conditions. */
static int
answer_not_found(struct request *r, const struct declared_full *f)
{
	struct site_ask ask = {
		.path = slice_str(f->not_found ? f->not_found : "404.html")};
	struct site_file file;
	char *room;

	if (site_find(f->pub.site, &ask, &file) < 0)
		return fault_set(
			&r->why, ERR_FILE_NONE, "the site has no such file");
	room = arena_try(request_arena(r), file.size + 1);
	if (file.fd >= 0) {
		ssize_t n = room ? pread(file.fd, room, file.size, 0) : -1;

		(void)close(file.fd);
		if (n < 0 || (uint64_t)n != file.size)
			return ERR_FILE_NONE;
	} else if (room) {
		memcpy(room, file.bytes.ptr, file.size);
	}
	if (!room)
		return ERR_TOO_BIG;
	exchange_add_header(r->x, "Content-Type", file.type);
	r->typed = true;
	return request_reply(r, 404, slice_of(room, file.size));
}

/* A folder's address without its slash. */
static int
answer_folder(struct request *r)
{
	struct slice path = exchange_target(r->x), query = declared_query(r);
	struct slice to = declared_path(r);

	(void)path;
	return redirect(r, 301,
		slice_str(arena_printf(request_arena(r), "%.*s/%s%.*s",
			SLICE_ARG(without_slashes(to)), query.ptr ? "?" : "",
			query.ptr ? (int)query.len : 0,
			query.ptr ? query.ptr : "")));
}

static struct slice
path_in_site(struct request *r, const struct declared_full *f)
{
	struct slice path = slice_str(exchange_path(r->x));

	if (f->request.path.piece &&
		declared_fill(&f->request.path, r, PLACE_JSON, &path) < 0)
		return (struct slice){"..", 2};
	if (!f->request.path.piece && f->kind == PATH_PREFIX)
		path = r->rest;
	return path;
}

int
endpoint_static(struct request *r)
{
	const struct declared_full *f = declared_full_of(r->declared);
	struct slice path = path_in_site(r, f);
	struct site_ask ask = {.index = f->index,
		.fallback = f->fallback,
		.accept = f->pub.compress
				  ? exchange_header(r->x, "Accept-Encoding")
				  : (struct slice){NULL, 0}};
	struct site_file file;
	const char *method = exchange_method(r->x);
	int e;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		exchange_add_header(r->x, "Allow", "GET, HEAD");
		return ERR_METHOD;
	}
	if (!f->pub.site)
		return fault_set(&r->why, ERR_FILE_NONE,
			"the site %s is not on this machine: run mpcloud "
			"deploy here",
			f->pub.folder);
	if (!path.len) /* the prefix without its slash */
		return answer_folder(r);
	ask.path = slice_of(path.ptr + 1, path.len - 1);
	e = site_find(f->pub.site, &ask, &file);
	if (e == ERR_GONE)
		return answer_folder(r);
	if (e == ERR_FILE_NONE || e == ERR_FILE_DENIED)
		return answer_not_found(r, f);
	return e < 0 ? e : answer_file(r, &file);
}
