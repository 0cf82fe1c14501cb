/*
 * Where frames end: RFC 6455's own examples (5.7), in any pieces.
 */
#include "http/ws_edges.h"

#include "tests/unit/test.h"

#include <string.h>

enum { TOP = 70000 };

/* Frames one after the other, with the length of each. */
struct stream {
	char bytes[TOP * 2];
	size_t len, count, ends[16];
};

static void
put(struct stream *s, const char *head, size_t head_len, size_t payload)
{
	memcpy(s->bytes + s->len, head, head_len);
	memset(s->bytes + s->len + head_len, 'x', payload);
	s->len += head_len + payload;
	s->ends[s->count++] = s->len;
}

static void
examples(struct stream *s)
{
	*s = (struct stream){0};
	put(s, "\x81\x05", 2, 5);                      /* text */
	put(s, "\x81\x85\x37\xfa\x21\x3d", 6, 5);      /* masked */
	put(s, "\x01\x03", 2, 3);                      /* a fragment */
	put(s, "\x89\x05", 2, 5);                      /* ping within */
	put(s, "\x80\x02", 2, 2);                      /* the last */
	put(s, "\x82\x7e\x01\x00", 4, 256);            /* 256 bytes */
	put(s, "\x82\x7f\0\0\0\0\0\1\0\0", 10, 65536); /* 64 KiB */
	put(s, "\x82\x80\1\2\3\4", 6, 0);              /* nothing, masked */
	put(s, "\x82\xfe\x00\x7e\1\2\3\4", 8, 126);    /* masked, 126 */
	put(s, "\x88\x02", 2, 2);                      /* close */
}

static void
frames_end_where_they_do_in_whatever_pieces_they_come(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 7, 1000, 2 * TOP};
	static struct stream s;

	(void)state;
	examples(&s);
	for (size_t i = 0; i < array_size(pieces); i++) {
		struct ws_edges e = {0};
		size_t at = 0, found = 0;

		while (at < s.len) {
			size_t piece = min(pieces[i], s.len - at);
			size_t n =
				ws_edges_cut(&e, slice_of(s.bytes + at, piece));

			assert_in_range(n, 1, piece);
			at += n;
			if (!ws_edges_between(&e))
				continue;
			assert_int_equal(at, s.ends[found++]);
			assert_int_equal(e.closed, found == s.count);
		}
		assert_int_equal(found, s.count);
	}
}

static void
a_length_without_end_is_no_length_at_all(void **state)
{
	struct ws_edges e = {0};
	char room[64] = "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff";

	(void)state;
	assert_int_equal(
		ws_edges_cut(&e, slice_of(room, sizeof(room))), sizeof(room));
	assert_false(ws_edges_between(&e));
	assert_true(e.left == UINT64_MAX - (sizeof(room) - 10));
}

static void
a_close_frame_is_one_masked_or_not(void **state)
{
	char frame[WS_CLOSE_TOP], reason[200];
	size_t n = ws_close_put(frame, 1012, "bye", false);
	struct ws_edges e = {0};

	(void)state;
	assert_int_equal(n, 7);
	assert_memory_equal(frame,
		"\x88\x05\x03\xf4"
		"bye",
		7);
	n = ws_close_put(frame, 1012, "bye", true);
	assert_int_equal(n, 11);
	assert_memory_equal(frame, "\x88\x85", 2);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			(frame[6 + i] ^ frame[2 + i % 4]) & 0xff, ("\x03\xf4"
								   "bye")[i] &
									  0xff);
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	n = ws_close_put(frame, 1001, reason, true);
	assert_int_equal(n, WS_CLOSE_TOP);
	assert_int_equal(ws_edges_cut(&e, slice_of(frame, n)), n);
	assert_true(e.closed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			frames_end_where_they_do_in_whatever_pieces_they_come),
		cmocka_unit_test(a_length_without_end_is_no_length_at_all),
		cmocka_unit_test(a_close_frame_is_one_masked_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
