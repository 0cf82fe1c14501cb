/*
 * A server's answer: its head, and its chunks.  It is understood alike whether
 * it comes whole or byte by byte, and nothing of it is data twice.
 */
#include "base/buf.h"
#include "http/http_chunk.h"
#include "http/http_head.h"
#include "tests/fuzz/fuzz.h"

/* What the promises of http_head.h are. */
static void
check_head(const struct http_head *h, bool is_head)
{
	must(h->status >= 100 && h->status <= 599);
	must(h->length >= -1);
	must(!h->chunked || (h->length < 0 && !h->old));
	must(h->body != HTTP_BODY_CLOSE || h->close);
	must(h->body != HTTP_BODY_LENGTH || h->length > 0);
	must(h->body == HTTP_BODY_NONE ||
		(!is_head && h->status >= 200 && h->status != 204 &&
			h->status != 304));
}

static ssize_t
head_by_bytes(struct slice in, bool is_head, struct http_head *h)
{
	struct fault why;
	size_t seen = 0;
	ssize_t r = 0;

	for (size_t n = 1; r == 0 && n <= in.len; n++)
		r = http_head_read(
			h, slice_of(in.ptr, n), &seen, is_head, &why);
	return r;
}

/* Returns what http_chunk_next did last, `*used` and `to` what it took. */
static int
decode(struct slice in, size_t piece, struct buf *to, size_t *used)
{
	struct http_chunk c = {0};
	struct fault why;
	int r = 0;

	*used = 0;
	while (r == 0 && *used < in.len) {
		size_t n = min(piece, in.len - *used);
		struct slice part = slice_of(in.ptr + *used, n), data;

		r = http_chunk_next(&c, &part, &data, &why);
		if (r < 0)
			break;
		must(part.len < n && part.ptr + part.len == in.ptr + *used + n);
		must(data.ptr >= in.ptr && data.ptr + data.len <= part.ptr);
		buf_slice(to, data);
		*used += n - part.len;
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole _buf_ = {0}, bytes _buf_ = {0};
	struct http_head a, b;
	struct fault why;
	struct slice in;
	size_t seen = 0, used[2];
	bool is_head;
	ssize_t n;
	int r;

	if (size < 1 || size > 4096)
		return 0;
	is_head = data[0] & 1;
	in = slice_of(data + 1, size - 1);
	n = http_head_read(&a, in, &seen, is_head, &why);
	must(head_by_bytes(in, is_head, &b) == n);
	if (n < 0)
		must(n == ERR_UPSTREAM && why.text[0]);
	if (n > 0) {
		must((size_t)n <= in.len);
		check_head(&a, is_head);
		must(a.status == b.status && a.body == b.body &&
			a.length == b.length && a.close == b.close);
		in = slice_of(in.ptr + n, in.len - (size_t)n);
	}
	buf_init(&whole, size);
	buf_init(&bytes, size);
	r = decode(in, in.len, &whole, &used[0]);
	must(decode(in, 1, &bytes, &used[1]) == r);
	must(slice_eq(buf_all(&whole), buf_all(&bytes)));
	must(r < 0 || used[0] == used[1]);
	return 0;
}
