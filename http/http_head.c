/*
 * Reading an answer's head.  The end is looked for first, so that everything
 * after it works on whole lines and there is no state between two calls.
 *
 * Refused, although some readers would make sense of it: lines that do not end
 * in CRLF, folded lines, blanks before a colon, Content-Length more than once
 * or beside Transfer-Encoding, a coding other than "chunked", chunks in
 * HTTP/1.0 (RFC 9112, 2.2, 5.1, 5.2, 6.1, 6.3).
 */
#include "http/http_head.h"

#include "base/header_name.h"

static int
refuse(struct fault *why, const char *what)
{
	return fault_set(
		why, ERR_UPSTREAM, "its answer is not HTTP/1.1: %s", what);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the last blank may be missing with the reason. */
static int
read_status(struct http_head *h, struct slice line, struct fault *why)
{
	const char *p = line.ptr;

	if (line.len < 12 || !slice_starts(line, "HTTP/1.") ||
		(p[7] != '0' && p[7] != '1') || p[8] != ' ' ||
		!is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) ||
		(line.len > 12 && p[12] != ' '))
		return refuse(why, "it does not begin with a status");
	h->old = p[7] == '0';
	h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0';
	if (h->status < 100 || h->status > 599)
		return refuse(why, "its status is not one of 100 to 599");
	return 0;
}

static int
read_length(struct http_head *h, struct slice value, struct fault *why)
{
	uint64_t n;

	if (h->length >= 0)
		return refuse(why, "it has two Content-Length");
	if (slice_to_u64(value, INT64_MAX, &n) < 0)
		return refuse(why, "its Content-Length is no number");
	h->length = (int64_t)n;
	return 0;
}

static int
read_coding(struct http_head *h, struct slice value, struct fault *why)
{
	if (h->chunked || !slice_is_nocase(value, "chunked"))
		return refuse(why, "its Transfer-Encoding is not \"chunked\"");
	if (h->old)
		return refuse(why, "it has chunks in HTTP/1.0");
	h->chunked = true;
	return 0;
}

/* What its Connection headers say. */
struct said {
	bool keep, close;
};

static void
read_connection(struct said *said, struct slice value)
{
	struct slice one;

	while (slice_split(&value, ',', &one)) {
		one = slice_trim(one);
		said->close |= slice_is_nocase(one, "close");
		said->keep |= slice_is_nocase(one, "keep-alive");
	}
}

static int
read_line(struct http_head *h, struct slice line, struct said *said,
	struct fault *why)
{
	struct slice name = slice_of(line.ptr, header_name_len(line)), value;

	if (!name.len || name.len == line.len || line.ptr[name.len] != ':')
		return refuse(why, "a line of its head is no header");
	value = slice_trim(
		slice_of(line.ptr + name.len + 1, line.len - name.len - 1));
	switch (name.len) {
	case 10:
		if (slice_is_nocase(name, "Connection"))
			read_connection(said, value);
		return 0;
	case 14:
		if (slice_is_nocase(name, "Content-Length"))
			return read_length(h, value, why);
		return 0;
	case 17:
		if (slice_is_nocase(name, "Transfer-Encoding"))
			return read_coding(h, value, why);
		return 0;
	default:
		return 0;
	}
}

/* RFC 9112, 6.3. */
static int
find_body(struct http_head *h, bool is_head, struct fault *why)
{
	bool bare = h->status < 200 || h->status == 204;

	if (h->chunked && h->length >= 0)
		return refuse(
			why, "it has Content-Length and Transfer-Encoding");
	if (bare || h->status == 304 || is_head) {
		h->body = HTTP_BODY_NONE;
		/* Some send the body of an answer that must not have one. */
		if (bare && (h->chunked || h->length > 0))
			h->close = true;
	} else if (h->chunked) {
		h->body = HTTP_BODY_CHUNKED;
	} else if (h->length >= 0) {
		h->body = h->length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	} else {
		h->body = HTTP_BODY_CLOSE;
		h->close = true;
	}
	return 0;
}

static int
read_lines(
	struct http_head *h, struct slice rest, bool is_head, struct fault *why)
{
	struct said said = {0};
	struct slice line;
	bool first = true;
	int e = 0;

	while (e == 0 && rest.len) {
		(void)slice_split(&rest, '\n', &line);
		/* every '\n' has its '\r', which stands nowhere else */
		if (!line.len || line.ptr[--line.len] != '\r' ||
			memchr(line.ptr, '\r', line.len) ||
			memchr(line.ptr, '\0', line.len))
			return refuse(why, "its lines do not end in CR LF");
		if (first)
			e = read_status(h, line, why);
		else if (line.len)
			e = read_line(h, line, &said, why);
		first = false;
	}
	/* "close" goes before "keep-alive" (RFC 9112, 9.3) */
	h->close = said.close || (h->old && !said.keep);
	return e < 0 ? e : find_body(h, is_head, why);
}

/* A bare LF LF ends what is no head of ours, too, so that it is refused now and
 * not when nothing more comes. */
static size_t
find_end(struct slice in, size_t *seen)
{
	size_t from = *seen > 3 ? *seen - 3 : 0;
	const char *at = in.ptr + from, *end = in.ptr + in.len;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		if ((at >= in.ptr + 1 && at[-1] == '\n') ||
			(at >= in.ptr + 2 && at[-1] == '\r' && at[-2] == '\n'))
			return (size_t)(at + 1 - in.ptr);
		at++;
	}
	*seen = in.len;
	return 0;
}

ssize_t
http_head_read(struct http_head *ret, struct slice in, size_t *seen,
	bool is_head, struct fault *why)
{
	size_t len;
	int e;

	*ret = (struct http_head){.length = -1};
	/* What does not begin as an answer need not be waited for. */
	if (in.len && memcmp(in.ptr, "HTTP/1.", min(in.len, (size_t)7)) != 0)
		return refuse(why, "it does not begin with a status");
	len = find_end(in, seen);
	if (len > HTTP_HEAD_TOP || (!len && in.len > HTTP_HEAD_TOP))
		return refuse(why, "its head is larger than 64 KiB");
	if (!len)
		return 0;
	e = read_lines(ret, slice_of(in.ptr, len), is_head, why);
	return e < 0 ? e : (ssize_t)len;
}
