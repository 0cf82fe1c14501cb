/*
 * The head of an upload.  What is kept here is sent to others with each
 * download, so nothing goes in that could end a header or begin another.
 */
#include "gateway/upload_head.h"

#include "base/clock.h"
#include "base/text.h"
#include "routes/site.h"

enum { TYPE_TOP = 255, DAY_MS = 24 * 60 * 60 * 1000 };

int
upload_head_check(struct slice s, const char *what, struct fault *why)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 ||
			(unsigned char)s.ptr[i] >= 0x7f)
			return fault_set(why, ERR_PARAM,
				"%s: only printable ASCII characters may "
				"stand in it",
				what);
	if (s.len > TYPE_TOP)
		return fault_set(
			why, ERR_PARAM, "%s: %d bytes at most", what, TYPE_TOP);
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

int
upload_head_sums(struct request *r, struct file_put *put)
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

int
upload_head_read(
	struct request *r, const struct file_door *door, struct file_put *put)
{
	int e;

	put->arena = request_arena(r);
	put->scope = door->scope;
	put->path = door->path;
	put->cache_control = exchange_header(r->x, "Cache-Control");
	put->disposition = exchange_header(r->x, "Content-Disposition");
	e = upload_head_check(put->cache_control, "Cache-Control", &r->why);
	if (e == 0)
		e = upload_head_check(
			put->disposition, "Content-Disposition", &r->why);
	if (e == 0)
		e = read_preconditions(r, put);
	if (e == 0)
		e = read_expire(r, put->path, put);
	return e;
}

int
upload_head_type(struct file_put *put, struct slice type, struct fault *why)
{
	/* What says nothing is guessed from the path's end. */
	if (slice_is(type, "application/octet-stream") ||
		slice_starts(type, "application/x-www-form-urlencoded"))
		type = SLICE("");
	if (!type.len)
		type = slice_str(site_type(put->path));
	put->type = type;
	return upload_head_check(type, "Content-Type", why);
}
