/*
 * Answers' heads and chunks: what is read, and what is refused because two
 * readers could understand it differently.
 */
#include "base/mem.h"
#include "http/http_chunk.h"
#include "http/http_head.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static ssize_t
read_head(struct http_head *h, const char *text, bool is_head)
{
	struct fault why;
	size_t seen = 0;

	return http_head_read(h, slice_str(text), &seen, is_head, &why);
}

static void
a_head_says_where_its_body_ends(void **state)
{
	/* RFC 9112, 6.3, in its order. */
	static const struct {
		const char *text;
		bool is_head;
		enum http_body body;
		int64_t length;
		bool close;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true,
			HTTP_BODY_NONE, 5, false},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
			false, HTTP_BODY_NONE, 5, false},
		{"HTTP/1.1 204 No Content\r\n\r\n", false, HTTP_BODY_NONE, -1,
			false},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", false,
			HTTP_BODY_NONE, 3, true},
		{"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n", false,
			HTTP_BODY_NONE, -1, true},
		{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false,
			HTTP_BODY_NONE, -1, false},
		{"HTTP/1.1 200 OK\r\ntransfer-encoding:Chunked\r\n\r\n", false,
			HTTP_BODY_CHUNKED, -1, false},
		{"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:\t5 \r\n\r\n", false,
			HTTP_BODY_LENGTH, 5, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
			HTTP_BODY_NONE, 0, false},
		{"HTTP/1.1 200\r\nX: \xff\r\n\r\n", false, HTTP_BODY_CLOSE, -1,
			true},
		/* 9.3 */
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		 "Connection: x, Close\r\n\r\n",
			false, HTTP_BODY_LENGTH, 1, true},
		{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false,
			HTTP_BODY_LENGTH, 1, true},
		{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n"
		 "Connection: keep-alive\r\n\r\n",
			false, HTTP_BODY_LENGTH, 1, false},
		{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n"
		 "Connection: keep-alive\r\nConnection: close\r\n\r\n",
			false, HTTP_BODY_LENGTH, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct http_head h;

		assert_int_equal(read_head(&h, rows[i].text, rows[i].is_head),
			strlen(rows[i].text));
		assert_int_equal(h.body, rows[i].body);
		assert_int_equal(h.length, rows[i].length);
		assert_int_equal(h.close, rows[i].close);
	}
}

static void
what_has_two_meanings_is_refused(void **state)
{
	static const char *const rows[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.2 200 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Content-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: "
		"18446744073709551617\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	static const char nul[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n";
	struct http_head h;
	struct fault why;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (read_head(&h, rows[i], false) != ERR_UPSTREAM)
			fail_msg("taken: %s", rows[i]);
	assert_int_equal(http_head_read(&h, slice_of(nul, sizeof(nul) - 1),
				 &seen, false, &why),
		ERR_UPSTREAM);
}

static void
a_head_that_comes_byte_by_byte_is_read_when_it_is_whole(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
	size_t seen = 0, len = sizeof(text) - 1 - 3;
	struct http_head h;
	struct fault why;

	(void)state;
	for (size_t n = 1; n <= sizeof(text) - 1; n++)
		assert_int_equal(http_head_read(&h, slice_of(text, n), &seen,
					 false, &why),
			n < len ? 0 : len);
	assert_int_equal(h.length, 3);
}

static void
a_head_has_a_ceiling(void **state)
{
	size_t len = HTTP_HEAD_TOP + 1, seen = 0;
	_free_ char *text = mem_alloc(len);
	struct http_head h;
	struct fault why;

	(void)state;
	memset(text, 'a', len);
	memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
	assert_int_equal(
		http_head_read(&h, slice_of(text, len - 1), &seen, false, &why),
		0);
	assert_int_equal(
		http_head_read(&h, slice_of(text, len), &seen, false, &why),
		ERR_UPSTREAM);
}

/* All of it, in pieces of `piece` bytes; what follows the end is in `*left`. */
static int
decode(const char *text, size_t len, size_t piece, char *to, size_t *left)
{
	struct http_chunk c = {0};
	struct slice data;
	struct fault why;
	int r = 0;

	*to = '\0';
	for (size_t at = 0; r == 0 && at < len; at += piece) {
		struct slice in = slice_of(text + at, min(piece, len - at));

		do {
			r = http_chunk_next(&c, &in, &data, &why);
			if (r >= 0)
				strncat(to, data.ptr, data.len);
		} while (r == 0 && (data.len || in.len));
		*left = in.len + (len - min(at + piece, len));
	}
	return r;
}

static void
chunks_are_put_together_however_they_come(void **state)
{
	static const struct {
		const char *text, *body;
		size_t left;
	} rows[] = {
		{"4\r\nWiki\r\n7\r\npedia i\r\nB\r\nn \r\nchunks.\r\n"
		 "0\r\n\r\n",
			"Wikipedia in \r\nchunks.", 0},
		{"00a;x=\"1\" ;y\r\n0123456789\r\n0\r\nExpires: 1\r\nA:\r\n\r\n"
		 "HTTP",
			"0123456789", 4},
		{"0\r\n\r\n", "", 0},
	};
	char body[100];
	size_t left;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		for (size_t piece = 1; piece < 40; piece++) {
			assert_int_equal(
				decode(rows[i].text, strlen(rows[i].text),
					piece, body, &left),
				1);
			assert_string_equal(body, rows[i].body);
			assert_int_equal(left, rows[i].left);
		}
}

static void
chunks_that_cannot_be_read_are_refused(void **state)
{
	static const char *const rows[] = {
		"\r\n",
		" 1\r\na\r\n",
		"-1\r\na\r\n",
		"0x1\r\na\r\n",
		"g\r\n",
		"1\na\r\n",
		"1\r\nab\r\n",
		"1\r\na\n0\r\n\r\n",
		"1;a\nb\r\n",
		"1;a\rb\r\n",
		"0\r\nA: 1\n\r\n",
		"0\r\n\n",
		"8000000000000000\r\n",
		"fffffffffffffffff\r\n",
	};
	char body[100];
	size_t left;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (decode(rows[i], strlen(rows[i]), 100, body, &left) !=
			ERR_UPSTREAM)
			fail_msg("taken: %s", rows[i]);
}

static void
extensions_and_trailers_have_a_ceiling(void **state)
{
	static const char *const begins[] = {"1;", "0\r\nA:"};

	(void)state;
	for (size_t i = 0; i < array_size(begins); i++) {
		size_t len = 20 * 1024, left;
		_free_ char *text = mem_alloc(len);
		char body[100];

		memset(text, 'a', len);
		memcpy(text, begins[i], strlen(begins[i]));
		assert_int_equal(
			decode(text, len, len, body, &left), ERR_UPSTREAM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_says_where_its_body_ends),
		cmocka_unit_test(what_has_two_meanings_is_refused),
		cmocka_unit_test(
			a_head_that_comes_byte_by_byte_is_read_when_it_is_whole),
		cmocka_unit_test(a_head_has_a_ceiling),
		cmocka_unit_test(chunks_are_put_together_however_they_come),
		cmocka_unit_test(chunks_that_cannot_be_read_are_refused),
		cmocka_unit_test(extensions_and_trailers_have_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
